"""A stop as everybody may know it: where it is, and on which days something is collected there. Public."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q

from saat.records.models import AreaName, City, PlannedStop, RoundPlan, Run, Stop
from saat.records.plan_values import days_from_json, streams_from_json
from saat.terms.plan import HolidayRule, Stream
from saat.terms.policy import Names
from saat.terms.servicedays import ServiceDay, midnight_s, runs_by_rule, service_days, streams_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection at a stop. opens_at, closes_at: aware UTC. moved_from: the day it would have been on, if a
    holiday moved it. called_off: the city cancelled it. made_at: when the plan was saved that says so.
    """

    day: date
    round_id: int
    opens_at: datetime
    closes_at: datetime
    streams: tuple[Stream, ...]
    made_at: datetime
    moved_from: date | None = None
    called_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayNote:
    """A public holiday that changes a stop's collection. to: where it moves; None: there is none."""

    day: date
    to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The collections of a stop in a span of days, in order, and the holidays that change them."""

    collections: tuple[Collection, ...]
    notes: tuple[HolidayNote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekLine:
    """What is collected at a stop in a usual week. Times: seconds since midnight. nth, every_weeks: as of the rule."""

    stream: Stream
    weekdays: tuple[int, ...]
    opens_s: float
    closes_s: float
    nth: tuple[int, ...] = ()
    every_weeks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStop:
    """A stop in the answer to a search. areas: names from the khan down."""

    stop: Stop
    areas: tuple[Names, ...]


def stop_called(number: str) -> Stop | None:
    """Return the stop with a number, in whichever city; None if there is none that is in use. One statement."""
    rows = Stop.objects.select_related("city", "area", "served_by")
    return rows.filter(number=number, active=True).first()


def areas_of(stops: Sequence[Stop]) -> dict[int, tuple[Names, ...]]:
    """Return the names of the areas below the city that each stop lies in, from the outermost; by the stop's id."""
    ids = {int(part) for stop in stops if stop.area for part in stop.area.path.strip("/").split("/") if part}
    names: dict[int, Names] = {}
    for area_id, language, text in AreaName.objects.filter(area_id__in=ids, area__level__gt=0).values_list(
        "area_id", "language", "text"
    ):
        names.setdefault(area_id, {})[language] = text
    found: dict[int, tuple[Names, ...]] = {}
    for stop in stops:
        path = [int(part) for part in stop.area.path.strip("/").split("/") if part] if stop.area else []
        found[stop.pk] = tuple(names[area_id] for area_id in path if area_id in names)
    return found


def find_stops(city: City, *, words: Iterable[str], most: int = 30) -> list[FoundStop]:
    """Return the stops whose name or number, or whose area's name, holds all of some plain words; by name.

    words: as `triage.spelling.spelt` writes them.
    """
    rows = Stop.objects.filter(city=city, active=True).select_related("area")
    for word in words:
        in_area = AreaName.objects.filter(city=city, plain__contains=word.replace(" ", ""), area__level__gt=0)
        rows = rows.filter(
            Q(plain__contains=word) | Q(number__startswith=word.upper()) | Q(area__in=in_area.values("area"))
        )
    stops = list(rows.order_by("plain", "number")[:most])
    areas = areas_of(stops)
    return [FoundStop(stop=stop, areas=areas[stop.pk]) for stop in stops]


def weekly_of(stop: Stop, *, day: date) -> tuple[WeekLine, ...]:
    """Return what is collected at a stop in a usual week, by the plans that hold on a day; two statements."""
    planned = list(_planned(stop.pk)) or list(_planned(stop.served_by_id or 0))
    begins = _begins({row.plan.round_id for row in planned})
    lines = []
    for row in planned:
        newer = [from_day for from_day in begins[row.plan.round_id] if row.plan.from_day < from_day <= day]
        first = min(begins[row.plan.round_id])
        if newer or (row.plan.from_day > day and row.plan.from_day != first):
            continue
        rule = days_from_json(row.plan.days)
        for stream, weekdays in streams_from_json(row.streams).items():
            found = (weekdays if weekdays is not None else rule.weekdays) & rule.weekdays
            if found:
                lines.append(
                    WeekLine(
                        stream=stream,
                        weekdays=tuple(sorted(found)),
                        opens_s=row.opens_s,
                        closes_s=row.closes_s,
                        nth=tuple(sorted(rule.nth, key=lambda nth: nth % 10)),
                        every_weeks=rule.every_weeks,
                    )
                )
    return tuple(sorted(lines, key=lambda line: (list(Stream).index(line.stream), line.weekdays, line.opens_s)))


def calendar_of(stop: Stop, *, first: date, last: date) -> Calendar:
    """Return what is collected at a stop from one date to another, both included.

    A lane without a place in any plan has the calendar of its meeting point. Three statements.
    """
    policy = stop.city.policy_terms()
    zone, holidays = policy.hours.zone, policy.hours.holidays
    planned = list(_planned(stop.pk))
    if not planned and stop.served_by_id is not None:
        planned = list(_planned(stop.served_by_id))
    rounds = {row.plan.round_id for row in planned}
    begins = _begins(rounds)
    off = set(
        Run.objects.filter(round_id__in=rounds, service_day__range=(first, last), state="called_off").values_list(
            "round_id", "service_day"
        )
    )
    collections: list[Collection] = []
    notes: dict[date, HolidayNote] = {}
    for row in planned:
        plan = row.plan
        after = [day for day in begins[plan.round_id] if day > plan.from_day]
        start, end = max(first, plan.from_day), min([last, *(day - timedelta(days=1) for day in after)])
        if start > end:
            continue
        rule = days_from_json(plan.days)
        days = service_days(rule, first=start, last=end, holidays=holidays)
        for on_day in days:
            streams = streams_on(streams_from_json(row.streams), on_day)
            if streams:
                collections.append(_collection(row, on_day, streams, zone, off))
        if rule.holidays != HolidayRule.COLLECT:
            moved = {regular: on_day.day for on_day in days for regular in on_day.instead_of}
            for day in sorted(holidays):
                if start <= day <= end and runs_by_rule(rule, day) and moved.get(day) != day:
                    notes[day] = HolidayNote(day=day, to=moved.get(day))
    collections.sort(key=lambda one: (one.opens_at, one.round_id))
    return Calendar(collections=tuple(collections), notes=tuple(notes[day] for day in sorted(notes)))


def _planned(stop_id: int) -> Iterable[PlannedStop]:
    return PlannedStop.objects.filter(stop_id=stop_id, plan__round__active=True).select_related("plan").order_by("pk")


def _begins(round_ids: Iterable[int]) -> dict[int, list[date]]:
    """Return the days on which the versions of some rounds begin."""
    begins: dict[int, list[date]] = {}
    for round_id, from_day in RoundPlan.objects.filter(round_id__in=round_ids).values_list("round_id", "from_day"):
        begins.setdefault(round_id, []).append(from_day)
    return begins


def _collection(
    row: PlannedStop, on_day: ServiceDay, streams: frozenset[Stream], zone: str, off: set[tuple[int, date]]
) -> Collection:
    midnight = midnight_s(on_day.day, zone)
    return Collection(
        day=on_day.day,
        round_id=row.plan.round_id,
        opens_at=datetime.fromtimestamp(midnight + row.opens_s, UTC),
        closes_at=datetime.fromtimestamp(midnight + row.closes_s, UTC),
        streams=tuple(stream for stream in Stream if stream in streams),
        made_at=row.plan.made_at,
        moved_from=next((regular for regular in on_day.instead_of if regular != on_day.day), None),
        called_off=(row.plan.round_id, on_day.day) in off,
    )
