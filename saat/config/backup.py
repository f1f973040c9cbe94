"""One file that holds a whole installation, made while it runs, and the way back.

The file is a tar archive, compressed by gzip: `saat-backup.json` (what is in it, with digests and the heads of the
logs), the database (`database.sqlite3`, or `database.pgdump` as pg_dump writes it), the photos, the streets, the
position log, and the secret key. Whoever has it has everything, so it is readable by its owner alone; keep it as you
keep the data.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from saat import __version__

FORMAT = 1
_MANIFEST = "saat-backup.json"
_DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
_KEPT = ("secret.key", "demo.json")
_PHOTO = re.compile(r"^photos/([0-9a-f]{2})/([0-9a-f]{64})\.jpg$")
_STREETS = re.compile(r"^map/[a-z0-9][a-z0-9_.-]*\.geojson$")
_POSITIONS = re.compile(
    r"^positions/(?:\d{4}-\d\d-\d\d\.sqlite3|archive/\d{4}-\d\d-\d\d/part-\d{3,6}\.parquet)$", re.ASCII
)
_CHUNK = 1024 * 1024


class BackupRefused(Exception):
    """A backup cannot be made or restored; the message says why and what is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a backup holds. heads: jurisdiction_id to number and hash of the log's last event."""

    made_at: str
    version: str
    vendor: str
    photos: int
    missing_photos: int
    size: int
    heads: dict[str, tuple[int, str]]


def back_up(path: Path, *, now: datetime, force: bool = False) -> Contents:
    """Write everything into one file, while the server may go on.

    :raises BackupRefused: if the file is there already and `force` is not given, or the database cannot be read.
    """
    if path.exists() and not force:
        raise BackupRefused(f"{path} is there already; choose another name, or say --force to write over it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    vendor = connection.vendor
    with tempfile.TemporaryDirectory(prefix="saat-backup-", dir=path.parent) as folder:
        copy = Path(folder) / _DATABASES[vendor]
        digests, heads = _copy_sqlite(copy) if vendor == "sqlite" else _copy_postgresql(copy)
        positions = _copy_positions(Path(folder))
        there = {digest: _photo_path(digest) for digest in digests if _photo_path(digest).exists()}
        manifest = {
            "format": FORMAT,
            "made_at": now.isoformat(),
            "version": __version__,
            "vendor": vendor,
            "migrations": sorted(f"{app}.{name}" for app, name in _applied()),
            "database_sha256": _digest_of(copy),
            "photos": len(there),
            "missing_photos": len(digests) - len(there),
            "positions": {name: _digest_of(Path(folder) / name) for name in positions},
            "heads": heads,
        }
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as archive:
                _add_text(archive, _MANIFEST, json.dumps(manifest, indent=1), now)
                archive.add(copy, arcname=copy.name)
                for name in _KEPT:
                    if (settings.VAR / name).exists():
                        archive.add(settings.VAR / name, arcname=name)
                for streets in sorted((settings.VAR / "map").glob("*.geojson")):
                    archive.add(streets, arcname=f"map/{streets.name}")
                for name in positions:
                    archive.add(Path(folder) / name, arcname=name)
                for digest, photo in there.items():
                    archive.add(photo, arcname=f"photos/{digest[:2]}/{digest}.jpg")
                archive.close()
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return _contents(manifest, path)


def read_contents(path: Path) -> Contents:
    """Return what a backup says that it holds.

    :raises BackupRefused: if it is no backup, or one of a newer format.
    """
    with _opened(path) as archive:
        return _contents(_manifest(archive, path), path)


def restore(path: Path, *, now: datetime, force: bool = False) -> Contents:
    """Put a backup in the place of what is in the folder (and the database); what was there is kept beside it.

    Everything is unpacked and compared with its digests before anything is touched.

    :raises BackupRefused: if it is no backup, is damaged, is of another kind of database or a newer program, or there
        is something in its place and `force` is not given.
    """
    var: Path = settings.VAR
    with _opened(path) as archive:
        manifest = _manifest(archive, path)
        _check_fits(manifest)
        filled = _is_filled()
        if filled and not force:
            raise BackupRefused(
                f"There is an installation in {var if connection.vendor == 'sqlite' else 'this database'} already; "
                f"choose another {'folder with --var' if connection.vendor == 'sqlite' else 'database'}, "
                "or say --force to put the backup in its place."
            )
        with tempfile.TemporaryDirectory(prefix="restore-", dir=var) as folder:
            fresh = Path(folder)
            _unpack(archive, fresh, manifest)
            connections.close_all()
            if manifest["vendor"] == "sqlite":
                _check_sqlite(fresh / _DATABASES["sqlite"])
                _put_in_place(fresh, var, now, keep=filled)
            else:
                _load_postgresql(fresh / _DATABASES["postgresql"])
                (fresh / _DATABASES["postgresql"]).unlink()
                _put_in_place(fresh, var, now, keep=filled)
    return _contents(manifest, path)


# --------------------------------------------------------------------------------------------------- databases


def _copy_sqlite(copy: Path) -> tuple[list[str], dict[str, Any]]:
    """Copy the database as it is at one moment, while others write, and read from the copy what belongs to it."""
    source = sqlite3.connect(settings.DATABASES["default"]["NAME"])
    target = sqlite3.connect(copy)
    try:
        source.backup(target, pages=2000)
        target.execute("PRAGMA journal_mode=DELETE")
        _quick_check(target)
        digests = [row[0] for row in target.execute(_DIGESTS)]
        heads = {row[0]: [row[1], row[2]] for row in target.execute(_HEADS)}
    finally:
        source.close()
        target.close()
    return digests, heads


def _copy_positions(folder: Path) -> list[str]:
    """Copy the position log as it is, while devices go on sending; return the names of its files."""
    source = settings.VAR / "positions"
    names = []
    for path in sorted([*source.glob("*.sqlite3"), *source.glob("archive/*/*.parquet")]):
        name = f"positions/{path.relative_to(source).as_posix()}"
        if not _POSITIONS.match(name):
            continue
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            _copy_position_file(path, copy)
        except FileNotFoundError:
            continue  # its day went into the archive, or its time was over, just now
        names.append(name)
    return names


def _copy_position_file(path: Path, copy: Path) -> None:
    if path.suffix != ".sqlite3":
        shutil.copyfile(path, copy)
        return
    if not path.exists():
        raise FileNotFoundError(path)
    origin, target = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        origin.backup(target, pages=2000)
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        origin.close()
        target.close()


_DIGESTS = "SELECT DISTINCT digest FROM records_photo WHERE removed_at IS NULL ORDER BY digest"
_HEADS = (
    "SELECT city.jurisdiction_id, head.seq, head.hash FROM records_chainhead head "
    "JOIN records_city city ON city.id = head.city_id"
)


def _copy_postgresql(copy: Path) -> tuple[list[str], dict[str, Any]]:
    """Dump the database from one snapshot, and read what belongs to it from the same snapshot."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
            _postgresql("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
                        f"--file={copy}")  # fmt: skip
            cursor.execute(_DIGESTS)
            digests = [row[0] for row in cursor.fetchall()]
            cursor.execute(_HEADS)
            heads = {row[0]: [row[1], row[2]] for row in cursor.fetchall()}
        finally:
            cursor.execute("ROLLBACK")
    return digests, heads


def _load_postgresql(dump: Path) -> None:
    _postgresql("pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
                f"--dbname={settings.DATABASES['default']['NAME']}", str(dump))  # fmt: skip


def _postgresql(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on our database; the password never stands on a command line."""
    database: dict[str, Any] = dict(settings.DATABASES["default"])
    env = dict(os.environ, PGDATABASE=str(database["NAME"]))
    for name, variable in (("HOST", "PGHOST"), ("PORT", "PGPORT"), ("USER", "PGUSER"), ("PASSWORD", "PGPASSWORD")):
        if database.get(name):
            env[variable] = str(database[name])
    try:
        done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BackupRefused(
            f"{program} is not on this machine; install PostgreSQL's client programs (Debian: postgresql-client)."
        ) from error
    if done.returncode:
        why = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it gave no reason")
        raise BackupRefused(f"{program} failed: {why.strip()}.")


def _check_sqlite(path: Path) -> None:
    database = sqlite3.connect(path)
    try:
        _quick_check(database)
    finally:
        database.close()


def _quick_check(database: sqlite3.Connection) -> None:
    found = [row[0] for row in database.execute("PRAGMA quick_check(5)")]
    if found != ["ok"]:
        raise BackupRefused(f"The database is damaged: {found[0]}.")


def _is_filled() -> bool:
    if connection.vendor == "sqlite" and not Path(settings.DATABASES["default"]["NAME"]).exists():
        return False
    with connection.cursor() as cursor:
        if "records_city" not in connection.introspection.table_names(cursor):
            return False
        cursor.execute("SELECT count(*) FROM records_city")
        return bool(cursor.fetchone()[0])


def _applied() -> list[tuple[str, str]]:
    return list(MigrationLoader(connection).applied_migrations)


# ----------------------------------------------------------------------------------------------------- the file


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            yield archive
    except FileNotFoundError as error:
        raise BackupRefused(f"There is no file {path}.") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupRefused(f"{path} is no backup, or is damaged: {' '.join(str(error).split())}.") from error


def _manifest(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    first = archive.next()
    file = archive.extractfile(first) if first is not None and first.name == _MANIFEST else None
    if file is None:
        raise BackupRefused(f"{path} is no backup of Saat.")
    try:
        manifest = json.loads(file.read())
    except ValueError as error:
        raise BackupRefused(f"{path} is damaged: its list of contents cannot be read.") from error
    if manifest.get("format") != FORMAT:
        raise BackupRefused(f"{path} was made by a newer Saat ({manifest.get('version')}); update this one first.")
    return dict(manifest)


def _check_fits(manifest: dict[str, Any]) -> None:
    if manifest["vendor"] != connection.vendor:
        raise BackupRefused(
            f"The backup is of {manifest['vendor']}, this installation uses {connection.vendor}; "
            "set DATABASE_URL accordingly."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = [name for name in manifest["migrations"] if name not in known]
    if unknown:
        raise BackupRefused(
            f"The backup was made by a newer Saat ({manifest['version']}, with {unknown[0]}); update this one first."
        )


def _unpack(archive: tarfile.TarFile, folder: Path, manifest: dict[str, Any]) -> None:
    """Unpack what a backup may hold and nothing else, and compare it with its digests."""
    photos = 0
    for member in archive:
        if member.name == _MANIFEST:
            continue
        if not member.isfile() or not _belongs(member.name):
            raise BackupRefused(f"The backup holds {member.name!r}, which does not belong there; it is not ours.")
        path = folder / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        source = archive.extractfile(member)
        assert source is not None
        with path.open("wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
        found = _PHOTO.match(member.name)
        if found:
            photos += 1
            if _digest_of(path) != found[2]:
                raise BackupRefused(f"The backup is damaged: photo {found[2][:12]}… is not the one that was kept.")
    database = folder / _DATABASES[manifest["vendor"]]
    if not database.exists() or _digest_of(database) != manifest["database_sha256"]:
        raise BackupRefused("The backup is damaged: its database is not the one that was kept.")
    for name, digest in manifest.get("positions", {}).items():  # backups of before trucks have none
        if not _POSITIONS.match(name) or not (folder / name).exists() or _digest_of(folder / name) != digest:
            raise BackupRefused(f"The backup is damaged: {name} is not the one that was kept.")
    if photos != manifest["photos"]:
        raise BackupRefused(f"The backup is damaged: {photos} of {manifest['photos']} photos are in it.")


def _belongs(name: str) -> bool:
    known = name in _KEPT or name in _DATABASES.values()
    return known or bool(_PHOTO.match(name) or _STREETS.match(name) or _POSITIONS.match(name))


def _put_in_place(fresh: Path, var: Path, now: datetime, *, keep: bool) -> None:
    """Move what was unpacked to where it belongs; what was there goes into a folder named for the moment.

    keep: also a secret key, which starting in an empty folder has only just made.
    """
    kept = var / f"before-restore-{now:%Y%m%dT%H%M%SZ}"
    places = {
        fresh / _DATABASES["sqlite"]: Path(str(settings.DATABASES["default"]["NAME"])),
        fresh / "photos": Path(settings.PHOTO_ROOT),
        fresh / "map": var / "map",
        fresh / "positions": var / "positions",
        **{fresh / name: var / name for name in _KEPT},
    }
    for source, target in places.items():
        if source == fresh / _DATABASES["sqlite"] and connection.vendor != "sqlite":
            continue
        beside = [Path(f"{target}-wal"), Path(f"{target}-shm")] if source.suffix == ".sqlite3" else []
        for old in (target, *beside):
            if old.exists() and (keep or old.name != "secret.key"):
                kept.mkdir(parents=True, exist_ok=True)
                old.replace(kept / old.name)
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
    if (var / "secret.key").exists():
        (var / "secret.key").chmod(0o600)


def _photo_path(digest: str) -> Path:
    return Path(settings.PHOTO_ROOT) / digest[:2] / f"{digest}.jpg"


def _digest_of(path: Path) -> str:
    total = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()


def _add_text(archive: tarfile.TarFile, name: str, text: str, now: datetime) -> None:
    data = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(data), int(now.timestamp()), 0o600
    archive.addfile(member, io.BytesIO(data))


def _contents(manifest: dict[str, Any], path: Path) -> Contents:
    return Contents(
        made_at=manifest["made_at"],
        version=manifest["version"],
        vendor=manifest["vendor"],
        photos=manifest["photos"],
        missing_photos=manifest["missing_photos"],
        size=path.stat().st_size,
        heads={name: (head[0], head[1]) for name, head in manifest["heads"].items()},
    )
