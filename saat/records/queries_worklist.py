"""The work list: which cases, in which order, and what each row needs beside the case itself.

There is one order. Open cases stand by the moment by which somebody must act; closed ones by when they closed, the
latest first; all together by when they were opened, the latest first. Each order is an index of the database, and a
page is read from where the last one ended, so that page a thousand costs what page one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet

from saat.records import quick
from saat.records.models import Alert, Area, BulkRun, Case, City, Contractor, Crew, Photo, SavedFilter
from saat.records.scope import AREA_ROLES, Reach, visible
from saat.records.search import holding, scope_words
from saat.terms.case import Ending, Role, State, Urgency

PAGE = 50
MOST_ROWS = 200
_FEW = 4
_BEHIND_PROMISE = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FARTHEST = 10**16  # microseconds: the year 2286, and as long before 1970


class Group(StrEnum):
    """Which cases a list shows by their state."""

    ACTION = "action"  # waits for somebody: nobody took it, its promise is broken, or its proof failed
    OPEN = "open"
    MINE = "mine"
    OVERDUE = "overdue"
    CLOSED = "closed"
    ALL = "all"

    @property
    def is_open(self) -> bool:
        """Whether the list holds open cases only, and so stands in the order of acting."""
        return self not in (Group.CLOSED, Group.ALL)


class Proof(StrEnum):
    """What is wanted of the proof of a case."""

    ANY = ""
    NONE = "none"  # said to be fixed, without a photo
    FAILED = "failed"  # a check of the photo failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle of the map, degrees."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person asked the list for; the defaults ask for all open cases.

    area_path: an `Area.path`; its parts belong to it. contractor_id: 0 for cases that no contractor has.
    words: tokens that a case must all have (see `saat.records.search`). since, until: span in which it was opened,
    aware, until excluded. within: only places in this rectangle.
    """

    group: Group = Group.OPEN
    service_codes: tuple[str, ...] = ()
    area_path: str = ""
    contractor_id: int | None = None
    urgencies: tuple[Urgency, ...] = ()
    proof: Proof = Proof.ANY
    reopened: bool = False
    words: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    within: Box | None = None


class Is(NamedTuple):
    """One condition on a column of a case. op: eq, in, lt, lte, gt, gte or null (value: whether it is)."""

    column: str
    op: str
    value: Any


# Any one of these must hold. A list of them must hold altogether.
AnyOf = tuple[Is, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the moment that orders the list, in microseconds since 1970, and the case's id."""

    key: int
    id: int

    @property
    def is_sane(self) -> bool:
        """Whether the databases can hold its moment; somebody may have typed another."""
        return abs(self.key) < _FARTHEST and 0 <= self.id < 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list. after: from where the next one is read, None at the end."""

    cases: list[Case]
    after: Cursor | None


class WorkList:
    """The list as one person asked for it at one moment.

    now: aware. paths: area to `Area.path`, all of the city, where the caller has them in memory.
    """

    def __init__(
        self, reach: Reach, *, city: City, wanted: Wanted, now: datetime, paths: Mapping[int, str] | None = None
    ) -> None:
        self.reach = replace(reach, grants=tuple(grant for grant in reach.grants if grant.city_id == city.pk))
        self.city, self.wanted, self.now = city, wanted, now
        self._paths = paths
        self._parts: dict[str, tuple[int, ...]] = {}

    def conditions(self, group: Group | None = None) -> list[AnyOf]:
        """Return what was asked for, beside what the person may see at all and the words searched for.

        group: another than the one asked for.
        """
        wanted = self.wanted
        asked = self._in_group(group or wanted.group)
        if wanted.service_codes:
            asked.append((Is("service_code", "in", wanted.service_codes),))
        if wanted.area_path:
            asked.append((Is("area_id", "in", self._inside(wanted.area_path)),))
        if wanted.contractor_id is not None:
            by_none = Is("contractor_id", "null", True)
            asked.append((Is("contractor_id", "eq", wanted.contractor_id) if wanted.contractor_id else by_none,))
        if wanted.urgencies:
            asked.append((Is("urgency", "in", wanted.urgencies),))
        if wanted.proof == Proof.NONE:
            asked.append((Is("ending", "eq", Ending.CLAIMED),))
        elif wanted.proof == Proof.FAILED:
            asked.append((Is("proof_failed", "eq", True),))
        if wanted.reopened:
            asked.append((Is("reopened", "gt", 0),))
        if wanted.since is not None:
            asked.append((Is("opened_at", "gte", wanted.since),))
        if wanted.until is not None:
            asked.append((Is("opened_at", "lt", wanted.until),))
        if wanted.within is not None:
            asked += box_conditions(wanted.within)
        return asked

    def cases(self) -> QuerySet[Case]:
        """Return the cases, in no order."""
        cases = self._seen().filter(*(_either(any_of) for any_of in self.conditions()))
        if self.wanted.group == Group.OVERDUE:
            # The order never puts a case more than a day behind its promise, so the rest of it need not be read.
            cases = cases.filter(act_by__lt=self.now + _BEHIND_PROMISE)
        return cases.filter(self._found) if self._found is not None else cases

    def ordered(self) -> QuerySet[Case]:
        """Return the cases in the list's order, with all that a row shows of other tables."""
        cases = self.cases().select_related("owner", "contractor", "crew", "place").defer("owner__password")
        if self.wanted.group.is_open:
            return cases.order_by("act_by", "pk")
        return cases.order_by("-closed_at" if self.wanted.group == Group.CLOSED else "-opened_at", "-pk")

    def page(self, after: Cursor | None = None, size: int = PAGE) -> Page:
        """Return one page of the list; the same few queries whatever the number of cases."""
        cases = self.ordered()
        if after is not None:
            cases = cases.filter(self._behind(after))
        found = list(cases[: size + 1])
        more = len(found) > size
        return Page(cases=found[:size], after=self.key_of(found[size - 1]) if more else None)

    def key_of(self, case: Case) -> Cursor:
        """Return where a case stands in the list."""
        return Cursor(key=(self._moment(case) - _EPOCH) // _MICROSECOND, id=case.pk)

    def these(self, ids: Iterable[int]) -> tuple[list[Case], list[int]]:
        """Return those of some cases that the list shows, and the ids of the open ones that only the filter hides.

        At most `MOST_ROWS` ids are looked at; what the person may not see is in neither.
        """
        some = list(ids)[:MOST_ROWS]
        shown = list(self.ordered().filter(pk__in=some))
        rest = set(some) - {case.pk for case in shown}
        if not rest:
            return shown, []
        hidden = self._seen().filter(pk__in=rest, closed_at__isnull=True)
        return shown, sorted(hidden.values_list("pk", flat=True))

    def _seen(self) -> QuerySet[Case]:
        """Return what the person may see of the city."""
        cases = Case.objects.filter(visible(self.reach))
        # Asked for a city and a few small areas, the databases would walk through the whole city's order.
        return cases.filter(area_id__in=self._few_areas) if self._few_areas else cases.filter(city=self.city)

    @cached_property
    def _found(self) -> Any:
        """Return the condition that a case has the words searched for; None where there are none."""
        return holding(self.wanted.words, scope=self._scope_words())

    @cached_property
    def _few_areas(self) -> list[int]:
        """Return the areas to which the list is held if they are few, else nothing."""
        paths = {self.wanted.area_path or grant.area_path for grant in self.reach.grants}
        beyond = [grant for grant in self.reach.grants if grant.role not in AREA_ROLES]
        if not paths or "" in paths or (beyond and not self.wanted.area_path):
            return []
        ids = {area_id for path in paths for area_id in self._inside(path)} if len(paths) <= _FEW else set()
        return sorted(ids) if len(ids) <= _FEW else []

    def _inside(self, path: str) -> tuple[int, ...]:
        if path not in self._parts:
            if self._paths is None:
                self._paths = dict(Area.objects.filter(city=self.city).values_list("pk", "path"))
            self._parts[path] = tuple(sorted(pk for pk, known in self._paths.items() if known.startswith(path)))
        return self._parts[path]

    def _in_group(self, group: Group) -> list[AnyOf]:
        is_open: AnyOf = (Is("closed_at", "null", True),)
        if group == Group.OPEN:
            return [is_open]
        if group == Group.MINE:
            return [is_open, self._own()]
        if group == Group.OVERDUE:
            return [is_open, (Is("due_at", "lt", self.now),)]
        if group == Group.ACTION:
            waits = [Is("state", "eq", State.OPEN), Is("due_at", "lt", self.now), Is("proof_failed", "eq", True)]
            if not self.reach.cities(AREA_ROLES):
                # Whoever works for the hall is awaited where a case was handed to them and nobody is there yet.
                waits.append(Is("state", "eq", State.ASSIGNED))
            return [is_open, tuple(waits)]
        if group == Group.CLOSED:
            return [(Is("closed_at", "null", False),), (Is("state", "eq", State.CLOSED),)]
        return [(Is("state", "in", tuple(state for state in State if state != State.MERGED)),)]

    def _own(self) -> AnyOf:
        own = [Is("owner_id", "eq", self.reach.user_id)]
        for grant in self.reach.grants:
            if grant.role == Role.CREW:
                own.append(Is("crew_id", "eq", grant.crew_id))
            elif grant.role == Role.CONTRACTOR:
                own.append(Is("contractor_id", "eq", grant.contractor_id))
        return tuple(own)

    def _scope_words(self) -> list[str]:
        """Return words of which a case must have one, so that the search index itself holds to what may be seen."""
        if self.wanted.area_path:
            return [scope_words(city_id=self.city.pk, area_path=self.wanted.area_path)[-1]]
        if self.reach.grants and all(grant.role in AREA_ROLES for grant in self.reach.grants):
            return [scope_words(city_id=self.city.pk, area_path=grant.area_path)[-1] for grant in self.reach.grants]
        return [scope_words(city_id=self.city.pk, area_path="")[0]]

    def _moment(self, case: Case) -> datetime:
        if self.wanted.group.is_open:
            return case.act_by
        moment = case.closed_at if self.wanted.group == Group.CLOSED else case.opened_at
        assert moment is not None
        return moment

    def _behind(self, after: Cursor) -> Q:
        # Written so that the database can begin to read its index at the cursor.
        moment = _EPOCH + after.key * _MICROSECOND
        if self.wanted.group.is_open:
            return Q(act_by__gte=moment) & (Q(act_by__gt=moment) | Q(pk__gt=after.id))
        column = "closed_at" if self.wanted.group == Group.CLOSED else "opened_at"
        return Q(**{f"{column}__lte": moment}) & (Q(**{f"{column}__lt": moment}) | Q(pk__lt=after.id))


def box_conditions(box: Box) -> list[AnyOf]:
    """Return the conditions that a case lies within a rectangle."""
    return [
        (Is("lat", "gte", box.south),),
        (Is("lat", "lte", box.north),),
        (Is("lon", "gte", box.west),),
        (Is("lon", "lte", box.east),),
    ]


_LOOKUPS = {"eq": "exact", "null": "isnull"}


def _either(any_of: AnyOf) -> Q:
    condition = Q(pk__in=[])
    for one in any_of:
        condition |= Q(**{f"{one.column}__{_LOOKUPS.get(one.op, one.op)}": one.value})
    return condition


def cities(reach: Reach) -> list[City]:
    """Return the cities in which a person has a role, by name; one query."""
    ids = sorted(reach.cities())
    marks = ", ".join(["%s"] * len(ids))
    return quick.rows(City, f"WHERE id IN ({marks}) ORDER BY jurisdiction_id", ids) if ids else []


def unanswered_alerts(reach: Reach) -> int:
    """Return how many alerts wait for this person's answer; one query."""
    return Alert.objects.filter(user_id=reach.user_id, acknowledged_at__isnull=True, passed_on_at__isnull=True).count()


def first_photos(case_ids: Iterable[int]) -> dict[int, Photo]:
    """Return the first photo of the report for each of these cases that has one; one query."""
    rows = Photo.objects.filter(case_id__in=list(case_ids), kind="report", removed_at__isnull=True).order_by("-pk")
    return {photo.case_id: photo for photo in rows}


def contractors(city: City) -> list[Contractor]:
    """Return a city's contractors, by name; one query."""
    return list(Contractor.objects.filter(city=city, active=True).order_by("name"))


def crews(city: City, reach: Reach) -> list[Crew]:
    """Return the crews to which a person may hand cases, by company and name; one query.

    A dispatcher's are those of the own company.
    """
    found = Crew.objects.filter(city=city, active=True).select_related("contractor")
    if city.pk not in reach.cities(AREA_ROLES):
        found = found.filter(contractor_id__in=[g.contractor_id for g in reach.grants if g.city_id == city.pk])
    return list(found.order_by(F("contractor__name").asc(nulls_first=True), "name"))


def saved_filters(reach: Reach, city: City) -> list[SavedFilter]:
    """Return a person's saved filters in a city, by name; one query."""
    return list(SavedFilter.objects.filter(city=city, user_id=reach.user_id).order_by("name"))


def bulk_run(reach: Reach, key: str) -> BulkRun | None:
    """Return a person's own run of one act over several cases, or None; one query."""
    return BulkRun.objects.select_related("city").filter(key=key, user_id=reach.user_id).first()


def names_of_workers(city: City) -> dict[str, dict[int, str]]:
    """Return what a city's contractors and crews are called, by id; two queries."""
    return {
        "contractor": dict(Contractor.objects.filter(city=city).values_list("pk", "name")),
        "crew": dict(Crew.objects.filter(city=city).values_list("pk", "name")),
    }
