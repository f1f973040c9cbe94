"""Predictions keep lateness as it is, widen with the horizon, learn from the round's past, and are scored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saat.rounds.expecting import Expectation, trip_to_empty_s
from saat.rounds.forecasting import forecast
from saat.rounds.learning import issue, learn, scores
from saat.terms.history import NO_HISTORY, Running
from saat.terms.plan import SiteKind, SitePlace
from saat.terms.run import CrewReason, Outcome, RunView, VehicleState
from tests.rounds_plan import STOPS, at_s, plan_of, seen, truck, view_at


def predicted(view: RunView, *, plan=None, history=NO_HISTORY, now_s: float | None = None):
    """Return the predictions by the stop's sequence."""
    found = forecast(plan or plan_of(), view, history, now_s=view.as_of_s if now_s is None else now_s)
    return {one.stop_id: one for one in found}


def later_by(view: RunView, seconds: float) -> RunView:
    """Return a view in which everything that happened happened so much later."""
    stops = tuple(
        replace(stop, arrived_s=stop.arrived_s + seconds, left_s=stop.left_s + seconds) if stop.arrived_s else stop
        for stop in view.stops
    )
    return replace(view, as_of_s=view.as_of_s + seconds, stops=stops)


def at_stop(view: RunView, sequence: int) -> RunView:
    """Return a view in which the truck is where a stop is."""
    stop = plan_of().stops[sequence - 1]
    return replace(view, vehicles=(truck(seen_s=view.as_of_s, lat=stop.lat, lon=stop.lon),))


def on_time(served: int) -> RunView:
    return at_stop(view_at(at_s(served - 1, seconds=30), served=served), served)


def test_each_stop_that_is_still_expected_has_one_and_no_other():
    assert list(predicted(on_time(4))) == [5, 6, 7, 8, 9, 10]
    assert predicted(view_at(at_s(9), served=4, finished_s=at_s(9))) == {}


def test_an_interval_grows_with_its_distance_and_is_in_order():
    found = predicted(on_time(3))
    widths = [one.p90_s - one.p10_s for one in found.values()]
    assert widths == sorted(widths)
    assert all(one.p10_s <= one.p50_s <= one.p90_s for one in found.values())
    assert all(0 <= one.p_miss < 0.2 for one in found.values())


def test_who_is_late_stays_late_by_as_much():
    punctual, late = predicted(on_time(4)), predicted(later_by(on_time(4), 900))
    for sequence, one in punctual.items():
        assert late[sequence].p50_s - one.p50_s == pytest.approx(900, abs=1)


def test_lateness_beyond_the_window_makes_missing_likely():
    chances = [predicted(later_by(on_time(4), minutes * 60))[10].p_miss for minutes in (0, 25, 40, 60)]
    assert chances == sorted(chances)
    assert chances[0] < 0.15
    assert chances[-1] > 0.8


def test_no_prediction_lies_in_the_past():
    view = on_time(4)
    found = predicted(view, now_s=view.as_of_s + 3600)
    assert min(one.p10_s for one in found.values()) >= view.as_of_s + 3600


def test_a_truck_that_stands_is_less_and_less_likely_to_go_on():
    chances = []
    for minutes in (0, 6, 10, 20, 40):
        now_s = at_s(3, seconds=30) + minutes * 60
        vehicle = truck(VehicleState.STANDING, seen_s=now_s, standing_from_s=at_s(3))
        chances.append(predicted(view_at(now_s, served=4, vehicles=(vehicle,)))[10].p_miss)
    assert chances == sorted(chances)
    assert chances[0] < 0.15
    assert chances[-1] > 0.85


def test_a_silent_truck_does_not_stand():
    view = on_time(4)
    silent = truck(VehicleState.SILENT, seen_s=view.as_of_s)
    chances = {
        minutes: predicted(replace(view, vehicles=(silent,)), now_s=view.as_of_s + minutes * 60)[9].p_miss
        for minutes in (5, 30, 90)
    }
    assert len(set(chances.values())) == 1


def test_what_was_passed_by_in_silence_is_not_called_missed():
    view = view_at(at_s(9), served=4)
    blind = tuple(replace(stop, blind=True, p_served=0.95) if stop.sequence > 4 else stop for stop in view.stops)
    heard = replace(view, stops=blind, vehicles=(truck(VehicleState.OFF_ROUND, seen_s=at_s(9)),))
    assert all(one.p_miss <= 0.051 for one in predicted(heard).values())


def test_a_stop_that_was_passed_by_is_missed_unless_the_crew_chooses_the_order():
    view = at_stop(view_at(at_s(6, seconds=40), served=7, outcomes={3: Outcome.EXPECTED}), 7)
    assert predicted(view)[3].p_miss > 0.8
    assert predicted(view, plan=plan_of(order_strict=False))[3].p_miss < 0.6


def test_the_stop_where_the_truck_stands_is_not_passed_by():
    view = on_time(5)
    there = replace(seen(5), outcome=Outcome.EXPECTED, left_s=None)
    found = predicted(replace(view, stops=(*view.stops[:4], there, *view.stops[5:])))
    assert found[5].p_miss < 0.1
    assert found[5].p50_s == view.as_of_s


def test_driven_backwards_the_first_stops_come_last():
    outcomes = {i: Outcome.COLLECTED if i > 6 else Outcome.EXPECTED for i in range(1, 11)}
    view = view_at(at_s(4), served=0, outcomes=outcomes, started_s=at_s(0), reached=6, reverse=True)
    stops = tuple(
        replace(stop, arrived_s=at_s(10 - stop.sequence), left_s=at_s(10 - stop.sequence) + 30)
        if stop.outcome.is_served
        else stop
        for stop in view.stops
    )
    found = predicted(replace(view, stops=stops))
    medians = [found[i].p50_s for i in (6, 5, 4, 3, 2, 1)]
    assert medians == sorted(medians)


def test_two_trucks_each_have_their_own_part():
    view = view_at(at_s(2), served=2, outcomes={6: Outcome.COLLECTED})
    second = seen(6, arrived_s=at_s(1), left_s=at_s(1) + 30, by_vehicle_id=2)
    trucks = (truck(seen_s=at_s(2)), truck(vehicle_id=2, seen_s=at_s(2)))
    found = predicted(replace(view, stops=(*view.stops[:5], second, *view.stops[6:]), vehicles=trucks))
    assert found[7].p50_s < found[5].p50_s
    assert found[7].p50_s < at_s(5)


def test_before_the_start_the_plan_is_expected_and_a_truck_that_stays_away_makes_it_doubtful():
    waiting = truck(VehicleState.AT_DEPOT)
    before = view_at(at_s(0, minutes=-20), served=0, vehicles=(replace(waiting, seen_s=at_s(0, minutes=-20)),))
    assert predicted(before)[1].p50_s == pytest.approx(at_s(0), abs=300)
    chances = [
        predicted(view_at(at_s(0, minutes=late), served=0, vehicles=(replace(waiting, seen_s=at_s(0)),)))[5].p_miss
        for late in (0, 30, 60, 120)
    ]
    assert chances == sorted(chances)
    assert chances[-1] > 0.8


def test_a_truck_whose_crew_says_that_it_is_broken_is_not_counted_on():
    view = on_time(4)
    stops = tuple(replace(stop, reason=CrewReason.BROKEN) if stop.sequence > 4 else stop for stop in view.stops)
    assert min(one.p_miss for one in predicted(replace(view, stops=stops)).values()) > 0.9


def test_a_trip_to_empty_stands_where_the_plan_or_the_load_puts_it():
    far = SitePlace(site_id=1, kind=SiteKind.DISPOSAL, lat=11.50, lon=104.80, radius_m=200)
    loaded = tuple(replace(stop, load_kg=1000) for stop in plan_of().stops)
    plan = plan_of(sites=(far,), stops=loaded, capacity_kg=5500)
    expected = Expectation.of(plan, NO_HISTORY)
    assert expected.trip_s.nonzero()[0].tolist() == [5]
    assert expected.trip_s[5] == pytest.approx(trip_to_empty_s(plan))
    assert trip_to_empty_s(plan_of()) == 0.0


def finished(*, pace: float = 1.0) -> RunView:
    """Return a whole run that took so many times as long as planned."""
    stops = tuple(
        seen(i, arrived_s=at_s(0) + (i - 1) * 300 * pace, left_s=at_s(0) + (i - 1) * 300 * pace + 30)
        for i in range(1, STOPS + 1)
    )
    view = view_at(at_s(STOPS), served=STOPS)
    return replace(view, stops=stops, finished_s=at_s(STOPS))


def test_what_is_learned_moves_predictions_towards_the_round_s_own_pace():
    history = NO_HISTORY
    medians = [predicted(on_time(4))[10].p50_s]
    for _day in range(8):
        history = learn(history, plan_of(), finished(pace=1.5))
        medians.append(predicted(on_time(4), history=history)[10].p50_s)
    assert medians == sorted(medians)
    assert medians[-1] - medians[0] > 300
    assert history.runs == 8


def test_a_leg_is_learned_by_running_figures():
    history = learn(learn(NO_HISTORY, plan_of(), finished()), plan_of(), finished(pace=1.2))
    assert history.legs[4, 5].leg == Running(2, 300.0, 1800.0)
    assert history.legs[4, 5].dwell == Running(2, 30.0, 0.0)


def test_a_long_standstill_is_no_leg_but_a_run_that_went_on():
    view = finished()
    stops = tuple(
        replace(stop, arrived_s=stop.arrived_s + 3600, left_s=stop.left_s + 3600) if stop.sequence > 5 else stop
        for stop in view.stops
    )
    history = learn(NO_HISTORY, plan_of(), replace(view, stops=stops))
    assert history.legs[5, 6].leg.n == 0
    assert history.resumed == (1, 1, 1, 1, 1)


def test_a_run_that_gave_up_is_counted_as_one_that_never_went_on():
    view = view_at(at_s(STOPS), served=6, outcomes=dict.fromkeys((7, 8, 9, 10), Outcome.MISSED))
    history = learn(NO_HISTORY, plan_of(), view)
    assert history.broke == 1
    assert history.legs[6, 7].not_served == 1


def test_predictions_are_scored_by_how_far_ahead_they_were_given():
    view = on_time(2)
    issued = issue((), plan_of(), forecast(plan_of(), view, NO_HISTORY, now_s=view.as_of_s), now_s=view.as_of_s)
    again = issue(issued, plan_of(), forecast(plan_of(), view, NO_HISTORY, now_s=view.as_of_s), now_s=view.as_of_s)
    assert again == issued
    found = scores(issued, finished())
    assert found["900"]["n"] == found["900"]["covered"] >= 1
    assert found["900"]["error_s"] / found["900"]["n"] < 300
    assert found["900"]["brier"] / found["900"]["judged"] < 0.05
    missed = scores(issued, view_at(at_s(STOPS), served=2, outcomes=dict.fromkeys(range(3, 11), Outcome.MISSED)))
    assert missed["900"]["n"] == 0
    assert missed["900"]["brier"] / missed["900"]["judged"] > 0.5


def test_running_figures_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="finite"):
        Running().add(float("nan"))
