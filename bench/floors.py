"""The raw floors: what this machine does with nothing of Saat around it, measured in the same run."""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.serving import free_port, wait_until_ready
from bench.wire import Load, closed_loop, in_own_process, request

# As small as an application can be that the same server serves in the same way.
_HELLO = """
import asyncio
from granian.constants import Interfaces
from granian.server.embed import Server

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok", "more_body": False})

server = Server(application, port=%d, interface=Interfaces.ASGI, backlog=1024, websockets=False, log_enabled=False)
asyncio.run(server.serve())
"""


@contextmanager
def hello() -> Iterator[int]:
    """Serve two letters for the length of a block; yields the port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _HELLO % port], stdin=subprocess.DEVNULL)
    try:
        wait_until_ready(process, port)
        yield port
    finally:
        process.kill()
        process.wait()


def hello_load(port: int, *, connections: int, seconds: float) -> Load:
    """Return what the smallest application serves to a load like the one that is measured."""
    body = request("POST", "/", form={"words": "x" * 200})
    return in_own_process(closed_loop, port, [body] * int(40_000 * seconds), connections=connections, seconds=seconds)


def commits_per_s(folder: Path, *, postgresql: str | None, seconds: float) -> float:
    """Return how many single rows one writer makes durable in a second, with nothing around it."""
    if postgresql:
        with psycopg.connect(postgresql, autocommit=True) as server:
            server.execute("CREATE TABLE IF NOT EXISTS floor (id bigserial PRIMARY KEY, words text)")
            return _rate(lambda: server.execute("INSERT INTO floor (words) VALUES (%s)", ("x" * 300,)), seconds)
    file = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=FULL")
        file.execute("CREATE TABLE IF NOT EXISTS floor (id integer PRIMARY KEY, words text)")
        return _rate(lambda: file.execute("INSERT INTO floor (words) VALUES (?)", ("x" * 300,)), seconds)
    finally:
        file.close()


def _rate(act: Callable[[], object], seconds: float) -> float:
    took = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return 1.0 / statistics.fmean(took)
