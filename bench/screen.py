"""From a report's acknowledgement to the officer's open screen, and what many open screens cost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.figures import Measure, percentile
from bench.machine import cpu_s, memory_mb
from bench.reports import posts
from bench.serving import Bench, serving
from bench.wire import Connection, in_own_process, request

A_SECOND = 20
LISTENERS = (1, 200)
_SETTLE_S = 1.5


@dataclass(slots=True)
class Seen:
    """What a load of reports met. acknowledged_at: report to moment; shown_at, by listener: event to moment."""

    acknowledged_at: dict[int, float] = field(default_factory=dict)
    shown_at: list[dict[int, float]] = field(default_factory=list)
    failed: int = 0


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Send reports at a steady pace while officers listen; compare the clocks of the same process."""
    seconds = 5.0 if quick else 20.0
    measure = Measure(
        "screen", f"From acknowledgement to the open screen, {A_SECOND} reports a second",
        ("listeners", "reports", "p50_ms", "p99_ms", "most_ms", "missed", "aim_ms", "web_cpu_percent", "web_mb"),
    )  # fmt: skip
    installation = bench.fresh()
    facts = installation.facts()
    with serving(installation) as server:
        web = server.processes["web"]
        for listeners in LISTENERS:
            step(f"screen: {listeners} listening")
            some = posts(facts, int(A_SECOND * seconds), seed=listeners)
            used, began = cpu_s(web), time.perf_counter()
            seen = in_own_process(watch, server.port, facts["cookies"]["duty"], some, listeners=listeners)
            share = (cpu_s(web) - used) / (time.perf_counter() - began)
            events = {
                int(event): request for event, request in json.loads(installation.run("bench.ground", "events")).items()
            }
            waits, missed = _waits(seen, events)
            measure.add(
                listeners=listeners, reports=len(seen.acknowledged_at), p50_ms=percentile(waits, 0.5) * 1000,
                p99_ms=percentile(waits, 0.99) * 1000, most_ms=max(waits) * 1000, missed=missed + seen.failed,
                aim_ms=1000, web_cpu_percent=share * 100, web_mb=memory_mb(web),
            )  # fmt: skip
    measure.notes = [
        "An event that reached the screen before its report's acknowledgement reached the sender counts as 0 ms.",
        "web cpu: of one core, listening and reports together; web mb: the web process with its listeners.",
    ]
    return [measure]


def _waits(seen: Seen, events: dict[int, int]) -> tuple[list[float], int]:
    """Return how long each report took to each screen, in seconds, and how many never came there."""
    event_of = {request: event for event, request in events.items()}
    waits, missed = [], 0
    for request_id, moment in seen.acknowledged_at.items():
        for shown in seen.shown_at:
            at = shown.get(event_of[request_id])
            if at is None:
                missed += 1
            else:
                waits.append(max(0.0, at - moment))
    return waits, missed


async def watch(port: int, cookie: str, reports: list[bytes], *, listeners: int) -> Seen:
    """Listen with so many screens, send the reports at their pace, and wait until the last is shown."""
    seen = Seen(shown_at=[{} for _ in range(listeners)])
    streams = [asyncio.create_task(_listen(port, cookie, shown)) for shown in seen.shown_at]
    await asyncio.sleep(_SETTLE_S)
    spare = [Connection("127.0.0.1", port) for _ in range(16)]
    began = time.perf_counter()

    async def send(raw: bytes) -> None:
        connection = spare.pop() if spare else Connection("127.0.0.1", port)
        answer = await connection.ask(raw)
        moment = time.perf_counter()
        if answer.status == 200:
            seen.acknowledged_at[int(json.loads(answer.body)[0]["service_request_id"])] = moment
        else:
            seen.failed += 1
        spare.append(connection)

    under_way = []
    for number, raw in enumerate(reports):
        await asyncio.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
        under_way.append(asyncio.create_task(send(raw)))
    await asyncio.gather(*under_way)
    await asyncio.sleep(_SETTLE_S)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    return seen


async def _listen(port: int, cookie: str, shown: dict[int, float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request("GET", "/desk/live", headers={"Cookie": cookie, "Accept": "text/event-stream"}))
        if b" 200 " not in await reader.readline():
            raise RuntimeError("The live desk does not let this session in.")
        while line := await reader.readline():
            if line.startswith(b"id: "):
                shown[int(line[4:])] = time.perf_counter()
    finally:
        writer.close()
