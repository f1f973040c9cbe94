"""Findings: each trouble shows, silence is never a miss, and nothing flaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saat.rounds.feeds import feed_findings, run_is_blind
from saat.rounds.finding import findings_of, opens_a_case, urgency_of
from saat.rounds.forecasting import forecast
from saat.rounds.verdicts import decided_by, stands, why_changed
from saat.terms.history import NO_HISTORY
from saat.terms.roundrule import RoundRule
from saat.terms.run import (
    CrewReason,
    Evidence,
    Finding,
    FindingKind,
    Forecast,
    Outcome,
    RunView,
    VehicleState,
    VehicleView,
)
from tests.rounds_plan import STOPS, at_s, plan_of, seen, truck, view_at

RULE = RoundRule()
ALL = tuple(range(1, STOPS + 1))


def found(view: RunView, *, before: tuple[Finding, ...] = (), forecasts=None, **more: Any) -> dict[str, Finding]:
    """Return the findings of a view by kind."""
    usual: dict[str, Any] = {"rule": RULE, "now_s": view.as_of_s, "feed_silent": False, "plan": plan_of()}
    told = {**usual, **more}
    plan = told.pop("plan")
    if forecasts is None:
        forecasts = forecast(plan, view, NO_HISTORY, now_s=view.as_of_s)
    return {str(one.kind): one for one in findings_of(plan, view, forecasts, before=before, **told)}


def with_truck(view: RunView, state: VehicleState, **told: Any) -> RunView:
    return replace(view, vehicles=(truck(state, **{"seen_s": view.as_of_s, **told}),))


def standing(minutes: float, *, served: int = 4) -> RunView:
    since_s = at_s(served - 1, minutes=1)
    view = view_at(since_s + minutes * 60, served=served)
    return with_truck(view, VehicleState.STANDING, standing_from_s=since_s, progress_s=since_s)


def late_by(minutes: float, *, ahead: tuple[int, ...] = (5, 6, 7, 8, 9, 10), p_miss: float = 0.1):
    """Return predictions of stops that come so long after their window."""
    plan = plan_of()
    by_id = {stop.stop_id: stop for stop in plan.stops}
    return tuple(
        Forecast(stop_id=i, p10_s=at - 60, p50_s=at, p90_s=at + 600, p_miss=p_miss)
        for i in ahead
        for at in (plan.midnight_s + by_id[i].closes_s + minutes * 60,)
    )


def test_a_run_that_goes_well_has_none():
    assert found(view_at(at_s(4, seconds=30), served=5)) == {}


@pytest.mark.parametrize(("minutes", "told"), [(3, False), (6, True), (30, True)])
def test_a_truck_that_stands_is_stalled_after_five_minutes(minutes, told):
    findings = found(standing(minutes))
    assert ("stalled" in findings) is told
    if told:
        assert findings["stalled"].stop_ids == (5, 6, 7, 8, 9, 10)
        assert findings["stalled"].since_s == at_s(3, minutes=1)


def test_a_broken_down_truck_is_one_finding_with_its_stops_and_no_other_about_them():
    findings = found(standing(40))
    assert set(findings) == {"stalled"}
    assert findings["stalled"].probability > 0.8
    act_by_s = findings["stalled"].act_by_s
    assert act_by_s is not None
    assert act_by_s > at_s(3, minutes=41)


@pytest.mark.parametrize("state", [VehicleState.AT_DEPOT, VehicleState.AT_DISPOSAL])
def test_who_stands_at_a_site_is_not_stalled(state):
    view = with_truck(standing(30), state, standing_from_s=at_s(3))
    assert "stalled" not in found(view)


def test_a_stop_where_much_is_loaded_may_take_longer():
    plan = plan_of()
    market = replace(plan.stops[3], dwell_s=900.0)
    view = standing(10)
    view = with_truck(view, VehicleState.STANDING, standing_from_s=at_s(3))
    assert "stalled" not in found(view, plan=replace(plan, stops=(*plan.stops[:3], market, *plan.stops[4:])))


def test_who_says_that_it_is_broken_is_believed_at_once():
    view = standing(1)
    stops = tuple(replace(stop, reason=CrewReason.BROKEN) if stop.sequence > 4 else stop for stop in view.stops)
    findings = found(replace(view, stops=stops))
    assert findings["stalled"].probability == 0.97
    assert findings["stalled"].facts["crew"] is True


def test_an_idle_truck_beside_one_that_works_is_not_stalled():
    view = view_at(at_s(4, seconds=30), served=5)
    idle = truck(VehicleState.STANDING, vehicle_id=2, seen_s=view.as_of_s, standing_from_s=at_s(0))
    assert found(replace(view, vehicles=(*view.vehicles, idle))) == {}


def test_a_late_start_is_told_while_the_truck_is_heard_elsewhere():
    view = with_truck(view_at(at_s(0, minutes=20), served=0), VehicleState.AT_DEPOT)
    findings = found(view)
    assert findings["not_started"].stop_ids == ALL
    assert findings["not_started"].since_s == at_s(0)
    assert "not_started" not in found(with_truck(view_at(at_s(0, minutes=10), served=0), VehicleState.AT_DEPOT))


def test_a_start_that_nobody_could_see_is_not_called_overdue():
    view = with_truck(view_at(at_s(0, minutes=40), served=0), VehicleState.OFF_ROUND)
    blind = tuple(replace(stop, blind=True, p_served=0.95) for stop in view.stops)
    assert "not_started" not in found(replace(view, stops=blind))


@pytest.mark.parametrize("state", [VehicleState.SILENT, VehicleState.UNSEEN])
def test_a_silent_tracker_is_unknown_and_nothing_else(state):
    unseen = state is VehicleState.UNSEEN
    view = view_at(at_s(0, minutes=40) if unseen else at_s(7), served=0 if unseen else 4)
    view = replace(view, vehicles=(truck(state, seen_s=None if unseen else at_s(4), battery_share=0.04),))
    findings = found(view)
    assert set(findings) == {"unknown"}
    assert findings["unknown"].since_s == (at_s(0) if unseen else at_s(4))
    assert findings["unknown"].facts["battery_share"] == 0.04
    assert findings["unknown"].settle_by == "crew"


def test_a_single_stop_that_cannot_be_told_apart_is_no_finding():
    view = view_at(at_s(6, seconds=30), served=7)
    doubtful = tuple(
        replace(seen(i, Outcome.UNKNOWN), settle_by="crew") if i in (2, 5) else stop
        for i, stop in enumerate(view.stops, 1)
    )
    assert found(replace(view, stops=doubtful)) == {}
    blind = tuple(
        replace(seen(i, Outcome.UNKNOWN), blind=True, blind_from_s=at_s(1)) if i in (2, 3, 4) else stop
        for i, stop in enumerate(view.stops, 1)
    )
    assert found(replace(view, stops=blind))["unknown"].stop_ids == (2, 3, 4)


def test_who_strays_with_stops_ahead_is_off_the_round_and_who_goes_home_is_not():
    view = view_at(at_s(5), served=5)
    straying = with_truck(view, VehicleState.OFF_ROUND, off_round_from_s=at_s(5, minutes=-12))
    assert found(straying)["off_round"].stop_ids == (6, 7, 8, 9, 10)
    soon = with_truck(view, VehicleState.OFF_ROUND, off_round_from_s=at_s(5, minutes=-5))
    assert "off_round" not in found(soon)
    home = view_at(at_s(9), served=10, outcomes={4: Outcome.EXPECTED})
    home = with_truck(home, VehicleState.OFF_ROUND, off_round_from_s=at_s(8))
    assert "off_round" not in found(home)


def test_what_the_round_left_behind_is_missed():
    view = view_at(at_s(6, seconds=30), served=7, outcomes={3: Outcome.MISSED, 4: Outcome.MISSED})
    findings = found(view)
    assert findings["missed"].stop_ids == (3, 4)
    assert findings["missed"].facts["streets"] == 2
    assert findings["missed"].probability == pytest.approx(0.95)


def test_what_the_crew_could_not_collect_is_one_finding_a_reason():
    view = view_at(at_s(6, seconds=30), served=7)
    stops = list(view.stops)
    for i, reason in ((2, CrewReason.BLOCKED), (3, CrewReason.FLOODED), (5, CrewReason.BLOCKED)):
        stops[i - 1] = seen(i, Outcome.SKIPPED, reason=reason)
    told = findings_of(
        plan_of(), replace(view, stops=tuple(stops)), (), rule=RULE, now_s=view.as_of_s, feed_silent=False
    )
    assert {one.facts["reason"]: one.stop_ids for one in told} == {"blocked": (2, 5), "flooded": (3,)}


def test_a_tracker_that_errs_is_told_with_what_it_does():
    view = view_at(at_s(4, seconds=30), served=5)
    findings = found(replace(view, vehicles=(replace(view.vehicles[0], faults=("jumps", "clock")),)))
    assert findings["tracker_fault"].facts == {"faults": ["clock", "jumps"]}


def test_stops_that_will_be_missed_open_at_one_threshold_and_close_at_another():
    view = view_at(at_s(4), served=4)
    first = found(view, forecasts=late_by(-30, p_miss=0.7))
    assert first["will_miss"].stop_ids == (5, 6, 7, 8, 9, 10)
    assert first["will_miss"].probability == pytest.approx(0.7)
    before = (first["will_miss"],)
    assert "will_miss" not in found(view, forecasts=late_by(-30, p_miss=0.5))
    assert "will_miss" in found(view, forecasts=late_by(-30, p_miss=0.5), before=before)
    assert "will_miss" not in found(view, forecasts=late_by(-30, p_miss=0.3), before=before)


def test_what_no_act_can_help_any_more_is_not_foreseen():
    plan = plan_of()
    closes_s = plan.midnight_s + plan.stops[4].closes_s
    view = view_at(closes_s, served=4)
    findings = found(view, forecasts=late_by(60, ahead=(5,), p_miss=0.99))
    assert "will_miss" not in findings


def test_the_moment_by_which_an_act_helps_is_the_first_that_is_still_to_come():
    plan = plan_of()
    view = view_at(at_s(4), served=4)
    findings = found(view, forecasts=late_by(-30, p_miss=0.9))
    first_s = plan.midnight_s + plan.stops[4].closes_s + plan.grace_s - RULE.act_lead_min * 60
    assert findings["will_miss"].act_by_s == first_s


@pytest.mark.parametrize(
    ("minutes", "stops", "known", "told"),
    [(20, 6, False, True), (20, 2, False, False), (12, 6, False, False), (12, 6, True, True), (5, 6, True, False)],
)
def test_a_run_is_late_when_several_stops_are_and_until_they_are_clearly_not(minutes, stops, known, told):
    view = view_at(at_s(4), served=4)
    before = tuple(found(view, forecasts=late_by(30)).values()) if known else ()
    late = late_by(minutes, ahead=tuple(range(5, 5 + stops)))
    rest = late_by(-60, ahead=tuple(range(5 + stops, 11)))
    assert ("running_late" in found(view, forecasts=late + rest, before=before)) is told


def test_while_its_feed_is_silent_nothing_new_is_found_and_what_was_missed_stays():
    view = view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED})
    assert found(view, feed_silent=True) == {}
    known = (found(view)["missed"],)
    assert set(found(view, feed_silent=True, before=known)) == {"missed"}
    assert found(standing(30), feed_silent=True) == {}


# ------------------------------------------------------------------------------------------------- feeds of contractors


def fleet(silent: int, heard: int, *, ago_s: float = 300.0, apart_s: float = 10.0) -> list[RunView]:
    """Return runs of which some trucks were last heard a while ago. apart_s: between one silence and the next."""
    now_s = at_s(4)
    views = []
    for number in range(silent + heard):
        seen_s = now_s - ago_s - number * apart_s if number < silent else now_s - 5
        vehicle = VehicleView(vehicle_id=number + 1, state=VehicleState.COLLECTING, seen_s=seen_s, interval_s=10.0)
        views.append(RunView(run_id=number + 1, as_of_s=now_s, stops=(), vehicles=(vehicle,), started_s=at_s(0)))
    return views


def silent_feeds(views: list[RunView], *, before: tuple[Finding, ...] = ()) -> tuple[Finding, ...]:
    contractors = dict.fromkeys((view.run_id for view in views), 7)
    return feed_findings(views, contractors, rule=RULE, now_s=at_s(4), before=before)


@pytest.mark.parametrize(
    ("views", "told"),
    [
        (fleet(4, 2), True), (fleet(2, 0), False), (fleet(3, 4), False), (fleet(3, 3), True),
        (fleet(4, 2, ago_s=60), False), (fleet(4, 0, apart_s=900), False),
    ],
    ids=["most of them", "only two", "fewer than half", "half", "not yet long", "one after the other"],
)  # fmt: skip
def test_trackers_that_go_silent_together_are_one_finding(views, told):
    found_now = silent_feeds(views)
    assert bool(found_now) is told
    if told:
        assert found_now[0].contractor_id == 7
        assert found_now[0].facts["silent"] == sum(view.vehicles[0].seen_s < at_s(4) - 100 for view in views)


def test_a_silent_feed_ends_when_most_are_heard_again():
    known = silent_feeds(fleet(6, 0))
    assert silent_feeds(fleet(3, 3), before=known)
    assert silent_feeds(fleet(1, 5), before=known) == ()


def test_only_a_run_that_is_silent_itself_is_blind():
    views = fleet(4, 1)
    feeds = silent_feeds(views)
    told = [run_is_blind(view, feeds, contractor_id=7, now_s=at_s(4)) for view in views]
    assert told == [True, True, True, True, False]
    assert not run_is_blind(views[0], feeds, contractor_id=8, now_s=at_s(4))


# ------------------------------------------------------------------------------------------------------ what they weigh


def test_only_what_somebody_can_act_on_is_a_case():
    without = {kind for kind in FindingKind if not opens_a_case(kind)}
    assert without == {FindingKind.RUNNING_LATE, FindingKind.TRACKER_FAULT}


@pytest.mark.parametrize(
    ("kind", "stops", "helps", "urgency"),
    [
        (FindingKind.STALLED, 40, True, "high"), (FindingKind.STALLED, 40, False, "normal"),
        (FindingKind.STALLED, 3, True, "normal"), (FindingKind.MISSED, 12, False, "high"),
        (FindingKind.MISSED, 1, False, "normal"), (FindingKind.UNKNOWN, 40, False, "low"),
        (FindingKind.FEED_SILENT, 0, False, "low"),
    ],
)  # fmt: skip
def test_how_pressing_a_finding_is(kind, stops, helps, urgency):
    assert urgency_of(kind, stops=stops, helps=helps) == urgency


@pytest.mark.parametrize(
    ("decided", "new", "kept"),
    [
        ("official", seen(3), True),
        ("contest", seen(3, Outcome.MISSED), True),
        ("follower", seen(3), False),
        ("crew", seen(3, Outcome.MISSED, reason=CrewReason.BLOCKED), True),
        ("crew", seen(3, Outcome.MISSED), False),
        ("crew", seen(3, Outcome.SKIPPED, reason=CrewReason.FULL), False),
        ("crew", seen(3, Outcome.LATE, reason=CrewReason.BLOCKED, arrived_s=at_s(8)), False),
        ("crew", seen(3, Outcome.COLLECTED, reason=CrewReason.BLOCKED, arrived_s=at_s(2)), True),
    ],
)
def test_whose_word_stands(decided, new, kept):
    assert stands(decided=decided, decided_s=at_s(5), new=new) is kept


def test_why_a_mind_was_changed():
    crew, resident = Evidence(kind="crew", log_odds=-4), Evidence(kind="resident", log_odds=-2)
    told = [
        why_changed(before=None, old_kinds=frozenset(), new=()),
        why_changed(before=Outcome.MISSED, old_kinds=frozenset({"dwell"}), new=(crew,)),
        why_changed(before=Outcome.MISSED, old_kinds=frozenset({"crew"}), new=(crew, resident)),
        why_changed(before=Outcome.MISSED, old_kinds=frozenset(), new=()),
    ]
    assert told == ["decided", "crew", "resident", "late_positions"]
    assert decided_by(seen(3, Outcome.SKIPPED, reason=CrewReason.FULL)) == "crew"
