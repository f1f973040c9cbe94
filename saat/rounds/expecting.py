"""How long the rest of a round takes: its plan and its own past made into means and spreads, stop by stop.

The method is a gamma process with a shared "bad day": legs and dwells add up, and one factor that all of them share
widens the whole (Sokolov and Soyer, arXiv 2602.07170, find that adding up independent legs covers a third of what it
promises). Own history counts n / (n + 4); the plan counts for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saat.terms.geo import Point, distance_m
from saat.terms.history import STOOD_MIN, History, LegHistory, Running
from saat.terms.plan import RunPlan, SiteKind

OWN_WEIGHT = 4.0  # so many own days weigh as much as the plan
BAD_DAY = 0.36  # spread of the factor that a whole day shares; chosen so that 80 % intervals hold 75 to 85 %
DAYS_WEIGHT = 20.0  # spreads are learned slower than means
LEG_SPREAD, DWELL_SPREAD = 0.8, 0.6  # of one leg and one dwell, as a share of its mean
LEAST_SPREAD_S = 10.0
ROAD_M_A_STRAIGHT_M = 1.35  # roads are so much longer than the straight line
FASTEST_MPS = 9.0  # between stops; a plan that wants more is not believed
EMPTYING_S = 900.0  # weighing, queueing and tipping
SKIP_PRIOR = (0.5, 24.5)  # pseudo-counts of not served and served: 2 % until the stop's own is known
START_PRIOR_S = (0.0, 540.0)  # mean and spread of a start's delay
TRIP_SPREAD = 0.25
A_TRIP = 0.5  # a gap that is longer by this share of a trip to the disposal site was one
# Share of standstills from which a run never goes on, by how long it has stood; the prior weighs 20 of them.
STOOD_PRIOR = (0.06, 0.3, 0.5, 0.75, 0.92)
STOOD_WEIGHT = 20.0

_NEW = LegHistory()


@dataclass(frozen=True, slots=True)
class Expectation:
    """One plan with what its round's past says, prepared once and used for every look at the run.

    All arrays have one entry a stop in planned order. leg_s, leg_s2: mean and variance of the seconds from leaving the
    stop before to arriving; the first stop is where collecting starts. dwell_s, dwell_s2: of the time standing there.
    trip_s: of a leg, the part that is a trip to empty; 0 for most. plain_s: planned legs without trips.
    skip: probability that it is left out on a usual day. due_s: until when it is in time, seconds since 1970.
    bad_day: spread of the factor that all share. begins_s: when collecting is planned to start, seconds since 1970.
    start_s, start_spread_s: how much later it does.
    never: for each of `STOOD_MIN`, the probability that a run which stood so long never goes on.
    """

    leg_s: np.ndarray
    leg_s2: np.ndarray
    dwell_s: np.ndarray
    dwell_s2: np.ndarray
    skip: np.ndarray
    due_s: np.ndarray
    trip_s: np.ndarray
    plain_s: np.ndarray
    bad_day: float
    begins_s: float
    start_s: float
    start_spread_s: float
    never: np.ndarray

    @classmethod
    def of(cls, plan: RunPlan, history: History) -> Expectation:
        """Return what is to be expected of a plan."""
        planned_leg, planned_dwell, trip_s = _planned(plan)
        n = len(plan.stops)
        leg, leg2, dwell, dwell2, skip = (np.empty(n) for _ in range(5))
        before: int | None = None
        for i, stop in enumerate(plan.stops):
            past = history.legs.get((before, stop.stop_id), _NEW)
            leg[i], leg2[i] = _shrunk(past.leg, planned_leg[i], LEG_SPREAD)
            if trip_s[i]:
                leg[i], leg2[i] = leg[i] + trip_s[i], leg2[i] + (TRIP_SPREAD * trip_s[i]) ** 2
            dwell[i], dwell2[i] = _shrunk(past.dwell, planned_dwell[i], DWELL_SPREAD)
            chance = (past.not_served + SKIP_PRIOR[0]) / (past.not_served + past.served + sum(SKIP_PRIOR))
            skip[i], dwell[i] = chance, dwell[i] * (1 - chance)
            before = stop.stop_id
        pace_n = history.pace.n
        bad_day2 = (DAYS_WEIGHT * BAD_DAY**2 + pace_n * history.pace.variance) / (DAYS_WEIGHT + pace_n)
        own = history.start_s.n / (history.start_s.n + OWN_WEIGHT)
        start_s = own * max(0.0, history.start_s.mean) + (1 - own) * START_PRIOR_S[0]
        start_s2 = own * history.start_s.variance + (1 - own) * START_PRIOR_S[1] ** 2
        return cls(
            leg_s=leg,
            leg_s2=leg2,
            dwell_s=dwell,
            dwell_s2=dwell2,
            skip=skip,
            due_s=np.array([plan.midnight_s + stop.closes_s + plan.grace_s for stop in plan.stops]),
            trip_s=trip_s,
            plain_s=planned_leg,
            bad_day=float(np.sqrt(bad_day2)),
            begins_s=begins_s(plan),
            start_s=start_s,
            start_spread_s=float(np.sqrt(start_s2)),
            never=_never(history),
        )

    def never_resumes(self, stood_s: float) -> float:
        """Return the probability that a run which has stood so long, in seconds, never goes on."""
        minutes = stood_s / 60
        if minutes <= 1:
            return 0.0
        return float(np.interp(minutes, (1.0, *STOOD_MIN), (0.0, *self.never)))


def begins_s(plan: RunPlan) -> float:
    """Return when collecting is planned to start, seconds since 1970: at the first stop, not at the depot's gate."""
    first_s = min((stop.planned_s for stop in plan.stops), default=plan.starts_s)
    return plan.midnight_s + max(plan.starts_s, first_s)


def _never(history: History) -> np.ndarray:
    seen = np.array(history.resumed, dtype=float) + history.broke
    return (np.array(STOOD_PRIOR) * STOOD_WEIGHT + history.broke) / (STOOD_WEIGHT + seen)


def _shrunk(past: Running, planned_s: float, spread: float) -> tuple[float, float]:
    """Return mean and variance of own history, shrunk to the plan while there is little of it."""
    own = past.n / (past.n + OWN_WEIGHT)
    mean = own * past.mean + (1 - own) * planned_s
    prior2 = (spread * planned_s + LEAST_SPREAD_S) ** 2
    if past.n < 2:
        return mean, prior2
    return mean, own * past.variance + (1 - own) * prior2


def _planned(plan: RunPlan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the planned leg to each stop, the planned dwell there, and the trip to empty before it; seconds."""
    stops = plan.stops
    n = len(stops)
    legs, dwells, trips = np.zeros(n), np.zeros(n), np.zeros(n)
    for i, stop in enumerate(stops):
        dwells[i] = max(0.0, stop.dwell_s)
        if i == 0:
            continue
        before = stops[i - 1]
        gap_s = stop.planned_s - before.planned_s
        # A plan that leaves no time to drive shares the gap between driving and standing.
        drive_s = _metres(before.lat, before.lon, stop.lat, stop.lon) / FASTEST_MPS
        legs[i] = max(gap_s - dwells[i - 1], min(drive_s, max(gap_s, 0.0) / 2) if gap_s > 0 else drive_s)
        if gap_s > 0 and legs[i] + dwells[i - 1] > gap_s:
            dwells[i - 1] = max(0.0, gap_s - legs[i])
        trips[i] = legs[i] - drive_s
    at, whole_s = _full_before(plan), trip_to_empty_s(plan)
    if whole_s <= 0:
        return legs, dwells, np.zeros(n)
    trips[trips < A_TRIP * whole_s] = 0.0
    legs -= trips
    if at is not None and not trips.any():  # otherwise the plan has made room for it
        trips[at] = whole_s
    return legs, dwells, trips


def trip_to_empty_s(plan: RunPlan) -> float:
    """Return how long a trip from the middle of a round to the nearest disposal site and back takes; 0 without one."""
    places = [site for site in plan.sites if site.kind in (SiteKind.DISPOSAL, SiteKind.TRANSFER)]
    if not places or not plan.stops:
        return 0.0
    middle = plan.stops[len(plan.stops) // 2]
    far_m = min(_metres(middle.lat, middle.lon, site.lat, site.lon) for site in places)
    return 2 * far_m / FASTEST_MPS + EMPTYING_S


def _full_before(plan: RunPlan) -> int | None:
    """Return before which stop the vehicle is full by the plan's loads; None if it never is, or nobody knows."""
    load_kg = 0.0
    for i, stop in enumerate(plan.stops):
        load_kg += stop.load_kg
        if plan.capacity_kg and len(plan.vehicle_ids) <= 1 and load_kg > plan.capacity_kg:
            return i
    return None


def _metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the way between two places along the road, estimated from the straight line."""
    return ROAD_M_A_STRAIGHT_M * distance_m(Point(lat=lat_a, lon=lon_a), Point(lat=lat_b, lon=lon_b))
