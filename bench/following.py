"""How much one follower carries: trucks on a simulated evening, from the position log to outcomes and findings.

`python -m bench.following --trucks 500` measures by itself and prints what it found as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bench.figures import Measure, percentile

TRUCKS = (50, 500)
INTERVAL_S = 5.0
_DAY = date(2026, 1, 5)
_SEED = 5
_ROUNDS = 24  # different ones; the others are the same, further away
_STOPS = 45
_APART_DEG = 0.06
_CHUNK_S = 10.0  # how much of the evening is handed over at once when it is replayed


def run(bench: Any, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Measure in processes of its own, each with a folder of its own."""
    replay = Measure(
        "following",
        "The follower: positions to outcomes and findings, a position every 5 s from each truck",
        ("trucks", "times_real_time", "positions_a_second", "us_a_position", "ms_a_look", "rebuild_s", "memory_mb"),
    )
    live = Measure(
        "following_live",
        "From the log to what the desk reads, at the pace of the world",
        ("trucks", "positions_a_second", "p50_s", "p99_s", "cpu_share"),
    )
    for trucks in TRUCKS[:1] if quick else TRUCKS:
        step(f"{trucks} trucks")
        found = _measured(trucks, minutes=5 if quick else 20, live_s=15 if quick else 60)
        replay.add(**{name: found[name] for name in replay.columns})
        live.add(
            **{name.removeprefix("live_"): found[name] for name in found if name.startswith("live_")}, trucks=trucks
        )
    return [replay, live]


def _measured(trucks: int, *, minutes: int, live_s: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="saat-following-") as var:
        command = [sys.executable, "-m", "bench.following", "--trucks", str(trucks), "--minutes", str(minutes)]
        done = subprocess.run(
            [*command, "--live-s", str(live_s)], env=os.environ | {"SAAT_VAR": var}, check=True, capture_output=True,
            text=True,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trucks", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--live-s", type=int, default=60)
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps(_measure(chosen.trucks, minutes=chosen.minutes, live_s=chosen.live_s)))


def _measure(trucks: int, *, minutes: int, live_s: int) -> dict[str, Any]:
    from saat.records.position_log import position_log
    from saat.stream.following import Follower

    city, plans, positions = _city(trucks)
    begin_s = min(plan.midnight_s + plan.starts_s for plan in plans) + 2700.0
    log = position_log()
    earlier = [one for one in positions if one.received_s <= begin_s]
    log.append(earlier)
    now_s = begin_s
    follower = Follower(positions=log, clock=lambda: now_s)
    follower.start(_at(begin_s))
    _rest(follower, begin_s)
    looks = _counting(follower)
    took, count = 0.0, 0
    for chunk in _chunks(positions, begin_s, begin_s + 60 * minutes):
        log.append(chunk)
        now_s += _CHUNK_S
        count += len(chunk)
        started = time.process_time()
        _rest(follower, now_s)
        took += time.process_time() - started
    started = time.perf_counter()
    Follower(positions=log).start(_at(now_s))
    rebuild_s = time.perf_counter() - started
    found = {
        "trucks": trucks,
        "times_real_time": round(60 * minutes / took, 1),
        "positions_a_second": round(count / took),
        "us_a_position": round(took / max(1, count) * 1e6),
        "ms_a_look": round(looks["s"] / max(1, looks["n"]) * 1e3, 2),
        "rebuild_s": round(rebuild_s, 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    return found | _live(city, positions, begin_s=now_s, live_s=live_s, log=log)


def _live(city: Any, positions: list[Any], *, begin_s: float, live_s: int, log: Any) -> dict[str, Any]:
    """Let the evening go on at the pace of the world, and look when the desk can read each position."""
    from saat.records.models import Run
    from saat.stream.following import Follower

    follower = Follower(positions=log)
    follower.start(_at(begin_s))
    coming = [one for one in positions if begin_s < one.received_s <= begin_s + live_s]
    vehicle = {device_id: follower.book.get(device_id).bindings[0][2] for device_id in {p.device_id for p in coming}}
    said: dict[tuple[int, int], float] = {}
    waited: list[float] = []
    _rest(follower, begin_s)
    seen_at = Run.objects.order_by("-followed_at").values_list("followed_at", flat=True).first()
    began, cpu, at = time.perf_counter(), time.process_time(), 0
    while (passed := time.perf_counter() - began) < live_s:
        some = []
        while at < len(coming) and coming[at].received_s <= begin_s + passed:
            some.append(coming[at])
            at += 1
        log.append(some)
        for one in some:
            said[vehicle[one.device_id], round(one.fixed_s)] = time.perf_counter()
        worked = follower.step(_at(begin_s + passed))
        for run in Run.objects.filter(city=city, followed_at__gt=seen_at).order_by("followed_at"):
            seen_at = run.followed_at
            for truck in run.view.get("vehicles", ()):
                told = said.pop((truck["id"], truck["seen"]), None)
                if told is not None:
                    waited.append(time.perf_counter() - told)
        if not worked:
            time.sleep(0.05)
    return {
        "live_positions_a_second": round(at / live_s),
        "live_p50_s": round(percentile(waited, 0.5), 2),
        "live_p99_s": round(percentile(waited, 0.99), 2),
        "live_cpu_share": round((time.process_time() - cpu) / live_s, 2),
    }


def _counting(follower: Any) -> dict[str, float]:
    """Count looks and the seconds that they take."""
    from saat.stream.looking import Watched

    counted = {"n": 0, "s": 0.0}
    look = Watched.look

    def counting(self: Watched, *given: Any, **named: Any) -> Any:
        started = time.process_time()
        try:
            return look(self, *given, **named)
        finally:
            counted["n"] += 1
            counted["s"] += time.process_time() - started

    Watched.look = counting  # type: ignore[method-assign]
    return counted


def _rest(follower: Any, now_s: float) -> None:
    while follower.step(_at(now_s)):
        pass


def _chunks(positions: list[Any], from_s: float, until_s: float) -> Iterator[list[Any]]:
    some: list[Any] = []
    edge = from_s + _CHUNK_S
    for one in positions:
        if one.received_s <= from_s or one.received_s > until_s:
            continue
        while one.received_s > edge:
            yield some
            some, edge = [], edge + _CHUNK_S
        some.append(one)
    yield some


def _at(moment_s: float) -> datetime:
    return datetime.fromtimestamp(moment_s, UTC)


def _city(trucks: int) -> tuple[Any, list[Any], list[Any]]:
    """Write a city with a round for each truck; return it with the runs and everything that trackers say."""
    from saat.actions.cities import open_city
    from saat.actions.log import CLOCK, COMMAND
    from saat.actions.plans import save_plan
    from saat.actions.runs import plan_runs
    from saat.config.commands.base import city_file, read_text
    from saat.config.demo.rounds import draft_of
    from saat.records.models import Contractor, Device, DeviceBinding, Vehicle
    from saat.records.plan_values import run_plans
    from saat.rounds.simulation import Streets, Troubles, drive, make_city

    set_up = datetime(2026, 1, 4, 3, 0, tzinfo=UTC)
    city = open_city(
        policy_text=read_text(city_file("phnom-penh")), country_holidays=[], is_demo=False, now=set_up, by=COMMAND
    )
    owners = [Contractor.objects.create(city=city, name=f"Contractor {n}") for n in range(max(1, trucks // 100))]
    different = min(trucks, _ROUNDS)
    streets = Streets.grid(columns=40, rows=50)
    drawn = make_city(
        _SEED, streets=streets, rounds=different, stops=_STOPS, service_day=_DAY, contractors=(None,),
        starts_s=(18.5 * 3600, 18.75 * 3600),
    )  # fmt: skip
    vehicles = Vehicle.objects.bulk_create(
        Vehicle(city=city, label=f"T{n:05d}", contractor=owners[n % len(owners)]) for n in range(trucks)
    )
    devices = Device.objects.bulk_create(
        Device(city=city, uid=f"t{n:05d}", state="claimed", needs_token=False) for n in range(trucks)
    )
    DeviceBinding.objects.bulk_create(
        DeviceBinding(city=city, device=device, vehicle=vehicle, from_at=set_up - timedelta(days=1))
        for device, vehicle in zip(devices, vehicles, strict=True)
    )
    for n in range(trucks):
        draft = draft_of(drawn[n % different], code=f"R{n:05d}", name=f"Round {n}")
        north = _shift(n, different)
        moved = tuple(
            replace(stop, lat=stop.lat + north, line=tuple((lat + north, lon) for lat, lon in stop.line))
            for stop in draft.stops
        )
        save_plan(
            city_id=city.pk, draft=replace(draft, stops=moved), from_day=_DAY, now=set_up, by=COMMAND,
            contractor_id=owners[n % len(owners)].pk, vehicle_id=vehicles[n].pk, accept_warnings=True,
        )  # fmt: skip
    plan_runs(city.pk, days=1, first=_DAY, now=set_up, by=CLOCK)
    plans = run_plans(city.pk, _DAY)
    night = drive(drawn, _SEED, Troubles.ordinary(), INTERVAL_S, streets=streets, spares=())
    by_device: dict[int, list[Any]] = {}
    for one in night.positions:
        by_device.setdefault(one.device_id, []).append(one)
    told = [by_device.get(night.device_of_vehicle.get(plan.vehicle_ids[0], -1), []) for plan in drawn]
    positions = [
        one._replace(device_id=devices[n].pk, lat=one.lat + _shift(n, different))
        for n in range(trucks)
        for one in told[n % different]
    ]
    positions.sort(key=lambda one: (one.received_s, one.device_id))
    return city, plans, positions


def _shift(n: int, different: int) -> float:
    """Return by how many degrees a copy of a round lies further north."""
    return _APART_DEG * (n // different)


if __name__ == "__main__":
    main()
