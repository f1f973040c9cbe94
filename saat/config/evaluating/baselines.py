"""What is commonly used, measured beside our own: a geofence of 50 m, and the fixed schedule plus the present delay.

Both are told which truck drives the round, which ours has to find out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from saat.config.evaluating.records import THRESHOLDS, Floats, Said, metres
from saat.terms.plan import RunPlan
from saat.terms.position import Position

GEOFENCE = "geofence 50 m"
SCHEDULE = "schedule + present delay"
_REACH_M = 50.0
_MOST_AHEAD = 10


def visits(plan: RunPlan, positions: Sequence[Position], *, known_s: float) -> Floats:
    """Return when a truck was first seen within 50 m of each stop: (n_stops,) seconds since 1970, NaN never.

    positions: of the trucks that drive the run. known_s: only what had arrived by then. A kerb counts from any point
    of its line.
    """
    from_s, until_s = plan.midnight_s + plan.starts_s - 3600, plan.midnight_s + plan.ends_s + 4 * 3600
    used = [one for one in positions if one.received_s <= known_s and from_s <= one.fixed_s <= until_s]
    found = np.full(len(plan.stops), np.nan)
    if not used:
        return found
    used.sort(key=lambda one: one.fixed_s)
    times = np.array([one.fixed_s for one in used])
    at = metres(plan, [(one.lat, one.lon) for one in used])
    for i, stop in enumerate(plan.stops):
        points = metres(plan, list(stop.line) if stop.line else [(stop.lat, stop.lon)])
        near = np.zeros(len(at), dtype=bool)
        for point in points:
            near |= np.hypot(*(at - point).T) <= _REACH_M
        if near.any():
            found[i] = times[int(np.argmax(near))]
    return found


def geofence(plan: RunPlan, positions: Sequence[Position], *, evening_s: float, end_s: float) -> Said:
    """Return what a geofence says: within 50 m at any time is served, everything else is missed when it is due."""
    last = visits(plan, positions, known_s=end_s)
    due = np.array([plan.midnight_s + stop.closes_s + plan.grace_s for stop in plan.stops])
    missed = np.isnan(last)
    evening = np.isnan(visits(plan, positions, known_s=evening_s))
    arrival: dict[float, float] = {}
    for one in positions:
        arrival[one.fixed_s] = min(one.received_s, arrival.get(one.fixed_s, np.inf))
    seen = np.array([arrival.get(moment, np.nan) for moment in last.tolist()])
    ever = missed | (seen > due)
    return _said(plan, missed=missed, evening=evening, ever=ever, changes=(ever & ~missed).astype(np.int64))


def progress(plan: RunPlan, positions: Sequence[Position]) -> list[tuple[float, float, int]]:
    """Return when a truck came to further stops of a plan, as (received, seen, index of the stop), in order of arrival.

    Stops are taken in their order, at most ten ahead, so that a truck that drives past the last stop on its way to the
    first is not thought to be there.
    """
    points = [metres(plan, list(stop.line) if stop.line else [(stop.lat, stop.lon)]) for stop in plan.stops]
    from_s, until_s = plan.midnight_s + plan.starts_s - 3600, plan.midnight_s + plan.ends_s + 4 * 3600
    used = sorted((one for one in positions if from_s <= one.fixed_s <= until_s), key=lambda one: one.received_s)
    found: list[tuple[float, float, int]] = []
    if not used:
        return found
    at = metres(plan, [(one.lat, one.lon) for one in used])
    near = np.array([np.min([np.hypot(*(at - one).T) for one in line], axis=0) <= _REACH_M for line in points])
    reached, last_s = -1, -np.inf
    for k, one in enumerate(used):
        ahead = np.flatnonzero(near[reached + 1 : reached + 1 + _MOST_AHEAD, k])
        if len(ahead) and one.fixed_s > last_s:
            reached, last_s = reached + 1 + int(ahead[0]), one.fixed_s
            found.append((one.received_s, one.fixed_s, reached))
    return found


def schedule(plan: RunPlan, positions: Sequence[Position], looks_s: Sequence[float], *, end_s: float) -> Said:
    """Return what a timetable says that is shifted by the delay at the last stop where the truck was seen.

    Nothing is doubted before that stop; what lies after it when the night is over was missed.
    """
    planned = np.array([plan.midnight_s + stop.planned_s for stop in plan.stops])
    due = np.array([plan.midnight_s + stop.closes_s + plan.grace_s for stop in plan.stops])
    steps = [step for step in progress(plan, positions) if step[0] <= end_s]
    n = len(planned)
    alert = np.full((n, len(THRESHOLDS)), np.nan)
    rows = []
    at, reached, delay = 0, -1, 0.0
    for now_s in looks_s:
        while at < len(steps) and steps[at][0] <= now_s:
            reached = steps[at][2]
            delay = steps[at][1] - planned[reached]
            at += 1
        if reached < 0:
            delay = max(0.0, now_s - planned[0])
        ahead = np.arange(reached + 1, n)
        eta = np.maximum(planned[ahead] + delay, now_s)
        late = (eta > due[ahead]).astype(float)
        fresh = ahead[(late > 0) & np.isnan(alert[ahead, 0])]
        alert[fresh] = now_s  # its probabilities are 0 and 1: every threshold is crossed at once
        if round(now_s / 60) % 5 == 0:
            rows += [
                (float(i), now_s, moment, moment, moment, p) for i, moment, p in zip(ahead, eta, late, strict=True)
            ]
    missed = np.arange(n) > (steps[-1][2] if steps else -1)
    made = _said(plan, missed=missed, evening=missed, ever=missed, changes=np.zeros(n, dtype=np.int64))
    made.alert_s = alert
    made.forecasts = np.array(rows).reshape(-1, 6)
    return made


def _said(plan: RunPlan, *, missed: np.ndarray, evening: np.ndarray, ever: np.ndarray, changes: np.ndarray) -> Said:
    n = len(plan.stops)
    none = np.zeros(n, dtype=bool)
    return Said(
        missed=missed, unknown=none, served=~missed, evening=evening, ever_missed=ever, changes=changes,
        alert_s=np.full((n, len(THRESHOLDS)), np.nan), forecasts=np.empty((0, 6)), partial=none, asked=none,
    )  # fmt: skip
