"""Rows of the plan as frozen values: service days to and from JSON, and whole days of runs in a few statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import QuerySet

from saat.records.models import City, PlannedStop, Run, RunVehicle, Site
from saat.terms import plan
from saat.terms.plan import HolidayRule, RunPlan, ServiceDays, SiteKind, SitePlace, StopKind, Stream
from saat.terms.servicedays import ServiceDay, StreamDays, midnight_s, service_day, streams_on

_STOP_COLUMNS = (
    "plan_id", "stop_id", "stop__number", "sequence", "stop__kind", "stop__lat", "stop__lon", "planned_s", "opens_s",
    "closes_s", "stop__dwell_s", "stop__load_kg", "stop__line", "stop__served_by_id", "streams", "lat", "lon", "line",
)  # fmt: skip


def days_to_json(days: ServiceDays) -> dict[str, Any]:
    """Return service days in plain values; what is as usual is left out."""
    values: dict[str, Any] = {"weekdays": sorted(days.weekdays), "holidays": str(days.holidays)}
    if days.nth:
        values["nth"] = sorted(days.nth)
    if days.every_weeks > 1:
        values["every_weeks"] = days.every_weeks
    for name in ("added", "removed"):
        if getattr(days, name):
            values[name] = sorted(day.isoformat() for day in getattr(days, name))
    for name in ("counted_from", "first", "last"):
        if getattr(days, name) is not None:
            values[name] = getattr(days, name).isoformat()
    return values


def days_from_json(values: Mapping[str, Any]) -> ServiceDays:
    """Return the service days that `days_to_json` wrote.

    :raises ValueError: if a date or a rule cannot be read.
    """

    def dates(name: str) -> frozenset[date]:
        return frozenset(date.fromisoformat(text) for text in values.get(name, ()))

    def day(name: str) -> date | None:
        return date.fromisoformat(values[name]) if values.get(name) else None

    return ServiceDays(
        weekdays=frozenset(int(weekday) for weekday in values.get("weekdays", ())),
        nth=frozenset(int(nth) for nth in values.get("nth", ())),
        every_weeks=int(values.get("every_weeks", 1)),
        counted_from=day("counted_from"),
        added=dates("added"),
        removed=dates("removed"),
        holidays=HolidayRule(values.get("holidays", HolidayRule.COLLECT)),
        first=day("first"),
        last=day("last"),
    )


def streams_to_json(streams: StreamDays) -> dict[str, list[int] | None]:
    """Return a stop's streams in plain values, as `PlannedStop.streams` holds them."""
    return {str(stream): None if days is None else sorted(days) for stream, days in sorted(streams.items())}


def streams_from_json(values: Mapping[str, Any]) -> dict[Stream, frozenset[int] | None]:
    """Return a stop's streams from plain values; refuse on every day of the round where nothing is said."""
    streams = {Stream(name): None if days is None else frozenset(map(int, days)) for name, days in values.items()}
    return streams or {Stream.REFUSE: None}


def span_at(*, day: date, zone: str, starts_s: float, ends_s: float) -> tuple[datetime, datetime]:
    """Return a planned span of a service day as aware UTC datetimes. zone: IANA name."""
    midnight = midnight_s(day, zone)
    return datetime.fromtimestamp(midnight + starts_s, UTC), datetime.fromtimestamp(midnight + ends_s, UTC)


def run_plans(city_id: int, day: date) -> list[RunPlan]:
    """Return all runs of a city's service day with their stops, by id; runs that were called off are left out.

    A stop at which nothing is collected on that day is left out. Five statements, however many runs there are.
    """
    runs = Run.objects.filter(city_id=city_id, service_day=day).exclude(state="called_off")
    return _plans(City.objects.get(pk=city_id), runs)


def run_plans_of(city: City, run_ids: Collection[int]) -> list[RunPlan]:
    """Return some runs of a city with their stops, by id, also those that were called off."""
    return _plans(city, Run.objects.filter(city=city, pk__in=run_ids))


def run_plan(run: Run) -> RunPlan:
    """Return one run with its stops."""
    return _plans(run.city, Run.objects.filter(pk=run.pk))[0]


def _plans(city: City, runs: QuerySet[Run]) -> list[RunPlan]:
    policy = city.policy_terms()
    zone, holidays = policy.hours.zone, policy.hours.holidays
    sites = _sites(city.pk)
    vehicles = _vehicles(runs)
    stops: dict[int, list[tuple[Any, ...]]] = {}
    wanted = PlannedStop.objects.filter(plan__in=runs.values("plan")).order_by("plan_id", "sequence")
    for row in wanted.values_list(*_STOP_COLUMNS).iterator(chunk_size=5000):
        stops.setdefault(row[0], []).append(row)
    plans = []
    for run in runs.select_related("round", "plan__vehicle").order_by("pk"):
        truck = run.plan.vehicle
        # A run that was made by hand, on a day that the rule does not name, collects everything.
        rule = days_from_json(run.plan.days)
        on_day = service_day(rule, run.service_day, holidays=holidays) or ServiceDay(day=run.service_day)
        assigned = vehicles.get(run.pk)
        plans.append(
            RunPlan(
                run_id=run.pk,
                round_id=run.round_id,
                city_id=run.city_id,
                contractor_id=run.contractor_id,
                service_day=run.service_day,
                midnight_s=midnight_s(run.service_day, zone),
                starts_s=run.plan.starts_s,
                ends_s=run.plan.ends_s,
                stops=_stops(stops.get(run.plan_id, ()), on_day),
                vehicle_ids=((truck.pk,) if truck else ()) if assigned is None else assigned,
                sites=sites,
                grace_s=policy.rounds.grace_min * 60,
                order_strict=run.plan.order_strict,
                capacity_kg=truck.capacity_kg if truck else None,
                simulated=run.simulated,
                facts={"code": run.round.code, "name": run.round.name},
            )
        )
    return plans


def _stops(rows: Iterable[tuple[Any, ...]], day: ServiceDay) -> tuple[plan.PlannedStop, ...]:
    found = []
    for row in rows:
        (_, stop_id, number, sequence, kind, stop_lat, stop_lon, planned_s, opens_s, closes_s, dwell_s, load_kg,
         stop_line, served_by, what, lat, lon, line) = row  # fmt: skip
        streams = streams_on(streams_from_json(what), day)
        if not streams:
            continue
        found.append(
            plan.PlannedStop(
                stop_id=stop_id,
                number=number,
                sequence=sequence,
                kind=StopKind(kind),
                lat=stop_lat if lat is None else lat,
                lon=stop_lon if lat is None else lon,
                planned_s=planned_s,
                opens_s=opens_s,
                closes_s=closes_s,
                dwell_s=dwell_s,
                load_kg=load_kg,
                line=tuple((at[0], at[1]) for at in (stop_line if lat is None else line)),
                served_by=served_by,
                streams=streams,
            )
        )
    return tuple(found)


def _sites(city_id: int) -> tuple[SitePlace, ...]:
    rows = Site.objects.filter(city_id=city_id).order_by("pk").values_list("pk", "kind", "lat", "lon", "radius_m")
    return tuple(
        SitePlace(site_id=pk, kind=SiteKind(kind), lat=lat, lon=lon, radius_m=radius)
        for pk, kind, lat, lon, radius in rows
    )


def _vehicles(runs: QuerySet[Run]) -> dict[int, tuple[int, ...]]:
    """Return which vehicles are on each run that somebody assigned one to; those that were taken off are not."""
    rows = RunVehicle.objects.filter(run__in=runs.values("pk")).exclude(source="inferred").order_by("from_at", "pk")
    found: dict[int, list[int]] = {}
    for run_id, vehicle_id, until_at in rows.values_list("run_id", "vehicle_id", "until_at"):
        there = found.setdefault(run_id, [])
        if until_at is None:
            there.append(vehicle_id)
    return {run_id: tuple(there) for run_id, there in found.items()}
