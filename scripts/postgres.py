"""A PostgreSQL of one's own, from the machine's binaries: in a temporary folder, on a free port, gone afterwards."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# The tests ask whether Saat is right, not whether the disk is: what they write need not outlive the machine.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}
START_S = 60


class NoPostgres(Exception):
    """This machine has no PostgreSQL to run."""


def binaries() -> str:
    """Return the folder with the newest PostgreSQL's programs."""
    folders = glob.glob("/usr/lib/postgresql/*/bin")
    folders = [folder for folder in folders if os.path.exists(os.path.join(folder, "initdb"))]
    if folders:
        return max(folders, key=lambda folder: float(folder.split("/")[-2]))
    found = shutil.which("initdb")
    if found:
        return os.path.dirname(os.path.realpath(found))
    raise NoPostgres("PostgreSQL is not installed: install Debian's package `postgresql`.")


def somebody_else() -> pwd.struct_passwd | None:
    """Return whom to run PostgreSQL as, because it refuses to run as root; None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`.")


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Run a PostgreSQL for the length of a block and yield its address for DATABASE_URL.

    durable: keep its usual promises on disk, for measuring; tests do without.
    """
    programs, person = binaries(), somebody_else()
    folder = tempfile.mkdtemp(prefix="saat-pg-")
    run_as: dict[str, Any] = {"cwd": folder}
    if person:
        os.chown(folder, person.pw_uid, person.pw_gid)
        run_as |= {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
    data = os.path.join(folder, "data")
    settings = {name: value for name, value in SETTINGS.items() if not durable or value != "off"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [f"-c{name}={value}" for name, value in settings.items()]
    log = os.path.join(folder, "log")
    try:
        _run(
            [f"{programs}/initdb", "-D", data, "-U", "saat", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            run_as,
        )
        start = [f"{programs}/pg_ctl", "-D", data, "-l", log, "-w", "-t", str(START_S)]
        start += ["-o", " ".join([*options, f"-p {port}", f"-k {folder}"]), "start"]
        _run(start, run_as)
        try:
            yield f"postgresql://saat@127.0.0.1:{port}/postgres"
        finally:
            _run([f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], run_as)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], run_as: dict[str, Any]) -> None:
    # To a file and not to a pipe: the server that pg_ctl leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False, **run_as)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed:\n{output.read().decode(errors='replace')[-3000:]}")
