"""Days of the position log that are over, as Parquet: a fifth of the size, and readable by any tool of analysis.

A day is a folder `archive/2026-11-20` with parts of at most half a million rows, each sorted by device and moment. The
columns are those of `Position`, and `row`, by which a follower reads on.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saat.terms.position import Position

if TYPE_CHECKING:
    import polars as pl

_COLUMNS = ("row", *Position._fields)
_PART_ROWS = 500_000


class Archive:
    """The archived days in one folder. Polars is loaded when first asked: most processes never read the archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def names(self) -> list[str]:
        """Return the names of the days that are here, the oldest first."""
        return sorted(path.name for path in self.folder.glob("????-??-??") if path.is_dir())

    def has(self, name: str) -> bool:
        """Return whether a day is here."""
        return (self.folder / name).is_dir()

    def read(self, name: str, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Return a day's rows after one, in order of arrival: the row's number and the position's fields."""
        import polars as pl

        rows = self._scan(name).filter(pl.col("row") > after).sort("row").limit(limit)
        return rows.select(_COLUMNS).collect().rows()

    def of_devices(
        self, name: str, device_ids: Collection[int], from_s: float, until_s: float
    ) -> list[tuple[Any, ...]]:
        """Return the fields of the positions that some devices fixed within a span, both ends in it."""
        import polars as pl

        wanted = pl.col("device_id").is_in(list(device_ids)) & pl.col("fixed_s").is_between(from_s, until_s)
        return self._scan(name).filter(wanted).select(Position._fields).collect().rows()

    def pack(self, name: str, log: Path) -> int:
        """Put a day that is over here, whole and on disk before its log is deleted; return how many rows.

        log: the day's SQLite file, closed. Twice is harmless.
        """
        part = self.folder / f"new-{name}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        rows = 0
        for number, some in enumerate(_parts(log)):
            self._write(part / f"part-{number:03}.parquet", some)
            rows += len(some)
        self._put(part, name)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{log}{suffix}").unlink(missing_ok=True)
        return rows

    def forget(self, name: str, device_ids: Collection[int]) -> int:
        """Write a day again without some devices; return how many rows went."""
        import polars as pl

        gone = self._scan(name).filter(pl.col("device_id").is_in(list(device_ids))).select(pl.len()).collect().item()
        if not gone:
            return 0
        part = self.folder / f"new-{name}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        for path in sorted((self.folder / name).glob("*.parquet")):
            kept = pl.read_parquet(path).filter(~pl.col("device_id").is_in(list(device_ids)))
            self._save(part / path.name, kept)
        self._put(part, name)
        return int(gone)

    def delete(self, name: str) -> int:
        """Delete a day; return how many rows it had."""
        import polars as pl

        rows = int(self._scan(name).select(pl.len()).collect().item())
        shutil.rmtree(self.folder / name)
        return rows

    def device_ids(self, name: str) -> set[int]:
        """Return whose positions a day holds."""
        return set(self._scan(name).select("device_id").unique().collect()["device_id"].to_list())

    def _scan(self, name: str) -> pl.LazyFrame:
        import polars as pl

        return pl.scan_parquet(sorted((self.folder / name).glob("*.parquet")))

    def _write(self, path: Path, rows: list[tuple[Any, ...]]) -> None:
        import polars as pl

        kinds = {name: pl.Int64 if name in ("row", "device_id", "flags") else pl.Float64 for name in _COLUMNS}
        self._save(path, pl.DataFrame(rows, schema=kinds, orient="row").sort("device_id", "fixed_s"))

    def _save(self, path: Path, frame: pl.DataFrame) -> None:
        with path.open("wb") as file:
            frame.write_parquet(file, compression="zstd", row_group_size=50_000)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(0o600)

    def _put(self, part: Path, name: str) -> None:
        """Put a folder in the place of a day's, so that after a crash one of them is there."""
        target = self.folder / name
        if target.exists():
            old = self.folder / f"old-{name}"
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
            part.rename(target)
            shutil.rmtree(old)
        else:
            part.rename(target)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def forget_in_log(log: Path, device_ids: Collection[int]) -> int:
    """Take some devices out of a day's SQLite file, so that nothing of them is left in it; return how many rows."""
    connection = sqlite3.connect(log, timeout=20.0, isolation_level=None)
    try:
        connection.execute("PRAGMA secure_delete=ON")
        gone = connection.execute(
            "DELETE FROM position WHERE device_id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(device_ids)),),
        ).rowcount
        if gone:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone
    finally:
        connection.close()


def device_ids_in_log(log: Path) -> set[int]:
    """Return whose positions a day's SQLite file holds."""
    connection = sqlite3.connect(log, timeout=20.0)
    try:
        return {row[0] for row in connection.execute("SELECT DISTINCT device_id FROM position")}
    finally:
        connection.close()


def _parts(log: Path) -> Iterator[list[tuple[Any, ...]]]:
    connection = sqlite3.connect(log, timeout=20.0)
    try:
        rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM position ORDER BY row")  # noqa: S608 - names only
        first = True
        while (some := rows.fetchmany(_PART_ROWS)) or first:
            first = False
            yield some
    finally:
        connection.close()
