"""Which vehicles are on which run: the planned ones, and others that are seen to serve its stops.

A vehicle that does the work of a round without being planned for it is a substitute or a helper. It must stand at
several stops of that round, about when they are due, and fit it far better than its own.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from saat.rounds.thresholds import THRESHOLDS
from saat.rounds.tracks import Track
from saat.terms.plan import PlannedStop, RunPlan, StopKind

_CELL = 1000.0  # cells a degree: some 110 m
_WithStop = tuple[int, int, float, float, float, float]  # run's index, stop's index, lat, lon, opens_s, closes_s

_KEPT_MOST = 128
_kept: dict[tuple[int, ...], tuple[tuple[RunPlan, ...], dict[tuple[int, int], list[_WithStop]]]] = {}


def assign(
    plans: Sequence[RunPlan], tracks: Mapping[int, Track], *, now_s: float
) -> dict[int, tuple[tuple[int, bool], ...]]:
    """Return for each run_id its vehicles, each with whether it was inferred: first the planned, then the others.

    A vehicle of another contractor's run is never inferred: it collects elsewhere. A vehicle without any run may be.
    """
    grid = _grid_of(plans)
    found: dict[int, list[int]] = defaultdict(list)
    contractors = {vehicle: plan.contractor_id for plan in plans for vehicle in plan.vehicle_ids}
    own: dict[int, set[int]] = defaultdict(set)
    for index, plan in enumerate(plans):
        for vehicle_id in plan.vehicle_ids:
            own[vehicle_id].add(index)
    served_by_own: dict[int, set[int]] = {}
    hits: dict[int, dict[int, set[int]]] = {}
    for vehicle_id, track in sorted(tracks.items()):
        if not track.count:
            continue
        mine = hits[vehicle_id] = _served(grid, track)
        for index in own.get(vehicle_id, ()):
            served_by_own.setdefault(index, set()).update(mine.get(index, ()))
    for vehicle_id, by_run in hits.items():
        for index, stops in sorted(by_run.items()):
            plan = plans[index]
            if index in own.get(vehicle_id, ()) or len(stops) < THRESHOLDS.helper_stops:
                continue
            if vehicle_id in contractors and contractors[vehicle_id] != plan.contractor_id:
                continue
            # Stops that the run's own vehicle served, or that lie on the vehicle's own round, prove nothing.
            new = stops - served_by_own.get(index, set())
            if len(new) >= THRESHOLDS.helper_stops and _goes_along(new):
                found[index].append(vehicle_id)
    return {
        plan.run_id: (
            *((vehicle_id, False) for vehicle_id in plan.vehicle_ids),
            *((vehicle_id, True) for vehicle_id in found.get(index, ())),
        )
        for index, plan in enumerate(plans)
    }


def _grid_of(plans: Sequence[RunPlan]) -> dict[tuple[int, int], list[_WithStop]]:
    """Return the grid of some plans; of the same objects it is made once. What is kept holds them, so that no other
    plan can come to have the same identity."""
    key = tuple(map(id, plans))
    kept = _kept.pop(key, None)
    if kept is None:
        kept = (tuple(plans), _grid(plans))
        while len(_kept) >= _KEPT_MOST:
            del _kept[next(iter(_kept))]
    _kept[key] = kept
    return kept[1]


def _grid(plans: Sequence[RunPlan]) -> dict[tuple[int, int], list[_WithStop]]:
    grid: dict[tuple[int, int], list[_WithStop]] = defaultdict(list)
    for index, plan in enumerate(plans):
        late_s = THRESHOLDS.helper_late_s
        for i, stop in enumerate(plan.stops):
            if stop.served_by is not None:
                continue
            opens_s = plan.midnight_s + stop.opens_s - 3600.0
            closes_s = plan.midnight_s + stop.closes_s + late_s
            for lat, lon in _places(stop):
                entry = (index, i, lat, lon, opens_s, closes_s)
                for cell in {
                    (int(lat * _CELL + dy), int(lon * _CELL + dx)) for dy in (-0.4, 0.4) for dx in (-0.4, 0.4)
                }:
                    grid[cell].append(entry)
    return grid


def _places(stop: PlannedStop) -> Iterable[tuple[float, float]]:
    return stop.line if stop.kind is StopKind.KERB and stop.line else ((stop.lat, stop.lon),)


def _served(grid: Mapping[tuple[int, int], Sequence[_WithStop]], track: Track) -> dict[int, set[int]]:
    """Return the stops at which a vehicle stood like for a collection, by the index of their run."""
    made: dict[int, set[int]] = defaultdict(set)
    near_m = THRESHOLDS.helper_near_m
    for row in track.visit_rows().tolist():
        stood_s = row[1] - row[0]
        if not THRESHOLDS.helper_stood_s <= stood_s <= 900.0:
            continue
        lat, lon = track.latlon(0.5 * (row[2] + row[4]), 0.5 * (row[3] + row[5]))
        nearest: dict[int, tuple[float, int]] = {}
        for index, i, stop_lat, stop_lon, opens_s, closes_s in grid.get((int(lat * _CELL), int(lon * _CELL)), ()):
            if not opens_s <= row[0] <= closes_s:
                continue
            apart = math.hypot((stop_lat - lat) * 111_195.0, (stop_lon - lon) * track.kx)
            if apart <= near_m and apart < nearest.get(index, (math.inf, 0))[0]:
                nearest[index] = (apart, i)
        for index, (_, i) in nearest.items():
            made[index].add(i)
    return made


def _goes_along(stops: set[int]) -> bool:
    """Return whether stops lie together in the planned order, as those of one truck do, and not strewn over it."""
    order = sorted(stops)
    steps = sorted(after - before for before, after in itertools.pairwise(order))
    return bool(steps) and steps[len(steps) // 2] <= 3
