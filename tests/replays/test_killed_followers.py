"""A follower is killed in the middle of an evening: the next one ends where one that was never killed would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.db import connection

from saat.actions.truckclock import set_truck_clock
from saat.records.models import City, FindingRow, FollowerMark, Run, StopRun
from saat.rounds.assigning import assign
from saat.rounds.following import RunFollower
from saat.rounds.simulation import Trouble, Troubles
from saat.rounds.tracks import Track
from saat.terms.run import FindingKind, Outcome
from tests.conftest import ROOT
from tests.following import Evening, make_evening

WORKER = """
import sys
from django.conf import settings

settings.DATABASES["default"]["NAME"] = sys.argv.pop(1)
from saat.stream.follow import main

main()
"""
ENOUGH_S = 60


@contextmanager
def following(evening: Evening) -> Iterator[subprocess.Popen[bytes]]:
    """Run a follower in a process of its own for the length of a block; kill it at the end."""
    name = str(connection.settings_dict["NAME"])
    env = os.environ | {"SAAT_VAR": str(evening.log.folder.parent)}
    worker = subprocess.Popen([sys.executable, "-c", WORKER, name], cwd=ROOT, env=env)
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)


def wait_for(condition: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + ENOUGH_S
    while not condition():
        assert worker.poll() is None, "the follower ended by itself"
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def clock_shows(evening: Evening, at_s: float) -> None:
    """Let the trackers say what they say up to a moment, and the trucks' clock stand there."""
    evening.say(at_s)
    evening.now_s = at_s
    set_truck_clock(city_id=evening.city.pk, shows_at=evening.now, speed=0.0, now=datetime.now(tz=evening.now.tzinfo))


def should_be(evening: Evening) -> dict[tuple[int, int], Outcome]:
    """Return the outcomes that all positions together mean, worked out at once and without a table."""
    vehicle_of = {device: vehicle for vehicle, device in evening.devices.items()}
    said: dict[int, list] = {}
    for position in evening.night.positions[: evening.said]:
        said.setdefault(vehicle_of[position.device_id], []).append(position)
    tracks = {vehicle: Track.of(vehicle, positions) for vehicle, positions in said.items()}
    pairs = assign(evening.plans, tracks, now_s=evening.now_s)
    found = {}
    for plan in evening.plans:
        view = RunFollower(plan).see(tracks, now_s=evening.now_s, vehicles=pairs[plan.run_id])
        for stop in view.stops:
            if stop.outcome is not Outcome.EXPECTED:
                found[plan.run_id, stop.sequence] = stop.outcome
    return found


def written() -> dict[tuple[int, int], Outcome]:
    rows = StopRun.objects.values_list("run_id", "sequence", "outcome")
    return {(run_id, sequence): Outcome(outcome) for run_id, sequence, outcome in rows}


@pytest.mark.django_db(transaction=True)
def test_a_follower_that_is_killed_leaves_all_to_the_next_which_ends_in_the_same(tmp_path):
    evening = make_evening(tmp_path, troubles=Troubles.only(Trouble.BREAKDOWN))
    City.objects.update(is_demo=True)
    first, last = min(plan.midnight_s + plan.starts_s for plan in evening.plans), evening.ends_s
    clock_shows(evening, first + 1800)
    with following(evening) as worker:
        wait_for(lambda: written() == should_be(evening) != {}, worker)
        clock_shows(evening, first + 2400)
        wait_for(lambda: FollowerMark.objects.exists(), worker)
    half = written()
    clock_shows(evening, last)
    with following(evening) as worker:
        wait_for(lambda: written() == should_be(evening), worker)
        assert len(written()) > len(half)
        wait_for(lambda: FindingRow.objects.filter(closed_at__isnull=True).exists(), worker)
        kinds = set(FindingRow.objects.filter(closed_at__isnull=True).values_list("kind", flat=True))
        assert kinds & {FindingKind.STALLED, FindingKind.MISSED, FindingKind.UNKNOWN}
    assert FindingRow.objects.filter(closed_at__isnull=True).values("key").distinct().count() == (
        FindingRow.objects.filter(closed_at__isnull=True).count()
    ), "no trouble is found twice"
    assert Run.objects.filter(state="running").count() == len(evening.plans)
