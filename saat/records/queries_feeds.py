"""What everybody may know of a city's collections now, read in bulk for feeds; see `saat.terms.given`.

A truck's place is given only while it is on its round, and only where the city's policy says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from saat.records.models import City, PlannedStop, Run, Stop, StopRun, Vehicle
from saat.records.plan_values import run_plans_of
from saat.terms.given import GivenRound, GivenRun, GivenStop, GivenVehicle
from saat.terms.plan import RunPlan, StopKind
from saat.terms.run import Outcome, VehicleState

# A run is in the feeds from two hours before it begins until two hours after it has ended.
BEFORE = AFTER = timedelta(hours=2)
DAYS_AHEAD = 28
_ON_ROUND = frozenset({
    VehicleState.COLLECTING, VehicleState.DRIVING, VehicleState.STANDING, VehicleState.AT_DISPOSAL,
})  # fmt: skip
_FRESH_S = 600.0


def stop_called(number: str) -> Stop | None:
    """Return the stop with a number, in whichever city, with its city."""
    return Stop.objects.select_related("city").filter(number=number, active=True).first()


def given_runs(city: City, *, now: datetime, places: bool = True) -> list[GivenRun]:
    """Return a city's runs of these hours with what is known of each stop; eight statements.

    now: by the trucks' clock. places: with where vehicles on a round are, if the city lets everybody know.
    """
    around = Run.objects.filter(city=city, starts_at__lte=now + BEFORE)
    rows = around.filter(Q(ends_at__gte=now - AFTER) | Q(state="running", ends_at__gte=now - timedelta(hours=12)))
    runs = {run.pk: run for run in rows.select_related("round", "plan").order_by("starts_at", "pk")}
    plans = {plan.run_id: plan for plan in run_plans_of(city, list(runs))}
    decided: dict[int, dict[int, StopRun]] = defaultdict(dict)
    for row in StopRun.objects.filter(run__in=list(runs)).defer("evidence"):
        decided[row.run_id][row.sequence] = row
    labels = _labels(runs.values()) if places and city.policy_terms().rounds.public_trucks else {}
    return [
        _given_run(run, plans[run_id], decided[run_id], labels, now=now)
        for run_id, run in runs.items()
        if run_id in plans
    ]


def given_rounds(city: City, *, first: date) -> list[GivenRound]:
    """Return the timetable of a city's next four weeks from a day on: each plan's version with its dates.

    Yesterday is in it, because rounds of the evening pass midnight.
    """
    span = (first - timedelta(days=1), first + timedelta(days=DAYS_AHEAD))
    days: dict[int, list[date]] = defaultdict(list)
    plans: dict[int, Any] = {}
    rows = Run.objects.filter(city=city, service_day__range=span).exclude(state="called_off")
    for run in rows.select_related("round", "plan").order_by("service_day", "pk"):
        days[run.plan_id].append(run.service_day)
        plans[run.plan_id] = run
    stops: dict[int, list[GivenStop]] = defaultdict(list)
    planned = PlannedStop.objects.filter(plan__in=list(plans)).select_related("stop").order_by("plan_id", "sequence")
    for row in planned:
        stops[row.plan_id].append(
            GivenStop(
                number=row.stop.number,
                sequence=row.sequence,
                kind=StopKind(row.stop.kind),
                lat=row.stop.lat if row.lat is None else row.lat,
                lon=row.stop.lon if row.lon is None else row.lon,
                planned_s=row.planned_s,
                closes_s=row.closes_s,
            )
        )
    return [
        GivenRound(
            code=run.round.code,
            name=str(run.round),
            version=run.plan.version,
            days=tuple(days[plan_id]),
            stops=tuple(stops[plan_id]),
            simulated=run.simulated,
        )
        for plan_id, run in plans.items()
    ]


def stop_names(city: City, numbers: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the names of stops by their numbers."""
    return dict(Stop.objects.filter(city=city, number__in=set(numbers)).values_list("number", "names"))


def _given_run(
    run: Run, plan: RunPlan, decided: dict[int, StopRun], labels: dict[int, str], *, now: datetime
) -> GivenRun:
    forecasts = {row[0]: row for row in run.view.get("stops", ())}
    on_it = labels if run.state == "running" else {}
    return GivenRun(
        run_id=run.pk,
        code=run.round.code,
        name=str(run.round),
        version=run.plan.version,
        service_day=run.service_day,
        midnight_s=plan.midnight_s,
        starts_s=run.starts_at.timestamp(),
        ends_s=run.ends_at.timestamp(),
        state=run.state,
        stops=tuple(
            _given_stop(stop, plan.midnight_s, decided.get(stop.sequence), forecasts.get(stop.sequence))
            for stop in plan.stops
        ),
        vehicles=tuple(_given_vehicles(run, on_it, now_s=now.timestamp())),
        started_s=run.started_at.timestamp() if run.started_at else None,
        as_of_s=run.view.get("as_of"),
        simulated=run.simulated,
    )


def _given_stop(stop: Any, midnight_s: float, row: StopRun | None, forecast: list[Any] | None) -> GivenStop:
    p10_s, p50_s, p90_s = forecast[1:4] if forecast and row is None else (None, None, None)
    return GivenStop(
        number=stop.number,
        sequence=stop.sequence,
        kind=stop.kind,
        lat=stop.lat,
        lon=stop.lon,
        planned_s=midnight_s + stop.planned_s,
        closes_s=midnight_s + stop.closes_s,
        outcome=Outcome(row.outcome) if row else Outcome.EXPECTED,
        p10_s=p10_s,
        p50_s=p50_s,
        p90_s=p90_s,
        arrived_s=row.arrived_at.timestamp() if row and row.arrived_at else None,
        left_s=row.left_at.timestamp() if row and row.left_at else None,
    )


def _given_vehicles(run: Run, labels: dict[int, str], *, now_s: float) -> Iterable[GivenVehicle]:
    for told in run.view.get("vehicles", ()):
        fresh = told.get("seen") is not None and now_s - told["seen"] <= _FRESH_S
        if told["id"] in labels and fresh and told["state"] in _ON_ROUND and told.get("lat") is not None:
            yield GivenVehicle(
                number=told["id"],
                label=labels[told["id"]],
                state=VehicleState(told["state"]),
                lat=told["lat"],
                lon=told["lon"],
                seen_s=told["seen"],
                course_deg=told.get("course"),
                speed_mps=told.get("speed"),
            )


def _labels(runs: Iterable[Run]) -> dict[int, str]:
    wanted = {told["id"] for run in runs for told in run.view.get("vehicles", ())}
    return dict(Vehicle.objects.filter(pk__in=wanted).values_list("pk", "label"))
