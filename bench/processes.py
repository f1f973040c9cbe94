"""What runs: how soon it is ready, how much memory it holds, and what a request costs before any work is done."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from bench import floors
from bench.figures import Measure
from bench.machine import cpu_s, memory_mb
from bench.reports import posts
from bench.serving import Bench, serving
from bench.wire import closed_loop, in_own_process, request

READY_AIM_S = 5.0
_REST_S = 10.0


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Start the server a few times, look at its processes at rest and after work, and ask for the least."""
    starts = 1 if quick else 3
    installation = bench.fresh()
    ready = []
    for number in range(starts):
        step(f"processes: start {number + 1} of {starts}")
        with serving(installation) as server:
            ready.append(server.ready_s)
    running = Measure("processes", "Processes", ("process", "after_start_mb", "after_work_mb", "cpu_at_rest_percent"))
    seconds = 2.0 if quick else 4.0
    with serving(installation) as server:
        facts = installation.facts()
        pids = server.processes
        fresh = {name: memory_mb(pid) for name, pid in pids.items()}
        step("processes: at rest")
        used = {name: cpu_s(pid) for name, pid in pids.items()}
        time.sleep(_REST_S)
        rest = {name: (cpu_s(pid) - used[name]) / _REST_S * 100 for name, pid in pids.items()}
        step("processes: at work")
        in_own_process(closed_loop, server.port, posts(facts, 4000, seed=5), connections=8, seconds=seconds)
        requests = {
            "two letters, same server": None,
            "/healthz": request("GET", "/healthz"),
            "/open311/v2/services.json": request("GET", "/open311/v2/services.json?jurisdiction_id=phnompenh.kh"),
            "/ (resident's page)": request("GET", "/", headers={"Accept-Encoding": "gzip", "Accept-Language": "km"}),
        }
        costs = Measure(
            "overhead", "A request's cost before any work", ("request", "a_second", "p50_ms", "p99_ms", "ms_each")
        )
        for name, raw in requests.items():
            step(f"processes: {name}")
            if raw is None:
                with floors.hello() as port:
                    load = floors.hello_load(port, connections=8, seconds=seconds)
            else:
                load = in_own_process(
                    closed_loop, server.port, [raw] * int(20_000 * seconds), connections=8, seconds=seconds
                )
            each = 1000 / load.per_s if load.per_s else None
            costs.add(request=name, a_second=load.per_s, p50_ms=load.ms(0.5), p99_ms=load.ms(0.99), ms_each=each)
        for name, pid in pids.items():
            running.add(
                process=name, after_start_mb=fresh[name], after_work_mb=memory_mb(pid), cpu_at_rest_percent=rest[name]
            )
    running.notes = [
        f"ready after {statistics.median(ready):.1f} s (aim: {READY_AIM_S:g} s), from the command to /healthz.",
        "Memory: pages shared between processes are counted by their share (PSS). At rest: percent of one core.",
    ]
    return [running, costs]
