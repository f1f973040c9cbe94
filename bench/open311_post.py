"""Reports acknowledged a second through the Open311 POST, each durable, with the raw floor of the same machine beside it.

    python -m bench.open311_post [--seconds 5] [--connections 1,8,32]

The server is the real one (`saat.config.server web`) in a process of its own on a fresh installation; the load comes
from this process, over plain sockets, one report after the other on each connection, each at a place of its own. The
floors: the same server's hello, and one bare SQLite insert and commit with synchronous=FULL.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import percentile

ROOT = Path(__file__).resolve().parent.parent
HELLO = """
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok", "more_body": False})
"""
PREPARE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "saat.config.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
from saat.actions.access import make_key
from saat.actions.log import COMMAND
from tests.city import MONDAY_MORNING, make_city
city = make_city().city
made = make_key(
    city=city, name="Load", now=MONDAY_MORNING, by=COMMAND, per_minute=1_000_000, per_day=1_000_000_000
)
print(made.secret)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", default="1,8,32")
    options = parser.parse_args()
    connections = [int(part) for part in options.connections.split(",")]
    folder = Path(tempfile.mkdtemp(prefix="saat-post-"))
    try:
        print(f"bare SQLite insert and commit: {commits(folder, options.seconds / 2):7.0f} a second")
        (folder / "hello.py").write_text(HELLO)
        with_server(
            [sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1", "--no-ws", "--log-level", "error",
             "--working-dir", str(folder), "hello:application"],
            lambda port: load("hello", port, "", connections, options.seconds / 2), env={},
        )  # fmt: skip
        env = {"SAAT_VAR": str(folder / "var"), "PYTHONPATH": str(ROOT)}
        prepared = subprocess.run(
            [sys.executable, "-c", PREPARE], env=os.environ | env, cwd=ROOT, capture_output=True, text=True, check=True
        )
        with_server(
            [sys.executable, "-m", "saat.config.server", "web", "--host", "127.0.0.1"],
            lambda port: load("Open311 POST", port, prepared.stdout.strip(), connections, options.seconds), env=env,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commits(folder: Path, seconds: float) -> float:
    """Return durable commits a second of one writer with nothing around it."""
    table = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    table.execute("PRAGMA journal_mode=WAL")
    table.execute("PRAGMA synchronous=FULL")
    table.execute("CREATE TABLE report(id INTEGER PRIMARY KEY, words TEXT)")
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        table.execute("BEGIN IMMEDIATE")
        table.execute("INSERT INTO report(words) VALUES (?)", ("x" * 300,))
        table.execute("COMMIT")
        done += 1
    took = time.perf_counter() - began
    table.close()
    return done / took


def with_server(command: list[str], measure, *, env: dict[str, str]) -> None:
    """Run a server on a free port, measure, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([*command, "--port", str(port)], env=os.environ | env, cwd=ROOT, stdin=subprocess.PIPE)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
                break
            except OSError:
                if time.monotonic() > until or server.poll() is not None:
                    raise
                time.sleep(0.05)
        measure(port)
    finally:
        server.terminate()
        server.wait(20)


def load(name: str, port: int, key: str, connections: list[int], seconds: float) -> None:
    """Print how many requests a second are answered, and how fast, for each number of connections."""
    asyncio.run(_run(port, key, 2, 0.5))  # every thread has opened its tables
    for number in connections:
        took, errors, span = asyncio.run(_run(port, key, number, seconds))
        p50, p99 = (percentile(took, share) * 1000 for share in (0.5, 0.99))
        print(
            f"{name}, {number:3d} connections: {len(took) / span:7.0f} a second, "
            f"p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, errors {errors}"
        )


async def _run(port: int, key: str, connections: int, seconds: float) -> tuple[list[float], int, float]:
    began = time.perf_counter()
    until = began + seconds
    found = await asyncio.gather(*(_client(port, key, until, seed) for seed in range(connections)))
    took = [one for some, _errors in found for one in some]
    return took, sum(errors for _some, errors in found), time.perf_counter() - began


async def _client(port: int, key: str, until: float, seed: int) -> tuple[list[float], int]:
    chance = random.Random(f"{seed}-{until}")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took, errors = [], 0
    while time.perf_counter() < until:
        form = urlencode({
            "api_key": key, "service_code": chance.choice(("pile", "full-bin", "dumping")),
            "lat": f"{chance.uniform(11.541, 11.579):.6f}", "long": f"{chance.uniform(104.901, 104.939):.6f}",
            "description": f"Rubbish number {chance.randrange(10**9)} lies beside the stairs of the house",
        }).encode()  # fmt: skip
        head = (
            "POST /open311/v2/requests.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + form)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
        errors += answer[9:12] != b"200"
    writer.close()
    return took, errors


if __name__ == "__main__":
    main()
