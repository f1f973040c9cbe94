"""What the API tells: who is calling, the city's rules and areas, the work list, one case."""

from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from saat.actions.explain import acts_on, search_terms
from saat.actions.log import NotFound
from saat.records import queries_access, queries_areas, queries_worklist
from saat.records.models import Case, City
from saat.records.queries_case import CaseFile, case_file
from saat.records.queries_worklist import Cursor, Group, Proof, Wanted, WorkList
from saat.terms.case import Urgency
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy
from saat.web.api import shapes
from saat.web.api.caller import Caller, caller_of
from saat.web.api.problems import PROBLEMS

router = Router()


@router.get("/me", response={200: shapes.Me, **PROBLEMS}, operation_id="me", summary="Who is calling")
def me(request: HttpRequest) -> dict[str, Any]:
    """Tell who is calling, and what they are in which city."""
    caller = caller_of(request)
    cities = {city.pk: city.jurisdiction_id for city in queries_worklist.cities(caller.reach)}
    if caller.key is not None:
        cities[caller.key.city_id] = caller.key.city.jurisdiction_id
    who: Any = caller.user or caller.key
    return {
        "kind": "user" if caller.user else "key",
        "id": who.pk,
        "name": str(who),
        "language": get_language() or settings.LANGUAGE_CODE,
        "cities": sorted(cities.values()),
        "roles": [
            {
                "city": cities[grant.city_id],
                "role": grant.role,
                "area_id": grant.area_id,
                "contractor_id": grant.contractor_id,
                "crew_id": grant.crew_id,
            }
            for grant in caller.reach.grants
        ],
    }


@router.get("/policy", response={200: shapes.PolicyShown, **PROBLEMS}, auth=None, operation_id="policy")
def policy(request: HttpRequest, city: shapes.Line = "") -> dict[str, Any]:
    """Tell the rules of a city that other programs need; public."""
    found = _public_city(city)
    terms, language = found.policy_terms(), get_language() or ""
    return {
        "jurisdiction_id": found.jurisdiction_id,
        "name": terms.say(terms.name, language),
        "office": terms.say(terms.office, language),
        "languages": list(terms.languages),
        "country": terms.country,
        "time_zone": terms.hours.zone,
        "centre": {"lat": terms.centre.lat, "lon": terms.centre.lon},
        "phone": terms.phone,
        "email": terms.email,
        "max_photos": terms.max_photos,
        "max_photo_mb": terms.max_photo_mb,
        "retention_days": terms.retention_days,
        "ack_min": terms.ack_min,
        "duplicate_radius_m": terms.duplicates.radius_m,
        "duplicate_window_h": terms.duplicates.window_h,
        "closing_reasons": [
            {"code": reason.code, "text": terms.say(reason.text, language)} for reason in terms.closing_reasons
        ],
    }


@router.get("/categories", response={200: list[shapes.CategoryShown], **PROBLEMS}, auth=None, operation_id="categories")
def categories(request: HttpRequest, city: shapes.Line = "") -> list[dict[str, Any]]:
    """List what residents can report, in the caller's language; public."""
    terms, language = _public_city(city).policy_terms(), get_language() or ""
    return [_category(category, terms, language) for category in terms.categories]


@router.get("/areas", response={200: list[shapes.AreaShown], **PROBLEMS}, auth=None, operation_id="areas")
def areas(request: HttpRequest, city: shapes.Line = "") -> list[dict[str, Any]]:
    """List the areas of a city, those above before those within them; public."""
    return [
        {"id": area.area_id, "level": area.level, "parent_id": area.parent_id, "names": area.names}
        for area in queries_areas.area_options(_public_city(city))
    ]


class ListQuery(Schema):
    """What the list is narrowed to. group: which cases by their state, as on the desk."""

    city: shapes.Line = ""
    group: Group = Group.OPEN
    service_code: list[shapes.Code] = Field(default=[], max_length=50)
    urgency: list[Urgency] = Field(default=[], max_length=4)
    area_id: shapes.Id | None = None
    contractor_id: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    proof: Proof = Proof.ANY
    reopened: bool = False
    q: shapes.Line = ""
    since: shapes.Moment | None = None
    until: shapes.Moment | None = None
    after: shapes.CursorText | None = None
    size: Annotated[int, Field(ge=1, le=200)] = 50


@router.get("/cases", response={200: shapes.CasePage, **PROBLEMS}, operation_id="cases", summary="The work list")
def cases(request: HttpRequest, query: Query[ListQuery]) -> dict[str, Any]:
    """List the cases that the caller may see, a page at a time, in the one order of the desk.

    Open cases stand by the moment by which somebody must act; closed ones by when they closed, the latest first.
    """
    caller = caller_of(request)
    city = caller.city(query.city)
    path = ""
    if query.area_id is not None:
        path = queries_areas.path_of(city, query.area_id)
        if not path:
            raise NotFound(_("There is no such area in the city."))
    wanted = Wanted(
        group=query.group,
        service_codes=tuple(query.service_code),
        area_path=path,
        contractor_id=query.contractor_id,
        urgencies=tuple(query.urgency),
        proof=query.proof,
        reopened=query.reopened,
        words=search_terms(query.q),
        since=query.since,
        until=query.until,
    )
    work = WorkList(caller.reach, city=city, wanted=wanted, now=caller.now)
    page = work.page(_cursor(query.after), size=query.size)
    following = page.after
    return {
        "items": [case_shown(case) for case in page.cases],
        "next": f"{following.key}.{following.id}" if following else None,
    }


@router.get("/cases/{case_id}", response={200: shapes.CaseWhole, **PROBLEMS}, operation_id="case")
def case(request: HttpRequest, case_id: shapes.Id) -> dict[str, Any]:
    """Show one case with its reports, history, notes, messages and photos, as far as the caller may know them."""
    return case_whole(case_id, caller_of(request))


def case_whole(case_id: int, caller: Caller) -> dict[str, Any]:
    """Return a case with all that belongs to it.

    :raises NotFound: if there is no such case for the caller.
    """
    file = case_file(case_id, reach=caller.reach)
    if file is None:
        raise not_there(case_id)
    acts = acts_on(file.case, city=file.case.city, reach=caller.reach)
    return {
        "case": case_shown(file.case),
        "acts": sorted(acts) if caller.user else ["see"],
        "last_event_id": file.last_event_id,
        "reports": _reports(file, with_contact="see_contact" in acts),
        "events": [
            {"id": event.pk, "at": event.at, "kind": event.kind, "actor": event.actor, "facts": event.facts}
            for event in file.events
        ],
        "notes": [
            {"id": note.pk, "text": note.text, "written_at": note.written_at, "by": note.by_name or str(note.by or "")}
            for note in file.notes
        ],
        "messages": [
            {
                "id": message.pk,
                "text": message.text,
                "said_at": message.said_at,
                "to_reporter": message.to_reporter,
                "asks": message.asks,
                "service_request_id": message.service_request_id,
            }
            for message in file.messages
        ],
        "photos": [
            {
                "id": photo.pk,
                "kind": photo.kind,
                "url": f"{settings.PUBLIC_URL}/photos/{photo.pk}/full",
                "width": photo.width,
                "height": photo.height,
                "added_at": photo.added_at,
                "public": photo.public,
                "proof_failed": photo.proof_failed,
            }
            for photo in file.photos
        ],
    }


def not_there(case_id: int) -> NotFound:
    """Return the refusal of a case that is not there, or not for the caller: the two are not told apart."""
    return NotFound(_("There is no case %(number)d for you.") % {"number": case_id})


def case_shown(found: Case) -> dict[str, Any]:
    """Return a case as a row of the list."""
    columns = (
        "state", "reason_code", "service_code", "urgency", "service_level", "area_id", "place_id", "address", "summary",
        "voices", "has_photo", "reopened", "proof_failed", "opened_at", "seen_at", "taken_at", "on_site_at",
        "proved_at", "closed_at", "due_at", "act_by", "updated_at", "owner_id", "contractor_id", "crew_id",
        "merged_into_id",
    )  # fmt: skip
    return {column: getattr(found, column) for column in columns} | {
        "id": found.pk,
        "code": spoken(found.code),
        "ending": found.ending or None,
        "place": _place(found.lat, found.lon),
    }


def _reports(file: CaseFile, *, with_contact: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": one.pk,
            "voice": one.voice,
            "channel": one.channel,
            "service_code": one.service_code,
            "requested_at": one.requested_at,
            "words": one.words,
            "address": one.address,
            "place": _place(one.lat, one.lon),
            "attributes": one.attributes,
            "likeness": one.likeness,
            "contact": {"name": one.contact.name, "phone": one.contact.phone, "email": one.contact.email}
            if with_contact and one.contact
            else None,
        }
        for one in file.requests
    ]


def _place(lat: float | None, lon: float | None) -> dict[str, float] | None:
    return None if lat is None or lon is None else {"lat": lat, "lon": lon}


def _category(category: Any, terms: CityPolicy, language: str) -> dict[str, Any]:
    return {
        "service_code": category.service_code,
        "name": terms.say(category.name, language),
        "description": terms.say(category.description, language),
        "group": category.group,
        "urgency": category.urgency,
        "due_h": category.due_h,
        "round_the_clock": category.round_the_clock,
        "at_home": category.at_home,
        "attributes": [
            {
                "code": asked.code,
                "text": terms.say(asked.text, language),
                "datatype": asked.datatype,
                "required": asked.required,
                "hint": terms.say(asked.hint, language),
                "values": {key: terms.say(names, language) for key, names in asked.values},
            }
            for asked in category.attributes
        ],
    }


def _public_city(jurisdiction_id: str) -> City:
    known = queries_access.cities()
    if jurisdiction_id:
        known = [city for city in known if city.jurisdiction_id == jurisdiction_id]
    if not known:
        raise NotFound(_("There is no such city here."))
    return known[0]


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    key, _dot, pk = text.partition(".")
    return Cursor(key=int(key), id=int(pk))
