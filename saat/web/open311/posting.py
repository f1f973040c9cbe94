"""What partners bring: new service requests, and updates of those that are here."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from saat.actions.log import Actor, NotFound
from saat.actions.reports import receive_report
from saat.actions.updates import receive_update
from saat.links.open311 import encode
from saat.links.open311.decode import one, read_report, read_update
from saat.links.open311.errors import Open311Error
from saat.records.queries_access import KnownKey
from saat.terms.policy import CityPolicy
from saat.terms.report import Contact, NewPhoto, ReportRefused
from saat.web.open311.call import Answer, Call

_NOT_FOUND = frozenset({"unknown_category"})


def post_request(call: Call, _argument: str) -> Answer:
    """Take in a report; it is durable when the answer leaves."""
    known, policy, language = _brought(call)
    photos = _photos(call, policy)
    report = read_report(
        call.fields, policy=policy, photos=photos, language=language, client_id=_client_id(call, known)
    )
    if report.contact.phone:
        report = replace(report, contact=_kept(report.contact, policy))
    try:
        receipt = receive_report(
            city=known.city,
            report=report,
            now=call.now,
            by=Actor(kind="partner", id=known.key.pk),
            api_key=known.key,
        )
    except ReportRefused as error:
        raise Open311Error(404 if error.code in _NOT_FOUND else 400, str(error)) from error
    assert receipt.due_at is not None
    return "service_requests", [
        encode.receipt(
            service_request_id=receipt.service_request_id,
            notice=encode.notice(receipt.due_at, policy, language),
            code=receipt.code,
            tracking_url=f"{settings.PUBLIC_URL}/r/{receipt.token}",
            extended=one(call.fields, "extensions", 20).lower() in ("true", "1", "yes", "citysdk"),
        )
    ]


def post_update(call: Call, _argument: str) -> Answer:
    """Take in what a partner says of a report."""
    known, policy, _language = _brought(call)
    update = read_update(call.fields, policy=policy)
    try:
        update_id = receive_update(
            city=known.city,
            api_key=known.key,
            update=update,
            now=call.now,
            by=Actor(kind="partner", id=known.key.pk),
        )
    except NotFound as error:
        raise Open311Error(404, str(error)) from error
    return "service_request_updates", [{"update_id": update_id}]


def _brought(call: Call) -> tuple[KnownKey, CityPolicy, str]:
    """Return the key, which must be there, with its city's policy and the language, and speak it from here on."""
    call.read_form()
    known = call.key(needed=True)
    assert known is not None
    city = call.city(known)
    policy = city.policy_terms()
    language = call.language(policy.languages)
    translation.activate(language)  # `answer` puts back what was before
    return known, policy, language


def _photos(call: Call, policy: CityPolicy) -> tuple[NewPhoto, ...]:
    """Return the files of the form as clean photos; whatever the field is called."""
    if not call.files:
        return ()
    # Imported here: most reports bring a picture's address or none, and the decoders are large.
    from saat.web.photos import decode_photo

    if len(call.files) > policy.max_photos:
        message = _("At most %(most)d photos can be sent with one report.")
        raise Open311Error(400, message % {"most": policy.max_photos})
    try:
        return tuple(decode_photo(upload, policy=policy) for upload in call.files)
    except ReportRefused as error:
        raise Open311Error(400, str(error)) from error


def _kept(contact: Contact, policy: CityPolicy) -> Contact:
    # Imported here: few clients bring a number, and the plans of all countries' numbers are large.
    from saat.web.contact import kept

    return kept(contact, country=policy.country)


def _client_id(call: Call, known: KnownKey) -> str:
    """Return the partner's own id for this report, such that no other partner's id can be the same; "" for none."""
    given = call.ask.headers.get("idempotency-key", "").strip() or one(call.fields, "client_id", 1000)
    if not given:
        return ""
    digest = hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()
    return f"key{known.key.pk}-{digest[:40]}"
