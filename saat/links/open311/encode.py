"""Our words in the standard's: plain values, ready for `wire.encode`."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from saat.links.open311.moments import write_moment
from saat.terms.case import Ending, State
from saat.terms.codes import spoken
from saat.terms.policy import Attribute, Category, CityPolicy
from saat.terms.public import PublicNote, PublicRequest, PublicUpdate

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"

# CitySDK's word for where a matter stands, which several clients of `extensions` know.
_DETAILED = {
    State.OPEN: "RECEIVED",
    State.TAKEN: "IN_PROCESS",
    State.ASSIGNED: "IN_PROCESS",
    State.ON_SITE: "IN_PROCESS",
    State.CLOSED: "PROCESSED",
    State.MERGED: "PROCESSED",
}
# FixMyStreet's extended states.
_EXTENDED = {
    State.OPEN: "OPEN",
    State.TAKEN: "INVESTIGATING",
    State.ASSIGNED: "ACTION_SCHEDULED",
    State.ON_SITE: "IN_PROGRESS",
    State.CLOSED: "FIXED",
    State.MERGED: "CLOSED",
}


def discovery(*, url: str, changed_at: str, contact: str, key_text: str) -> dict[str, Any]:
    """Return the service discovery document. url: of the version, without a slash at the end."""
    endpoint = {
        "specification": SPECIFICATION,
        "url": url,
        "changeset": changed_at,
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    return {"changeset": changed_at, "contact": contact, "key_service": key_text, "endpoints": [endpoint]}


def service_list(policy: CityPolicy, language: str) -> list[dict[str, Any]]:
    """Return what residents can report."""
    return [
        {
            "service_code": category.service_code,
            "service_name": policy.say(category.name, language),
            "description": policy.say(category.description, language),
            "metadata": bool(category.attributes),
            "type": "realtime",
            "keywords": ", ".join(category.words),
            "group": category.group,
        }
        for category in policy.categories
    ]


def service_definition(category: Category, policy: CityPolicy, language: str) -> dict[str, Any]:
    """Return the questions that a category asks."""
    return {
        "service_code": category.service_code,
        "attributes": [
            _attribute(attribute, policy, language, order) for order, attribute in enumerate(category.attributes, 1)
        ],
    }


def _attribute(attribute: Attribute, policy: CityPolicy, language: str, order: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "variable": True,
        "code": attribute.code,
        "datatype": attribute.datatype,
        "required": attribute.required,
        "datatype_description": policy.say(attribute.hint, language),
        "order": order,
        "description": policy.say(attribute.text, language),
    }
    if attribute.values:
        values["values"] = [{"key": key, "name": policy.say(names, language)} for key, names in attribute.values]
    return values


def request(
    found: PublicRequest, policy: CityPolicy, language: str, *, photo_url: str, extended: bool = False
) -> dict[str, Any]:
    """Return one service request.

    photo_url: with `{}` where a photo's id belongs. extended: with what the standard leaves to extensions.
    """
    zone = ZoneInfo(policy.hours.zone)
    category = policy.category(found.service_code) if policy.has_category(found.service_code) else None
    media = [photo_url.format(photo.photo_id) for photo in found.photos if photo.kind == "report"]
    values: dict[str, Any] = {
        "service_request_id": str(found.service_request_id),
        "status": "closed" if found.state.is_closed else "open",
        "status_notes": status_notes(found.state, found.ending, found.reason_code, policy, language),
        "service_name": policy.say(category.name, language) if category else found.service_code,
        "service_code": found.service_code,
        "description": found.words,
        "agency_responsible": policy.say(policy.office, language),
        "service_notice": notice(found.due_at, policy, language),
        "requested_datetime": write_moment(found.requested_at, zone),
        "updated_datetime": write_moment(found.updated_at, zone),
        "expected_datetime": write_moment(found.due_at, zone),
        "address": address(found, policy, language),
        "address_id": found.address_id,
        "zipcode": "",  # clients look for it; places here are told by their areas
        "lat": found.point.lat if found.point else None,
        "long": found.point.lon if found.point else None,
        "media_url": media[0] if media else found.media_url or None,
    }
    if extended:
        values["attributes"] = [
            {"code": code, "label": label, "value": value}
            for code, label, value in _answers(found, category, policy, language)
        ]
        values["extended_attributes"] = _extended(found, policy, language, photo_url)
        values["notes"] = [_note(note, policy, language) for note in found.notes]
    return values


def notice(due_at: datetime, policy: CityPolicy, language: str) -> str:
    """Return by when the city promises to act, in a sentence."""
    due = due_at.astimezone(ZoneInfo(policy.hours.zone))
    facts = {"office": policy.say(policy.office, language), "due": f"{_day(due.date(), language)}, {due:%H:%M}"}
    return _("%(office)s promises to act by %(due)s.") % facts


@lru_cache(maxsize=512)
def _day(day: date, _language: str) -> str:
    """Return a day in the language that is spoken now; most reports of a day are promised for the same few days."""
    return date_format(day, "j F Y")


def address(found: PublicRequest, policy: CityPolicy, language: str) -> str:
    """Return the place in words, from the most specific to the most general."""
    parts = [found.address, *(policy.say(names, language) for names in found.names)]
    parts = [part for part in dict.fromkeys(parts) if part]
    return ", ".join(parts) or policy.say(policy.name, language)


def status_notes(state: State, ending: Ending | None, reason_code: str, policy: CityPolicy, language: str) -> str:
    """Return in a sentence where a matter stands, and what its closing claims."""
    facts = {"office": policy.say(policy.office, language)}
    if state.is_closed:
        if ending is Ending.NO_FIX:
            text = next((reason.text for reason in policy.closing_reasons if reason.code == reason_code), {})
            facts["reason"] = policy.say(text, language)
            return _("%(office)s closed it without fixing it: %(reason)s.") % facts
        if ending is Ending.PROVED:
            return _("%(office)s says that it was cleaned, and shows a photo.") % facts
        if ending is Ending.CONFIRMED:
            return _("A resident says that it is gone.")
        return _("%(office)s says that it was cleaned. There is no photo to prove it.") % facts
    if state is State.TAKEN:
        return _("%(office)s is looking after it.") % facts
    if state is State.ASSIGNED:
        return _("%(office)s has sent somebody.") % facts
    if state is State.ON_SITE:
        return _("Somebody is at the place.")
    return _("%(office)s has received it.") % facts


def update(found: PublicUpdate, policy: CityPolicy, language: str, *, photo_url: str) -> dict[str, Any]:
    """Return one update of a service request, as FixMyStreet reads it; media_url is there even if it is empty."""
    note = found.note
    sentence = status_notes(note.state, note.ending, note.reason_code, policy, language)
    return {
        "update_id": found.update_id,
        "service_request_id": str(found.service_request_id),
        "status": extended_status(note.state, note.ending),
        "updated_datetime": write_moment(note.at, ZoneInfo(policy.hours.zone)),
        "description": found.text or sentence,
        "media_url": photo_url.format(found.photo_id) if found.photo_id is not None else "",
    }


def extended_status(state: State, ending: Ending | None) -> str:
    """Return FixMyStreet's word for where a matter stands.

    >>> extended_status(State.CLOSED, Ending.NO_FIX), extended_status(State.ASSIGNED, None)
    ('NO_FURTHER_ACTION', 'ACTION_SCHEDULED')
    """
    return "NO_FURTHER_ACTION" if state.is_closed and ending is Ending.NO_FIX else _EXTENDED[state]


def receipt(
    *, service_request_id: int, notice: str, code: str = "", tracking_url: str = "", extended: bool = False
) -> dict[str, Any]:
    """Return what the sender of a new service request gets."""
    values: dict[str, Any] = {"service_request_id": str(service_request_id), "service_notice": notice}
    if extended:
        values["extended_attributes"] = {"case_code": spoken(code), "tracking_url": tracking_url}
    return values


def _answers(
    found: PublicRequest, category: Category | None, policy: CityPolicy, language: str
) -> list[tuple[str, str, str]]:
    """Return code, question and answer where the answer was chosen from a list; free text may name people."""
    given = dict(found.attributes)
    answers = []
    for asked in category.attributes if category else ():
        if asked.code in given and asked.values:
            names = {key: policy.say(text, language) for key, text in asked.values}
            chosen = ", ".join(names.get(key, key) for key in given[asked.code].split(","))
            answers.append((asked.code, policy.say(asked.text, language), chosen))
    return answers


def _extended(found: PublicRequest, policy: CityPolicy, language: str, photo_url: str) -> dict[str, Any]:
    zone = ZoneInfo(policy.hours.zone)
    rejected = found.state.is_closed and found.ending is Ending.NO_FIX
    return {
        "state": str(found.state),
        "detailed_status": "REJECTED" if rejected else _DETAILED[found.state],
        "ending": str(found.ending) if found.ending else None,
        "reason_code": found.reason_code or None,
        "case_code": spoken(found.case_code),
        "case_service_code": found.case_service_code,
        "due_datetime": write_moment(found.due_at, zone),
        "voices": found.voices,
        "reopened": found.reopened,
        "channel": found.channel,
        "place_known_by": found.grain or None,
        "photos": [
            {
                "media_url": photo_url.format(photo.photo_id),
                "title": _("Proof") if photo.kind == "proof" else _("Report"),
                "width": photo.width,
                "height": photo.height,
                "created_at": write_moment(photo.added_at, zone),
            }
            for photo in found.photos
        ],
    }


def _note(note: PublicNote, policy: CityPolicy, language: str) -> dict[str, Any]:
    return {
        "datetime": write_moment(note.at, ZoneInfo(policy.hours.zone)),
        "type": note.kind,
        "description": status_notes(note.state, note.ending, note.reason_code, policy, language),
    }
