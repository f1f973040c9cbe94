"""Positions acknowledged a second, each durable before it is, through the whole installation with its follower.

Floors: the same load on the smallest application behind the same server, and rows that SQLite makes durable in groups.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import floors
from bench.figures import Measure
from bench.machine import cpu_s, memory_mb
from bench.pipelined import Flood, flood
from bench.serving import Bench, Installation, Server, serving
from bench.wire import in_own_process

TRUCKS_OF_A_CITY = 500
CITIES = (1, 10, 110)
# A device has one connection and waits for its answer: what comes together comes by many connections. Stays below the
# number of open files that a process is usually given.
CONNECTIONS = 900
INTERVAL_S = 5.0
_BATCH = 1000
_AIM_PER_S = 11_000
_LAT, _LON = 11.56, 104.92
_CATCH_UP_S = 120.0
_START_S = 60.0


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Measure the floors, then installations of 1, 10 and 110 cities' trucks, then what a kill loses."""
    seconds = 3.0 if quick else 10.0
    step("floors")
    with floors.hello() as port:
        hello = in_own_process(flood, port, _hello, connections=CONNECTIONS, depth=1, seconds=seconds / 2)
    rows_per_s = _group_commits_per_s(bench.base, seconds=seconds / 2)
    single = Measure(
        "positions", "Single positions (HTTP GET, durable)",
        ("cities", "trucks", "load", "a_second", "p50_ms", "p99_ms", "web_cpu_us", "follower_cpu_us", "behind",
         "web_mb", "follower_mb", "refused", "hello_floor", "commit_floor"),
    )  # fmt: skip
    batches = Measure(
        "position_batches", f"Batches of {_BATCH} rows (NDJSON, durable)", ("packed", "rows_a_second", "web_cpu_us")
    )
    for cities in CITIES[1:2] if quick else CITIES:
        installation = bench.fresh()
        trucks = cities * TRUCKS_OF_A_CITY
        step(f"{cities} cities: making {trucks} trucks")
        installation.run("bench.fleet", "make", str(trucks))
        with serving(installation) as server:
            for load, per_s in (("as fast as possible", None), ("as trucks send", trucks / INTERVAL_S)):
                step(f"{cities} cities: {load}")
                found, used = _load(server, trucks, seconds=seconds, per_s=per_s, again=per_s is not None)
                single.add(
                    cities=cities, trucks=trucks, load=load, a_second=found.per_s, p50_ms=found.ms(0.5),
                    p99_ms=found.ms(0.99), behind=_behind(installation), refused=found.other,
                    hello_floor=hello.per_s, commit_floor=rows_per_s, **used,
                )  # fmt: skip
            if cities == CITIES[1]:
                step("batches")
                for packed in (False, True):
                    batches.add(packed=packed, **_batches(server, seconds=seconds, packed=packed))
    single.notes += [
        "web cpu, follower cpu: processor time of each process for each position.",
        "behind: positions that the follower had not marked as read when the load ended; it marks every few seconds.",
        f"aim: {_AIM_PER_S:,} a second, 110 cities of 500 trucks that send every 5 s.",
        "hello floor: empty answers a second of the same server to the same load.",
        "commit floor: rows a second that SQLite makes durable in groups of 256, with nothing around it.",
    ]
    step("kill -9 under load")
    return [single, batches, _killed(bench, seconds=seconds)]


def _load(server: Server, trucks: int, *, seconds: float, per_s: float | None, again: bool) -> tuple[Flood, dict]:
    pids = _processes(server)
    before = {name: cpu_s(pids[name]) for name in ("web", "follower")}
    make = partial(_single, trucks, time.time() - (15 if again else 1500))
    connections = min(trucks, CONNECTIONS)
    found: Flood = in_own_process(
        flood, server.port, make, connections=connections, depth=1, seconds=seconds, per_s=per_s
    )
    good = max(1, found.good)
    used = {f"{name}_cpu_us": (cpu_s(pids[name]) - before[name]) / good * 1e6 for name in before}
    return found, used | {f"{name}_mb": memory_mb(pids[name]) for name in before}


def _processes(server: Server) -> dict[str, int]:
    """Return what runs, by name, as soon as the follower does: it is started when the site is ready."""
    until = time.monotonic() + _START_S
    while "follower" not in (found := server.processes):
        if time.monotonic() > until:
            raise RuntimeError("No follower was started.")
        time.sleep(0.1)
    return found


def _single(trucks: int, start_s: float, number: int) -> bytes:
    """Return the n-th request of a fleet whose trucks send one after the other, as Traccar Client sends it."""
    # A step that shares no factor with the fleet: neighbours in time are no neighbours in the tables.
    truck, lap = number * 7919 % trucks, number // trucks
    drift = (lap % 1000) * 0.00005
    return (
        b"GET /positions/osmand?id=truck-%d&timestamp=%.3f&lat=%.6f&lon=%.6f&speed=8.1&bearing=120&accuracy=6.0"
        b"&batt=80.0&token=token-%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ) % (truck, start_s + lap * INTERVAL_S, _LAT + truck % 300 * 0.0001, _LON + drift, truck)


def _hello(_number: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _batches(server: Server, *, seconds: float, packed: bool) -> dict[str, float]:
    web = server.processes["web"]
    before = cpu_s(web)
    make = partial(_batch, time.time() - (50_000 if packed else 40_000), packed)
    found: Flood = in_own_process(flood, server.port, make, connections=4, depth=1, seconds=seconds)
    rows = found.good * _BATCH
    return {"rows_a_second": rows / found.took_s, "web_cpu_us": (cpu_s(web) - before) / max(1, rows) * 1e6}


def _batch(start_s: float, packed: bool, number: int) -> bytes:
    truck = number % TRUCKS_OF_A_CITY
    rows = [
        {"id": f"truck-{truck}", "token": f"token-{truck}", "time": start_s + number + at * 0.0007, "lat": _LAT,
         "lon": _LON, "speed_mps": 4.2, "accuracy_m": 6.0}
        for at in range(_BATCH)
    ]  # fmt: skip
    body = "\n".join(json.dumps(row) for row in rows).encode()
    body = gzip.compress(body, 1) if packed else body
    head = f"POST /positions/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/x-ndjson\r\n\r\n".encode() + body


def _killed(bench: Bench, *, seconds: float) -> Measure:
    """Kill the web process and the follower under load: what was acknowledged is there, and how soon all is read."""
    measure = Measure(
        "positions_killed", "Killed with SIGKILL under load",
        ("process", "acknowledged", "kept", "lost", "answers_again_s", "caught_up_s"),
    )  # fmt: skip
    trucks = CITIES[1] * TRUCKS_OF_A_CITY
    for name in ("web", "follower"):
        installation = bench.fresh()
        installation.run("bench.fleet", "make", str(trucks))
        with serving(installation) as server:
            found, _ = _load(server, trucks, seconds=seconds / 2, per_s=None, again=False)
            os.kill(_processes(server)[name], signal.SIGKILL)
            killed = time.perf_counter()
            kept = json.loads(installation.run("bench.fleet", "kept"))["kept"]
            again = _answers_again_s(server, killed)
            caught_up = None
            while time.perf_counter() - killed < _CATCH_UP_S:
                if not _behind(installation):
                    caught_up = time.perf_counter() - killed
                    break
        measure.add(
            process=name, acknowledged=found.good, kept=kept, lost=max(0, found.good - kept), answers_again_s=again,
            caught_up_s=caught_up,
        )  # fmt: skip
        if kept < found.good:
            raise RuntimeError(f"{found.good} positions were acknowledged, but only {kept} are kept.")
    measure.notes.append("caught up: until the follower had marked everything as read, which it does every 5 s.")
    return measure


def _answers_again_s(server: Server, since: float) -> float:
    probe = partial(_single, 1, time.time() - 1000)
    while True:
        try:
            found: Flood = in_own_process(flood, server.port, probe, connections=1, depth=1, seconds=0.01)
        except OSError:
            time.sleep(0.05)
            continue
        if found.good:
            return time.perf_counter() - since


def _behind(installation: Installation) -> int:
    return int(json.loads(installation.run("bench.fleet", "kept"))["behind"])


def _group_commits_per_s(folder: Path, *, seconds: float) -> float:
    """Return how many rows of a position's size SQLite makes durable in a second, 256 in a commit, without an index."""
    connection = sqlite3.connect(folder / "groups.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE position (row INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h, i, j)")
    rows = [(number, 1.7e9, 1.7e9, 11.5, 104.9, 4.2, 120.0, 8.0, 0, 0.8) for number in range(256)]
    began, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO position VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        count += len(rows)
    connection.close()
    return count / passed
