"""Runs: each round on each of its days, planned ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotAllowed, writing
from saat.records.models import City, CrewNote, FindingRow, PlannedStop, RoundPlan, Run, RunVehicle, StopRun, StopWord
from saat.records.plan_values import days_from_json, span_at, streams_from_json
from saat.terms.plan import ServiceDays, Stream
from saat.terms.servicedays import ServiceDay, service_days, streams_on

_BATCH = 500
Streams = dict[Stream, frozenset[int] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """One version of a round's plan, as planning runs needs it."""

    plan: RoundPlan
    days: ServiceDays
    contractor_id: int | None
    simulated: bool


def plan_runs(city_id: int, *, days: int, now: datetime, by: Actor, first: date | None = None) -> int:
    """Make the runs of a city's days ahead; asked again, it makes none twice.

    days: how many, from `first` on, or from the service day of `now`, which is included. now: aware; the clock of the
    city's trucks. A run that has not begun and whose plan has changed, or whose round does not run on that day any
    more, is replaced or taken away; what has begun stays as it was planned.
    Returns how many runs were made.

    :raises NotAllowed: if it is not for this actor to do.
    """
    if not (by.may_in_city("plan_runs", city_id) if by.kind != "user" else by.may_in_city("plan_rounds", city_id)):
        raise NotAllowed(_("Only the city's duty desk can plan runs."))
    with writing(city_id, now=now, by=by) as log:
        city = City.objects.get(pk=city_id)
        start = first or service_day_of(city, now)
        return _plan(log, city, first=start, last=start + timedelta(days=days - 1), round_ids=None)


def replan_round(log: Log, city: City, round_id: int) -> int:
    """Bring the runs of one round that are planned already, and have not begun, up to its plan, within a transaction.

    Returns how many runs were made.
    """
    first = service_day_of(city, log.now)
    newest = Run.objects.filter(city=city).order_by("-service_day").values_list("service_day", flat=True).first()
    if newest is None or newest < first:
        return 0  # nothing is planned ahead yet
    return _plan(log, city, first=first, last=newest, round_ids=[round_id])


def service_day_of(city: City, moment: datetime) -> date:
    """Return the local date of a moment (aware) in a city, which is the service day that begins on it."""
    return moment.astimezone(ZoneInfo(city.policy_terms().hours.zone)).date()


def begun() -> Q:
    """Return the condition on a query of runs that something is known of them already, so that they must stay."""
    condition = Q()
    for rows in (StopRun.objects, CrewNote.objects, FindingRow.objects, StopWord.objects):
        condition |= Q(Exists(rows.filter(run=OuterRef("pk"))))
    return condition


def _plan(log: Log, city: City, *, first: date, last: date, round_ids: Sequence[int] | None) -> int:
    wanted = _wanted(city, first=first, last=last, round_ids=round_ids)
    runs = Run.objects.filter(city=city, service_day__range=(first, last))
    if round_ids is not None:
        runs = runs.filter(round_id__in=round_ids)
    there = {(run.round_id, run.service_day): run for run in runs.annotate(known=begun())}
    old: list[int] = []
    for key, run in there.items():
        version = wanted.get(key, (None, None))[0]
        if version is not None and version.plan.pk == run.plan_id:
            continue
        if run.state == "planned" and run.started_at is None and run.starts_at > log.now and not run.known:  # type: ignore[attr-defined]
            old.append(run.pk)
    gone = set(old)
    missing = {key: what for key, what in wanted.items() if key not in there or there[key].pk in gone}
    if not gone and not missing:
        return 0
    for at in range(0, len(old), _BATCH):
        Run.objects.filter(pk__in=old[at : at + _BATCH]).delete()
    made = _make(city, missing)
    facts = {"first": first.isoformat(), "last": last.isoformat(), "made": len(made), "taken_away": len(gone)}
    if round_ids is not None:
        facts["rounds"] = list(round_ids)
    log.append("runs_planned", subject=f"city:{city.pk}", facts=facts)
    return len(made)


def _wanted(
    city: City, *, first: date, last: date, round_ids: Collection[int] | None
) -> dict[tuple[int, date], tuple[_Version, ServiceDay]]:
    """Return the version and the day of each run that there should be, by round and date."""
    rows = RoundPlan.objects.filter(city=city, from_day__lte=last, round__active=True).select_related("round")
    if round_ids is not None:
        rows = rows.filter(round_id__in=round_ids)
    holidays = city.policy_terms().hours.holidays
    versions: dict[int, list[RoundPlan]] = {}
    for row in rows.order_by("round_id", "-from_day"):
        versions.setdefault(row.round_id, []).append(row)
    wanted = {}
    for round_id, plans in versions.items():
        until = last
        for row in plans:  # from the newest back, each until the day before the next one begins
            if until < first:
                break
            version = _Version(
                plan=row,
                days=days_from_json(row.days),
                contractor_id=row.round.contractor_id,
                simulated=row.round.simulated,
            )
            for day in service_days(version.days, first=max(first, row.from_day), last=until, holidays=holidays):
                wanted[round_id, day.day] = (version, day)
            until = min(until, row.from_day - timedelta(days=1))
    return wanted


def _make(city: City, missing: dict[tuple[int, date], tuple[_Version, ServiceDay]]) -> list[Run]:
    zone = city.policy_terms().hours.zone
    streams = _streams_of({version.plan.pk for version, _day in missing.values()}, city)
    runs, vehicles = [], []
    for (round_id, day), (version, on_day) in sorted(missing.items(), key=lambda pair: (pair[0][1], pair[0][0])):
        stops = sum(bool(streams_on(of_stop, on_day)) for of_stop in streams.get(version.plan.pk, ()))
        if not stops:
            continue
        starts_at, ends_at = span_at(day=day, zone=zone, starts_s=version.plan.starts_s, ends_s=version.plan.ends_s)
        run = Run(
            city=city,
            round_id=round_id,
            plan=version.plan,
            contractor_id=version.contractor_id,
            service_day=day,
            starts_at=starts_at,
            ends_at=ends_at,
            stops=stops,
            simulated=version.simulated,
        )
        runs.append(run)
        if version.plan.vehicle_id is not None:
            vehicles.append((run, version.plan.vehicle_id))
    Run.objects.bulk_create(runs, batch_size=_BATCH)
    RunVehicle.objects.bulk_create(
        [
            RunVehicle(city=city, run=run, vehicle_id=vehicle_id, from_at=run.starts_at, source="plan")
            for run, vehicle_id in vehicles
        ],
        batch_size=_BATCH,
    )
    return runs


def _streams_of(plan_ids: Collection[int], city: City) -> dict[int, list[Streams]]:
    """Return the streams of every stop of some plans; equal ones are read once."""
    found: dict[int, list[Streams]] = {}
    read: dict[str, Streams] = {}
    rows = PlannedStop.objects.filter(city=city)
    if len(plan_ids) <= _BATCH:
        rows = rows.filter(plan_id__in=plan_ids)
    for plan_id, values in rows.values_list("plan_id", "streams"):
        if plan_id in plan_ids:
            key = repr(values)
            if key not in read:
                read[key] = streams_from_json(values)
            found.setdefault(plan_id, []).append(read[key])
    return found
