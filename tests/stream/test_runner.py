"""The stream's threads: a failure ends none of them, and all end when told to."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError

from saat.stream.__main__ import Daily
from saat.stream.runner import Job, Runner
from tests.hall import later


def test_a_job_that_fails_is_run_again_and_the_others_go_on(caplog, monkeypatch):
    ran = threading.Event()
    tries: list[int] = []

    def failing() -> int:
        tries.append(1)
        raise ValueError("a bad row")

    def working() -> int:
        ran.set()
        return 0

    runner = Runner([Job(name="failing", run=failing, every_s=0.01), Job(name="working", run=working, every_s=0.01)])
    runner.start()
    assert ran.wait(5)
    runner.stop()
    assert tries
    assert "failing: failed; trying again." in caplog.text


def test_tables_that_are_away_are_asked_again(caplog):
    asked = threading.Event()

    def away() -> int:
        asked.set()
        raise OperationalError("the tables are away")

    runner = Runner([Job(name="clock", run=away, every_s=0.01)])
    runner.start()
    assert asked.wait(5)
    runner.stop()
    assert "clock: the tables could not be used; trying again." in caplog.text


def test_a_job_that_does_not_end_holds_up_the_end_only_for_a_while():
    begun, release = threading.Event(), threading.Event()

    def stuck() -> int:
        begun.set()
        release.wait(30)
        return 0

    runner = Runner([Job(name=f"stuck{number}", run=stuck, every_s=1) for number in range(4)])
    runner.start()
    assert begun.wait(5)
    before = time.monotonic()
    runner.stop(wait_s=0.2)
    assert time.monotonic() - before < 2
    release.set()


def test_what_is_done_daily_is_done_at_the_start_then_once_a_day_and_again_if_it_failed():
    now, done = [later()], []

    def work() -> int:
        if len(done) == 1 and "failed" not in done:
            done.append("failed")
            raise ValueError("the disk is full")
        done.append(now[0])
        return 5

    daily = Daily(work, lambda: now[0])
    assert [daily(), daily()] == [0, 0]
    assert done == [later()]
    now[0] += timedelta(hours=23, minutes=59)
    daily()
    assert done == [later()]
    now[0] += timedelta(minutes=1)
    with pytest.raises(ValueError, match="the disk is full"):
        daily()
    daily()
    assert done == [later(), "failed", later(days=1)]
