"""The position log: what devices sent, durable before it is acknowledged, in one SQLite file a day.

A file is named for the day (UTC) on which its positions were received, `2026-11-23.sqlite3`. Rows are only added, in
order of arrival, so a follower in another process reads on by row. A batch is one statement and one commit: SQLite
works through it without Python's lock, so the process goes on answering meanwhile.

Days that are over go into an archive (`position_archive`), from which they are read as before.

When a new day begins, the file before is closed by a trigger that refuses more rows. So whoever has read a closed file
to its end has read all of it, and no writer with a slow clock can put something behind a reader's back.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings

from saat.records.position_archive import Archive
from saat.terms.position import Position

SUFFIX = ".sqlite3"
# The index is kept by spans of two seconds, so that what comes at one time lies together in it: with 55,000 devices an
# index by device alone would write a page of 4 kB for each position, and the disk would be the limit.
_SPAN_S = 2
_SPAN = f"CAST(fixed_s / {_SPAN_S} AS INTEGER)"
_COLUMNS = ", ".join(Position._fields)
_WIDTH = len(Position._fields)
_MOST_ROWS = 2048  # SQLite takes at most 32,766 values in one statement
_BUSY_S = 20.0
_DAY_S = 86_400.0
_SCHEMA = f"""
CREATE TABLE position (
    row INTEGER PRIMARY KEY, device_id INTEGER NOT NULL, fixed_s REAL NOT NULL, received_s REAL NOT NULL,
    lat REAL NOT NULL, lon REAL NOT NULL, speed_mps REAL, course_deg REAL, accuracy_m REAL,
    flags INTEGER NOT NULL, battery_share REAL
);
CREATE UNIQUE INDEX one_fix ON position ({_SPAN}, device_id, fixed_s);
"""
_CLOSE = """
CREATE TRIGGER IF NOT EXISTS closed BEFORE INSERT ON position BEGIN SELECT RAISE(ABORT, 'this day is closed'); END
"""
_IS_CLOSED = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'closed'"
_READ_ON = f"SELECT row, {_COLUMNS} FROM position WHERE row > ? ORDER BY row LIMIT ?"  # noqa: S608 - names only
_FIRST = f"SELECT min({_SPAN}) FROM position"  # noqa: S608 - names only
_LAST = f"SELECT max({_SPAN}) FROM position"  # noqa: S608 - names only
_OF_DEVICES = (
    f"SELECT {_COLUMNS} FROM position WHERE {_SPAN} IN (SELECT value FROM json_each(?)) "  # noqa: S608 - names only
    "AND device_id IN (SELECT value FROM json_each(?)) AND fixed_s BETWEEN ? AND ?"
)
# For so many devices and spans that going through the whole day is quicker.
_OF_MANY = (
    f"SELECT {_COLUMNS} FROM position NOT INDEXED WHERE fixed_s BETWEEN ? AND ? "  # noqa: S608 - names only
    "AND device_id IN (SELECT value FROM json_each(?))"
)
# "Between" twice the same: for an equal sign SQLite would put the value into the span and then not use the index.
_HAS = (
    f"SELECT 1 FROM position WHERE {_SPAN} = ?1 AND device_id = ?2 "  # noqa: S608 - names only
    "AND fixed_s BETWEEN ?3 AND ?3"
)


@dataclass(frozen=True, slots=True, order=True)
class LogMark:
    """A place in the log. log: the name of a day's file, "" before the first. row: the last row that was read."""

    log: str = ""
    row: int = 0


class PositionLog:
    """The log in one folder. May be shared by threads, which then take turns; processes each open their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.archive = Archive(self.folder / "archive")
        self._guard = threading.RLock()
        self._writer: tuple[str, sqlite3.Connection] | None = None
        self._readers: dict[str, sqlite3.Connection] = {}

    def append(self, positions: Sequence[Position]) -> int:
        """Write positions down; they are on disk when this returns. Returns how many were new.

        A position of a device and moment that is there already is left out, on whatever day it was received.

        :raises sqlite3.Error: if they cannot be written; none of them is then acknowledged.
        """
        if not positions:
            return 0
        with self._guard:
            day = _day_of(max(position.received_s for position in positions))
            while True:
                name, connection = self._open_writer(day)
                fresh = self._not_in_earlier(positions, name)
                try:
                    return _insert(connection, fresh)
                except sqlite3.IntegrityError:
                    if not _is_closed(connection):
                        raise
                    self._close_writer()  # another process began a new day

    def read_on(self, mark: LogMark, limit: int) -> tuple[list[Position], LogMark]:
        """Return what came after a mark, in order of arrival, at most so many; and the mark after it.

        Goes on to the next day's file as soon as a file is closed and read to its end.
        """
        found: list[Position] = []
        with self._guard:
            for name in self._names_from(mark.log):
                after = mark.row if name == mark.log else 0
                rows, whole = self._read(name, after, limit - len(found))
                found += [Position._make(values) for _, *values in rows]
                if rows or name != mark.log:
                    mark = LogMark(name, rows[-1][0] if rows else 0)
                if not whole or len(found) >= limit:
                    break
        return found, mark

    def end(self) -> LogMark:
        """Return the mark after everything that is in the log now."""
        with self._guard:
            names = self.names()
            if not names:
                return LogMark()
            row = self._reader(names[-1]).execute("SELECT max(row) FROM position").fetchone()[0]
            return LogMark(names[-1], row or 0)

    def of_devices(self, device_ids: Iterable[int], *, from_s: float, until_s: float) -> list[Position]:
        """Return the positions that some devices fixed within a span (both ends in it), by device and moment.

        from_s, until_s: seconds since 1970. What was uploaded late is found too, on the day on which it came.
        """
        wanted = json.dumps(sorted(set(device_ids)))
        found: set[tuple[int, float]] = set()
        result: list[Position] = []
        with self._guard:
            # Devices whose clock is ahead fix on the day after the one on which it was received.
            for name in self._names_from(_day_of(from_s - _DAY_S)):
                for values in self._within(name, wanted, from_s, until_s):
                    if values[:2] not in found:
                        found.add(values[:2])
                        result.append(Position._make(values))
        result.sort(key=_by_device)
        return result

    def names(self) -> list[str]:
        """Return the names of the days that have a file, the oldest first."""
        return sorted(path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))

    def closed_names(self) -> list[str]:
        """Return the names of the days that nobody can add to any more, and that are not in the archive."""
        with self._guard:
            return [name for name in self.names()[:-1] if _is_closed(self._reader(name))]

    def delete(self, name: str) -> int:
        """Delete a closed day; return how many rows it had."""
        with self._guard:
            rows = self._reader(name).execute("SELECT count(*) FROM position").fetchone()[0]
            self._readers.pop(name).close()
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path_of(name)}{suffix}").unlink(missing_ok=True)
            return int(rows)

    def path_of(self, name: str) -> Path:
        """Return where a day's file lies."""
        return self.folder / f"{name}{SUFFIX}"

    def close(self) -> None:
        """Close every file. What was appended is on disk already."""
        with self._guard:
            self._close_writer()
            for name in list(self._readers):
                self._readers.pop(name).close()

    # ------------------------------------------------------------------------------------------------- writing

    def _open_writer(self, day: str) -> tuple[str, sqlite3.Connection]:
        """Return the file to write to: the day's, or the newest if that is of a later day."""
        if self._writer is not None and self._writer[0] >= day:
            return self._writer
        self._close_writer()
        self.folder.mkdir(parents=True, exist_ok=True)
        names = self.names()
        name = max([day, *names[-1:]])
        if name not in names:
            self._make(name)
        connection = self._connect(name)
        for earlier in names:
            if earlier < name:
                self._shut(earlier)
        self._writer = name, connection
        return self._writer

    def _make(self, name: str) -> None:
        """Put a day's file there, whole at once, so that nobody finds it without its table."""
        handle, part = tempfile.mkstemp(prefix="new-", suffix=".part", dir=self.folder)  # readable by us alone
        os.close(handle)
        try:
            with contextlib.closing(sqlite3.connect(part)) as connection:
                connection.executescript(_SCHEMA)
            with contextlib.suppress(FileExistsError):
                os.link(part, self.path_of(name))
        finally:
            Path(part).unlink()

    def _shut(self, name: str) -> None:
        """Let nobody add to an earlier day any more."""
        if _is_closed(self._reader(name)):
            return
        with contextlib.closing(self._connect(name)) as connection:
            connection.execute(_CLOSE)

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer[1].close()
            self._writer = None

    def _connect(self, name: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path_of(name), timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA wal_autocheckpoint=10000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        return connection

    def _not_in_earlier(self, positions: Sequence[Position], name: str) -> Sequence[Position]:
        """Leave out what an earlier day's file holds; only what was fixed before this day can be there."""
        began_s = _start_of(name)
        if all(position.fixed_s >= began_s for position in positions):
            return positions
        return [
            position for position in positions if position.fixed_s >= began_s or not self._in_earlier(position, name)
        ]

    def _in_earlier(self, position: Position, name: str) -> bool:
        # What is in the archive is not looked through: who reads tracks takes a fix that is there twice once.
        since = _day_of(position.fixed_s - _DAY_S)
        for earlier in self.names():
            if earlier >= name:
                return False
            if earlier < since:
                continue
            if self._reader(earlier).execute(_HAS, _key(position)).fetchone():
                return True
        return False

    # ------------------------------------------------------------------------------------------------- reading

    def _names_from(self, name: str) -> list[str]:
        """Return the days from one on, in files or in the archive."""
        here = self.names()
        for gone in self._readers.keys() - here:
            self._readers.pop(gone).close()
        return sorted(each for each in {*here, *self.archive.names()} if each >= name)

    def _read(self, name: str, after: int, limit: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Return rows after one, and whether there can be no more of them in this file."""
        if not self.path_of(name).exists():
            rows = self.archive.read(name, after, limit)
            return rows, len(rows) < limit
        reader = self._reader(name)
        # Asked before reading: a file that was closed then gets no rows while it is read.
        closed = _is_closed(reader)
        rows = reader.execute(_READ_ON, (after, limit)).fetchall()
        return rows, closed and len(rows) < limit

    def _within(self, name: str, devices: str, from_s: float, until_s: float) -> Iterator[tuple[Any, ...]]:
        if not self.path_of(name).exists():
            yield from self.archive.of_devices(name, json.loads(devices), from_s, until_s)
            return
        reader = self._reader(name)
        first, last = (reader.execute(which).fetchone()[0] for which in (_FIRST, _LAST))
        if first is None:
            return
        spans = range(max(first, int(from_s // _SPAN_S)), min(last, int(until_s // _SPAN_S)) + 1)
        rows = reader.execute("SELECT max(row) FROM position").fetchone()[0]
        if len(spans) * (devices.count(",") + 1) > rows:
            yield from reader.execute(_OF_MANY, (from_s, until_s, devices))
        else:
            yield from reader.execute(_OF_DEVICES, (json.dumps(list(spans)), devices, from_s, until_s))

    def _reader(self, name: str) -> sqlite3.Connection:
        reader = self._readers.get(name)
        if reader is None:
            path = self.path_of(name)
            # Not read-only: the first to open a file after a crash may have to bring in what its journal holds.
            reader = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=rw",
                uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            reader.execute("PRAGMA mmap_size=268435456")
            self._readers[name] = reader
        return reader


def position_log() -> PositionLog:
    """Return the installation's log; close it when done."""
    return PositionLog(Path(settings.VAR) / "positions")


def _insert(connection: sqlite3.Connection, positions: Sequence[Position]) -> int:
    before = connection.total_changes
    if len(positions) > _MOST_ROWS:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for at in range(0, len(positions), _MOST_ROWS):
                _insert_some(connection, positions[at : at + _MOST_ROWS])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    elif positions:
        _insert_some(connection, positions)
    return connection.total_changes - before


def _insert_some(connection: sqlite3.Connection, positions: Sequence[Position]) -> None:
    """Insert with a statement for the next power of two, so that a few prepared statements serve every size."""
    size = 1 << (len(positions) - 1).bit_length()
    values: list[float | None] = list(chain.from_iterable(positions))
    values += [None] * ((size - len(positions)) * _WIDTH)
    connection.execute(_statement(size), values)


_statements: dict[int, str] = {}


def _statement(size: int) -> str:
    found = _statements.get(size)
    if found is None:
        marks = ", ".join([f"({', '.join('?' * _WIDTH)})"] * size)
        found = _statements[size] = (
            f"INSERT OR IGNORE INTO position ({_COLUMNS}) "  # noqa: S608 - names only
            f"SELECT * FROM (VALUES {marks}) WHERE column1 IS NOT NULL"
        )
    return found


def _is_closed(connection: sqlite3.Connection) -> bool:
    return connection.execute(_IS_CLOSED).fetchone() is not None


def _key(position: Position) -> tuple[int, int, float]:
    return int(position.fixed_s // _SPAN_S), position.device_id, position.fixed_s


def _by_device(position: Position) -> tuple[int, float]:
    return position.device_id, position.fixed_s


def _day_of(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).date().isoformat()


def _start_of(name: str) -> float:
    day = date.fromisoformat(name)
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def days_before(name: str, days: int) -> str:
    """Return the name of the day so many days earlier.

    >>> days_before("2026-03-02", 3)
    '2026-02-27'
    """
    return (date.fromisoformat(name) - timedelta(days=days)).isoformat()
