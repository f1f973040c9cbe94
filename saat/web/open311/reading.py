"""What partners and the public read: services, requests, tokens, updates."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from saat.links.open311 import encode
from saat.links.open311.errors import Open311Error
from saat.links.open311.filters import read_filter, read_page, read_window
from saat.links.open311.moments import write_moment
from saat.records import queries_history, queries_open311
from saat.records.models import City
from saat.records.queries_open311 import Reader
from saat.terms.policy import CityPolicy
from saat.terms.public import RequestFilter
from saat.web.open311.call import Answer, Call

PHOTO_URL = f"{settings.PUBLIC_URL}/photos/{{}}/full"
ENDPOINT_URL = f"{settings.PUBLIC_URL}/open311/v2"


def discovery(call: Call, _argument: str) -> Answer:
    """Say where the endpoint is, whom to ask, and when it last changed."""
    city, policy, language, _reader = _about(call)
    contact = ", ".join(part for part in (policy.say(policy.office, language), policy.phone, policy.email) if part)
    key_text = _("Ask %(contact)s for an api_key.") % {"contact": contact}
    changed_at = write_moment(city.policy_changed_at or city.created_at, ZoneInfo(policy.hours.zone))
    return "discovery", encode.discovery(url=ENDPOINT_URL, changed_at=changed_at, contact=contact, key_text=key_text)


def service_list(call: Call, _argument: str) -> Answer:
    """List what can be reported."""
    _city, policy, language, _reader = _about(call)
    return "services", encode.service_list(policy, language)


def service_definition(call: Call, code: str) -> Answer:
    """Tell what a category asks."""
    _city, policy, language, _reader = _about(call)
    if not policy.has_category(code):
        known = ", ".join(category.service_code for category in policy.categories)
        message = _("There is no category “%(code)s” here. The categories are: %(known)s.")
        raise Open311Error(404, message % {"code": code[:80], "known": known})
    return "service_definition", encode.service_definition(policy.category(code), policy, language)


def requests(call: Call, _argument: str) -> Answer:
    """List service requests."""
    city, policy, language, reader = _about(call)
    wanted = read_filter(call.fields, now=call.now, zone=ZoneInfo(policy.hours.zone))
    found = queries_open311.requests(city=city, wanted=wanted, reader=reader)
    return "service_requests", [
        encode.request(one, policy, language, photo_url=PHOTO_URL, extended=wanted.extended) for one in found
    ]


def request(call: Call, number: str) -> Answer:
    """Show one service request; a list of one, as the standard has it."""
    city, policy, language, reader = _about(call)
    asked = read_filter(
        {"service_request_id": ["0"], "extensions": call.fields.get("extensions", [""])},
        now=call.now,
        zone=ZoneInfo(policy.hours.zone),
    )
    ids = (int(number),) if number.isascii() and number.isdigit() and len(number) < 19 else ()
    wanted = RequestFilter(ids=ids, extended=asked.extended)
    found = queries_open311.requests(city=city, wanted=wanted, reader=reader) if ids else []
    if not found:
        raise Open311Error(404, _("There is no service request “%(number)s”.") % {"number": number[:40]})
    return "service_requests", [
        encode.request(found[0], policy, language, photo_url=PHOTO_URL, extended=wanted.extended)
    ]


def token(call: Call, text: str) -> Answer:
    """Give the id of the report whose token this is; a report's token is the end of its reporter's own link."""
    city, _policy, _language, _reader = _about(call)
    number = queries_open311.request_of_token(city=city, token=text) if text.isascii() and text.isalnum() else None
    if number is None:
        raise Open311Error(404, _("There is no such token."))
    return "service_requests", [{"service_request_id": str(number), "token": text}]


def updates(call: Call, _argument: str) -> Answer:
    """List what happened to service requests, as FixMyStreet asks for it."""
    city, policy, language, reader = _about(call)
    start, end = read_window(call.fields, now=call.now, zone=ZoneInfo(policy.hours.zone))
    page, page_size = read_page(call.fields)
    found = queries_history.updates(
        city=city,
        start=start,
        end=end,
        page=page,
        page_size=page_size,
        api_key_id=reader.key.pk if reader.key else None,
        cases=queries_open311.living_cases,
    )
    return "service_request_updates", [encode.update(one, policy, language, photo_url=PHOTO_URL) for one in found]


def _about(call: Call) -> tuple[City, CityPolicy, str, Any]:
    """Return city, policy, language and reader of a call, and speak that language from here on."""
    known = call.key(needed=False)
    city = call.city(known)
    policy = city.policy_terms()
    language = call.language(policy.languages)
    translation.activate(language)  # `answer` puts back what was before
    return city, policy, language, Reader(key=known.key if known else None)
