"""Findings of one trouble share one case, which opens, says what holds, and closes itself when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saat.actions.cases import close_without_fix, take_case
from saat.actions.findings import settle
from saat.actions.log import FOLLOWER
from saat.actions.outcomes import write_run
from saat.records.models import Case, Event, FindingRow, Run
from saat.rounds.finding import findings_of
from saat.rounds.forecasting import forecast
from saat.terms.history import NO_HISTORY
from saat.terms.roundrule import RoundRule
from saat.terms.run import Finding, FindingKind, Outcome, RunView, VehicleState
from tests.actions.chain import assert_chain_is_whole
from tests.rounds_plan import at_s, make_run, moment, plan_for, truck, view_at, view_for

pytestmark = pytest.mark.django_db


def look(run: Run, view: RunView, *, now=None) -> int | None:
    """Write down a view and what is wrong in it, as the follower does."""
    plan, view = plan_for(run), view_for(run, view)
    now_s = view.as_of_s
    forecasts = forecast(plan, view, NO_HISTORY, now_s=now_s)
    write_run(run.pk, plan=plan, view=view, forecasts=forecasts, now=moment(now_s), by=FOLLOWER)
    found = findings_of(plan, view, forecasts, rule=RoundRule(), now_s=now_s, feed_silent=False)
    return settle(run.city_id, run_id=run.pk, findings=found, now=now or moment(now_s), by=FOLLOWER)


def standing(minutes: float) -> RunView:
    """Return a run whose truck has stood at the fourth stop for so long."""
    since_s = at_s(3, minutes=1)
    now_s = since_s + minutes * 60
    vehicle = truck(VehicleState.STANDING, seen_s=now_s, standing_from_s=since_s, progress_s=since_s)
    return view_at(now_s, served=4, vehicles=(vehicle,))


def test_a_broken_down_truck_is_one_line_with_its_stops(hall, run):
    case = Case.objects.get(pk=look(run, standing(6)))
    assert case.service_code == "missed-collection"
    assert (case.lat, case.lon) == (11.5550, 104.9100)
    assert case.area == hall.ground.sangkats["Phsar Kandal"]
    assert case.contractor == hall.contractors["north"]
    assert "2A-1234" in case.summary
    assert "20:16" in case.summary
    (row,) = FindingRow.objects.filter(case=case, kind="stalled")
    assert len(row.stop_ids) == 6
    assert Event.objects.filter(kind="run.stalled").count() == 1
    assert Event.objects.get(kind="case_opened").case_id == case.pk


def test_looks_that_find_the_same_write_nothing_more(run):
    look(run, standing(6))
    events = Event.objects.count()
    assert settle_again(run, standing(6)) is None
    assert Event.objects.count() == events


def settle_again(run: Run, view: RunView) -> int | None:
    plan, view = plan_for(run), view_for(run, view)
    forecasts = forecast(plan, view, NO_HISTORY, now_s=view.as_of_s)
    found = findings_of(plan, view, forecasts, rule=RoundRule(), now_s=view.as_of_s, feed_silent=False)
    return settle(run.city_id, run_id=run.pk, findings=found, now=moment(view.as_of_s), by=FOLLOWER)


def test_a_truck_that_goes_on_closes_its_untouched_case(run):
    case_id = look(run, standing(6))
    assert look(run, view_at(at_s(4, minutes=4), served=5)) == case_id
    case = Case.objects.get(pk=case_id)
    assert (case.state, case.ending, case.reason_code) == ("closed", "no_fix", "over")
    assert not FindingRow.objects.filter(closed_at=None).exists()


def test_when_it_stalls_again_the_same_case_opens_again(run):
    case_id = look(run, standing(6))
    look(run, view_at(at_s(4, minutes=4), served=5))
    since_s = at_s(5)
    vehicle = truck(VehicleState.STANDING, seen_s=since_s + 400, standing_from_s=since_s, progress_s=since_s)
    assert look(run, view_at(since_s + 400, served=6, vehicles=(vehicle,))) == case_id
    assert Case.objects.get(pk=case_id).state == "open"
    assert Case.objects.count() == 1


def test_a_case_that_somebody_took_says_that_it_is_over_and_stays(hall, run):
    case_id = look(run, standing(6))
    take_case(case_id=case_id, now=moment(at_s(4)), by=hall.by("duty"))
    look(run, view_at(at_s(4, minutes=4), served=5))
    assert Case.objects.get(pk=case_id).state == "taken"
    assert Event.objects.filter(kind="findings_over", case_id=case_id).count() == 1


def test_what_somebody_closed_stays_closed_until_something_new_is_wrong(hall, run):
    case_id = look(run, standing(6))
    close_without_fix(case_id=case_id, reason_code="another-office", now=moment(at_s(4)), by=hall.by("duty"))
    look(run, standing(9))
    assert Case.objects.count() == 1
    view = standing(10)
    again = look(run, replace(view, stops=view_at(view.as_of_s, served=4, outcomes={2: Outcome.MISSED}).stops))
    assert again != case_id
    assert Case.objects.count() == 2


def test_a_miss_that_late_data_disproves_is_withdrawn(run):
    case_id = look(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    look(run, view_at(at_s(6, minutes=2), served=6))
    (row,) = FindingRow.objects.filter(kind="missed")
    assert row.withdrawn
    assert Case.objects.get(pk=case_id).state == "closed"
    assert Event.objects.filter(kind="finding_withdrawn", case_id=case_id).count() == 1


def test_a_faulty_tracker_alone_is_no_case(run):
    view = view_at(at_s(4), served=5)
    assert look(run, replace(view, vehicles=(truck(seen_s=at_s(4), faults=("clock",)),))) is None
    assert FindingRow.objects.get().kind == "tracker_fault"
    assert not Case.objects.exists()


def test_a_silent_feed_is_one_case_of_the_contractor(hall, run):
    contractor = hall.contractors["north"]
    found = Finding(
        kind=FindingKind.FEED_SILENT, key=f"feed_silent:contractor:{contractor.pk}", since_s=at_s(2), probability=1.0,
        contractor_id=contractor.pk, facts={"silent": 4, "trackers": 5},
    )  # fmt: skip
    case_id = settle(run.city_id, contractor_id=contractor.pk, findings=[found], now=moment(at_s(3)), by=FOLLOWER)
    case = Case.objects.get(pk=case_id)
    assert "North Clean" in case.summary
    assert case.urgency == "low"
    assert Event.objects.get(kind="feed.down").facts["contractor"] == contractor.pk
    settle(run.city_id, contractor_id=contractor.pk, findings=[], now=moment(at_s(4)), by=FOLLOWER)
    case.refresh_from_db()
    assert case.state == "closed"


def test_findings_of_the_simulator_are_marked_as_such(hall):
    run = make_run(hall.ground, contractor=hall.contractors["north"], simulated=True)
    case_id = look(run, standing(6))
    assert Case.objects.get(pk=case_id).simulated
    assert FindingRow.objects.filter(simulated=True).exists()


def test_the_chain_holds(run):
    look(run, standing(6))
    look(run, view_at(at_s(4, minutes=4), served=5))
    assert_chain_is_whole(run.city)
