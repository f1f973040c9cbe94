"""A plan is saved as a new version from a day on; runs that have not begun follow it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from saat.actions.log import CLOCK, COMMAND, NotAllowed, NotFound
from saat.actions.plan_words import say_fault
from saat.actions.plans import PlanRefused, retire_round
from saat.actions.runs import plan_runs
from saat.records.models import Event, PlannedStop, Round, RoundPlan, Run, RunVehicle, Stop, StopRun, Vehicle
from saat.records.plan_values import days_from_json, days_to_json, run_plan, run_plans
from saat.terms.plan import HolidayRule, ServiceDays, StopKind, Stream
from saat.terms.stopnumbers import is_mistyped
from tests.city import MONDAY_MORNING, OUTSIDE, make_city
from tests.hall import make_hall
from tests.plans import MONDAY, a_round, a_stop, moved, save

pytestmark = pytest.mark.django_db

TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)


@pytest.fixture
def city():
    return make_city().city


def test_a_new_round_gets_its_stops_with_numbers_and_areas(city):
    saved = save(city)
    stops = Stop.objects.order_by("source_id")
    assert (saved.version, saved.changed, saved.stops_made) == (1, True, 3)
    assert len({stop.number for stop in stops}) == 3
    assert not any(is_mistyped(stop.number) for stop in stops)
    assert {str(stop.area.names.get(language="en")) for stop in stops} == {"Phsar Kandal"}
    assert stops[0].names == {"en": "Corner 1", "km": "ជ្រុង 1"}
    assert Round.objects.get().area == stops[0].area
    assert Event.objects.get(kind="plan_saved").facts["stops"] == 3


def test_the_same_plan_again_changes_nothing(city):
    first = save(city)
    events = Event.objects.count()
    again = save(city)
    assert (again.plan_id, again.changed, again.stops_changed) == (first.plan_id, False, 0)
    assert (Event.objects.count(), RoundPlan.objects.count(), Stop.objects.count()) == (events, 1, 3)


def test_a_change_is_a_new_version_from_its_day_and_what_was_stays(city):
    save(city)
    plan_runs(city.pk, days=4, now=MONDAY_MORNING, by=CLOCK)
    new = moved(a_round(), 2, lat=11.5500, lon=104.9120)
    saved = save(city, new, from_day=WEDNESDAY)
    assert (saved.version, saved.runs, saved.stops_changed) == (2, 2, 1)
    by_day = {day: run_plans(city.pk, day)[0] for day in (MONDAY, TUESDAY, WEDNESDAY, WEDNESDAY + timedelta(days=1))}
    assert [plan.stops[1].lat for plan in by_day.values()] == [11.5465, 11.5465, 11.5500, 11.5500]
    assert Run.objects.count() == 4
    assert Stop.objects.get(source_id="stop-2").lat == 11.5500


def test_a_version_that_has_not_begun_is_replaced_by_one_from_the_same_day(city):
    save(city)
    save(city, moved(a_round(), 1, dwell_s=60.0, planned_s=72_060.0), from_day=WEDNESDAY)
    save(city, moved(a_round(), 1, planned_s=72_120.0), from_day=WEDNESDAY)
    assert list(RoundPlan.objects.order_by("version").values_list("version", "from_day")) == [
        (1, MONDAY), (3, WEDNESDAY),
    ]  # fmt: skip


def test_a_run_that_has_begun_keeps_the_plan_by_which_it_began(city):
    saved = save(city)
    plan_runs(city.pk, days=2, now=MONDAY_MORNING, by=CLOCK)
    monday, tuesday = Run.objects.order_by("service_day")
    Run.objects.filter(pk=monday.pk).update(state="running")
    later = moved(a_round(), 1, planned_s=72_060.0)
    with pytest.raises(PlanRefused, match="A run of 2026-03-02 has begun already"):
        save(city, later)
    changed = save(city, later, from_day=TUESDAY)
    assert Run.objects.get(pk=monday.pk).plan_id == saved.plan_id
    assert not Run.objects.filter(pk=tuesday.pk).exists()
    assert Run.objects.get(service_day=TUESDAY).plan_id == changed.plan_id


def test_another_contractor_drives_the_runs_that_have_not_begun():
    hall = make_hall()
    north, south = (hall.contractors[name].pk for name in ("north", "south"))
    save(hall.city, contractor_id=north)
    plan_runs(hall.city.pk, days=3, now=MONDAY_MORNING, by=CLOCK)
    saved = save(hall.city, contractor_id=south, from_day=TUESDAY)
    assert not saved.changed
    assert list(Run.objects.order_by("service_day").values_list("contractor", flat=True)) == [north, south, south]


def test_a_run_of_which_something_is_known_stays(city):
    save(city)
    plan_runs(city.pk, days=3, now=MONDAY_MORNING, by=CLOCK)
    run = Run.objects.get(service_day=WEDNESDAY)
    StopRun.objects.create(
        city=city, run=run, stop=Stop.objects.first(), sequence=1, service_day=WEDNESDAY, planned_at=run.starts_at,
        closes_at=run.ends_at, outcome="excused", decided_at=MONDAY_MORNING,
    )  # fmt: skip
    save(city, moved(a_round(), 1, planned_s=72_060.0), from_day=TUESDAY)
    assert Run.objects.get(service_day=WEDNESDAY) == run


def test_history_cannot_be_rewritten(city):
    save(city)
    with pytest.raises(PlanRefused, match="cannot begin in the past; today is 2026-03-02"):
        save(city, moved(a_round(), 1, planned_s=72_060.0), from_day=date(2026, 2, 20))


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_written(city):
    draft = moved(moved(a_round(), 1, opens_s=73_000.0, closes_s=72_000.0), 3, sequence=2)
    with pytest.raises(PlanRefused) as refused:
        save(city, replace(draft, days=ServiceDays(weekdays=frozenset())))
    assert [say_fault(fault) for fault in refused.value.faults] == [
        "The round has no days on which it runs.",
        "Row 1: The window ends before it starts.",
        "Row 3: Row 2 has the same place in the order, 2.",
    ]
    assert not refused.value.may_accept
    assert (Round.objects.count(), Stop.objects.count()) == (0, 0)


def test_a_stop_in_the_sea_is_refused_and_one_just_outside_needs_a_second_word(city):
    with pytest.raises(PlanRefused, match=r"Row 2: This stop lies 1\d\d km from the city\."):
        save(city, moved(a_round(), 2, lat=10.2, lon=104.0))
    with pytest.raises(PlanRefused, match="at 0, 0, in the sea off Africa"):
        save(city, moved(a_round(), 2, lat=0.0, lon=0.0))
    outside = moved(a_round(), 2, lat=OUTSIDE.lat, lon=OUTSIDE.lon)
    with pytest.raises(PlanRefused, match=r"1\d\d\d m outside the city") as refused:
        save(city, outside)
    assert refused.value.may_accept
    saved = save(city, outside, accept_warnings=True)
    assert {fault.code for fault in saved.warnings} >= {"outside_city"}


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(city):
    saved = save(city, dry_run=True)
    assert (saved.changed, saved.stops_made) == (True, 3)
    assert (Round.objects.count(), Stop.objects.count(), Event.objects.count()) == (0, 0, 0)


def test_a_lane_is_tied_to_its_meeting_point_which_may_be_on_another_round(city):
    save(city, a_round(a_stop(1, kind=StopKind.TRANSFER, number="M-1")))
    lane = a_stop(1, source_id="lane", lane=True, served_by="m-1", lat=11.5470)
    save(city, a_round(lane, code="carts"))
    assert Stop.objects.get(source_id="lane").served_by == Stop.objects.get(number="M-1")
    with pytest.raises(PlanRefused, match="The meeting point nowhere is not known"):
        save(city, a_round(replace(lane, served_by="nowhere"), code="carts"))


def test_a_number_is_nobody_elses(city):
    save(city, a_round(a_stop(1, number="B-1")))
    other = make_city(jurisdiction_id="elsewhere.kh").city
    with pytest.raises(PlanRefused, match="The number B-1 belongs to another stop"):
        save(other, a_round(a_stop(1, number="b-1", source_id="another")))
    with pytest.raises(PlanRefused, match="cannot be a stop's number"):
        save(city, a_round(a_stop(1, number="near the market", source_id="new")))


def test_planning_runs_again_makes_none_twice(city):
    save(city)
    assert plan_runs(city.pk, days=3, now=MONDAY_MORNING, by=CLOCK) == 3
    events = Event.objects.count()
    assert plan_runs(city.pk, days=3, now=MONDAY_MORNING, by=CLOCK) == 0
    assert (Run.objects.count(), Event.objects.count()) == (3, events)
    assert plan_runs(city.pk, days=3, now=MONDAY_MORNING + timedelta(days=1), by=CLOCK) == 1


def test_runs_carry_their_truck_their_span_and_how_many_stops_they_have(city):
    truck = Vehicle.objects.create(city=city, label="2A-1234", capacity_kg=8000)
    streams = {Stream.RECYCLING: frozenset({1})}
    save(city, moved(a_round(), 2, streams=streams), vehicle_id=truck.pk)
    plan_runs(city.pk, days=2, now=MONDAY_MORNING, by=CLOCK)
    monday, tuesday = Run.objects.order_by("service_day")
    assert (monday.stops, tuesday.stops) == (2, 3)
    assert monday.starts_at.isoformat() == "2026-03-02T13:00:00+00:00"
    (plan,) = run_plans(city.pk, MONDAY)
    assert [stop.sequence for stop in plan.stops] == [1, 3]
    assert (plan.vehicle_ids, plan.capacity_kg) == ((truck.pk,), 8000.0)
    assert run_plan(monday) == plan
    RunVehicle.objects.filter(run=monday).update(until_at=MONDAY_MORNING)
    assert run_plan(monday).vehicle_ids == ()


def test_a_holiday_moves_the_runs_and_their_streams(city):
    city.country_holidays = [MONDAY.isoformat()]
    city.save()
    days = ServiceDays(weekdays=frozenset({0, 1}), holidays=HolidayRule.SHIFT)
    streams = {Stream.REFUSE: None, Stream.RECYCLING: frozenset({0})}
    save(city, moved(replace(a_round(), days=days), 1, streams=streams))
    plan_runs(city.pk, days=7, now=MONDAY_MORNING, by=CLOCK)
    assert list(Run.objects.values_list("service_day", flat=True)) == [TUESDAY, WEDNESDAY]
    assert run_plans(city.pk, TUESDAY)[0].stops[0].streams == {Stream.REFUSE, Stream.RECYCLING}
    assert run_plans(city.pk, WEDNESDAY)[0].stops[0].streams == {Stream.REFUSE}


def test_a_days_runs_are_read_in_a_constant_number_of_statements(city, django_assert_num_queries):
    for number in range(5):
        stop = a_stop(1, source_id=f"of {number}")
        save(city, a_round(stop, code=f"R{number}"))
    plan_runs(city.pk, days=1, now=MONDAY_MORNING, by=CLOCK)
    with django_assert_num_queries(5):
        plans = run_plans(city.pk, MONDAY)
    assert len(plans) == 5


def test_a_round_out_of_use_has_no_more_runs(city):
    saved = save(city)
    plan_runs(city.pk, days=2, now=MONDAY_MORNING, by=CLOCK)
    retire_round(round_id=saved.round_id, now=MONDAY_MORNING, by=COMMAND)
    assert not Run.objects.exists()
    retire_round(round_id=saved.round_id, now=MONDAY_MORNING, by=COMMAND, active=True)
    assert plan_runs(city.pk, days=2, now=MONDAY_MORNING, by=CLOCK) == 2


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("duty", True), ("admin", True), ("daun penh", True), ("kandal", False), ("bassac", False), ("north", False),
        ("director", False), ("auditor", False), ("north crew", False),
    ],
)  # fmt: skip
def test_rounds_are_planned_by_those_who_answer_for_them(who, allowed):
    hall = make_hall()
    if allowed:
        assert save(hall.city, by=hall.by(who)).changed
        return
    with pytest.raises(NotAllowed):
        save(hall.city, by=hall.by(who))


def test_an_officer_plans_only_within_the_own_area():
    hall = make_hall()
    across = moved(a_round(), 3, lon=104.9300)
    with pytest.raises(NotAllowed, match="outside the area that you plan for"):
        save(hall.city, across, by=hall.by("daun penh"), accept_warnings=True)
    saved = save(hall.city, across, accept_warnings=True)
    with pytest.raises(NotAllowed, match="planned by the city's duty desk"):
        save(hall.city, a_round(), by=hall.by("daun penh"), round_id=saved.round_id)


def test_what_belongs_to_another_city_is_not_found(city):
    other = make_city(jurisdiction_id="elsewhere.kh").city
    truck = Vehicle.objects.create(city=other, label="X")
    with pytest.raises(NotFound):
        save(city, vehicle_id=truck.pk)
    saved = save(other, a_round(a_stop(1, source_id="theirs")))
    with pytest.raises(NotFound):
        save(city, round_id=saved.round_id)
    with pytest.raises(PlanRefused, match="not one of the city's"):
        save(city, a_round(a_stop(1, stop_id=Stop.objects.get(source_id="theirs").pk)))


def test_a_new_round_does_not_take_another_ones_code(city):
    save(city)
    with pytest.raises(PlanRefused, match="There is a round PK-1 already"):
        save(city, new=True)


def test_service_days_come_back_from_the_table_as_they_went():
    days = ServiceDays(
        weekdays=frozenset({1, 3}), nth=frozenset({1, -1}), every_weeks=2, counted_from=MONDAY,
        added=frozenset({TUESDAY}), removed=frozenset({WEDNESDAY}), holidays=HolidayRule.SHIFT, first=MONDAY,
        last=date(2027, 1, 1),
    )  # fmt: skip
    assert days_from_json(days_to_json(days)) == days
    assert days_from_json({"weekdays": [0]}) == ServiceDays(weekdays=frozenset({0}))


def test_planned_stops_of_a_plan_by_hand_stand_where_their_stop_stands(city):
    save(city)
    PlannedStop.objects.update(lat=None, lon=None)
    plan_runs(city.pk, days=1, now=MONDAY_MORNING, by=CLOCK)
    assert run_plans(city.pk, MONDAY)[0].stops[0].lat == 11.5450
