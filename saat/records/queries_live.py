"""Reading the event log on, for screens that stay open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saat.records.models import Area, Case, Event, User
from saat.records.scope import Reach, reach_of

MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """One event with what decides who may see it."""

    id: int
    kind: str
    at: datetime
    city_id: int
    case_id: int | None
    code: str
    area_path: str
    contractor_id: int | None
    crew_id: int | None


@dataclass(frozen=True, slots=True)
class View:
    """What one listener may see."""

    reach: Reach

    def may_see(self, event: LiveEvent) -> bool:
        """Return whether this listener sees the case that an event is about."""
        if event.case_id is None:
            return event.city_id in self.reach.cities()
        return bool(
            self.reach.roles_in(
                city_id=event.city_id,
                area_path=event.area_path,
                contractor_id=event.contractor_id,
                crew_id=event.crew_id,
            )
        )


def view_of(user: User) -> View | None:
    """Return what a signed-in person may see, or None if that is nothing."""
    reach = reach_of(user)
    return View(reach) if reach.grants else None


def latest_id() -> int:
    """Return the id of the latest event, 0 if there is none."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def events_after(last_id: int) -> list[LiveEvent]:
    """Return the events after an id, oldest first, at most `MOST`; at most three queries."""
    return _with_scope(list(Event.objects.filter(id__gt=last_id).order_by("id")[:MOST]))


def events_between(after: int, up_to: int) -> list[LiveEvent]:
    """Return the latest `MOST` events after one id and up to another, oldest first."""
    rows = list(Event.objects.filter(id__gt=after, id__lte=up_to).order_by("-id")[:MOST])
    return _with_scope(rows[::-1])


def _with_scope(events: list[Event]) -> list[LiveEvent]:
    if not events:
        return []
    wanted = {event.case_id for event in events if event.case_id is not None}
    columns = ("pk", "code", "area_id", "contractor_id", "crew_id")
    cases = {row[0]: row for row in Case.objects.filter(pk__in=wanted).values_list(*columns)}
    area_ids = {row[2] for row in cases.values() if row[2] is not None}
    paths = dict(Area.objects.filter(pk__in=area_ids).values_list("pk", "path"))
    nothing = (None, "", None, None, None)
    found = []
    for event in events:
        _, code, area_id, contractor_id, crew_id = cases.get(event.case_id, nothing)
        found.append(
            LiveEvent(
                id=event.pk,
                kind=event.kind,
                at=event.at,
                city_id=event.city_id,
                case_id=event.case_id,
                code=code,
                area_path=paths.get(area_id, ""),
                contractor_id=contractor_id,
                crew_id=crew_id,
            )
        )
    return found
