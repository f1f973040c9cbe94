"""Whole lives of cases a second over HTTP: reported, handed over, closed, found again."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bench.figures import Measure
from bench.machine import cpu_s
from bench.reports import some_reports
from bench.serving import Bench, Installation, serving
from bench.wire import Connection, Load, in_own_process, request

CONNECTIONS = 8
# What a peer publishes for the same four steps on 16 cores, on an empty database and with a million cases.
PEER = {"empty": 37.0, "million": 6.3}
_STEPS = ("report", "assign", "close", "search")


@dataclass(slots=True)
class Lives:
    """What a load met. steps: what each of the four calls met; whole: what each whole life took; both in seconds.

    cpu_s: processor time that the server's process used meanwhile. why: what broke first.
    """

    took_s: float = 0.0
    cpu_s: float = 0.0
    steps: dict[str, Load] = field(default_factory=lambda: {step: Load() for step in _STEPS})
    whole: list[float] = field(default_factory=list)
    broken: int = 0
    why: str = ""


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Measure on an installation without cases, and on one with a million."""
    rounds, seconds = (1, 3.0) if quick else (3, 6.0)
    measure = Measure(
        "lifecycles", f"Whole lives of cases a second (report, assign, close, search; {CONNECTIONS} connections)",
        ("cases", "a_second", "least", "most", "p50_ms", "p99_ms", *(f"{step}_p50_ms" for step in _STEPS),
         "server_cpu_ms", "broken", "peer", "times_peer"),
    )  # fmt: skip
    for kind, installation in (("empty", bench.fresh), ("million", lambda: bench.million)):
        step(f"lifecycles: {kind}")
        _measure(measure, kind, installation(), rounds=rounds, seconds=seconds, step=step)
    measure.notes = [
        "Four calls each: POST /api/v1/reports, …/assign, …/close, and GET /api/v1/cases by its code or its words.",
        "A life counts only if the search shows the closed case. server cpu: of the web process, for one life.",
        "peer: published for 16 cores.",
    ]
    return [measure]


def _measure(
    measure: Measure,
    kind: str,
    installation: Installation,
    *,
    rounds: int,
    seconds: float,
    step: Callable[[str], None],
) -> None:
    facts = installation.facts()
    found: list[Lives] = []
    with serving(installation) as server:
        web = server.processes["web"]
        lead = some_reports(facts, 500, seed=rounds + 50)
        in_own_process(live, server.port, facts, lead, connections=CONNECTIONS, seconds=2.0)
        for number in range(rounds):
            step(f"lifecycles: {kind}, round {number + 1} of {rounds}")
            some = some_reports(facts, int(400 * seconds), seed=number)
            used = cpu_s(web)
            lives: Lives = in_own_process(live, server.port, facts, some, connections=CONNECTIONS, seconds=seconds)
            lives.cpu_s = cpu_s(web) - used
            found.append(lives)
    rates = [len(lives.whole) / lives.took_s for lives in found]
    every = Load(latencies_s=[took for lives in found for took in lives.whole])
    peer = PEER[kind]
    measure.add(
        cases=facts["cases"],
        a_second=statistics.median(rates),
        least=min(rates),
        most=max(rates),
        p50_ms=every.ms(0.5),
        p99_ms=every.ms(0.99),
        **{f"{name}_p50_ms": statistics.median(lives.steps[name].ms(0.5) for lives in found) for name in _STEPS},
        server_cpu_ms=statistics.median(lives.cpu_s * 1000 / max(1, len(lives.whole)) for lives in found),
        broken=sum(lives.broken for lives in found),
        peer=peer,
        times_peer=statistics.median(rates) / peer,
    )
    why = next((lives.why for lives in found if lives.why), "")
    if why:
        measure.notes.append(f"The first that broke: {why}")


async def live(
    port: int, facts: dict[str, Any], reports: list[dict[str, Any]], *, connections: int, seconds: float
) -> Lives:
    """Let cases live over some connections, each life after the one before, until time or reports end."""
    lives, coming = Lives(), iter(enumerate(reports))
    cookie = facts["cookies"]["duty"]
    headers = {"Cookie": cookie, "X-CSRFToken": cookie.rsplit("csrftoken=", 1)[1], "Accept-Language": "en"}
    began = time.perf_counter()

    async def call(connection: Connection, step: str, method: str, path: str, body: Any = None) -> Any:
        raw = json.dumps(body).encode() if body is not None else b""
        answer = await connection.ask(request(method, path, body=raw, kind="application/json", headers=headers))
        if not lives.steps[step].count(answer):
            raise _Broken(f"{step}: {answer.status} {answer.body[:300].decode(errors='replace')}")
        return json.loads(answer.body)

    async def one(connection: Connection) -> None:
        while time.perf_counter() - began < seconds:
            number, report = next(coming, (0, None))
            if report is None:
                break
            begun = time.perf_counter()
            try:
                receipt = await call(connection, "report", "POST", "/api/v1/reports", report)
                case = f"/api/v1/cases/{receipt['case_id']}"
                await call(connection, "assign", "POST", f"{case}/assign", {"contractor_id": facts["contractor"]})
                await call(connection, "close", "POST", f"{case}/close", {"note": "Done."})
                asked = receipt["code"] if number % 2 else report["words"].split("(")[1].rstrip(")")
                found = await call(
                    connection, "search", "GET", f"/api/v1/cases?{urlencode({'group': 'closed', 'q': asked})}"
                )
                if receipt["case_id"] not in {item["id"] for item in found["items"]}:
                    raise _Broken(f"search: {asked!r} does not show case {receipt['case_id']}")
            except _Broken as error:
                lives.broken += 1
                lives.why = lives.why or str(error)
            else:
                lives.whole.append(time.perf_counter() - begun)
        connection.close()

    await asyncio.gather(*(one(Connection("127.0.0.1", port)) for _ in range(connections)))
    lives.took_s = time.perf_counter() - began
    return lives


class _Broken(Exception):
    """One call of a life was not answered as it should."""
