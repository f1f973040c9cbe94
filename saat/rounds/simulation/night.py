"""A whole night: every run is driven, every tracker heard, and the truth is kept beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from saat.rounds.simulation.driving import Motion
from saat.rounds.simulation.receiving import Silence, hear
from saat.rounds.simulation.rounding import drive_part, streets_of
from saat.rounds.simulation.scripting import Script, generator, write_script
from saat.rounds.simulation.streets import Streets
from saat.rounds.simulation.troubles import How, RunTruth, StopTruth, Trouble, Troubles
from saat.terms.plan import PlannedStop, RunPlan, SiteKind
from saat.terms.position import Position

_PASSED_WITHIN_M = 30.0
_DEVICE_OF_VEHICLE = 500_000


@dataclass(frozen=True, slots=True)
class Night:
    """What happened, and what was heard of it.

    positions: in order of arrival. device_of_vehicle: which device each vehicle carries. truth: by run and stop.
    runs: what happened to each run. outages: of each contractor's feed, moments in seconds since 1970.
    """

    positions: list[Position]
    device_of_vehicle: dict[int, int]
    truth: dict[tuple[int, int], StopTruth]
    runs: dict[int, RunTruth]
    outages: dict[int | None, list[tuple[float, float]]]
    interval_s: float

    @property
    def vehicle_of_device(self) -> dict[int, int]:
        """Return which vehicle carries each device."""
        return {device: vehicle for vehicle, device in self.device_of_vehicle.items()}


def drive(
    plans: Sequence[RunPlan], seed: int, troubles: Troubles, interval_s: float = 10.0, *,
    streets: Streets | None = None, device_of_vehicle: Mapping[int, int] | None = None,
    spares: Sequence[int] | None = None,
) -> Night:  # fmt: skip
    """Return one simulated night (or several: plans of any service days).

    interval_s: between fixes; what truly happens does not depend on it. streets: those on which the plans were made;
    without them each plan is driven on drawn ones. device_of_vehicle: by default vehicle 7 carries device 500007.
    spares: vehicles that may stand in or help, each once a service day; by default as many new ones as there are runs.
    """
    if spares is None:
        top = max((vehicle for plan in plans for vehicle in plan.vehicle_ids), default=0)
        spares = range(top + 1, top + 1 + len(plans))
    scripts, motions, truth, runs = [], [], {}, {}
    taken: dict[object, int] = {}
    for plan in plans:
        ground = streets or streets_of(plan)
        next_spare = taken.get(plan.service_day, 0)
        spare = spares[next_spare] if next_spare < len(spares) else None
        script = write_script(plan, troubles, ground, seed, spare=spare)
        driven = _drive_script(script, ground, seed)
        used = {motion.vehicle_id for motion in driven}
        taken[plan.service_day] = next_spare + (spare in used)
        scripts.append(script)
        motions += [(script, ground, motion) for motion in driven]
        truth.update(_truth(script, ground, driven))
        runs[plan.run_id] = _run_truth(script, driven)
    outages = _outages(plans, troubles, seed)
    devices: dict[int, int] = {}
    known = device_of_vehicle or {}
    positions: list[Position] = []
    for i, (script, ground, motion) in enumerate(motions):
        vehicle = motion.vehicle_id
        devices[vehicle] = known.get(vehicle, _DEVICE_OF_VEHICLE + vehicle)
        rng = np.random.default_rng([seed, script.plan.run_id, vehicle, 31, round(interval_s * 10)])
        positions += hear(
            motion, ground.plane, device_id=devices[vehicle], interval_s=interval_s, troubles=script.troubles,
            noise_m=troubles.noise_m, outages=_kept_by(outages.get(script.plan.contractor_id, []), seed, vehicle),
            rng=rng, before_s=_idle_from(motions, i), after_s=float(motion.t_s[-1]) + 1500.0,
        )  # fmt: skip
    positions.sort(key=lambda one: (one.received_s, one.device_id, one.fixed_s))
    spans = {contractor: [(one.from_s, one.to_s) for one in silences] for contractor, silences in outages.items()}
    return Night(positions, devices, truth, runs, spans, interval_s)


def _drive_script(script: Script, streets: Streets, seed: int) -> list[Motion]:
    """Return the motion of every vehicle of a run, idle ones too."""
    plan = script.plan
    driven = []
    for vehicle, part, leaves in script.parts:
        rng = np.random.default_rng([seed, plan.run_id, vehicle, 30])
        motion = drive_part(plan, part, streets, vehicle_id=vehicle, starts_s=leaves, rng=rng)
        if motion.broke_s is not None and motion.resumed_s is not None and rng.random() < 0.5:
            motion = replace(motion, parked=((motion.broke_s + 300.0, motion.resumed_s),))
        driven.append(motion)
    for vehicle in script.idle:
        depot = next((site for site in plan.sites if site.kind is SiteKind.DEPOT), plan.stops[0])
        here = streets.xy[[streets.nearest(depot.lat, depot.lon)] * 2]
        starts, ends = plan.midnight_s + plan.starts_s, plan.midnight_s + plan.ends_s
        still = np.zeros(2)
        driven.append(Motion(vehicle, np.array([starts, ends]), still, still, here, {}, parked=((starts, ends),)))
    return driven


def _truth(script: Script, streets: Streets, driven: list[Motion]) -> dict[tuple[int, int], StopTruth]:
    """Return what became of each stop, from where the trucks really were."""
    plan = script.plan
    found: dict[tuple[int, int], StopTruth] = {}
    for stop in plan.stops:
        key = stop.served_by or stop.stop_id
        by = next((motion for motion in driven if key in motion.visits), None)
        why = script.left_out.get(key)
        if by is not None and why is None:
            arrived, left = by.visits[key]
            found[plan.run_id, stop.stop_id] = StopTruth(
                how=How.SERVED, arrived_s=arrived, left_s=left, vehicle_id=by.vehicle_id
            )
        elif by is not None:
            found[plan.run_id, stop.stop_id] = StopTruth(
                how=How.PARTIAL, vehicle_id=by.vehicle_id, why=why, share=script.partial[key]
            )
        else:
            near = _comes_near(streets, next(one for one in plan.stops if one.stop_id == key), driven)
            how = How.PASSED if near else How.BYPASSED
            found[plan.run_id, stop.stop_id] = StopTruth(how=how, why=why)
    return found


def _comes_near(streets: Streets, stop: PlannedStop, driven: list[Motion]) -> bool:
    """Return whether a truck drove within 30 metres of a stop."""
    here = np.array(streets.plane.xy(stop.lat, stop.lon))
    for motion in driven:
        along = np.arange(0.0, motion.way_s[-1] + 5.0, 5.0)
        way = np.column_stack([np.interp(along, motion.way_s, axis) for axis in motion.way_xy.T])
        if (np.hypot(*(way - here).T) < _PASSED_WITHIN_M).any():
            return True
    return False


def _run_truth(script: Script, driven: list[Motion]) -> RunTruth:
    moving = [motion for motion in driven if motion.vehicle_id not in script.idle]
    visits = [visit for motion in moving for visit in motion.visits.values()]
    broken = next((motion for motion in moving if motion.broke_s is not None), None)
    return RunTruth(
        run_id=script.plan.run_id, troubles=script.troubles, vehicles=tuple(motion.vehicle_id for motion in moving),
        started_s=min((visit[0] for visit in visits), default=None),
        finished_s=max((visit[1] for visit in visits), default=None),
        broke_s=broken.broke_s if broken else None, resumed_s=broken.resumed_s if broken else None,
        flood=script.flood,
    )  # fmt: skip


def _outages(plans: Sequence[RunPlan], troubles: Troubles, seed: int) -> dict[int | None, list[Silence]]:
    """Return when each contractor's whole feed is silent: 20 to 75 minutes, on nights drawn by the seed."""
    found: dict[int | None, list[Silence]] = {}
    nights = sorted({(plan.contractor_id or 0, plan.midnight_s) for plan in plans})
    for contractor, midnight in nights:
        own = [plan for plan in plans if (plan.contractor_id or 0, plan.midnight_s) == (contractor, midnight)]
        forced = any(Trouble.OUTAGE in troubles.forced.get(plan.run_id, ()) for plan in own)
        rng = generator(seed, contractor, Trouble.OUTAGE, int(midnight // 86_400))
        if rng.random() >= troubles.share(Trouble.OUTAGE) and not forced:
            continue
        first, last = min(plan.starts_s for plan in own), max(plan.ends_s for plan in own)
        start = midnight + first + (last - first) * rng.uniform(0.15, 0.75)
        found.setdefault(own[0].contractor_id, []).append(Silence(start, start + rng.uniform(1200, 4500)))
    return found


def _kept_by(outages: list[Silence], seed: int, vehicle: int) -> list[Silence]:
    """Return the same outages as one device lives through them: half of the devices keep what they took."""
    keeps = bool(np.random.default_rng([seed, vehicle, 32]).random() < 0.5)
    return [replace(one, kept=keeps) for one in outages]


def _idle_from(motions: list[tuple[Script, Streets, Motion]], i: int) -> float:
    """Return since when a vehicle stands at the depot before its motion: 25 minutes, or since it came back."""
    motion = motions[i][2]
    starts = float(motion.t_s[0])
    earlier = [
        float(other.t_s[-1]) + 1500.0 for _, _, other in motions
        if other.vehicle_id == motion.vehicle_id and other.t_s[0] < starts
    ]  # fmt: skip
    return min(starts, max([starts - 1500.0, *earlier]))
