"""Reading the event log on, for screens that stay open."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from saat.records.models import Area, Case, Event, User
from saat.records.scope import Reach, reach_of

MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What decides who may see a case. area_path: an `Area.path`, "" for none."""

    area_path: str
    contractor_id: int | None
    crew_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """One event with what decides who may see it.

    whose: of its case, as it is now. before: as it was until the event, where the event took the case from somebody.
    """

    id: int
    kind: str
    at: datetime
    city_id: int
    case_id: int | None
    code: str
    whose: Whose
    before: Whose | None


@dataclass(frozen=True, slots=True)
class View:
    """What one listener may see."""

    reach: Reach

    def may_see(self, event: LiveEvent) -> bool:
        """Return whether this listener sees the case that an event is about, or saw it until the event."""
        if event.case_id is None:
            return event.city_id in self.reach.cities()
        return any(self._sees(event.city_id, whose) for whose in (event.whose, event.before) if whose is not None)

    def _sees(self, city_id: int, whose: Whose) -> bool:
        return bool(
            self.reach.roles_in(
                city_id=city_id,
                area_path=whose.area_path,
                contractor_id=whose.contractor_id,
                crew_id=whose.crew_id,
            )
        )


def view_of(user: User) -> View | None:
    """Return what a signed-in person may see, or None if that is nothing."""
    reach = reach_of(user)
    return View(reach) if reach.grants else None


def latest_id() -> int:
    """Return the id of the latest event, 0 if there is none."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def missing_ids(*, up_to: int, back: int) -> set[int]:
    """Return which of the last ids up to one have no event: never used, or of a transaction that goes on still."""
    first = max(1, up_to - back)
    there = Event.objects.filter(id__gte=first, id__lte=up_to).values_list("id", flat=True)
    return set(range(first, up_to + 1)) - set(there)


def events_after(last_id: int, *, or_of: Collection[int] = ()) -> list[LiveEvent]:
    """Return the events after an id, or with one of some ids before it; oldest first, at most `MOST`.

    At most three queries.
    """
    wanted = Q(id__gt=last_id)
    if or_of:
        wanted |= Q(id__in=or_of)
    return _with_scope(list(Event.objects.filter(wanted).order_by("id")[:MOST]))


def events_between(after: int, up_to: int, *, also: Collection[int] = ()) -> list[LiveEvent]:
    """Return the latest `MOST` events after one id and up to another, and some others, oldest first."""
    rows = list(Event.objects.filter(Q(id__gt=after, id__lte=up_to) | Q(id__in=also)).order_by("-id")[:MOST])
    return _with_scope(rows[::-1])


def _with_scope(events: list[Event]) -> list[LiveEvent]:
    if not events:
        return []
    wanted = {event.case_id for event in events if event.case_id is not None}
    columns = ("pk", "code", "area_id", "contractor_id", "crew_id")
    cases = {row[0]: row for row in Case.objects.filter(pk__in=wanted).values_list(*columns)}
    before = {event.pk: _taken_from(event) for event in events}
    paths = _paths({row[2] for row in cases.values()} | {values.get("area_id") for values in before.values()})
    found = []
    for event in events:
        _, code, *holders = cases.get(event.case_id, (None, "", None, None, None))
        now = dict(zip(("area_id", "contractor_id", "crew_id"), holders, strict=True))
        was = before[event.pk]
        found.append(
            LiveEvent(
                id=event.pk,
                kind=event.kind,
                at=event.at,
                city_id=event.city_id,
                case_id=event.case_id,
                code=code,
                whose=_whose(now, paths),
                before=_whose({**now, **was}, paths) if was else None,
            )
        )
    return found


def _taken_from(event: Event) -> dict[str, int | None]:
    """Return the area, contractor and crew that a case had until an event, those that the event changed."""
    if '"before":' not in event.facts_json:
        return {}
    before = json.loads(event.facts_json).get("before")
    if not isinstance(before, dict):
        return {}
    return {name: before[name] for name in ("area_id", "contractor_id", "crew_id") if name in before}


def _paths(area_ids: Iterable[int | None]) -> dict[int | None, str]:
    known = {area_id for area_id in area_ids if area_id is not None}
    return dict(Area.objects.filter(pk__in=known).values_list("pk", "path"))


def _whose(holders: dict[str, int | None], paths: dict[int | None, str]) -> Whose:
    return Whose(
        area_path=paths.get(holders["area_id"], ""),
        contractor_id=holders["contractor_id"],
        crew_id=holders["crew_id"],
    )
