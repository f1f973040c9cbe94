"""What a finished run teaches, and how good its predictions were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from saat.rounds.expecting import A_TRIP, Expectation
from saat.terms.history import STOOD_MIN, History, Leg, LegHistory
from saat.terms.plan import RunPlan
from saat.terms.run import Forecast, Outcome, RunView

HORIZONS_S = (300.0, 900.0, 1800.0, 3600.0, 7200.0)  # how far ahead predictions are scored
_NEAR = 0.3  # a prediction counts for a horizon from which it lies at most this share away
_SCORED_STOPS = 12  # of a run, spread evenly; a sample, so that what is kept stays small
_LONGEST = 3.0  # a leg of more than so many times the usual is a standstill, not a leg
_SPARE_S = 120.0
_GAVE_UP = 3  # so many last stops left out, and nothing after them: the run never went on
_NOT_SERVED = (Outcome.MISSED, Outcome.SKIPPED)
_SERVED = (Outcome.COLLECTED, Outcome.LATE, Outcome.PARTIAL)


def learn(history: History, plan: RunPlan, view: RunView) -> History:
    """Return what is known of a round after one more finished run; the run's order and time of arrival do not matter.

    A leg counts where one vehicle drove it from one stop to the next, in the order of the day. What took more than
    three times the plan was a trip to empty, if it was as long as one, or else a standstill after which the run went
    on.
    """
    expected = Expectation.of(plan, history)
    legs = dict(history.legs)
    resumed = list(history.resumed)
    took_s = usual_s = 0.0
    trip_s = float(expected.trip_s.max(initial=0.0))
    for i, (stop, seen) in enumerate(zip(plan.stops, view.stops, strict=True)):
        key: Leg = (plan.stops[i - 1].stop_id if i else None, stop.stop_id)
        past = legs.get(key, LegHistory())
        leg, dwell = past.leg, past.dwell
        gap_s = _leg_s(view, i)
        if gap_s is not None:
            plain_s = float(expected.plain_s[i])
            over_s = gap_s - plain_s
            if over_s <= (_LONGEST - 1) * plain_s + _SPARE_S:
                leg = leg.add(gap_s)
                took_s += gap_s
                usual_s += float(expected.leg_s[i] - expected.trip_s[i])
            elif not trip_s or over_s < A_TRIP * trip_s:  # a longer one was a trip to empty
                for at, minutes in enumerate(STOOD_MIN):
                    resumed[at] += over_s >= minutes * 60
        stood = _dwell_s(view, i)
        # A longer one holds two visits, or a rest.
        if stood is not None and stood <= _LONGEST * stop.dwell_s + _SPARE_S:
            dwell = dwell.add(stood)
            took_s += stood
            usual_s += float(expected.dwell_s[i])
        served = past.served + (seen.outcome in _SERVED)
        legs[key] = LegHistory(leg, dwell, served, past.not_served + (seen.outcome in _NOT_SERVED))
    start = history.start_s
    if view.started_s is not None:
        start = start.add(view.started_s - expected.begins_s)
    return History(
        legs=legs,
        start_s=start,
        pace=history.pace.add(took_s / usual_s) if usual_s > 600 else history.pace,
        resumed=tuple(resumed),
        broke=history.broke + _gave_up(view),
        runs=history.runs + 1,
    )


def _leg_s(view: RunView, i: int) -> float | None:
    """Return the seconds from leaving the neighbour to arriving at a stop; None if they were not driven in order."""
    if i == 0:
        return None
    one, other = view.stops[i - 1], view.stops[i]
    if view.reverse:
        one, other = other, one
    if one.by_vehicle_id != other.by_vehicle_id or one.arrived_s is None or other.arrived_s is None:
        return None
    if other.arrived_s < one.arrived_s:
        return None
    return max(0.0, other.arrived_s - (one.left_s if one.left_s is not None else one.arrived_s))


def _dwell_s(view: RunView, i: int) -> float | None:
    """Return the seconds of standing at a stop that were not spent at the one before: one stand may serve two."""
    seen = view.stops[i]
    if seen.arrived_s is None or seen.left_s is None:
        return None
    at = i + 1 if view.reverse else i - 1
    before = view.stops[at].left_s if 0 <= at < len(view.stops) else None
    began_s = seen.arrived_s if before is None or before > seen.left_s else max(seen.arrived_s, before)
    return max(0.0, seen.left_s - began_s)


def _gave_up(view: RunView) -> bool:
    if view.started_s is None:
        return False
    driven = view.stops[::-1] if view.reverse else view.stops
    tail = 0
    for stop in reversed(driven):
        if stop.outcome is not Outcome.MISSED:
            break
        tail += 1
    return _GAVE_UP <= tail < len(driven)


@dataclass(frozen=True, slots=True)
class Issued:
    """One prediction as it was given. horizon_s: the one of `HORIZONS_S` for which it counts; moments since 1970."""

    stop_id: int
    horizon_s: float
    p10_s: float
    p50_s: float
    p90_s: float
    p_miss: float


def issue(
    issued: tuple[Issued, ...], plan: RunPlan, forecasts: Iterable[Forecast], *, now_s: float
) -> tuple[Issued, ...]:
    """Return the predictions kept for scoring with those given now: the first one a stop and horizon."""
    scored = _sample(plan)
    known = {(one.stop_id, one.horizon_s) for one in issued}
    new = []
    for one in forecasts:
        if one.stop_id not in scored:
            continue
        ahead_s = one.p50_s - now_s
        for horizon_s in HORIZONS_S:
            if abs(ahead_s - horizon_s) <= _NEAR * horizon_s and (one.stop_id, horizon_s) not in known:
                new.append(Issued(one.stop_id, horizon_s, one.p10_s, one.p50_s, one.p90_s, one.p_miss))
                break
    return issued + tuple(new) if new else issued


def _sample(plan: RunPlan) -> frozenset[int]:
    if not plan.stops:
        return frozenset()
    spread = np.linspace(0, len(plan.stops) - 1, _SCORED_STOPS).round().astype(int)
    return frozenset(plan.stops[i].stop_id for i in spread.tolist())


def scores(issued: Iterable[Issued], view: RunView) -> dict[str, dict[str, Any]]:
    """Return how good predictions were, by horizon in seconds, as plain values that add up over runs.

    n: predictions of stops that were seen served. covered: of these, within the 80 % interval. error_s: sum of the
    absolute errors of the median. judged: predictions of stops whose end is known. brier: sum of the squared errors of
    p_miss. To sum over runs, add each figure; then divide.
    """
    seen = {stop.stop_id: stop for stop in view.stops}
    found: dict[str, dict[str, Any]] = {}
    for one in issued:
        stop = seen.get(one.stop_id)
        if stop is None:
            continue
        row = found.setdefault(
            f"{one.horizon_s:.0f}", {"n": 0, "covered": 0, "error_s": 0.0, "judged": 0, "brier": 0.0}
        )
        if stop.arrived_s is not None and stop.outcome in _SERVED:
            row["n"] += 1
            row["covered"] += one.p10_s <= stop.arrived_s <= one.p90_s
            row["error_s"] = round(row["error_s"] + abs(stop.arrived_s - one.p50_s), 1)
        if stop.outcome in (*_SERVED, *_NOT_SERVED):
            missed = stop.outcome in (*_NOT_SERVED, Outcome.LATE)
            row["judged"] += 1
            row["brier"] = round(row["brier"] + (one.p_miss - missed) ** 2, 6)
    return found
