"""When each remaining stop will be served, and how likely it is not to be in time.

Being late stays as it is: the rest of the round is expected to take its usual time from where the vehicle is now. How
slowly it drives at present says nothing about how it will drive (OneBusAway Android, change 2191). The remaining time
is gamma distributed; p_miss = 1 - (1 - p_late) (1 - p_stop) (1 - p_skip).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc, gammaincinv

from saat.rounds.expecting import A_TRIP, ROAD_M_A_STRAIGHT_M, Expectation
from saat.terms.geo import Point, distance_m
from saat.terms.history import History
from saat.terms.plan import RunPlan
from saat.terms.run import CrewReason, Forecast, Outcome, RunView, VehicleState, VehicleView

RETURNS = 0.15  # how often a crew comes back to a stop that it passed by, where the order is strict
STANDS_FOR_GOOD_S = 1200.0  # a vehicle that stands so long is not counted on while another one works
BREAKS_AN_HOUR = 0.004  # trucks that break down in an hour of collecting
NEVER_STARTS_MIN, NEVER_STARTS = (0.0, 15.0, 30.0, 60.0, 120.0), (0.0, 0.15, 0.35, 0.6, 0.85)
BROKEN_FOR_GOOD = 0.97  # the crew says that the vehicle is broken
_NEAR_M, _NEAR_MPS, _FAR_MPS = 1000.0, 5.5, 8.0  # through the traffic to the next stop, and from further away
_SETTLES_S = 180.0  # so long after the truck left, or two stops on, it is clear whether a stop was passed by
_BACK_S = 600.0  # to turn round and begin with what was passed by
_FORESEEN_S = 1800.0
_ON_THE_WAY_S = 2700.0  # within so long of the planned start a vehicle that moves is on its way there
_LEAST_S = 10.0
_SOON = 3  # so many stops after it was planned a trip to empty is still to come; later it was made unseen
_SHORT_S = 900.0  # a longer way to the next stop leads past the disposal site
_ALIKE, _NEIGHBOURS = 3, 6  # of the last three stops two must lie within six of each other
_SURE = 0.999
_MOVING = (VehicleState.DRIVING, VehicleState.OFF_ROUND, VehicleState.COLLECTING)
AT_A_SITE = (VehicleState.AT_DEPOT, VehicleState.AT_DISPOSAL)
UNHEARD = (VehicleState.SILENT, VehicleState.UNSEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Front:
    """How far one vehicle has come.

    at: place in the driven order, -1 before the first. from_s: when it left there. clock_s: until when it was heard;
    predictions count from there. extra_s, extra_spread_s: what a standstill is expected to add. never: probability
    that it does not go on.
    """

    at: int
    from_s: float
    clock_s: float
    vehicle: VehicleView | None = None
    extra_s: float = 0.0
    extra_spread_s: float = 0.0
    never: float = 0.0


def forecast(
    plan: RunPlan, view: RunView, history: History, *, now_s: float, expected: Expectation | None = None
) -> tuple[Forecast, ...]:
    """Return when each stop that is still expected will be served, in planned order.

    expected: `Expectation.of(plan, history)`, for who looks at the same run again and again. Moments: seconds since
    1970. A prediction is never in the past. p_miss: that the stop is not served by the end of its window and grace.
    """
    open_at = [i for i, stop in enumerate(view.stops) if stop.outcome is Outcome.EXPECTED]
    if not open_at or view.finished_s is not None:
        return ()
    if expected is None:
        expected = Expectation.of(plan, history)
    order = np.arange(len(plan.stops))
    if view.reverse:
        order = order[::-1]
    todo = np.zeros(len(order), dtype=bool)
    todo[open_at] = True
    todo = todo[order]
    fronts = fronts_of(plan, view, expected, now_s=now_s)
    drive_s, wait_s, spread_s2, clock_s, never, passed = _times(plan, view, expected, fronts, order=order, todo=todo)
    pick = np.flatnonzero(todo)
    pick = pick[np.argsort(order[pick])]
    mu = np.maximum(drive_s[pick] + wait_s[pick], _LEAST_S)
    var = spread_s2[pick] + np.maximum((expected.bad_day * drive_s[pick]) ** 2, 25.0)
    shape, scale = mu * mu / var, var / mu
    since, stops = clock_s[pick], order[pick]
    quantiles = gammaincinv(shape[:, None], np.array([[0.1, 0.5, 0.9]])) * scale[:, None] + since[:, None]
    quantiles = np.maximum(quantiles, now_s)
    left_s = expected.due_s[stops] - since
    late = np.where(left_s > 0, gammaincc(shape, np.maximum(left_s, 0.0) / scale), 1.0)
    stop = 1 - (1 - never[pick]) * np.exp(-BREAKS_AN_HOUR * mu / 3600)
    miss = np.minimum(_SURE, 1 - (1 - late) * (1 - stop) * (1 - expected.skip[stops]))
    heard = any(front.vehicle is not None and front.vehicle.state not in UNHEARD for front in fronts)
    behind_at = fronts[0].at
    found = []
    for k, (i, chance) in enumerate(zip(stops.tolist(), miss.tolist(), strict=True)):
        seen = view.stops[i]
        p10_s, p50_s, p90_s = quantiles[k].tolist()
        pending = behind_at >= pick[k] and not passed[pick[k]]
        if seen.arrived_s is not None or pending:  # the truck is there, or was a moment ago
            p10_s, p50_s, p90_s = now_s, now_s, now_s + _SETTLES_S
            chance = float(expected.skip[i])
        elif seen.blind and heard:  # it may have been served while nobody heard; that is unknown, not missed
            chance = min(chance, 1 - seen.p_served)
        elif plan.order_strict and passed[pick[k]]:
            chance = (1 - seen.p_served) * (1 - RETURNS * (1 - chance))
        found.append(Forecast(stop_id=plan.stops[i].stop_id, p10_s=p10_s, p50_s=p50_s, p90_s=p90_s, p_miss=chance))
    return tuple(found)


def _times(
    plan: RunPlan,
    view: RunView,
    expected: Expectation,
    fronts: list[_Front],
    *,
    order: np.ndarray,
    todo: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each place of the driven order, how it is reached.

    That is: mean seconds of driving and standing until then, and of waiting before it goes on; the variance of both;
    from when they count; the probability that the vehicle never goes on; whether the place was passed by.
    """
    legs, legs2 = expected.leg_s[order], expected.leg_s2[order]
    trips = expected.trip_s[order]
    if view.reverse:  # the leg to a stop is then the one that leads away from it in the plan
        legs = np.concatenate([expected.leg_s[:1], expected.leg_s[order[:-1]]])
        legs2 = np.concatenate([expected.leg_s2[:1], expected.leg_s2[order[:-1]]])
        trips = np.concatenate([expected.trip_s[:1], expected.trip_s[order[:-1]]])
    if trips.any() and len(fronts) == 1:
        legs, trips = _trips_still_to_make(view, legs=legs, trips=trips, front=fronts[0])
    dwell, dwell2 = expected.dwell_s[order] * todo, expected.dwell_s2[order] * todo
    n = len(order)
    drive_s, wait_s, spread_s2, clock_s, never = (np.zeros(n) for _ in range(5))
    passed = np.zeros(n, dtype=bool)
    ends = [front.at for front in fronts[1:]] + [n]
    last = fronts[-1]
    end_s, end_s2 = 0.0, last.extra_spread_s**2
    for front, end in zip(fronts, ends, strict=True):
        part = slice(front.at + 1, max(end, front.at + 1))
        if part.start >= part.stop:
            continue
        there = np.cumsum(legs[part]) + np.cumsum(dwell[part]) - dwell[part]
        there2 = np.cumsum(legs2[part]) + np.cumsum(dwell2[part]) - dwell2[part]
        first = int(np.argmax(todo[part])) if todo[part].any() else 0
        shift = _first_leg_s(plan, front, usual_s=float(there[first]), stop=int(order[part.start + first]))
        # The stop before which a trip is planned is served before it as often as after it.
        half_s = trips[part] / 2
        drive_s[part] = np.maximum(there + shift - half_s, 0.0)
        wait_s[part] = front.extra_s
        spread_s2[part] = there2 + front.extra_spread_s**2 + half_s**2
        clock_s[part], never[part] = front.clock_s, front.never
        if front is last:
            end_s = float(drive_s[part][-1] + half_s[-1] + dwell[part][-1])
            end_s2 = float(spread_s2[part][-1])
    behind = slice(0, fronts[0].at + 1)
    if behind.stop > 0:
        drive_s[behind] = end_s + _BACK_S + np.cumsum(dwell[behind] + legs[behind] * todo[behind])
        wait_s[behind] = last.extra_s
        spread_s2[behind] = end_s2 + _BACK_S**2 + np.cumsum(dwell2[behind] + legs2[behind] * todo[behind])
        clock_s[behind], never[behind] = last.clock_s, last.never
        # What was left a moment ago may still turn out to have been served.
        settled = fronts[0].at + 1 if fronts[0].clock_s - fronts[0].from_s >= _SETTLES_S else fronts[0].at - 1
        passed[: max(0, settled)] = True
    return drive_s, wait_s, spread_s2, clock_s, never, passed


def _first_leg_s(plan: RunPlan, front: _Front, *, usual_s: float, stop: int) -> float:
    """Return by how many seconds the way to the next stop differs from its usual time, for what is driven already."""
    left_s = usual_s - (front.clock_s - front.from_s)
    far_s = _way_s(front.vehicle, plan, stop) if front.vehicle is not None and front.at >= 0 else None
    if far_s is None:
        return max(left_s, min(usual_s, _LEAST_S)) - usual_s
    if far_s < left_s <= _SHORT_S:  # nearer than the clock says: half way between the two
        left_s = (left_s + far_s) / 2
    return max(left_s, far_s, _LEAST_S) - usual_s


def _trips_still_to_make(
    view: RunView, *, legs: np.ndarray, trips: np.ndarray, front: _Front
) -> tuple[np.ndarray, np.ndarray]:
    """Return the legs with the trips to the disposal site that are still to be made, and these; seconds.

    Crews empty when the truck is full, not where that was planned.

    A gap between two stops that is longer than their leg by half a trip was one, whichever leg it was planned on.
    """
    whole_s = float(trips.max())
    made = int(front.vehicle is not None and front.vehicle.state is VehicleState.AT_DISPOSAL)
    served = [stop for stop in view.stops if stop.arrived_s is not None]
    served.sort(key=lambda stop: stop.arrived_s or 0.0)
    left_s: float | None = None
    for stop in served:
        if left_s is not None and (stop.arrived_s or 0.0) - left_s > A_TRIP * whole_s + _LEAST_S:
            made += 1
        left_s = stop.left_s if stop.left_s is not None else stop.arrived_s
    at = np.flatnonzero(trips)
    ahead = at[at > front.at]
    passed = len(at) - len(ahead)
    legs, to_make = legs.copy(), trips.copy()
    to_make[: front.at + 1] = 0.0
    for _trip, where in zip(range(made - passed), ahead, strict=False):
        legs[where] -= min(trips[where], legs[where])
        to_make[where] = 0.0
    overdue = np.any((at <= front.at) & (at > front.at - _SOON))
    if made < passed and overdue and front.at + 1 < len(legs):
        legs[front.at + 1] += (passed - made) * whole_s
        to_make[front.at + 1] += whole_s
    return legs, to_make


def fronts_of(plan: RunPlan, view: RunView, expected: Expectation, *, now_s: float) -> list[_Front]:
    """Return how far each vehicle has come that can be counted on, the hindmost first; at least one."""
    if view.started_s is None or view.reached < 0:
        return [_before_the_start(plan, view, expected, now_s=now_s)]
    n = len(plan.stops)
    arrivals: dict[int, list[tuple[float, int]]] = {}
    for i, stop in enumerate(view.stops):
        if stop.arrived_s is not None and stop.by_vehicle_id is not None:
            arrivals.setdefault(stop.by_vehicle_id, []).append((stop.arrived_s, n - 1 - i if view.reverse else i))
    by_id = {vehicle.vehicle_id: vehicle for vehicle in view.vehicles}
    found = [
        _front(view, expected, at=_furthest(seen), vehicle=by_id.get(vehicle_id), now_s=now_s)
        for vehicle_id, seen in arrivals.items()
    ]
    if not found:
        vehicle = view.vehicles[0] if view.vehicles else None
        at = n - 1 - view.reached if view.reverse else view.reached
        found = [_front(view, expected, at=at, vehicle=vehicle, now_s=now_s)]
    working = [front for front in found if _works(front, now_s=now_s)]
    if not working:  # nobody can be counted on: the one that was heard last stands for the run
        working = [max(found, key=lambda front: (front.clock_s, front.from_s))]
    driven = {front.at: front for front in sorted(working, key=lambda front: front.from_s)}
    return [driven[at] for at in sorted(driven)]


def _furthest(seen: list[tuple[float, int]]) -> int:
    """Return how far a vehicle has come: the latest stop, unless it stands alone and the ones before it say otherwise.

    seen: (moment, place in the driven order). Where two stretches of a round are close together, one stop far ahead may
    be taken for served too early; three in a row are believed.
    """
    latest = [at for _moment, at in sorted(seen)[-_ALIKE:]]
    last = latest[-1]
    if len(latest) < _ALIKE or any(abs(last - other) <= _NEIGHBOURS for other in latest[:-1]):
        return last
    return latest[-2]


def _works(front: _Front, *, now_s: float) -> bool:
    vehicle = front.vehicle
    if vehicle is None or vehicle.state in UNHEARD or vehicle.state is VehicleState.AT_DEPOT:
        return False
    return stood_s(vehicle, now_s=now_s) < STANDS_FOR_GOOD_S


def stood_s(vehicle: VehicleView, *, now_s: float) -> float:
    """Return for how many seconds a vehicle has stood away from every site; 0 while it moves or is not heard."""
    if vehicle.state is not VehicleState.STANDING or vehicle.standing_from_s is None:
        return 0.0
    return max(0.0, now_s - vehicle.standing_from_s)


def _front(view: RunView, expected: Expectation, *, at: int, vehicle: VehicleView | None, now_s: float) -> _Front:
    i = len(view.stops) - 1 - at if view.reverse else at
    stop = view.stops[i]
    dwell_s = float(expected.dwell_s[i])
    from_s = stop.left_s if stop.left_s is not None else (stop.arrived_s or view.started_s or now_s) + dwell_s
    clock_s = now_s
    if vehicle is not None and vehicle.state in UNHEARD and vehicle.seen_s is not None:
        clock_s = min(now_s, vehicle.seen_s)  # silence is no standstill
    if any(each.reason is CrewReason.BROKEN for each in view.stops) and vehicle is not None:
        return _Front(at=at, from_s=from_s, clock_s=clock_s, vehicle=vehicle, never=BROKEN_FOR_GOOD)
    stood = max(0.0, (stood_s(vehicle, now_s=now_s) if vehicle is not None else 0.0) - dwell_s)
    never = expected.never_resumes(stood)
    half_s = stood / 2 if stood > 60 else 0.0  # what has stood long stands longer
    return _Front(
        at=at, from_s=from_s, clock_s=clock_s, vehicle=vehicle, extra_s=half_s, extra_spread_s=half_s, never=never
    )


def _before_the_start(plan: RunPlan, view: RunView, expected: Expectation, *, now_s: float) -> _Front:
    begins_s = expected.begins_s
    late_s = now_s - begins_s
    heard = [vehicle for vehicle in view.vehicles if vehicle.state not in UNHEARD]
    if not heard:  # nobody knows where it is; it is taken to go by the plan, as was foreseen half an hour before
        clock_s = begins_s - _FORESEEN_S
        wait_s = _FORESEEN_S + expected.start_s
        return _Front(at=-1, from_s=clock_s, clock_s=clock_s, extra_s=wait_s, extra_spread_s=expected.start_spread_s)
    wait_s = max(0.0, -late_s) + max(expected.start_s - max(late_s, 0.0), 0.3 * max(late_s, 0.0))
    spread_s = max(expected.start_spread_s, 0.3 * max(late_s, 0.0))
    never = float(np.interp(late_s / 60, NEVER_STARTS_MIN, NEVER_STARTS))
    there_s = [far_s for far_s in (_way_s(vehicle, plan, 0) for vehicle in heard) if far_s is not None]
    if there_s and abs(late_s) <= _ON_THE_WAY_S and any(vehicle.state in _MOVING for vehicle in heard):
        wait_s, spread_s, never = min(there_s), 0.5 * min(there_s) + 120.0, never / 2
    return _Front(
        at=-1, from_s=now_s, clock_s=now_s, vehicle=heard[0], extra_s=wait_s, extra_spread_s=spread_s, never=never
    )


def _way_s(vehicle: VehicleView, plan: RunPlan, stop: int) -> float | None:
    """Return how long a vehicle takes to a stop from where it is, in seconds; None where nobody knows where it is."""
    if vehicle.lat is None or vehicle.lon is None:
        return None
    here, there = Point(lat=vehicle.lat, lon=vehicle.lon), Point(lat=plan.stops[stop].lat, lon=plan.stops[stop].lon)
    far_m = ROAD_M_A_STRAIGHT_M * distance_m(here, there)
    return min(far_m, _NEAR_M) / _NEAR_MPS + max(0.0, far_m - _NEAR_M) / _FAR_MPS
