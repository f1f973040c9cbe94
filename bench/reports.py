"""Reports acknowledged a second through the Open311 POST, each durable before it is acknowledged."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench import floors
from bench.figures import Measure
from bench.machine import cpu_s
from bench.serving import API_KEY, Bench, Installation, serving
from bench.wire import Load, closed_loop, in_own_process, request
from bench.words import Writer

CONNECTIONS = (1, 8, 32)
# The best Django peer, measured on such a machine with two workers on PostGIS; its p99 were 95, 581 and 1,700 ms.
PEER = {1: 15, 8: 22, 32: 25}
TIMES = 20
_HOT_SPOTS = 30
_AROUND = 0.0003  # degrees, some 30 m


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Measure the floors and then the real server, several rounds of each number of connections; medians are shown."""
    rounds, seconds = (1, 2.0) if quick else (3, 4.0)
    step("floor: two letters from the same server")
    with floors.hello() as port:
        hellos = {n: floors.hello_load(port, connections=n, seconds=seconds / 2).per_s for n in CONNECTIONS}
    step("floor: bare durable commits")
    postgresql = bench.postgresql if bench.database == "postgresql" else None
    commits = floors.commits_per_s(bench.base, postgresql=postgresql, seconds=seconds / 2)

    measure = Measure(
        "reports", "Reports acknowledged a second (Open311 POST, durable)",
        ("reports", "connections", "a_second", "least", "most", "p50_ms", "p99_ms", "server_cpu_ms", "failed", "aim",
         "peer", "hello_floor", "commit_floor"),
    )  # fmt: skip

    def measured(kind: str, load: Callable[..., Load], connections: int, *, rounds: int = rounds, **named: Any) -> None:
        found = []
        for number in range(rounds):
            step(f"reports {kind}: {connections} connections, round {number + 1} of {rounds}")
            found.append(load(connections, seed=100 * number + connections, **named))
        peer = PEER[connections] if kind == "apart" else None
        rates = [load.per_s for load in found]
        measure.add(
            reports=kind, connections=connections, a_second=statistics.median(rates), least=min(rates), most=max(rates),
            p50_ms=statistics.median(load.ms(0.5) for load in found),
            p99_ms=statistics.median(load.ms(0.99) for load in found),
            server_cpu_ms=statistics.median(load.cpu_ms for load in found), failed=sum(load.failed for load in found),
            aim=peer * TIMES if peer else None, peer=peer, hello_floor=hellos[connections], commit_floor=commits,
        )  # fmt: skip

    with _loading(bench.fresh(), measure, seconds=seconds) as load:
        for connections in CONNECTIONS:
            measured("apart", load, connections)
        measured(f"at {_HOT_SPOTS} places", load, CONNECTIONS[-1], rounds=1, hot=True)
    with _loading(bench.million, measure, seconds=seconds) as load:
        measured(f"{bench.cases:,} cases behind", load, CONNECTIONS[-1], rounds=1)
    measure.notes += [
        "server cpu: processor time of the web process for each report.",
        "peer: the same POST to a Django system on PostGIS with two workers; aim: twenty times that.",
        "hello floor: requests a second that the same server answers with two letters.",
        "commit floor: single rows a second that one writer makes durable.",
    ]
    return [measure]


@contextmanager
def _loading(installation: Installation, measure: Measure, *, seconds: float) -> Iterator[Callable[..., Load]]:
    """Yield what puts the server under a load of reports; at the end, hold what was acknowledged to what is kept."""
    facts = installation.facts()
    loads: list[Load] = []
    with serving(installation) as server:
        web = server.processes["web"]

        def load(connections: int, *, seed: int, hot: bool = False) -> Load:
            some = posts(facts, int(3000 * seconds), seed=seed, hot=hot)
            used = cpu_s(web)
            found: Load = in_own_process(closed_loop, server.port, some, connections=connections, seconds=seconds)
            found.cpu_s = cpu_s(web) - used
            loads.append(found)
            return found

        load(CONNECTIONS[1], seed=1)  # every thread has opened its tables
        yield load
    kept = installation.facts()
    acknowledged = sum(len(load.latencies_s) for load in loads)
    failed = sum(load.failed for load in loads)
    new = kept["requests"] - facts["requests"]
    if new < acknowledged:
        raise RuntimeError(f"{acknowledged} reports were acknowledged, but only {new} are kept.")
    measure.notes.append(
        f"With {facts['cases']:,} cases before: {acknowledged:,} acknowledged, {failed:,} refused or failed, "
        f"{new:,} reports in {kept['cases'] - facts['cases']:,} new cases kept. {kept['durable']}."
    )


def posts(facts: dict[str, Any], count: int, *, seed: int, hot: bool = False) -> list[bytes]:
    """Return so many different reports as a partner's client sends them."""
    made = []
    for report in some_reports(facts, count, seed=seed, hot=hot):
        form = {
            "api_key": API_KEY, "jurisdiction_id": "phnompenh.kh", "service_code": report["service_code"],
            "lat": f"{report['lat']:.6f}", "long": f"{report['lon']:.6f}", "description": report["words"],
        }  # fmt: skip
        made.append(request("POST", "/open311/v2/requests.json", form=form))
    return made


def some_reports(facts: dict[str, Any], count: int, *, seed: int, hot: bool = False) -> list[dict[str, Any]]:
    """Return so many different reports: each at a place of its own, or all around a few places."""
    chance = random.Random(seed)
    places = facts["places"][:: len(facts["places"]) // _HOT_SPOTS] if hot else facts["places"]
    made = []
    for what, street, name in Writer(seed).sentences(count):
        lat, lon = (degrees + chance.uniform(-1, 1) * _AROUND for degrees in chance.choice(places))
        words = ", ".join(piece.text for piece in (what, street, name) if piece is not None)
        code = chance.choice(("pile", "pile", "full-bin", "dumping", "missed-collection"))
        made.append({"service_code": code, "lat": lat, "lon": lon, "words": f"{words} (no{chance.randrange(10**9)})"})
    return made
