"""What a client posts, read into our own words, or refused with every reason at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from saat.links.open311.errors import Open311Error
from saat.links.open311.moments import read_moment
from saat.terms.case import Channel
from saat.terms.geo import Point
from saat.terms.policy import Attribute, Category, CityPolicy
from saat.terms.public import PostedUpdate
from saat.terms.report import Contact, NewPhoto, NewReport

Fields = Mapping[str, Sequence[str]]

DESCRIPTION_LIMIT = 4000
_ATTRIBUTE = re.compile(r"attribute\[([^\]]{1,80})\](?:\[\d*\])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_ADDRESS_ID = re.compile(r"(area|place)-(\d{1,15})", re.ASCII)
_MOST_ATTRIBUTES = 60
_LONGEST_ANSWER = 1000

STATUSES = frozenset({
    "OPEN", "CLOSED", "FIXED", "IN_PROGRESS", "PLANNED", "ACTION_SCHEDULED", "INVESTIGATING", "DUPLICATE",
    "NOT_COUNCILS_RESPONSIBILITY", "NO_FURTHER_ACTION", "INTERNAL_REFERRAL", "REOPEN", "FOR_TRIAGE", "CANCELLED",
})  # fmt: skip


def one(fields: Fields, name: str, limit: int = 500) -> str:
    """Return the first value of a field on one line, without control characters; "" where it is missing or empty."""
    values = fields.get(name)
    if not values:
        return ""
    value = values[0]
    if not value.isprintable():
        value = _CONTROL.sub(" ", value)
    return value.strip()[:limit]


def read_report(
    fields: Fields,
    *,
    policy: CityPolicy,
    photos: tuple[NewPhoto, ...] = (),
    language: str = "",
    client_id: str = "",
) -> NewReport:
    """Return the report in the fields of `POST requests`.

    :raises Open311Error: 404 for an unknown service_code, 400 for anything missing or malformed, all of it at once.
    """
    code = one(fields, "service_code", 80)
    if not code:
        raise Open311Error(400, _("service_code is missing. The list of services tells which codes there are."))
    if not policy.has_category(code):
        known = ", ".join(category.service_code for category in policy.categories)
        message = _("There is no category “%(code)s” here. The categories are: %(known)s.")
        raise Open311Error(404, message % {"code": code, "known": known})
    wrong: list[str] = []
    point = _point(fields, wrong)
    address = one(fields, "address_string", 300)
    area_id, place_id = _address_id(fields, wrong)
    if not wrong and point is None and not address and area_id is None and place_id is None:
        wrong.append(_("The place is missing. Send lat and long, or address_string, or address_id."))
    answers = _answers(fields, policy.category(code), policy, language, wrong)
    words = fields.get("description", ("",))[0]
    if len(words) > DESCRIPTION_LIMIT:
        message = _("The description has %(length)d characters; at most %(most)d are possible.")
        wrong.append(message % {"length": len(words), "most": DESCRIPTION_LIMIT})
    contact = _contact(fields, wrong)
    media_url = _web_address(fields, "media_url", wrong)
    said = one(fields, "requested_datetime", 60)
    if wrong:
        raise Open311Error(400, wrong)
    return NewReport(
        service_code=code,
        words=words,
        point=point,
        area_id=area_id,
        place_id=place_id,
        address=address,
        photos=photos,
        contact=contact,
        language=language,
        client_id=client_id,
        channel=Channel.OPEN311,
        said_at=read_moment(said, field="requested_datetime", zone=ZoneInfo(policy.hours.zone)) if said else None,
        attributes=answers,
        media_url=media_url,
        device_id=one(fields, "device_id", 120),
    )


def read_update(fields: Fields, *, policy: CityPolicy) -> PostedUpdate:
    """Return the update in the fields of `POST servicerequestupdates`.

    :raises Open311Error: 400 for anything missing or malformed, all of it at once.
    """
    wrong: list[str] = []
    request_id, status = one(fields, "service_request_id", 40), one(fields, "status", 40).upper()
    update_id = one(fields, "update_id", 80) or one(fields, "update_id_ext", 80)
    for name, value in (("service_request_id", request_id), ("update_id", update_id), ("status", status)):
        if not value:
            wrong.append(_("%(field)s is missing.") % {"field": name})
    if request_id and not (request_id.isascii() and request_id.isdigit() and len(request_id) < 19):
        message = _("There is no service request “%(number)s”.")
        raise Open311Error(404, message % {"number": request_id})
    if status and status not in STATUSES:
        message = _("There is no status “%(status)s”. Possible are: %(known)s.")
        wrong.append(message % {"status": status, "known": ", ".join(sorted(STATUSES))})
    words = fields.get("description", ("",))[0]
    if len(words) > DESCRIPTION_LIMIT:
        message = _("The description has %(length)d characters; at most %(most)d are possible.")
        wrong.append(message % {"length": len(words), "most": DESCRIPTION_LIMIT})
    media_url = _web_address(fields, "media_url", wrong)
    said = one(fields, "updated_datetime", 60)
    if wrong:
        raise Open311Error(400, wrong)
    return PostedUpdate(
        service_request_id=int(request_id),
        update_id=update_id,
        status=status,
        words=words,
        said_at=read_moment(said, field="updated_datetime", zone=ZoneInfo(policy.hours.zone)) if said else None,
        media_url=media_url,
    )


def read_number(text: str, *, field: str, least: float, most: float) -> float:
    """Return a number that a client wrote.

    :raises Open311Error: 400, if it is none, or out of its range.
    """
    try:
        number = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        message = _("%(field)s must be a number from %(least)g to %(most)g, not “%(text)s”.")
        raise Open311Error(400, message % {"field": field, "least": least, "most": most, "text": text[:40]})
    return number


def _point(fields: Fields, wrong: list[str]) -> Point | None:
    lat, lon = one(fields, "lat", 60), one(fields, "long", 60)
    if not lat and not lon:
        return None
    if not lat or not lon:
        wrong.append(_("lat and long belong together; one of them is missing."))
        return None
    try:
        return Point(
            lat=read_number(lat, field="lat", least=-90, most=90),
            lon=read_number(lon, field="long", least=-180, most=180),
        )
    except Open311Error as error:
        wrong += error.descriptions
        return None


def _address_id(fields: Fields, wrong: list[str]) -> tuple[int | None, int | None]:
    text = one(fields, "address_id", 60)
    if not text:
        return None, None
    found = _ADDRESS_ID.fullmatch(text)
    if not found:
        wrong.append(_("There is no address_id “%(text)s” here; one looks like area-12 or place-7.") % {"text": text})
        return None, None
    number = int(found[2])
    return (number, None) if found[1] == "area" else (None, number)


def _contact(fields: Fields, wrong: list[str]) -> Contact:
    email = one(fields, "email", 254)
    if email:
        try:
            validate_email(email)
        except ValidationError:
            wrong.append(_("“%(email)s” is not an e-mail address.") % {"email": email[:80]})
    name = " ".join(part for part in (one(fields, "first_name", 60), one(fields, "last_name", 60)) if part)
    return Contact(name=name, phone=one(fields, "phone", 32), email=email)


def _web_address(fields: Fields, name: str, wrong: list[str]) -> str:
    text = one(fields, name, 2001)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= 500 and " " not in text
    except ValueError:
        fine = False
    if not fine:
        wrong.append(_("%(field)s must be a web address of at most 500 characters.") % {"field": name})
        return ""
    return text


def _answers(
    fields: Fields, category: Category, policy: CityPolicy, language: str, wrong: list[str]
) -> tuple[tuple[str, str], ...]:
    """Return what was answered to the category's questions, and, after it, whatever else the client sent."""
    given: dict[str, list[str]] = {}
    for name in fields:
        found = _ATTRIBUTE.fullmatch(name) if name.startswith("attribute[") else None
        if found and len(given) < _MOST_ATTRIBUTES:
            code = _CONTROL.sub(" ", found[1]).strip()
            values = [_CONTROL.sub(" ", value).strip()[:_LONGEST_ANSWER] for value in fields[name]]
            given.setdefault(code, []).extend(value for value in values if value)
    asked = {attribute.code for attribute in category.attributes}
    answers = []
    for attribute in category.attributes:
        values = given.get(attribute.code, [])
        problem = _problem(attribute, values, policy, language)
        if problem:
            wrong.append(problem)
        elif values:
            answers.append((attribute.code, ",".join(values) if attribute.datatype == "multivaluelist" else values[0]))
    answers += [(code, ",".join(values)) for code, values in given.items() if code not in asked and values]
    return tuple(answers)


def _problem(attribute: Attribute, values: list[str], policy: CityPolicy, language: str) -> str:
    """Return the sentence that says why this is no answer to this question, or ""."""
    facts = {"code": attribute.code, "question": policy.say(attribute.text, language)}
    if not values:
        return _("attribute[%(code)s] is missing: “%(question)s”.") % facts if attribute.required else ""
    if attribute.datatype.endswith("list"):
        keys = [key for key, _names in attribute.values]
        strange = [value for value in values if value not in keys]
        if strange:
            message = _("attribute[%(code)s] cannot be “%(value)s”; possible are: %(known)s.")
            return message % {**facts, "value": strange[0][:60], "known": ", ".join(keys)}
        if attribute.datatype == "singlevaluelist" and len(values) > 1:
            return _("attribute[%(code)s] takes one value only.") % facts
    elif attribute.datatype == "number":
        try:
            read_number(values[0], field=f"attribute[{attribute.code}]", least=-1e15, most=1e15)
        except Open311Error as error:
            return error.descriptions[0]
    elif attribute.datatype == "datetime":
        try:
            read_moment(values[0], field=f"attribute[{attribute.code}]", zone=ZoneInfo(policy.hours.zone))
        except Open311Error as error:
            return error.descriptions[0]
    return ""
