"""Installations to be measured, and the real server in its own processes before them."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench import million
from bench.machine import children

ROOT = Path(__file__).resolve().parent.parent
START_S, STOP_S = 60.0, 20.0
API_KEY = "bench-key-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Installation:
    """One folder with its database. env: the variables by which a process works on it."""

    var: Path
    env: dict[str, str]

    def run(self, *arguments: str) -> str:
        """Run a Python module on it and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], env=self.env, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def facts(self) -> dict[str, Any]:
        """Return what a load needs to know, see `bench.ground.facts`."""
        return json.loads(self.run("bench.ground", "facts"))


@dataclass(frozen=True, slots=True)
class Server:
    """A running `saat serve`. ready_s: from its start until /healthz answered."""

    port: int
    process: subprocess.Popen[bytes]
    ready_s: float
    log: Path

    @property
    def processes(self) -> dict[str, int]:
        """What runs, by name: the parent and its children."""
        below = children(self.process.pid)
        names = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in below}
        kinds = {"web": " web ", "stream": " stream", "follower": " follower"}
        found = {kind: pid for kind, mark in kinds.items() for pid, line in names.items() if mark in line}
        return {"parent": self.process.pid, **found}


class Bench:
    """Makes installations on one kind of database, and takes them away at the end."""

    def __init__(self, *, database: str, cases: int) -> None:
        self.database, self.cases = database, cases
        self._stack = ExitStack()
        self.base = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="saat-bench-")))

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @cached_property
    def postgresql(self) -> str:
        """The address of a PostgreSQL with its usual promises on disk, started when first asked for."""
        sys.path.insert(0, str(ROOT / "scripts"))
        from postgres import postgres

        return self._stack.enter_context(postgres(durable=True))

    @cached_property
    def _template(self) -> Installation:
        return self._made("template", lambda installation: installation.run("bench.ground", "make"))

    def _made(self, name: str, make: Callable[[Installation], object]) -> Installation:
        installation = self._new(name)
        if self.database == "postgresql":
            self._sql(f'CREATE DATABASE "{self._name(name)}"')
        make(installation)
        return installation

    def fresh(self) -> Installation:
        """Return a new installation with the measured city and no cases."""
        return self._copied(self._template, f"fresh-{secrets.token_hex(3)}")

    @cached_property
    def _million(self) -> Installation:
        folder = million.folder_of(self.cases)
        if self.database == "sqlite":
            return Installation(folder, self._env(folder, "million"))
        return self._made("million", lambda made: made.run("bench.copying", str(folder / "saat.sqlite3")))

    @cached_property
    def million(self) -> Installation:
        """An installation with a million cases; what is written to it stays within this run."""
        # A database on PostgreSQL is made in this run and for it; the file is kept for the next.
        return self._million if self.database == "postgresql" else self._copied(self._million, "million")

    def _copied(self, source: Installation, name: str) -> Installation:
        installation = self._new(name)
        shutil.copy(source.var / "secret.key", installation.var / "secret.key")
        if self.database == "postgresql":
            origin = urlsplit(source.env["DATABASE_URL"]).path[1:]
            self._sql(f'CREATE DATABASE "{self._name(name)}" TEMPLATE "{origin}"')
        else:
            # The copy is on disk before anything is measured, so that no one pays for it later.
            shutil.copy(source.var / "saat.sqlite3", installation.var / "saat.sqlite3")
            os.sync()
        return installation

    def _new(self, name: str) -> Installation:
        folder = self.base / name
        folder.mkdir()
        return Installation(folder, self._env(folder, name))

    def _env(self, folder: Path, name: str) -> dict[str, str]:
        ours = ("SAAT_", "DATABASE_URL", "EMAIL_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        env = kept | {"SAAT_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "saat.config.settings"}
        if self.database == "postgresql":
            env["DATABASE_URL"] = urlunsplit(urlsplit(self.postgresql)._replace(path=f"/{self._name(name)}"))
        return env

    def _name(self, name: str) -> str:
        return f"saat_{name.replace('-', '_')}"

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self.postgresql, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def serving(installation: Installation) -> Iterator[Server]:
    """Run `saat serve` on an installation for the length of a block."""
    log = installation.var / "server.log"
    port = free_port()
    began = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "saat.config.command", "serve", "--port", str(port), "--var", str(installation.var)],
            env=installation.env | {"PYTHONUNBUFFERED": "1"}, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output,
        )  # fmt: skip
    try:
        wait_until_ready(process, port, log)
        yield Server(port=port, process=process, ready_s=time.perf_counter() - began, log=log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path | None = None) -> None:
    """Return when /healthz answers 200; fail with the server's last words if it never does."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with {process.returncode}. {_last_words(log)}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    raise RuntimeError(f"The server was not ready after {START_S:g} s. {_last_words(log)}")


def _last_words(log: Path | None) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-3000:] if log else ""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
