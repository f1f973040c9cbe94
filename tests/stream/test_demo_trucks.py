"""The demo's trucks: days that are over, a night that goes on, and a truck that breaks down in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import shapely
from django.utils import translation

from saat.actions.areas import import_areas
from saat.actions.cities import open_city
from saat.actions.log import COMMAND
from saat.actions.streets import import_streets
from saat.config.demo.driving import Driver
from saat.config.demo.ground import CODE_LIST, draw_ground
from saat.config.demo.nights import evening_before, is_quiet
from saat.config.demo.people import settle_people
from saat.config.demo.streets import draw_streets
from saat.config.demo.trucks import make_trucks
from saat.records.models import Case, City, FindingRow
from saat.records.position_log import position_log
from saat.records.truck_clock import truck_now
from saat.stream.following import Follower
from saat.terms.position import Flag
from saat.terms.run import FindingKind
from tests.city import POLICY

NOW = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)  # noon in Phnom Penh
ZONE = ZoneInfo("Asia/Phnom_Penh")


@pytest.fixture
def city(db, settings, tmp_path) -> City:
    """A drawn city with its contractors, and their rounds."""
    settings.VAR = tmp_path
    since = NOW - timedelta(days=8)
    with translation.override("en"):
        city = open_city(
            policy_text=POLICY.read_text(encoding="utf-8"), country_holidays=[], is_demo=True, now=since, by=COMMAND
        )
        ground = draw_ground()
        import_areas(city=city, entries=ground.entries, code_list=CODE_LIST, schematic=True, now=since, by=COMMAND)
        khans = {code: shape for code, shape in ground.outlines.items() if len(code) == 4}
        names = {entry.code: entry.names for entry in ground.entries}
        import_streets(city=city, streets=draw_streets(khans, names), schematic=True, now=since, by=COMMAND)
        people = settle_people(city, code_list=CODE_LIST, since=since)
        outlines = {code: shapely.from_wkb(shapely.to_wkb(shape)) for code, shape in khans.items()}
        devices = make_trucks(city, people, outlines, since=since, now=NOW, days_before=0)
    assert len({device.vehicle for device in devices}) == len(devices) == 12
    return city


def test_a_night_passes_faster_than_it_was_and_a_truck_that_breaks_down_is_one_line_on_the_desk(city, tmp_path):
    log = position_log()
    driver = Driver(city, log=log, var=tmp_path)
    at_s = 0.0
    follower = Follower(positions=log, clock=lambda: at_s)
    follower.start(NOW)
    began = truck_now(city.pk, NOW)
    stalled = FindingRow.objects.filter(kind=FindingKind.STALLED, closed_at__isnull=True, case__isnull=False)
    while not stalled.exists():
        at_s += 6.0
        now = NOW + timedelta(seconds=at_s)
        assert at_s < 240, "nobody noticed the breakdown"
        driver.step(now)
        while follower.step(now):
            pass
    assert truck_now(city.pk, now) - began == 10 * (now - NOW), "simulated time passes ten times as fast"
    finding = stalled.select_related("case", "run").first()
    assert finding is not None
    assert finding.simulated
    assert len(finding.stop_ids) >= 5
    assert finding.case is not None
    assert NOW < finding.case.opened_at <= now, "a case is work for people who look at it now"
    assert Case.objects.filter(findings__run=finding.run).distinct().count() == 1
    assert all(one.flags & Flag.SIMULATED for one in log.read_on(type(log.end())(), 5000)[0])
    log.close()


def test_the_hours_in_which_nothing_is_planned_are_passed_over():
    afternoon = datetime(2026, 3, 5, 15, 0, tzinfo=ZONE)
    until = is_quiet(afternoon, ZONE)
    assert until is not None
    assert until.astimezone(ZONE).isoformat() == "2026-03-05T18:25:00+07:00"
    assert is_quiet(afternoon - timedelta(hours=1), ZONE) is None
    assert is_quiet(until, ZONE) is None


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_whenever_a_demo_begins_a_whole_night_lies_between_its_evening_and_the_present(hour):
    now = datetime(2026, 3, 5, hour, 30, tzinfo=ZONE)
    evening = datetime.combine(evening_before(now, ZONE), datetime.min.time(), ZONE) + timedelta(hours=18.5)
    assert timedelta(hours=9) <= now - evening <= timedelta(hours=33)
