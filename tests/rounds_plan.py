"""A small round for tests: ten stops up Norodom Boulevard, five minutes apart, from 20:00 on a Monday."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from saat.records.models import Contractor, PlannedStop, Round, RoundPlan, Run, Stop, Vehicle
from saat.terms import plan as terms
from saat.terms.geo import Point
from saat.terms.plan import RunPlan, StopKind
from saat.terms.run import Evidence, Outcome, RunView, StopView, VehicleState, VehicleView
from saat.triage.nearby import cell_of
from tests.city import TestCity

MONDAY = date(2026, 3, 2)
MIDNIGHT_S = datetime(2026, 3, 1, 17, 0, tzinfo=UTC).timestamp()  # of Monday, in Phnom Penh
STARTS_S = 20 * 3600.0
STEP_S = 300.0
STOPS = 10
WINDOW_S = 1800.0


def at_s(stop: int, **later: float) -> float:
    """Return when a stop is planned, seconds since 1970. stop: from 0. later: minutes or seconds after that."""
    return MIDNIGHT_S + STARTS_S + stop * STEP_S + later.get("minutes", 0.0) * 60 + later.get("seconds", 0.0)


def moment(at: float) -> datetime:
    """Return seconds since 1970 as an aware moment."""
    return datetime.fromtimestamp(at, UTC)


def plan_of(**changes: Any) -> RunPlan:
    """Return the plan of the round on that Monday, with vehicle 1, run 1 and stops 1 to 10."""
    stops = tuple(
        terms.PlannedStop(
            stop_id=i + 1,
            number=f"N{i + 1}",
            sequence=i + 1,
            kind=StopKind.POINT,
            lat=11.5450 + i * 0.002,
            lon=104.9100,
            planned_s=STARTS_S + i * STEP_S,
            opens_s=STARTS_S + i * STEP_S - 600,
            closes_s=STARTS_S + i * STEP_S + WINDOW_S,
        )
        for i in range(STOPS)
    )
    plan = RunPlan(
        run_id=1,
        round_id=1,
        city_id=1,
        contractor_id=1,
        service_day=MONDAY,
        midnight_s=MIDNIGHT_S,
        starts_s=STARTS_S,
        ends_s=STARTS_S + STOPS * STEP_S,
        stops=stops,
        vehicle_ids=(1,),
    )
    return replace(plan, **changes)


def seen(sequence: int, outcome: Outcome = Outcome.COLLECTED, **told: Any) -> StopView:
    """Return what is known about one stop; a collected one was served at its planned time by vehicle 1."""
    usual: dict[str, Any] = {"p_served": 0.05 if outcome is Outcome.MISSED else 0.5}
    if outcome.is_served:
        arrived_s = at_s(sequence - 1)
        usual = {"p_served": 0.97, "arrived_s": arrived_s, "left_s": arrived_s + 30, "by_vehicle_id": 1,
                 "evidence": (Evidence(kind="dwell", log_odds=3.0, value=30.0, unit="s"),)}  # fmt: skip
    if outcome is Outcome.EXPECTED:
        usual = {"p_served": 0.0}
    return StopView(stop_id=sequence, sequence=sequence, outcome=outcome, **{**usual, **told})


def truck(state: VehicleState = VehicleState.COLLECTING, **told: Any) -> VehicleView:
    """Return vehicle 1."""
    usual: dict[str, Any] = {"vehicle_id": 1, "lat": 11.5550, "lon": 104.9100, "interval_s": 10.0}
    return VehicleView(state=state, **{**usual, **told})


def view_at(now_s: float, *, served: int, outcomes: Mapping[int, Outcome] | None = None, **told: Any) -> RunView:
    """Return a view in which the first stops were served and the others are expected; `outcomes` says otherwise."""
    chosen = outcomes or {}
    stops = tuple(
        seen(i, chosen.get(i, Outcome.COLLECTED if i <= served else Outcome.EXPECTED)) for i in range(1, STOPS + 1)
    )
    usual: dict[str, Any] = {
        "started_s": at_s(0) if served else None,
        "reached": served - 1,
        "vehicles": (truck(seen_s=now_s, progress_s=now_s),),
        "stops": stops,
    }
    return RunView(run_id=1, as_of_s=now_s, **{**usual, **told})


def make_run(ground: TestCity, *, contractor: Contractor | None = None, day: date = MONDAY, **columns: Any) -> Run:
    """Write the round with its stops, its truck and one run. The second call makes another day's run of it."""
    city = ground.city
    lane = plan_of()
    round_, _new = Round.objects.get_or_create(
        city=city, code="N1", defaults={"name": "Norodom", "contractor": contractor}
    )
    vehicle, _new = Vehicle.objects.get_or_create(city=city, label="2A-1234", defaults={"contractor": contractor})
    plan = RoundPlan.objects.filter(round=round_).first()
    if plan is None:
        plan = RoundPlan.objects.create(
            city=city, round=round_, version=1, from_day=date(2026, 1, 1), days={"weekdays": [0]},
            starts_s=lane.starts_s, ends_s=lane.ends_s, vehicle=vehicle, made_at=moment(MIDNIGHT_S),
        )  # fmt: skip
        for stop in lane.stops:
            row = Stop.objects.create(
                city=city, number=stop.number, lat=stop.lat, lon=stop.lon,
                cell=cell_of(Point(lat=stop.lat, lon=stop.lon)),
                area=ground.sangkats["Phsar Kandal" if stop.lat < 11.56 else "Wat Phnom"],
            )  # fmt: skip
            PlannedStop.objects.create(
                city=city, plan=plan, stop=row, sequence=stop.sequence, planned_s=stop.planned_s,
                opens_s=stop.opens_s, closes_s=stop.closes_s,
            )  # fmt: skip
    shift_s = (day - MONDAY).days * 86_400
    return Run.objects.create(
        city=city, round=round_, plan=plan, contractor=contractor, service_day=day,
        starts_at=moment(at_s(0) + shift_s), ends_at=moment(at_s(STOPS) + shift_s), **columns,
    )  # fmt: skip


def plan_for(run: Run) -> RunPlan:
    """Return the plan of a run that `make_run` wrote, with the rows' own numbers."""
    ids = dict(run.plan.planned_stops.values_list("sequence", "stop_id"))
    usual = plan_of()
    return replace(
        usual,
        run_id=run.pk,
        round_id=run.round_id,
        city_id=run.city_id,
        contractor_id=run.contractor_id,
        service_day=run.service_day,
        midnight_s=MIDNIGHT_S + (run.service_day - MONDAY).days * 86_400,
        stops=tuple(replace(stop, stop_id=ids[stop.sequence]) for stop in usual.stops),
        vehicle_ids=(run.plan.vehicle_id,) if run.plan.vehicle_id else (),
    )


def view_for(run: Run, view: RunView) -> RunView:
    """Return a view with the rows' own numbers in it."""
    plan = plan_for(run)
    ids = {stop.sequence: stop.stop_id for stop in plan.stops}
    vehicle_id = run.plan.vehicle_id
    return replace(
        view,
        run_id=run.pk,
        stops=tuple(
            replace(stop, stop_id=ids[stop.sequence], by_vehicle_id=vehicle_id if stop.by_vehicle_id else None)
            for stop in view.stops
        ),
        vehicles=tuple(replace(vehicle, vehicle_id=vehicle_id or 0) for vehicle in view.vehicles),
    )
