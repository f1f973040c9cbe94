"""What is kept of one run of an evaluated night: the truth, what was said of it, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saat.rounds.simulation import How, Night, Trouble
from saat.rounds.simulation.scripting import street_groups
from saat.terms.plan import PlannedStop, RunPlan
from saat.terms.run import FindingKind

Floats = NDArray[np.float64]
SPACINGS = ("< 50 m", "50–100 m", "> 100 m")
GROUPS = ("single", "two", "three or more", "whole street")
THRESHOLDS = np.round(np.arange(0.1, 1.0, 0.05), 2)
_METRES_A_DEGREE = 111_320.0
_SILENT_S = 180.0
_ELSEWHERE_M = 60.0


@dataclass(slots=True)
class Truth:
    """What really became of the stops of one run; arrays have one entry a stop, in planned order.

    served: it got its collection. arrived_s: NaN where it did not. due_s: end of its window and the grace.
    partial: of a kerb, some of it. spacing: index in SPACINGS. group: index in GROUPS of the row of unserved stops that
    it lies in, -1 where served. heard: no tracker of the run was silent while its truck was, or could have been, there.
    All moments: seconds since 1970.
    """

    served: NDArray[np.bool_]
    partial: NDArray[np.bool_]
    arrived_s: Floats
    due_s: Floats
    planned_s: Floats
    spacing: NDArray[np.int64]
    group: NDArray[np.int64]
    heard: NDArray[np.bool_]

    @property
    def too_late(self) -> NDArray[np.bool_]:
        """Whether each stop was not served in time: what `p_miss` predicts."""
        return ~(self.served & (self.arrived_s <= self.due_s))


@dataclass(slots=True)
class Said:
    """What one method said of the stops of one run.

    missed, unknown, served: at the end of the night, all late data in. evening: missed, before late data came.
    ever_missed: said at some look. changes: how often a stop went from missed or served to something else.
    alert_s: (n_stops, n_thresholds) first look at which the probability to miss reached each of THRESHOLDS while the
    stop was still expected; NaN never. forecasts: rows of (stop, look, p10, p50, p90, p_miss), every five minutes.
    """

    missed: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    served: NDArray[np.bool_]
    evening: NDArray[np.bool_]
    ever_missed: NDArray[np.bool_]
    changes: NDArray[np.int64]
    alert_s: Floats
    forecasts: Floats
    partial: NDArray[np.bool_]
    asked: NDArray[np.bool_]


@dataclass(slots=True)
class Raised:
    """One finding that was raised: when, when it was withdrawn (NaN: never), and which stops it named, by index."""

    kind: FindingKind
    opened_s: float
    closed_s: float
    stops: tuple[int, ...]
    run_id: int | None = None
    contractor_id: int | None = None


@dataclass(slots=True)
class RunRecord:
    """One run of one night at one interval. said: by method. blind_missed: stops that were called missed during an
    outage of the whole feed."""

    run_id: int
    interval_s: float
    night: int
    contractor_id: int | None
    troubles: frozenset[Trouble]
    vehicles: int
    broke_s: float | None
    resumed_s: float | None
    started_s: float | None
    starts_s: float
    truth: Truth
    said: dict[str, Said] = field(default_factory=dict)
    raised: list[Raised] = field(default_factory=list)
    blind_missed: int = 0
    looks: int = 0
    look_s: float = 0.0


def truth_of(plan: RunPlan, night: Night) -> Truth:
    """Return the truth of one run."""
    told = [night.truth[plan.run_id, stop.stop_id] for stop in plan.stops]
    served = np.array([one.served for one in told])
    due = np.array([plan.midnight_s + stop.closes_s + plan.grace_s for stop in plan.stops])
    return Truth(
        served=served,
        partial=np.array([one.how is How.PARTIAL for one in told]),
        arrived_s=np.array([np.nan if one.arrived_s is None else one.arrived_s for one in told]),
        due_s=due,
        planned_s=np.array([plan.midnight_s + stop.planned_s for stop in plan.stops]),
        spacing=_spacing(plan.stops),
        group=_groups(plan.stops, served),
        heard=_heard(plan, night),
    )


def _heard(plan: RunPlan, night: Night) -> NDArray[np.bool_]:
    """Return for each stop whether the trackers of its run told where their trucks were when it was decided.

    A stop is decided between leaving the last stop that was served before it in the plan and coming to the next one.
    A tracker that is silent for more than three minutes and is then heard elsewhere (60 m or more) told nothing.
    """
    vehicles = night.runs[plan.run_id].vehicles or plan.vehicle_ids
    silences: list[tuple[float, float]] = []
    for vehicle in vehicles:
        device = night.device_of_vehicle.get(vehicle)
        own = sorted((one for one in night.positions if one.device_id == device), key=lambda one: one.fixed_s)
        if not own:
            return np.zeros(len(plan.stops), dtype=bool)
        # A wrong clock is wrong for all: what arrives at once tells by how much.
        offset = float(np.percentile([one.received_s - one.fixed_s for one in own], 5))
        offset = offset if abs(offset) > 60 else 0.0
        at = metres(plan, [(one.lat, one.lon) for one in own])
        for one, then, a, b in zip(own, own[1:], at, at[1:], strict=False):
            if then.fixed_s - one.fixed_s > _SILENT_S and np.hypot(*(b - a)) >= _ELSEWHERE_M:
                silences.append((one.fixed_s + offset, then.fixed_s + offset))
    told = [night.truth[plan.run_id, stop.stop_id] for stop in plan.stops]
    begins, ends = plan.midnight_s + plan.starts_s, plan.midnight_s + plan.ends_s
    heard = np.ones(len(told), dtype=bool)
    for i, stop in enumerate(told):
        before = next((other.left_s for other in told[:i][::-1] if other.left_s is not None), begins)
        after = next((other.arrived_s for other in told[i + 1 :] if other.arrived_s is not None), ends)
        if stop.arrived_s is not None and stop.left_s is not None:
            before, after = stop.arrived_s, stop.left_s
        from_s, to_s = min(before, after), max(before, after)  # of a reversed round it is the other way round
        heard[i] = not any(start < to_s and end > from_s for start, end in silences)
    return heard


def metres(plan: RunPlan, places: list[tuple[float, float]]) -> Floats:
    """Return places (lat, lon) in flat metres around the first stop of a plan: (n, 2)."""
    first = plan.stops[0]
    at = np.array(places, dtype=np.float64).reshape(-1, 2)
    narrow = np.cos(np.radians(first.lat))
    return np.column_stack([(at[:, 1] - first.lon) * narrow, at[:, 0] - first.lat]) * _METRES_A_DEGREE


def _spacing(stops: tuple[PlannedStop, ...]) -> NDArray[np.int64]:
    """Return for each stop how far the nearest other one is, as a class; a lane has the class of its meeting point."""
    at = np.array([(stop.lat, stop.lon * np.cos(np.radians(stops[0].lat))) for stop in stops]) * _METRES_A_DEGREE
    own = np.array([stop.served_by is None for stop in stops])
    apart = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
    apart[:, ~own] = np.inf
    np.fill_diagonal(apart, np.inf)
    classes = np.digitize(apart.min(axis=1), [50.0, 100.0])
    index = {stop.stop_id: i for i, stop in enumerate(stops)}
    for i, stop in enumerate(stops):
        if stop.served_by is not None:
            classes[i] = classes[index[stop.served_by]]
    return classes.astype(np.int64)


def _groups(stops: tuple[PlannedStop, ...], served: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each unserved stop the kind of row it lies in; a lane goes with its meeting point, uncounted."""
    groups = np.full(len(stops), -1, dtype=np.int64)
    own = [i for i, stop in enumerate(stops) if stop.served_by is None]
    row: list[int] = []
    for i in [*own, None]:
        if i is not None and not served[i]:
            row.append(i)
            continue
        groups[row] = min(len(row), 3) - 1 if row else -1
        row = []
    for street in street_groups([stops[i] for i in own]):
        at = [own[i] for i in street]
        if not served[at].any():
            groups[at] = GROUPS.index("whole street")
    index = {stop.stop_id: i for i, stop in enumerate(stops)}
    for i, stop in enumerate(stops):
        if stop.served_by is not None:
            groups[i] = groups[index[stop.served_by]]
    return groups
