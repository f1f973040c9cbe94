"""Reports acknowledged a second through the Open311 POST, each durable before it is acknowledged."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from typing import Any

from bench import floors
from bench.figures import Measure
from bench.serving import API_KEY, Bench, serving
from bench.wire import Load, closed_loop, in_own_process, request
from bench.words import Writer

CONNECTIONS = (1, 8, 32)
# The best Django peer, measured on a machine like this one with two workers on PostGIS: reports a second and p99.
PEER = {1: (15, 95), 8: (22, 581), 32: (25, 1700)}
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

    installation = bench.fresh()
    facts = installation.facts()
    loads: dict[int, list[Load]] = {n: [] for n in CONNECTIONS}
    with serving(installation) as server:
        step("reports: warming up")
        sent = in_own_process(closed_loop, server.port, posts(facts, 400, seed=1), connections=8, seconds=3.0)
        for number in range(rounds):
            for connections in CONNECTIONS:
                step(f"reports: {connections} connections, round {number + 1} of {rounds}")
                some = posts(facts, int(3000 * seconds), seed=100 * number + connections)
                load = in_own_process(closed_loop, server.port, some, connections=connections, seconds=seconds)
                loads[connections].append(load)
        step("reports: gathered at a few places, so that most join a case")
        gathered = in_own_process(
            closed_loop,
            server.port,
            posts(facts, int(3000 * seconds), seed=9, hot=True),
            connections=32,
            seconds=seconds,
        )
    every = [sent, gathered, *(load for some in loads.values() for load in some)]
    acknowledged = sum(len(load.latencies_s) for load in every)
    kept = installation.facts()

    measure = Measure(
        "reports", "Reports acknowledged a second (Open311 POST, durable)",
        ("reports", "connections", "a_second", "least", "most", "p50_ms", "p99_ms", "failed", "aim", "peer",
         "hello_floor", "commit_floor"),
    )  # fmt: skip
    for connections, some in loads.items():
        _row(measure, "apart", connections, some, hellos[connections], commits)
    _row(measure, f"at {_HOT_SPOTS} places", 32, [gathered], hellos[32], commits, compared=False)
    refused = sum(load.failed for load in every)
    refused = sum(load.failed for load in every)
    stand = f"{kept['requests']:,} reports in {kept['cases']:,} cases stand in the tables"
    measure.notes = [
        f"{acknowledged:,} acknowledged, {refused:,} refused or failed; {stand}. {kept['durable']}.",
        "peer: the same POST to a Django system on PostGIS with two workers; aim: twenty times that.",
        "hello floor: requests a second that the same server answers with two letters.",
        "commit floor: single rows a second that one writer makes durable.",
    ]
    if kept["requests"] < acknowledged:
        raise RuntimeError(
            f"{acknowledged} reports were acknowledged, but only {kept['requests']} stand in the tables."
        )
    return [measure]


def _row(
    measure: Measure,
    kind: str,
    connections: int,
    loads: list[Load],
    hello: float,
    commits: float,
    *,
    compared: bool = True,
) -> None:
    rates = [load.per_s for load in loads]
    peer = PEER[connections][0] if compared else None
    measure.add(
        reports=kind, connections=connections, a_second=statistics.median(rates), least=min(rates), most=max(rates),
        p50_ms=statistics.median(load.ms(0.5) for load in loads),
        p99_ms=statistics.median(load.ms(0.99) for load in loads),
        failed=sum(load.failed for load in loads), aim=peer * TIMES if peer else None, peer=peer, hello_floor=hello,
        commit_floor=commits,
    )  # fmt: skip


def posts(facts: dict[str, Any], count: int, *, seed: int, hot: bool = False) -> list[bytes]:
    """Return so many different reports as requests: each at a place of its own, or all around a few places."""
    chance = random.Random(seed)
    places = facts["places"][:: len(facts["places"]) // _HOT_SPOTS] if hot else facts["places"]
    made = []
    for what, street, name in Writer(seed).sentences(count):
        lat, lon = chance.choice(places)
        words = ", ".join(piece.text for piece in (what, street, name) if piece is not None)
        made.append(post(lat + chance.uniform(-1, 1) * _AROUND, lon + chance.uniform(-1, 1) * _AROUND, words, chance))
    return made


def post(lat: float, lon: float, words: str, chance: random.Random) -> bytes:
    """Return one report as a partner's client sends it."""
    form = {
        "api_key": API_KEY, "jurisdiction_id": "phnompenh.kh", "lat": f"{lat:.6f}", "long": f"{lon:.6f}",
        "service_code": chance.choice(("pile", "pile", "full-bin", "dumping", "missed-collection")),
        "description": f"{words} ({chance.randrange(10**6)})",
    }  # fmt: skip
    return request("POST", "/open311/v2/requests.json", form=form)
