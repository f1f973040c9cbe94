"""What is impossible in a plan, and what is only unlikely."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest

from saat.rounds.planning import middle_of, placed, plan_faults, span_of
from saat.terms.plan import ServiceDays, StopKind, Stream
from tests.plans import MONDAY, a_round, a_stop, moved

KERB = {"kind": StopKind.KERB, "line": ((11.5450, 104.9100), (11.5470, 104.9100))}


def codes(draft, *, from_day=MONDAY, holidays=frozenset()):
    return [fault.code for fault in plan_faults(draft, from_day=from_day, holidays=holidays)]


def test_a_round_that_can_be_driven_has_no_faults():
    assert codes(a_round()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"opens_s": 72_000.0, "closes_s": 71_000.0}, "window_ends_before_start"),
        ({"opens_s": 72_000.0, "closes_s": 72_000.0}, "window_ends_before_start"),
        ({"closes_s": 180_000.0}, "time_outside_day"),
        ({"planned_s": math.nan}, "time_outside_day"),
        ({"opens_s": -60.0}, "time_outside_day"),
        ({"lat": math.nan}, "no_place"),
        ({"lat": 104.91, "lon": 11.545}, "latitude_too_large"),
        ({"lat": 0.0, "lon": 0.0}, "null_island"),
        ({"kind": StopKind.KERB}, "kerb_without_line"),
        ({"kind": StopKind.KERB, "line": ((11.5, 104.9), (11.5, 104.9))}, "kerb_without_line"),
        ({"dwell_s": -1.0}, "dwell_negative"),
        ({"load_kg": math.inf}, "load_negative"),
        ({"streams": {}}, "stop_never_collected"),
        ({"served_by": "stop-1"}, "serves_itself"),
        ({"served_by": "stop-2"}, "no_meeting_point"),
        ({"source_id": "stop-2"}, "stop_twice"),
    ],
)
def test_a_stop_that_cannot_be_is_a_fault(changes, code):
    found = plan_faults(moved(a_round(), 1, **changes), from_day=MONDAY)
    assert code in [fault.code for fault in found if not fault.warning]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"planned_s": 71_000.0}, "planned_outside_window"),
        ({"lat": 11.72}, "too_fast"),
    ],
)
def test_what_is_only_unlikely_is_a_warning(changes, code):
    found = plan_faults(moved(a_round(), 1, **changes), from_day=MONDAY)
    assert [(fault.code, fault.warning) for fault in found] == [(code, True)]


def test_times_that_go_backwards_are_a_fault_at_the_later_stop_unless_the_crew_chooses_the_order():
    draft = moved(a_round(), 3, planned_s=72_300.0, opens_s=72_000.0, closes_s=73_000.0)
    (fault,) = plan_faults(draft, from_day=MONDAY)
    assert (fault.code, fault.row, fault.facts["other"]) == ("times_go_backwards", 3, 2)
    assert codes(replace(draft, order_strict=False)) == []


def test_two_stops_with_one_place_in_the_order_are_a_fault():
    assert codes(moved(a_round(), 3, sequence=2)) == ["sequence_twice"]


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (ServiceDays(weekdays=frozenset()), "no_days"),
        (ServiceDays(weekdays=frozenset({0}), every_weeks=2), "weeks_uncounted"),
        (ServiceDays(weekdays=frozenset({0}), first=date(2026, 4, 1), last=date(2026, 3, 1)), "days_end_before_start"),
        (ServiceDays(weekdays=frozenset({0}), last=date(2026, 1, 1)), "no_days"),
        (ServiceDays(weekdays=frozenset({0}), first=date(2026, 3, 3), last=date(2026, 3, 8)), "no_days"),
    ],
)
def test_a_round_without_days_is_refused(days, code):
    assert codes(replace(a_round(), days=days)) == [code]


def test_a_single_date_is_enough_of_a_day():
    assert codes(replace(a_round(), days=ServiceDays(weekdays=frozenset(), added=frozenset({MONDAY})))) == []


def test_a_round_begins_and_ends_within_its_service_day_and_the_night_after():
    assert codes(replace(a_round(), starts_s=80_000.0, ends_s=70_000.0)) == ["round_ends_before_start"]
    assert codes(replace(a_round(), ends_s=200_000.0)) == ["round_outside_day"]
    assert codes(replace(a_round(), starts_s=70_000.0, ends_s=100_000.0)) == []


def test_an_empty_round_and_one_without_a_code_are_refused():
    assert codes(replace(a_round(), stops=())) == ["no_stops"]
    assert codes(a_round(code=" ")) == ["no_code"]


def test_a_stop_on_none_of_the_rounds_weekdays_is_never_collected():
    draft = replace(a_round(), days=ServiceDays(weekdays=frozenset({0, 3})))
    recycling = {Stream.RECYCLING: frozenset({2})}
    assert codes(moved(draft, 2, streams=recycling)) == ["stop_never_collected"]
    assert codes(moved(draft, 2, streams={Stream.REFUSE: None, **recycling})) == []


def test_the_span_of_a_round_comes_from_its_stops_where_it_is_not_said():
    assert span_of(a_round()) == (72_000.0, 73_230.0)
    assert span_of(a_round(a_stop(1, "20:00", dwell_s=0.0))) == (72_000.0, 72_060.0)


def test_a_lane_is_brought_to_a_meeting_point():
    lane = a_stop(1, served_by="stop-2", lane=True)
    assert codes(a_round(lane, a_stop(2, "20:10", kind=StopKind.TRANSFER))) == []


def test_a_kerb_stands_in_its_middle():
    bent = ((11.0, 104.0), (11.0, 104.1), (11.0, 104.4))
    assert middle_of(bent).lon == pytest.approx(104.2)
    stop = placed(a_stop(1, lat=math.nan, lon=math.nan, **KERB))
    assert (stop.lat, stop.lon) == (pytest.approx(11.5460), pytest.approx(104.9100))
    with pytest.raises(ValueError, match="no middle"):
        middle_of(())


def test_a_stop_far_from_the_rest_of_its_round_is_a_doubt_and_further_a_mistake():
    far = {"planned_s": 60_000.0, "opens_s": 59_000.0, "closes_s": 61_000.0}
    for lat, warning in ((11.80, True), (12.2, False)):
        (fault,) = plan_faults(moved(a_round(), 1, lat=lat, **far), from_day=MONDAY)
        assert (fault.code, fault.row, fault.warning) == ("far_from_round", 1, warning)
