"""Everything that the page of one case shows, read in a fixed number of queries however much has happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, prefetch_related_objects

from saat.records import quick
from saat.records.models import (
    Alert,
    Case,
    City,
    Contractor,
    Crew,
    Duty,
    Event,
    Membership,
    Message,
    Note,
    Photo,
    ServiceRequest,
    SignedLink,
    Template,
    User,
)
from saat.records.scope import AREA_ROLES, Reach, visible
from saat.terms.case import Role

MOST_EVENTS = 500
_OFFICERS = (Role.SANGKAT_OFFICER, Role.KHAN_OFFICER, Role.CITY_DUTY, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the people and companies are called that the events of a case speak of; by id."""

    people: dict[int, str] = field(default_factory=dict)
    crews: dict[int, str] = field(default_factory=dict)
    contractors: dict[int, str] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """One case with all that belongs to it, oldest first.

    as_office: whether the reader works for the city; a contractor or a crew gets no contacts, no messages and only the
    notes that they wrote themselves.
    """

    case: Case
    as_office: bool
    requests: list[ServiceRequest]
    photos: list[Photo]
    events: list[Event]
    messages: list[Message]
    notes: list[Note]
    alerts: list[Alert]
    names: Names

    @property
    def last_event_id(self) -> int:
        """The id of the latest event that this file holds, 0 if there is none."""
        return self.events[-1].pk if self.events else 0


def case_file(case_id: int, *, reach: Reach) -> CaseFile | None:
    """Return a case with all that belongs to it, or None if there is none for this person."""
    rows = Case.objects.filter(visible(reach), pk=case_id)
    case = rows.select_related("city", "area", "place", "owner", "contractor", "crew", "merged_into").first()
    if case is None:
        return None
    return file_of(case, user_id=reach.user_id, as_office=bool(reach.roles_for(case) & AREA_ROLES))


def file_of(case: Case, *, user_id: int = 0, as_office: bool = False, link_id: int = 0) -> CaseFile:
    """Return all that belongs to a case which the reader may see.

    link_id: the signed link through which it is read, if any.
    """
    requests = ServiceRequest.objects.filter(case=case).order_by("requested_at", "pk").prefetch_related(None)
    if as_office:
        requests = requests.select_related("contact")
    notes = Note.objects.filter(case=case)
    if not as_office:
        notes = notes.filter(by_id=user_id) if user_id else notes.filter(by_link_id=link_id)
    latest = list(Event.objects.filter(case_id=case.pk).order_by("-id")[:MOST_EVENTS])[::-1]
    photos = Photo.objects.filter(case=case).select_related("added_by").order_by("pk")
    return CaseFile(
        case=case,
        as_office=as_office,
        requests=list(requests),
        photos=list(photos),
        events=latest,
        messages=list(Message.objects.filter(case=case).select_related("by").order_by("pk")) if as_office else [],
        notes=list(notes.select_related("by").order_by("pk")),
        alerts=list(Alert.objects.filter(case=case).select_related("user").order_by("pk")) if as_office else [],
        names=names_in(latest),
    )


def names_in(events: Sequence[Event]) -> Names:
    """Return what those are called whom some events name; at most four queries."""
    found: dict[str, set[int]] = {"user": set(), "crew": set(), "contractor": set(), "link": set()}
    for event in events:
        kind, _, number = event.actor.partition(":")
        if number and kind in found:
            found[kind].add(int(number))
        facts = event.facts
        for values in (facts, *(facts.get(side) or {} for side in ("before", "after"))):
            _note_ids(found, values)
        found["user"].update(number for number in facts.get("told") or [] if isinstance(number, int))
    links = SignedLink.objects.filter(pk__in=found["link"]).select_related("contractor", "crew")
    users = User.objects.filter(pk__in=found["user"])
    return Names(
        people={user.pk: str(user) for user in users} if found["user"] else {},
        crews=_names(Crew, found["crew"]),
        contractors=_names(Contractor, found["contractor"]),
        links={row.pk: str(row.contractor or row.crew) for row in links} if found["link"] else {},
    )


def _note_ids(found: dict[str, set[int]], values: dict[str, Any]) -> None:
    for name, kind in (("user", "user"), ("owner_id", "user"), ("crew", "crew"), ("crew_id", "crew"),
                       ("contractor", "contractor"), ("contractor_id", "contractor")):  # fmt: skip
        number = values.get(name)
        if isinstance(number, int):
            found[kind].add(number)


def _names(model: Any, ids: set[int]) -> dict[int, str]:
    return dict(model.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}


def case_id_of(code: str, *, reach: Reach) -> int | None:
    """Return the id of the case with this short code, if there is one for this person."""
    return Case.objects.filter(visible(reach), code=code).values_list("pk", flat=True).first()


def event_ids_of(case_id: int, *, reach: Reach) -> set[int]:
    """Return the steps of a case's history, none if there is no such case for this person; one query."""
    seen = Case.objects.filter(visible(reach), pk=case_id).values("pk")
    return set(Event.objects.filter(case_id__in=seen).values_list("pk", flat=True))


def case_after_act(case_id: int) -> tuple[Case, int]:
    """Return a case as it is now, with its latest event, for whoever has just acted on it; two queries."""
    (case,) = quick.rows(Case, "WHERE id = %s", [case_id])
    return case, quick.last_event_of(case_id)


def open_around(case: Case, *, cells: Iterable[int], reach: Reach, most: int = 40) -> list[Case]:
    """Return the open cases near a case that a person may see, with their photos' hashes; at most four queries.

    cells: H3 cells around it; none where only its area is known.
    """
    rows = Case.objects.filter(visible(reach), city_id=case.city_id, closed_at__isnull=True).exclude(pk=case.pk)
    wanted = list(cells)
    # Asked for either of them at once, SQLite would read every case there ever was.
    near = rows.filter(cell__in=wanted) if wanted else rows.none()
    placeless = rows.none()
    if case.area_id is not None:
        placeless = rows.filter(area_id=case.area_id, **({"cell__isnull": True} if wanted else {}))
    latest = [
        row for some in (near, placeless) for row in some.select_related("area").order_by("-last_voice_at")[:most]
    ]
    latest.sort(key=lambda row: row.last_voice_at, reverse=True)
    prefetch_related_objects(latest[:most], "photos")
    return latest[:most]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """To whom cases of a city can be handed."""

    contractors: list[Contractor]
    crews: list[Crew]
    officers: list[User]


def workers_for(case: Case, *, reach: Reach) -> Workers:
    """Return to whom a person may hand a case; four queries. A dispatcher gets the own crews alone."""
    city_id = case.city_id
    crews = Crew.objects.filter(city_id=city_id, active=True).select_related("contractor").order_by("name")
    if not reach.roles_for(case) & AREA_ROLES:
        own = [row for row in crews if row.contractor_id == case.contractor_id]
        return Workers(contractors=[], crews=own, officers=[])
    path = case.area.path if case.area_id and case.area else ""
    ids = [int(part) for part in path.split("/") if part]
    members = Membership.objects.filter(city_id=city_id, role__in=_OFFICERS, user__is_active=True)
    members = members.filter(Q(area__isnull=True) | Q(area_id__in=ids)).select_related("user", "area")
    deepest_first = sorted(members, key=lambda row: (-(row.area.level if row.area else -1), str(row.user)))
    return Workers(
        contractors=list(
            Contractor.objects.filter(city_id=city_id, active=True).prefetch_related("areas").order_by("name")
        ),
        crews=list(crews),
        officers=list({row.user_id: row.user for row in deepest_first}.values()),
    )


def texts_of(city_id: int) -> list[Template]:
    """Return the office's texts, by name; one query. They hold nothing that is not for every official to read."""
    return list(Template.objects.filter(city_id=city_id).order_by("name"))


def photo_of(photo_id: int, *, reach: Reach) -> Photo | None:
    """Return a photo with its case, if the person may see it; one query."""
    seen = Case.objects.filter(visible(reach)).values("pk")
    rows = Photo.objects.filter(pk=photo_id, case_id__in=seen, removed_at__isnull=True)
    return rows.select_related("case__city", "case__area").first()


def events_between(case_id: int, after: int) -> list[Event]:
    """Return what happened to a case after an event, oldest first."""
    return list(Event.objects.filter(case_id=case_id, id__gt=after).order_by("id")[:MOST_EVENTS])


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyPlan:
    """Turns of duty: those that run now, those to come, those that ended within the last day, each by start."""

    now: list[Duty]
    next: list[Duty]
    ended: list[Duty]


def duty_plan(city: City, *, now: datetime, ahead: timedelta = timedelta(days=14)) -> DutyPlan:
    """Return a city's turns of duty; one query. Every official may know who is on duty."""
    rows = Duty.objects.filter(city=city, ends_at__gt=now - timedelta(days=1), starts_at__lt=now + ahead)
    rows = rows.select_related("user", "area", "handed_over_to__user").order_by("starts_at", "rank", "pk")
    turns = list(rows)
    return DutyPlan(
        now=[turn for turn in turns if turn.starts_at <= now < turn.ends_at],
        next=[turn for turn in turns if turn.starts_at > now],
        ended=[turn for turn in turns if turn.ends_at <= now],
    )


def alerts_of(reach: Reach, *, most: int = 30) -> list[Alert]:
    """Return the alerts that wait for a person's answer, the oldest first; one query."""
    rows = Alert.objects.filter(user_id=reach.user_id, acknowledged_at__isnull=True, passed_on_at__isnull=True)
    return list(rows.select_related("case__area", "case__city").order_by("raised_at")[:most])


def officers_of(city: City) -> list[User]:
    """Return who can be on duty somewhere in a city, by name; one query."""
    members = Membership.objects.filter(city=city, role__in=_OFFICERS, user__is_active=True).values("user_id")
    return sorted(User.objects.filter(pk__in=members), key=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulProofs:
    """Proofs of which a check failed: the latest ones, and how many of how many each sender's were since a moment."""

    latest: list[Photo]
    counts: list[tuple[str, str, int, int]]


def doubtful_proofs(city: City, *, reach: Reach, since: datetime, most: int = 60) -> DoubtfulProofs:
    """Return the proofs of a city that failed a check, of the cases that a person may see; two queries.

    since: aware. Each count is (contractor or "", person or "", failed, all), most failures first.
    """
    seen = Case.objects.filter(visible(reach), city=city).values("pk")
    proofs = Photo.objects.filter(city=city, kind="proof", case_id__in=seen, added_at__gte=since)
    latest = proofs.filter(proof_failed=True).select_related("case__area", "contractor", "added_by")
    by_sender = proofs.values_list("contractor__name", "added_by__username").annotate(
        failed=Count("pk", filter=Q(proof_failed=True)), whole=Count("pk")
    )
    counts = [(company or "", person or "", failed, whole) for company, person, failed, whole in by_sender if failed]
    return DoubtfulProofs(
        latest=list(latest.order_by("-added_at")[:most]),
        counts=sorted(counts, key=lambda row: (-row[2], row[0], row[1])),
    )
