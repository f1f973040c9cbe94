"""The real server in processes of its own, on a real database."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

ROOT = Path(__file__).resolve().parent.parent
SAAT = [sys.executable, "-c", "import sys; from saat.config.command import main; sys.exit(main())"]
START_S = 300  # a busy machine makes the demo city slowly
STOP_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSaat:
    """One running installation. url has no slash at its end; var is the folder that it writes to."""

    url: str
    var: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def demo(self) -> dict[str, Any]:
        """What demo.json tells of logins, keys and addresses."""
        return json.loads((self.var / "demo.json").read_text(encoding="utf-8"))

    def user(self, role: str) -> dict[str, Any]:
        """Return the demo's first login of a role."""
        found = [user for user in self.demo["users"] if user["role"] == role]
        if not found:
            known = ", ".join(sorted({user["role"] for user in self.demo["users"]}))
            raise LookupError(f"The demo has no {role}; it has: {known}.")
        return found[0]

    def saat(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the `saat` command on the same installation."""
        return subprocess.run(
            [*SAAT, *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def log(self) -> str:
        """Return the last lines that the server wrote."""
        return (self.var / "server.log").read_text(encoding="utf-8", errors="replace")[-4000:]


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database_of_its_own() -> Iterator[dict[str, str]]:
    """Yield the variables that name a fresh database: a new one on the tests' PostgreSQL, or none for SQLite."""
    server = os.environ.get("DATABASE_URL")
    if not server:
        yield {}
        return
    name = f"saat_live_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield {"DATABASE_URL": urlunsplit(urlsplit(server)._replace(path=f"/{name}"))}
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def wait_until_ready(running: LiveSaat, *, within_s: float = START_S) -> None:
    """Return when /healthz answers 200; fail with the server's log if it never does."""
    stop_at = time.monotonic() + within_s
    while time.monotonic() < stop_at:
        if running.process.poll() is not None:
            raise RuntimeError(f"The server ended with {running.process.returncode}:\n{running.log()}")
        try:
            if httpx.get(f"{running.url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"The server was not ready after {within_s:.0f} s:\n{running.log()}")


def start(var: Path, *options: str, port: int, env: dict[str, str]) -> LiveSaat:
    """Start `saat serve` and return at once; see `wait_until_ready`."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*SAAT, "serve", *options, "--port", str(port), "--var", str(var)],
            env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    return LiveSaat(url=f"http://127.0.0.1:{port}", var=var, env=env, process=process)


def stop(running: LiveSaat) -> int:
    """Ask the server to stop, as a service manager would, and return how it ended."""
    if running.process.poll() is None:
        running.process.terminate()
        try:
            running.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()
            raise RuntimeError(f"The server did not stop within {STOP_S} s:\n{running.log()}") from None
    return int(running.process.returncode)


@contextmanager
def live_saat(var: Path, *options: str) -> Iterator[LiveSaat]:
    """Run a fresh installation for the length of a block; options go to `saat serve`."""
    with database_of_its_own() as database:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SAAT_TESTING")}
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        env = kept | database | {"SAAT_VAR": str(var), "SAAT_URL": address, "PYTHONUNBUFFERED": "1"}
        # Whoever wants to see the demo's trucks drive says so; other tests would find another city at each look.
        env.setdefault("SAAT_DEMO_TRUCKS", "0")
        running = start(var, *options, port=port, env=env)
        try:
            wait_until_ready(running)
            yield running
        finally:
            stop(running)
