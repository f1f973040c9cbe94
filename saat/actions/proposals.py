"""Who could go there instead: a plan that is ready when somebody opens a run in trouble. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saat.records.models import Run, Vehicle
from saat.records.queries_recovery import Night, night_of
from saat.recovery.checking import faults_of
from saat.recovery.greedy import proposals
from saat.terms.plan import RunPlan, StopKind
from saat.terms.recovery import Helper, Left, OwnStop, Proposal
from saat.terms.run import VehicleState

OVERTIME_S = 3600.0  # so long after its planned end a truck may be asked to go on
_REACHABLE = frozenset(
    {
        VehicleState.COLLECTING,
        VehicleState.DRIVING,
        VehicleState.STANDING,
        VehicleState.AT_DISPOSAL,
        VehicleState.AT_DEPOT,
    }
)
_NOT_YET = frozenset("er")  # letters of `Run.view["marks"]`: expected, and at risk
_SERVED = frozenset("clp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The proposals for one run. stops: how many were left; asked: how many trucks could be asked."""

    stops: int
    asked: int
    proposals: tuple[Proposal, ...]
    vehicles: dict[int, Vehicle]


def who_could_go(run: Run, *, now: datetime) -> Ready | None:
    """Return who could take over what a run leaves; None where it leaves nothing. now: of the trucks' clock.

    run: one that the caller may see. Ways are guessed from straight lines; a proposal that cannot be driven is not
    shown.
    """
    night = night_of(run)
    if not night.left:
        return None
    left = _left(night)
    helpers = [helper for plan in night.others for helper in _helpers(plan, night, now_s=now.timestamp())]
    made = proposals(left=left, helpers=helpers)
    return Ready(
        stops=len(left),
        asked=len(helpers),
        proposals=tuple(each for each in made if each.taken and not faults_of(each, left=left, helpers=helpers)),
        vehicles=night.vehicles,
    )


def _left(night: Night) -> list[Left]:
    """Return what was left; of a lane, its meeting point is what a truck is sent to."""
    plan = night.plan
    return [
        Left(
            stop_id=stop.stop_id,
            lat=stop.lat,
            lon=stop.lon,
            due_s=plan.midnight_s + stop.closes_s + plan.grace_s,
            dwell_s=stop.dwell_s,
            load_kg=stop.load_kg,
            lane=stop.kind == StopKind.TRANSFER and stop.served_by is not None,
        )
        for stop in plan.stops
        if stop.stop_id in night.left and (stop.served_by is None or stop.served_by not in night.left)
    ]


def _helpers(plan: RunPlan, night: Night, *, now_s: float) -> list[Helper]:
    """Return the trucks of another run that could be asked, with what they have yet to do."""
    view = night.views.get(plan.run_id, {})
    until_s = plan.midnight_s + plan.ends_s + OVERTIME_S
    if plan.run_id in night.in_trouble or until_s <= now_s:
        return []
    marks = view.get("marks", "")
    found = [vehicle for vehicle in view.get("vehicles", ()) if _can_be_asked(vehicle)]
    helpers = []
    for number, vehicle in enumerate(found):
        row = night.vehicles.get(vehicle["id"])
        if row is None:
            continue
        # Two trucks that share a round share its rest; the first is taken to do it.
        own = [stop for stop, mark in zip(plan.stops, marks, strict=False) if mark in _NOT_YET] if number == 0 else []
        helpers.append(
            Helper(
                vehicle_id=row.pk,
                lat=vehicle["lat"],
                lon=vehicle["lon"],
                from_s=now_s,
                until_s=until_s,
                own=tuple(
                    OwnStop(
                        stop_id=stop.stop_id,
                        lat=stop.lat,
                        lon=stop.lon,
                        due_s=plan.midnight_s + stop.closes_s + plan.grace_s,
                        dwell_s=stop.dwell_s,
                    )
                    for stop in own
                ),
                free_kg=_free_kg(row, plan, marks),
                narrow=row.enters_lanes,
            )
        )
    return helpers


def _can_be_asked(vehicle: dict[str, Any]) -> bool:
    return vehicle.get("state") in _REACHABLE and vehicle.get("lat") is not None and vehicle.get("lon") is not None


def _free_kg(vehicle: Vehicle, plan: RunPlan, marks: str) -> float | None:
    """Return what still fits, None where nobody can know: no capacity given, or a round that empties on its way."""
    if vehicle.capacity_kg is None or sum(stop.load_kg for stop in plan.stops) > vehicle.capacity_kg:
        return None
    loads = zip(plan.stops, marks, strict=False)
    return vehicle.capacity_kg - sum(stop.load_kg for stop, mark in loads if mark in _SERVED | _NOT_YET)
