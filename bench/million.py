"""A city with a million cases behind it, in a folder that is made once and kept.

The rows are what the actions would have left: three years of reports, more of them every month, unevenly spread over
the sangkats and gathered at a few places in each; 3 in 100 cases still open, most of them young; 1.2 voices a case;
the words of all of them in the search index; and every case's events in one valid chain. They are written with the
indexes taken away and made again, because a million reports through the actions would take an hour.

python -m bench.million            makes it, if it is not there, and says where it lies
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.history import Table

CASES = 1_000_000
ROOT = Path(__file__).resolve().parent.parent
_SEED = 20260302
_CHUNK = 20_000


def version() -> str:
    """Return a digest of all that decides what the rows are, so that a change of the tables makes new ones."""
    total = hashlib.sha256()
    here = Path(__file__).parent
    files = [here / name for name in ("million.py", "history.py", "ground.py", "words.py")]
    files += sorted((ROOT / "saat" / "records" / "migrations").glob("0*.py"))
    files += [ROOT / "cities" / "phnom-penh.toml", ROOT / "saat" / "triage" / "tokens.py"]
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()[:12]


def folder_of(cases: int = CASES) -> Path:
    """Return the folder of an installation with so many cases, made now if it is not there. Copy it to write to it."""
    base = Path(tempfile.gettempdir()) / "saat-bench"
    folder = base / f"{cases}-{version()}"
    if (folder / "complete").exists():
        return folder
    for old in base.glob(f"{cases}-*"):
        shutil.rmtree(old)
    folder.mkdir(parents=True)
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"SAAT_VAR": str(folder)}
    subprocess.run([sys.executable, "-m", "bench.ground", "make"], env=env, cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "bench.million", "fill", str(cases)], env=env, cwd=ROOT, check=True)
    (folder / "complete").touch()
    return folder


def fill(cases: int) -> None:
    """Write the rows into the installation that SAAT_VAR names."""
    from bench import ground  # sets Django up
    from bench.history import History

    began = time.monotonic()
    history = History(cases=cases, seed=_SEED)
    _tell(began, "drawn")
    file = sqlite3.connect(ground.settings.DATABASES["default"]["NAME"], isolation_level=None)
    for pragma in (
        "journal_mode=OFF",
        "synchronous=OFF",
        "foreign_keys=OFF",
        "cache_size=-400000",
        "temp_store=MEMORY",
    ):
        file.execute(f"PRAGMA {pragma}")
    with _without_indexes(file, {table.name for table in history.tables}):
        for table in history.tables:
            rows = _insert(file, table)
            _tell(began, f"{rows:,} rows of {table.name}")
    _tell(began, "indexes")
    file.execute("INSERT INTO records_case_words(records_case_words) VALUES ('rebuild')")
    _tell(began, "search index")
    history.finish(file)
    broken = file.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise SystemExit(f"{len(broken)} rows point nowhere; the first: {broken[0]}")
    file.execute("PRAGMA journal_mode=WAL")
    file.close()
    _tell(began, "checked")


def _insert(file: sqlite3.Connection, table: Table) -> int:
    marks = ", ".join("?" * len(table.columns))
    names = ", ".join(f'"{column}"' for column in table.columns)
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
    rows, count = table.rows(), 0
    file.execute("BEGIN")
    while chunk := list(itertools.islice(rows, _CHUNK)):
        file.executemany(statement, chunk)
        count += len(chunk)
    file.execute("COMMIT")
    return count


@contextmanager
def _without_indexes(file: sqlite3.Connection, tables: set[str]) -> Iterator[None]:
    """Take the indexes and triggers of these tables away and make them again at the end."""
    found = [
        row
        for row in file.execute("SELECT type, name, sql, tbl_name FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if row[0] in ("index", "trigger") and row[3] in tables
    ]
    for kind, name, _sql, _table in found:
        file.execute(f'DROP {kind} "{name}"')
    yield
    for _kind, _name, sql, _table in found:
        file.execute(sql)


def _tell(began: float, what: str) -> None:
    print(f"  {time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fill"]:
        fill(int(sys.argv[2]))
    else:
        print(folder_of(int(sys.argv[1]) if sys.argv[1:] else CASES))
