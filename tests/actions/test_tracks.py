"""Tracks are packed when a day is over, read as before, and forgotten when their city's time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from saat.actions.tracks import keep_tracks
from saat.records import position_archive
from saat.records.models import Device
from saat.records.position_log import LogMark, PositionLog
from saat.terms.position import Position
from tests.city import POLICY, make_city

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    log = PositionLog(tmp_path / "positions")
    yield log
    log.close()


def drive(log: PositionLog, device_id: int, day: int, count: int = 5) -> list[Position]:
    start_s = (FIRST + timedelta(days=day)).timestamp()
    some = [Position(device_id, start_s + n, start_s + n + 0.5, 11.5, 104.9, 3.0 * n, None, 8.0) for n in range(count)]
    log.append(some)
    return some


def keep(log: PositionLog, *, days: float):
    return keep_tracks(positions=log, now=FIRST + timedelta(days=days))


def everything(log: PositionLog, step: int = 3) -> list[Position]:
    found, mark = [], LogMark()
    while True:
        some, after = log.read_on(mark, step)
        found += some
        if after == mark:
            return found
        mark = after


def test_a_day_that_is_over_is_packed_and_read_as_before(log, monkeypatch):
    monkeypatch.setattr(position_archive, "_PART_ROWS", 4)
    days = [drive(log, device_id=1 + day % 2, day=day) for day in range(6)]
    before = everything(log)
    span = {"from_s": days[0][2].fixed_s, "until_s": days[5][0].fixed_s}
    of_first = log.of_devices([1], **span)
    mark = LogMark("2026-03-03", 2)
    rest = log.read_on(mark, 100)
    kept = keep(log, days=5)
    assert (kept.packed, kept.forgotten) == (2, 0)
    assert keep(log, days=7).packed == 2
    assert log.names() == ["2026-03-06", "2026-03-07"]
    assert log.archive.names() == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    assert everything(log) == before
    assert log.of_devices([1], **span) == of_first
    assert log.read_on(mark, 100) == rest
    assert keep(log, days=7).packed == 0


def test_an_archived_day_is_plain_parquet(log):
    some = drive(log, 1, day=0)
    drive(log, 1, day=5)
    keep(log, days=5)
    frame = pl.read_parquet(log.folder / "archive" / "2026-03-02" / "*.parquet")
    assert frame.columns == ["row", *Position._fields]
    assert frame["fixed_s"].to_list() == [position.fixed_s for position in some]


def test_the_day_that_is_written_to_is_never_packed(log):
    drive(log, 1, day=0)
    assert keep(log, days=20).packed == 0
    assert log.names() == ["2026-03-02"]


def test_a_late_upload_after_packing_is_kept_and_read_once(log):
    some = drive(log, 1, day=0)
    drive(log, 1, day=5)
    keep(log, days=5)
    assert log.append([some[0]._replace(received_s=(FIRST + timedelta(days=5)).timestamp())]) == 1
    assert len(log.of_devices([1], from_s=some[0].fixed_s, until_s=some[-1].fixed_s)) == len(some)


def test_each_city_s_tracks_are_forgotten_after_its_own_days(log):
    def city(jurisdiction_id: str, days: int):
        text = POLICY.read_text(encoding="utf-8").replace("track_days = 30", f"track_days = {days}")
        return make_city(jurisdiction_id=jurisdiction_id, policy_text=text).city

    short = Device.objects.create(city=city("short.kh", 2), uid="S", state="claimed")
    long = Device.objects.create(city=city("long.kh", 40), uid="L", state="claimed")
    for day in range(6):
        drive(log, short.pk, day)
        drive(log, long.pk, day)
    kept = keep(log, days=5)
    assert kept.forgotten == 5 * 3
    whole = {"from_s": 0.0, "until_s": (FIRST + timedelta(days=9)).timestamp()}
    assert len(log.of_devices([short.pk], **whole)) == 5 * 3
    assert len(log.of_devices([long.pk], **whole)) == 5 * 6
    assert keep(log, days=5).forgotten == 0
    assert keep(log, days=8).forgotten == 5 * 2  # the newest day stays open
    assert len(log.of_devices([long.pk], **whole)) == 5 * 6
    drive(log, long.pk, 44)
    done = keep(log, days=44)
    assert done.deleted == 4
    assert len(log.of_devices([long.pk], from_s=0.0, until_s=(FIRST + timedelta(days=50)).timestamp())) == 5 * 3


def test_what_nobody_claimed_is_kept_for_a_month(log):
    make_city()
    drive(log, 99, 0)
    drive(log, 99, 31)
    assert keep(log, days=30).deleted == 0
    assert keep(log, days=31).deleted == 1
