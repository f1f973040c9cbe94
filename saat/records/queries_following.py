"""What the follower reads: which cities, vehicles and runs are its own, who was on what, and how far it came."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zlib import crc32

from django.db.models import Count, Max, Q

from saat.records.models import City, CrewNote, FollowerMark, Run, StopWord, Vehicle
from saat.records.position_log import LogMark

# A run is followed from so long before its planned start until so long after its planned end. Those who come early are
# seen coming; those who are late, or whose tracker was, have time. What comes after that is folded in by itself.
LEAD = timedelta(hours=2)
TAIL = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which share of all vehicles and runs one follower has. number: from 0. of: how many followers there are.

    The vehicles and runs of one contractor in one city stay together, because any of its trucks may stand in.
    """

    number: int = 0
    of: int = 1

    def has(self, city_id: int, contractor_id: int | None) -> bool:
        """Return whether a contractor's rounds in a city are followed here; None: those of the city itself.

        >>> [sum(Part(number=n, of=4).has(city, who) for n in range(4)) for city, who in ((1, None), (1, 2), (7, 3))]
        [1, 1, 1]
        """
        return crc32(f"{city_id}:{contractor_id or 0}".encode()) % self.of == self.number


ALL = Part()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunToFollow:
    """A run that is to be followed now."""

    run_id: int
    city_id: int
    contractor_id: int | None
    service_day: date


def followed_cities() -> list[City]:
    """Return the cities that have rounds, by id; one query."""
    return list(City.objects.filter(rounds__active=True).distinct().order_by("pk"))


def runs_to_follow(city_id: int, *, now: datetime) -> list[RunToFollow]:
    """Return the runs of a city that begin soon, are under way, or ended a short while ago; one query.

    now: on the clock of the city's trucks.
    """
    near = Q(starts_at__lte=now + LEAD, ends_at__gte=now - TAIL)
    rows = Run.objects.filter(near, city_id=city_id, state__in=("planned", "running"))
    return _to_follow(rows.order_by("pk").values_list("pk", "city_id", "contractor_id", "service_day"))


def runs_to_revisit(vehicle_id: int, *, from_at: datetime, until_at: datetime, now: datetime) -> list[RunToFollow]:
    """Return the runs that are no longer followed and that a vehicle was on, or should have been, in a span; one query.

    from_at, until_at: when it was seen. now: on the clock of the city's trucks.
    """
    on_it = Q(pk__in=Run.objects.filter(vehicles__vehicle_id=vehicle_id).values("pk")) | Q(plan__vehicle_id=vehicle_id)
    rows = Run.objects.filter(on_it, starts_at__lte=until_at + LEAD, ends_at__gte=from_at - TAIL)
    over = Q(state="done") | Q(ends_at__lt=now - TAIL)
    rows = rows.filter(over).exclude(state="called_off")
    return _to_follow(rows.order_by("pk").values_list("pk", "city_id", "contractor_id", "service_day"))


def runs_to_close(city_id: int, *, now: datetime) -> list[int]:
    """Return the runs of a city whose time is over and that nobody has closed; one query."""
    rows = Run.objects.filter(city_id=city_id, state__in=("planned", "running"), ends_at__lt=now - TAIL)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def runs_by_id(run_ids: Iterable[int]) -> list[RunToFollow]:
    """Return runs by their ids, those that were called off left out; one query."""
    rows = Run.objects.filter(pk__in=list(run_ids)).exclude(state="called_off")
    return _to_follow(rows.order_by("pk").values_list("pk", "city_id", "contractor_id", "service_day"))


def vehicles_on(run_ids: Collection[int]) -> dict[int, list[int]]:
    """Return which vehicles were on each run, planned, put on it or seen serving; two queries."""
    found: dict[int, list[int]] = {run_id: [] for run_id in run_ids}
    planned = Run.objects.filter(pk__in=run_ids, plan__vehicle__isnull=False).values_list("pk", "plan__vehicle_id")
    for run_id, vehicle_id in planned:
        found[run_id].append(vehicle_id)
    for run_id, vehicle_id in Run.objects.filter(pk__in=run_ids, vehicles__isnull=False).values_list(
        "pk", "vehicles__vehicle_id"
    ):
        if vehicle_id not in found[run_id]:
            found[run_id].append(vehicle_id)
    return found


def fleet() -> dict[int, tuple[int, int | None]]:
    """Return the city and the contractor of every vehicle; one query."""
    return {row[0]: (row[1], row[2]) for row in Vehicle.objects.values_list("pk", "city_id", "contractor_id")}


def words_stamp() -> tuple[object, ...]:
    """Return something that changes when a crew or a resident says something, or takes it back; two queries."""
    notes = CrewNote.objects.aggregate(n=Count("pk"), last=Max("pk"), back=Count("taken_back_at"))
    words = StopWord.objects.aggregate(n=Count("pk"), last=Max("pk"))
    return (*notes.values(), *words.values())


def newest_crew_note_id() -> int:
    """Return the id of the latest note of a crew, 0 if there is none; one query."""
    return CrewNote.objects.aggregate(newest=Max("pk"))["newest"] or 0


def runs_with_notes_since(note_id: int) -> set[int]:
    """Return the runs about which a crew said something after a note; one query."""
    notes = CrewNote.objects.filter(pk__gt=note_id, run__isnull=False)
    return set(notes.values_list("run_id", flat=True))  # type: ignore[arg-type]


def mark_of(part: int) -> LogMark | None:
    """Return how far a follower had read and written down what it found; None if it never ran."""
    row = FollowerMark.objects.filter(partition=part).first()
    return None if row is None else LogMark(row.log, row.row)


def _to_follow(rows: Iterable[tuple[int, int, int | None, date]]) -> list[RunToFollow]:
    return [RunToFollow(run_id=r, city_id=c, contractor_id=who, service_day=day) for r, c, who, day in rows]
