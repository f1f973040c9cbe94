"""Runs as a person may see them: those of tonight, one with all that is known of it, and one stop of it.

Who sees which run is decided by `runs_seen` alone. A dispatcher sees the runs of the own company; an officer of an
area sees the runs that have a stop there; whoever has the whole city sees all. A crew has a page of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Max, Q, QuerySet

from saat.records.models import (
    Area,
    Case,
    City,
    Contest,
    CrewNote,
    DeviceBinding,
    FindingRow,
    PlannedStop,
    Run,
    RunVehicle,
    StopRun,
    StopRunRevision,
    Vehicle,
)
from saat.records.plan_values import run_plan, run_plans_of
from saat.records.scope import Reach, visible
from saat.terms.case import Role
from saat.terms.run import Outcome

AHEAD = timedelta(hours=6)
BEHIND = timedelta(hours=6)
MOST_RUNS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsWanted:
    """Which runs are asked for. contractor_id: 0 for those of no contractor. area_path: with a stop in that area."""

    contractor_id: int | None = None
    area_path: str = ""

    def condition(self, city: City) -> Q:
        """Return the condition on `Run`."""
        wanted = Q(city_id=city.pk)
        if self.contractor_id is not None:
            wanted &= Q(contractor_id=self.contractor_id) if self.contractor_id else Q(contractor__isnull=True)
        if self.area_path:
            wanted &= _through(city.pk, [self.area_path])
        return wanted


class StopPlace(NamedTuple):
    """Where one stop of a run lies. line: [[lat, lon], …] of a kerb, else empty. Degrees."""

    run_id: int
    sequence: int
    lat: float
    lon: float
    line: list[list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """One run with all that is known of it. outcomes, contests: by sequence and by the row of the stop's outcome."""

    run: Run
    planned: list[PlannedStop]
    outcomes: dict[int, StopRun]
    findings: list[FindingRow]
    notes: list[CrewNote]
    vehicles: list[Vehicle]
    contests: dict[int, Contest] = field(default_factory=dict)


def runs_seen(reach: Reach) -> Q:
    """Return the condition on `Run` that holds a query to what a person may see."""
    condition = Q(pk__in=[])
    paths: dict[int, list[str]] = {}
    for grant in reach.grants:
        if grant.role == Role.CREW:
            continue
        if grant.role == Role.CONTRACTOR:
            condition |= Q(city_id=grant.city_id, contractor_id=grant.contractor_id)
        elif grant.area_path:
            paths.setdefault(grant.city_id, []).append(grant.area_path)
        else:
            condition |= Q(city_id=grant.city_id)
    for city_id, below in paths.items():
        condition |= Q(city_id=city_id) & _through(city_id, below)
    return condition


def _through(city_id: int, paths: Iterable[str]) -> Q:
    """Return the condition on `Run` that its plan has a stop in one of these areas."""
    inside = reduce(or_, (Q(stop__area__path__startswith=path) for path in paths))
    return Q(plan_id__in=PlannedStop.objects.filter(inside, city_id=city_id).values("plan_id"))


def stops_seen(reach: Reach) -> Q:
    """Return the condition on `StopRun` for what a person may see: of an area only the stops that lie in it."""
    condition = Q(pk__in=[])
    for grant in reach.grants:
        if grant.role == Role.CREW:
            continue
        if grant.role == Role.CONTRACTOR:
            condition |= Q(city_id=grant.city_id, run__contractor_id=grant.contractor_id)
        elif grant.area_path:
            condition |= Q(city_id=grant.city_id, stop__area__path__startswith=grant.area_path)
        else:
            condition |= Q(city_id=grant.city_id)
    return condition


def live_runs(
    reach: Reach, city: City, *, wanted: RunsWanted, now: datetime, today: date, after: datetime | None = None
) -> list[Run]:
    """Return the runs of this moment: those on the road, those of the last and the next six hours; one query.

    today: the calendar day on the city's clock; service days of yesterday, today and tomorrow are looked at. after:
    only those that the follower wrote since.
    """
    near = Q(starts_at__lte=now + AHEAD, ends_at__gte=now - BEHIND) | Q(state="running")
    days = [today - timedelta(days=1), today, today + timedelta(days=1)]
    rows = Run.objects.filter(near, runs_seen(reach), wanted.condition(city), service_day__in=days)
    if after is not None:
        rows = rows.filter(followed_at__gt=after)
    return list(rows.select_related("round", "contractor").order_by("starts_at", "pk")[:MOST_RUNS])


def runs_of_day(reach: Reach, city: City, *, day: date, wanted: RunsWanted, most: int = MOST_RUNS) -> list[Run]:
    """Return the runs of one service day, by their start; one query."""
    rows = Run.objects.filter(runs_seen(reach), wanted.condition(city), service_day=day)
    return list(rows.select_related("round", "contractor").order_by("starts_at", "pk")[:most])


def latest_day(reach: Reach, city: City, *, until: date) -> date | None:
    """Return the last service day up to one of which this person sees a run that began; one query."""
    rows = Run.objects.filter(runs_seen(reach), city=city, service_day__lte=until, started_at__isnull=False)
    latest: date | None = rows.aggregate(day=Max("service_day"))["day"]
    return latest


def has_rounds(reach: Reach, city: City) -> bool:
    """Return whether this person sees any run at all; one query."""
    return Run.objects.filter(runs_seen(reach), city=city).exists()


def open_findings(run_ids: Iterable[int], contractor_ids: Iterable[int]) -> list[FindingRow]:
    """Return the findings that hold now: of these runs, and of these contractors' feeds; oldest first; one query."""
    of_feed = Q(run__isnull=True, contractor_id__in=list(contractor_ids))
    rows = FindingRow.objects.filter(Q(run_id__in=list(run_ids)) | of_feed, closed_at__isnull=True)
    return list(rows.order_by("since_at", "pk"))


def seen_cases(reach: Reach, case_ids: Iterable[int]) -> set[int]:
    """Return which of these cases this person may open; one query, none for none."""
    ids = set(case_ids)
    if not ids:
        return set()
    return set(Case.objects.filter(visible(reach), pk__in=ids).values_list("pk", flat=True))


def vehicle_labels(vehicle_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return vehicle to (what is painted on it, its kind); one query."""
    rows = Vehicle.objects.filter(pk__in=set(vehicle_ids)).values_list("pk", "label", "kind")
    return {pk: (label, kind) for pk, label, kind in rows}


def stop_places(city: City, run_ids: Iterable[int]) -> list[StopPlace]:
    """Return where the stops of some runs lie, by run and sequence, as the follower counts them.

    A stop at which nothing is collected on the run's day is left out. As many queries for a hundred runs as for one.
    """
    ids = list(run_ids)
    if not ids:
        return []
    return [
        StopPlace(plan.run_id, stop.sequence, stop.lat, stop.lon, [[lat, lon] for lat, lon in stop.line])
        for plan in run_plans_of(city, ids)
        for stop in plan.stops
    ]


def run_file(reach: Reach, run_id: int) -> RunFile:
    """Return one run with all that is known of it; as many queries however many stops it has.

    Stops at which nothing is collected on its day are left out.

    :raises Run.DoesNotExist: if there is no such run, or not for this person: the two are not told apart.
    """
    run = one_run(reach, run_id)
    today = [stop.sequence for stop in run_plan(run).stops]
    planned = list(
        PlannedStop.objects.filter(plan_id=run.plan_id, sequence__in=today)
        .select_related("stop")
        .defer("stop__line", "stop__plain")
        .order_by("sequence")
    )
    outcomes = {row.sequence: row for row in StopRun.objects.filter(run=run).select_related("vehicle")}
    findings = list(FindingRow.objects.filter(run=run).select_related("vehicle").order_by("closed_at", "since_at"))
    notes = list(
        CrewNote.objects.filter(run=run, taken_back_at__isnull=True).select_related("vehicle").order_by("said_at", "pk")
    )
    contests = Contest.objects.filter(stop_run__run=run).order_by("said_at")
    return RunFile(
        run=run,
        planned=planned,
        outcomes=outcomes,
        findings=findings,
        notes=notes,
        vehicles=list(Vehicle.objects.filter(runs__run=run).order_by("label")),
        contests={contest.stop_run_id: contest for contest in contests},
    )


def one_run(reach: Reach, run_id: int) -> Run:
    """Return a run with its round, its plan and its contractor; one query.

    :raises Run.DoesNotExist: if there is no such run, or not for this person: the two are not told apart.
    """
    rows = Run.objects.select_related("round", "contractor", "plan", "city")
    return rows.get(Q(pk=run_id) & runs_seen(reach))


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFile:
    """One stop of one run: what was planned, what became of it (None: nothing decided yet), and who said what."""

    run: Run
    planned: PlannedStop
    outcome: StopRun | None
    revisions: list[StopRunRevision]
    contests: list[Contest]
    notes: list[CrewNote]


def stop_file(reach: Reach, run_id: int, sequence: int) -> StopFile:
    """Return one stop of one run with everything about it; six queries.

    :raises Run.DoesNotExist: if this person sees no such run.
    :raises PlannedStop.DoesNotExist: if the run has no such stop.
    """
    run = one_run(reach, run_id)
    planned = PlannedStop.objects.select_related("stop__area").get(plan_id=run.plan_id, sequence=sequence)
    outcome = StopRun.objects.filter(run=run, sequence=sequence).select_related("vehicle").first()
    about = Q(stop_id=planned.stop_id) | Q(stop__isnull=True)
    return StopFile(
        run=run,
        planned=planned,
        outcome=outcome,
        revisions=list(outcome.revisions.order_by("at", "pk")) if outcome else [],
        contests=list(outcome.contests.select_related("by", "answered_by").order_by("said_at")) if outcome else [],
        notes=list(
            CrewNote.objects.filter(about, run=run, taken_back_at__isnull=True)
            .select_related("vehicle")
            .order_by("said_at", "pk")
        ),
    )


def outcomes_of(run_ids: Iterable[int]) -> QuerySet[StopRun, tuple[Any, ...]]:
    """Return (run, sequence, outcome, arrived, decided) of every decided stop of some runs; one query."""
    rows = StopRun.objects.filter(run_id__in=list(run_ids)).exclude(outcome=Outcome.EXPECTED)
    return rows.order_by("run_id", "sequence").values_list("run_id", "sequence", "outcome", "arrived_at", "decided_at")


# Who sees where trucks were, beside where they are: those who act on it, answer for it, or check it.
TRACK_ROLES = frozenset({Role.SANGKAT_OFFICER, Role.KHAN_OFFICER, Role.CITY_DUTY, Role.CONTRACTOR, Role.AUDITOR})
_AROUND_DEG = 0.005  # about half a kilometre


class Box(NamedTuple):
    """A rectangle in degrees."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, place: Any) -> bool:
        """Return whether something with `lat` and `lon` lies in it."""
        return bool(self.south <= place.lat <= self.north and self.west <= place.lon <= self.east)


class Stretch(NamedTuple):
    """During which time the positions of a device are those of a vehicle on a run."""

    run_id: int
    vehicle_id: int
    label: str
    device_id: int
    from_at: datetime
    until_at: datetime


def tracks_seen(reach: Reach, city: City) -> tuple[Box, ...] | None:
    """Return where this person sees tracks: around the own areas, everywhere if empty, nowhere if None; one query."""
    grants = [grant for grant in reach.grants if grant.city_id == city.pk and grant.role in TRACK_ROLES]
    if not grants:
        return None
    if any(not grant.area_path for grant in grants):
        return ()
    boxes = []
    for area in Area.objects.filter(pk__in=[grant.area_id for grant in grants]):
        south, west, north, east = area.min_lat, area.min_lon, area.max_lat, area.max_lon
        if south is not None and west is not None and north is not None and east is not None:
            boxes.append(Box(south - _AROUND_DEG, west - _AROUND_DEG, north + _AROUND_DEG, east + _AROUND_DEG))
    # No outline is no sight: an empty tuple would mean everywhere.
    return tuple(boxes) or None


def stretches_of(spans: Mapping[int, tuple[datetime, datetime]]) -> list[Stretch]:
    """Return whose positions are the tracks of some runs. spans: run to (begin, end) of its time; two queries.

    A device that moved between vehicles counts for each only while it was there.
    """
    on = list(RunVehicle.objects.filter(run_id__in=spans).select_related("vehicle").order_by("run_id", "pk"))
    if not on:
        return []
    begin, end = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    still = Q(until_at__isnull=True) | Q(until_at__gte=begin)
    bindings: dict[int, list[DeviceBinding]] = {}
    for row in DeviceBinding.objects.filter(still, vehicle_id__in={row.vehicle_id for row in on}, from_at__lte=end):
        bindings.setdefault(row.vehicle_id, []).append(row)
    found = []
    for there in on:
        first, last = spans[there.run_id]
        for binding in bindings.get(there.vehicle_id, ()):
            from_at = max(first, binding.from_at)
            until_at = min(last, binding.until_at or last)
            if from_at < until_at:
                found.append(
                    Stretch(there.run_id, there.vehicle_id, there.vehicle.label, binding.device_id, from_at, until_at)
                )
    return found


def crew_phones(run: Run, vehicle_ids: Iterable[int], *, at: datetime) -> list[tuple[str, str]]:
    """Return (name, telephone) of the crews whose devices are on a run's vehicles at a moment; one query."""
    open_end = Q(until_at__isnull=True) | Q(until_at__gt=at)
    rows = DeviceBinding.objects.filter(
        open_end, city_id=run.city_id, vehicle_id__in=set(vehicle_ids), from_at__lte=at, crew__isnull=False
    )
    return sorted(set(rows.exclude(crew__phone="").values_list("crew__name", "crew__phone")))


def contests_open(reach: Reach, city: City) -> int:
    """Return how many contests of stops that this person sees wait for an answer; one query."""
    seen = StopRun.objects.filter(stops_seen(reach), city=city)
    return Contest.objects.filter(city=city, answered_at__isnull=True, stop_run__in=seen).count()


def contest_list(reach: Reach, city: City, *, most: int = 200) -> list[Contest]:
    """Return the contests that wait for an answer, the oldest first; one query."""
    seen = StopRun.objects.filter(stops_seen(reach), city=city)
    rows = Contest.objects.filter(city=city, answered_at__isnull=True, stop_run__in=seen)
    related = ("stop_run__run__round", "stop_run__stop", "contractor")
    return list(rows.select_related(*related).order_by("said_at", "pk")[:most])


def followed_until(city_ids: Iterable[int]) -> dict[int, datetime]:
    """Return city to the moment, on the trucks' clock, up to which any of its runs was followed; one query a city."""
    found = {}
    for city_id in city_ids:
        rows = Run.objects.filter(city_id=city_id, followed_at__isnull=False).order_by("-followed_at")
        latest = rows.values_list("followed_at", flat=True).first()
        if latest is not None:
            found[city_id] = latest
    return found


def city_called(reach: Reach, jurisdiction_id: str) -> int | None:
    """Return a city by its jurisdiction id, if this person has a role in it; one query."""
    rows = City.objects.filter(jurisdiction_id=jurisdiction_id, pk__in=reach.cities())
    return rows.values_list("pk", flat=True).first()
