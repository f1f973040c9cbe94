"""What is planned and known about the collections of one stop; public: everybody may know when a truck comes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from saat.records.models import City, FindingRow, PlannedStop, Run, Stop, StopRun
from saat.records.plan_values import days_from_json, streams_from_json
from saat.terms.collection import Instance
from saat.terms.run import CrewReason, Outcome
from saat.terms.servicedays import ServiceDay, midnight_s, service_day, streams_on

DAYS_BACK, DAYS_AHEAD = 8, 21
_SILENT = ("silent", "unseen")


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlace:
    """A stop and where it is. line: of a kerb, (lat, lon) in degrees, else empty."""

    stop_id: int
    number: str
    lat: float
    lon: float
    line: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The open case to which a stop's trouble belongs: its code, by when the city promises to act, who has it."""

    case_id: int
    code: str
    due_at: Any
    state: str


def stops_in_cells(city: City, cells: Collection[int]) -> list[StopPlace]:
    """Return the stops of a city in some cells of the ground (`triage.nearby`), by id; one query."""
    rows = Stop.objects.filter(city=city, cell__in=cells, active=True).order_by("pk")
    return [_place(row) for row in rows.only("number", "lat", "lon", "line")]


def stop_by_number(city: City, number: str) -> StopPlace | None:
    """Return the stop with a number that the public knows, or None; one query."""
    row = Stop.objects.filter(city=city, number=number, active=True).only("number", "lat", "lon", "line").first()
    return _place(row) if row is not None else None


def _place(row: Stop) -> StopPlace:
    line = tuple((at[0], at[1]) for at in row.line)
    return StopPlace(stop_id=row.pk, number=row.number, lat=row.lat, lon=row.lon, line=line)


def instances_of(city: City, stop_id: int, *, today: date) -> list[Instance]:
    """Return the collections of a stop from a week back to three weeks ahead; at most three queries.

    today: on the clock of the city's trucks, in the city's zone.
    """
    span = (today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD))
    planned = PlannedStop.objects.filter(stop_id=stop_id, plan__runs__service_day__range=span, city=city)
    rows = planned.values_list(
        "plan__runs__pk", "plan__runs__service_day", "plan__runs__state", "sequence", "opens_s", "closes_s", "streams",
        "plan__days", "planned_s",
    )  # fmt: skip
    outcomes = {
        (row.run_id, row.sequence): row
        for row in StopRun.objects.filter(stop_id=stop_id, service_day__range=span).defer("evidence")
    }
    policy = city.policy_terms()
    found = []
    near = []
    for run_id, day, state, sequence, opens_s, closes_s, streams, days, planned_s in rows:
        rule = days_from_json(days)
        on_day = service_day(rule, day, holidays=policy.hours.holidays) or ServiceDay(day=day)
        collected = streams_on(streams_from_json(streams), on_day)
        if not collected:
            continue
        midnight = midnight_s(day, policy.hours.zone)
        row = outcomes.get((run_id, sequence))
        times = (midnight + planned_s, midnight + opens_s, midnight + closes_s)
        found.append((run_id, sequence, day, times, tuple(sorted(collected)), state, row))
        if row is None and abs((day - today).days) <= 1 and state in ("planned", "running"):
            near.append(run_id)
    views = dict(Run.objects.filter(pk__in=near).values_list("pk", "view")) if near else {}
    return [_instance(stop_id, one, views) for one in found]


def _instance(stop_id: int, one: tuple[Any, ...], views: dict[int, dict[str, Any]]) -> Instance:
    run_id, sequence, day, (planned_s, opens_s, closes_s), streams, state, row = one
    view = views.get(run_id) or {}
    told = next((entry for entry in view.get("stops", ()) if entry[0] == sequence), None)
    silent = [vehicle["seen"] for vehicle in view.get("vehicles", ()) if vehicle["state"] in _SILENT]
    return Instance(
        run_id=run_id,
        stop_id=stop_id,
        service_day=day,
        opens_s=opens_s,
        closes_s=closes_s,
        outcome=Outcome(row.outcome) if row is not None else Outcome.EXPECTED,
        called_off=state == "called_off",
        over=state == "done",
        p10_s=told[1] if told else None,
        p50_s=told[2] if told else None,
        p90_s=told[3] if told else None,
        p_miss=told[4] if told else None,
        at_s=row.arrived_at.timestamp() if row is not None and row.arrived_at else None,
        reason=CrewReason(row.reason) if row is not None and row.reason else None,
        silent_from_s=_silent_from(row, silent),
        planned_s=planned_s,
        streams=streams,
    )


def _silent_from(row: StopRun | None, silent: Sequence[float | None]) -> float | None:
    if row is not None:
        return row.blind_from_at.timestamp() if row.blind_from_at else None
    return max((seen for seen in silent if seen is not None), default=None)


def next_step_of(run_id: int, stop_id: int) -> NextStep | None:
    """Return the open case that deals with a stop of a run, or None; one query."""
    rows = FindingRow.objects.filter(run_id=run_id, case__closed_at__isnull=True, case__isnull=False)
    for row in rows.select_related("case").order_by("-pk"):
        case = row.case
        if stop_id in row.stop_ids and case is not None:
            return NextStep(case_id=case.pk, code=case.code, due_at=case.due_at, state=case.state)
    return None
