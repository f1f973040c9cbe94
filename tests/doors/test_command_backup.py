"""A backup of a server that runs, put back elsewhere, holds everything; a damaged one changes nothing."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from saat.config import backup as backups
from saat.records.position_log import LogMark, position_log
from saat.terms.position import Position
from tests.city import MONDAY_MORNING
from tests.server import ROOT, SAAT, database_of_its_own

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]

NOW_S = MONDAY_MORNING.timestamp()


@pytest.fixture(scope="module")
def backup(live, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "saat.tar.gz"
    done = live.saat("backup", str(path), "--var", str(live.var))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[dict[str, str]]:
    """The environment of another machine: a database of its own."""
    with database_of_its_own() as database:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SAAT_TESTING")}
        yield {name: value for name, value in kept.items() if not name.startswith("SAAT_")} | database


def saat(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SAAT, *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def changed(backup: Path, to: Path, change) -> Path:
    """Write a backup again with each member as `change(name, data)` gives it, left out where that is None."""
    with tarfile.open(backup) as old, tarfile.open(to, "w:gz", compresslevel=1) as new:
        for member in old:
            data = change(member.name, old.extractfile(member).read())
            if data is not None:
                copy = tarfile.TarInfo(member.name)
                copy.size = len(data)
                new.addfile(copy, io.BytesIO(data))
    return to


def test_a_backup_is_for_its_owner_alone_and_is_not_written_over(backup, live):
    assert backup.stat().st_mode & 0o077 == 0
    again = live.saat("backup", str(backup), "--var", str(live.var))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    assert live.saat("backup", str(backup), "--var", str(live.var), "--force").returncode == 0


def test_a_restored_installation_is_whole_and_keeps_its_key_photos_and_streets(backup, live, elsewhere, tmp_path):
    trial = saat(elsewhere, "restore", str(backup), "--var", str(tmp_path), "--dry-run")
    assert (trial.returncode, "phnompenh.kh:" in trial.stdout) == (0, True)
    done = saat(elsewhere, "restore", str(backup), "--var", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "unbroken" in done.stdout
    checked = saat(elsewhere, "check", "--deep", "--var", str(tmp_path))
    assert checked.returncode == 0, checked.stdout
    assert (tmp_path / "secret.key").read_bytes() == (live.var / "secret.key").read_bytes()
    assert (tmp_path / "map").is_dir()
    photos = [path.name for path in (tmp_path / "photos").rglob("*.jpg")]
    assert len(photos) > 100
    twice = saat(elsewhere, "restore", str(backup), "--var", str(tmp_path))
    assert (twice.returncode, "already; choose another" in twice.stderr) == (2, True)
    forced = saat(elsewhere, "restore", str(backup), "--var", str(tmp_path), "--force")
    assert forced.returncode == 0, forced.stderr
    assert any(path.name.startswith("before-restore-") for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda name, data: data[:-1] + b"x" if name.startswith("photos/") else data, "is not the one that was kept"),
        (lambda name, data: data[:-1] + b"x" if name.startswith("database.") else data, "its database is not the one"),
        (lambda name, data: None if name.startswith("photos/a") else data, "photos are in it"),
        (lambda name, data: None if name.startswith("database.") else data, "its database is not the one"),
        (lambda name, data: None if name == "saat-backup.json" else data, "is no backup of Saat"),
    ],
)  # fmt: skip
def test_a_damaged_backup_is_refused_and_nothing_is_touched(backup, elsewhere, tmp_path, change, why):
    damaged = changed(backup, tmp_path / "damaged.tar.gz", change)
    var = tmp_path / "var"
    done = saat(elsewhere, "restore", str(damaged), "--var", str(var), "--force")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert why in done.stderr
    assert not (var / "saat.sqlite3").exists()
    assert not (var / "photos").exists()


def test_a_backup_cannot_write_outside_its_folder(backup, elsewhere, tmp_path):
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(backup) as old, tarfile.open(evil, "w:gz") as new:
        first = old.next()
        new.addfile(first, old.extractfile(first))
        intruder = tarfile.TarInfo("../outside.txt")
        intruder.size = 3
        new.addfile(intruder, io.BytesIO(b"hi\n"))
    done = saat(elsewhere, "restore", str(evil), "--var", str(tmp_path / "var"), "--force")
    assert (done.returncode, "does not belong there" in done.stderr) == (2, True)
    assert not (tmp_path / "outside.txt").exists()


def test_a_backup_of_a_newer_program_is_refused(backup, elsewhere, tmp_path):
    def newer(name: str, data: bytes) -> bytes:
        if name != "saat-backup.json":
            return data
        manifest = json.loads(data)
        manifest["migrations"].append("records.9999_from_the_future")
        return json.dumps(manifest).encode()

    path = changed(backup, tmp_path / "newer.tar.gz", newer)
    done = saat(elsewhere, "restore", str(path), "--var", str(tmp_path / "var"), "--force")
    assert (done.returncode, "made by a newer Saat" in done.stderr) == (2, True)


def test_what_is_no_backup_is_refused_in_one_sentence(backup, elsewhere, tmp_path):
    half = tmp_path / "half.tar.gz"
    half.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    words = tmp_path / "words.tar.gz"
    words.write_bytes(gzip.compress(b"only words"))
    for path in (half, words, ROOT / "README.md"):
        done = saat(elsewhere, "restore", str(path), "--var", str(tmp_path / "var"), "--force")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "is no backup" in done.stderr


def test_the_position_log_is_copied_whole_while_it_is_written(tmp_path, settings):
    settings.VAR = tmp_path / "from"
    log = position_log()
    some = [Position(1, NOW_S + n, NOW_S + n, 11.5, 104.9) for n in range(5)]
    log.append(some[:3])
    log.append([position._replace(received_s=NOW_S + 10 * 86_400) for position in some[3:]])
    log.archive.pack("2026-03-02", log.path_of("2026-03-02"))
    whole = log.read_on(LogMark(), 100)[0]
    log.close()
    folder = tmp_path / "copy"
    folder.mkdir()
    names = backups._copy_positions(folder)
    assert names == ["positions/2026-03-12.sqlite3", "positions/archive/2026-03-02/part-000.parquet"]
    assert all(backups._belongs(name) for name in names)
    assert not backups._belongs("positions/../secret.key")
    settings.VAR = folder
    again = position_log()
    assert again.read_on(LogMark(), 100)[0] == whole
    again.close()
