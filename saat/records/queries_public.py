"""What everybody may read, and what a reporter may read through their own link.

Nothing here gives a name, a number, an address, a resident's words or an exact place to somebody who has only a case's
short code. A reporter's token opens that reporter's own words and photos, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from saat.records.models import (
    AreaName,
    Case,
    City,
    Contractor,
    Event,
    Membership,
    Message,
    Photo,
    ServiceRequest,
    SignedLink,
    User,
)
from saat.records.scope import cases_for
from saat.terms.case import State
from saat.terms.geo import Point, coarse
from saat.terms.policy import Names

# What happened to a case that the public may know of. Alerts, notes, messages and exact corrections are not among it.
PUBLIC_KINDS = (
    "case_opened",
    "voice_added",
    "gone_said",
    "still_there_said",
    "case_seen",
    "case_taken",
    "case_released",
    "case_assigned",
    "case_on_site",
    "case_changed",
    "urgency_set",
    "case_escalated",
    "case_closed",
    "case_confirmed",
    "case_reopened",
    "case_joined",
    "case_merged",
    "case_split",
    "case_left",
    "act_undone",
)
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicCase:
    """A case as everybody may see it.

    areas: names of the areas it lies in, from the khan down. place: names of the landmark, empty where the public sees
    the place only coarsely. point: the middle of its square, see `terms.geo.coarse`. proofs, photos: ids of photos
    that everybody may see.
    """

    case_id: int
    city: City
    code: str
    service_code: str
    state: State
    ending: str
    reason_code: str
    opened_at: datetime
    due_at: datetime
    taken_at: datetime | None
    closed_at: datetime | None
    voices: int
    reopened: int
    areas: tuple[Names, ...] = ()
    place: Names = field(default_factory=dict)
    point: Point | None = None
    proofs: tuple[int, ...] = ()
    photos: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message between the office and this reporter."""

    text: str
    said_at: datetime
    to_reporter: bool
    asks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReport:
    """What one reporter said, and the case that it belongs to now. has_contact: whether they left a way to be told."""

    token: str
    voice: str
    words: str
    address: str
    requested_at: datetime
    photos: tuple[int, ...]
    has_contact: bool
    messages: tuple[Said, ...]
    case: PublicCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who acted, as the public may know it: an area's office, a contractor, or the city hall (both empty)."""

    area: Names = field(default_factory=dict)
    area_kind: str = ""
    contractor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to a case. kind: the event's kind. resident: whether a resident did it."""

    kind: str
    at: datetime
    facts: dict[str, Any]
    office: Office
    resident: bool


def first_city() -> City | None:
    """Return the city that was set up first."""
    return City.objects.order_by("pk").first()


def city_called(jurisdiction_id: str) -> City | None:
    """Return the city with this jurisdiction id."""
    return City.objects.filter(jurisdiction_id=jurisdiction_id).first()


def case_with_code(code: str) -> PublicCase | None:
    """Return the living case that a short code leads to, in whichever city: itself, or the one it was merged into."""
    case = _rows().filter(code=code).first()
    return _public([_living(case)])[0] if case else None


def cases_with_ids(case_ids: Sequence[int]) -> list[PublicCase]:
    """Return cases in the order of their ids given; those that do not exist are left out."""
    rows = {case.pk: case for case in _rows().filter(pk__in=list(case_ids))}
    return _public([rows[case_id] for case_id in case_ids if case_id in rows])


def report_of(token: str) -> OwnReport | None:
    """Return what the holder of a token said, and its case."""
    if len(token) != 26:
        return None
    row = ServiceRequest.objects.filter(token=token).select_related("contact").first()
    if row is None:
        return None
    case = _living(_rows().get(pk=row.case_id))
    to_all_or_me = Q(to_reporter=True, service_request__isnull=True) | Q(service_request=row)
    said = Message.objects.filter(to_all_or_me, case=case).exclude(text="").order_by("said_at", "pk")
    photos = Photo.objects.filter(service_request=row, removed_at__isnull=True).order_by("pk")
    contact = row.contact
    return OwnReport(
        token=row.token,
        voice=row.voice,
        words=row.words,
        address=row.address,
        requested_at=row.requested_at,
        photos=tuple(photos.values_list("pk", flat=True)),
        has_contact=contact is not None and bool(contact.phone or contact.email),
        messages=tuple(Said(text=m.text, said_at=m.said_at, to_reporter=m.to_reporter, asks=m.asks) for m in said),
        case=_public([case])[0],
    )


def photo_for(photo_id: int, *, user: User | AnonymousUser, token: str) -> Photo | None:
    """Return a photo that may be shown: public ones and proofs to all, a reporter's own by token, officials theirs."""
    row = Photo.objects.filter(pk=photo_id, removed_at__isnull=True).select_related("service_request").first()
    if row is None:
        return None
    own = row.service_request
    if row.public or row.kind == "proof" or (token and own is not None and own.token == token):
        return row
    if isinstance(user, User) and cases_for(user).filter(pk=row.case_id).exists():
        return row
    return None


def history_of(case_id: int) -> list[Step]:
    """Return what happened to a case, oldest first; five queries at most, whatever its length."""
    rows = Event.objects.filter(case_id=case_id, kind__in=PUBLIC_KINDS).order_by("id")[:_MOST_STEPS]
    events = list(rows)
    if not events:
        return []
    offices = _offices(events[0].city_id, {event.actor for event in events})
    handed = {event.facts["contractor"] for event in events if event.facts.get("contractor")}
    companies = dict(Contractor.objects.filter(pk__in=handed).values_list("pk", "name")) if handed else {}
    steps = []
    for event in events:
        facts = event.facts
        if facts.get("contractor"):
            facts["contractor_name"] = companies.get(facts["contractor"], "")
        steps.append(
            Step(
                kind=event.kind,
                at=event.at,
                facts=facts,
                office=offices.get(event.actor, Office()),
                resident=event.actor == "resident",
            )
        )
    return steps


def _offices(city_id: int, actors: set[str]) -> dict[str, Office]:
    members = list(
        Membership.objects.filter(city_id=city_id, user_id__in=_ids(actors, "user"))
        .order_by("pk")
        .select_related("area", "contractor")
    )
    names = _names(member.area_id for member in members if member.area_id is not None)
    offices: dict[str, Office] = {}
    for member in members:
        office = Office(
            area=names.get(member.area_id, {}) if member.area_id is not None else {},
            area_kind=member.area.kind if member.area else "",
            contractor=member.contractor.name if member.contractor else "",
        )
        offices.setdefault(f"user:{member.user_id}", office)
    links = SignedLink.objects.filter(pk__in=_ids(actors, "link"))
    for pk, contractor in links.values_list("pk", "contractor__name"):
        offices[f"link:{pk}"] = Office(contractor=contractor)
    return offices


def _ids(actors: set[str], kind: str) -> list[int]:
    return [int(actor.partition(":")[2]) for actor in actors if actor.startswith(f"{kind}:")]


def _rows() -> Any:
    return Case.objects.select_related("city", "area", "place")


def _living(case: Case) -> Case:
    while case.merged_into_id is not None:
        case = _rows().get(pk=case.merged_into_id)
    return case


def _names(area_ids: Iterable[int]) -> dict[int, Names]:
    names: dict[int, Names] = {}
    for area_id, language, text in AreaName.objects.filter(area_id__in=set(area_ids)).values_list(
        "area_id", "language", "text"
    ):
        names.setdefault(area_id, {})[language] = text
    return names


def _public(cases: Sequence[Case]) -> list[PublicCase]:
    paths = {case.pk: _path(case) for case in cases}
    names = _names({area_id for path in paths.values() for area_id in path})
    photos: dict[int, list[tuple[int, str]]] = {}
    seen = Q(public=True) | Q(kind="proof")
    found = Photo.objects.filter(seen, case_id__in=list(paths), removed_at__isnull=True).order_by("pk")
    for pk, case_id, kind in found.values_list("pk", "case_id", "kind"):
        photos.setdefault(case_id, []).append((pk, kind))
    public = []
    for case in cases:
        policy = case.city.policy_terms()
        at_home = policy.has_category(case.service_code) and policy.category(case.service_code).at_home
        of_case = photos.get(case.pk, [])
        public.append(
            PublicCase(
                case_id=case.pk,
                city=case.city,
                code=case.code,
                service_code=case.service_code,
                state=State(case.state),
                ending=case.ending,
                reason_code=case.reason_code,
                opened_at=case.opened_at,
                due_at=case.due_at,
                taken_at=case.taken_at,
                closed_at=case.closed_at,
                voices=case.voices,
                reopened=case.reopened,
                areas=tuple(names[area_id] for area_id in paths[case.pk] if area_id in names),
                place=case.place.names if case.place and not at_home else {},
                point=_coarse_place(case, policy.grid_m(case.service_code)),
                proofs=tuple(pk for pk, kind in of_case if kind == "proof"),
                photos=tuple(pk for pk, kind in of_case if kind != "proof"),
            )
        )
    return public


def _coarse_place(case: Case, grid_m: float) -> Point | None:
    if case.lat is None or case.lon is None:
        return None
    return coarse(Point(lat=case.lat, lon=case.lon), grid_m)


def _path(case: Case) -> list[int]:
    """Return the areas that a case lies in, without the city itself; the city's own area if it lies in no other."""
    path = [int(part) for part in case.area.path.split("/") if part] if case.area_id and case.area else []
    return path[1:] or path
