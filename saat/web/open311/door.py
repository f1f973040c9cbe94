"""The one way in: an address becomes a handler, an answer becomes bytes, and nothing that goes wrong goes unsaid."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from saat.links.open311.errors import Open311Error
from saat.links.open311.wire import CONTENT_TYPES, JSON, encode
from saat.web.open311 import posting, reading
from saat.web.open311.call import (
    Ask,
    Call,
    Reply,
    fields_of,
    format_without_ending,
    language_without_city,
    read_path,
    too_large,
)

log = logging.getLogger(__name__)

Handler = Callable[[Call, str], tuple[str, Any]]

# Resource → method → handler. A resource that ends with a slash takes one more part of the address.
_TABLE: dict[str, dict[str, Handler]] = {
    "discovery": {"GET": reading.discovery},
    "v2/discovery": {"GET": reading.discovery},
    "v2/services": {"GET": reading.service_list},
    "v2/services/": {"GET": reading.service_definition},
    "v2/requests": {"GET": reading.requests, "POST": posting.post_request},
    "v2/requests/": {"GET": reading.request},
    "v2/tokens/": {"GET": reading.token},
    "v2/servicerequestupdates": {"GET": reading.updates, "POST": posting.post_update},
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Accept-Language",
    "Access-Control-Max-Age": "86400",
}
# Nothing here is a page, nothing here knows a cookie: any site may read it, none may show it.
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
if settings.HTTPS:
    _HEADERS["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"


def answer(ask: Ask, *, now: datetime) -> Reply:
    """Answer one call, whatever it is. now: aware."""
    wire = format_without_ending(ask.headers.get("accept", ""))
    with translation.override(language_without_city(ask.headers)):
        try:
            resource, wire = read_path(ask.path, ask.headers.get("accept", ""))
            handler, argument = _handler(resource, ask.method)
            if ask.method == "OPTIONS":
                return _reply(204, b"", _PREFLIGHT)
            call = Call(ask=ask, now=now, wire=wire, fields=fields_of(ask.query))
            root, value = handler(call, argument)
            headers = {"Content-Type": CONTENT_TYPES[wire], "Content-Language": translation.get_language() or "en"}
            return _reply(200, b"" if ask.method == "HEAD" else encode(root, value, wire), headers)
        except Open311Error as error:
            return refusal(error, wire)
        except AnyDatabaseError:
            log.exception("Open311: the tables could not be used.")
            busy = Open311Error(503, _("Nothing was kept. Please send it again."), headers={"Retry-After": "5"})
            return refusal(busy, wire)
        except Exception:
            log.exception("Open311: %s %s failed.", ask.method, ask.path)
            return refusal(Open311Error(500, _("Something went wrong here. Please tell us.")), wire)


def refusal(error: Open311Error, wire: str) -> Reply:
    """Return an error as the standard's error body."""
    headers = {"Content-Type": CONTENT_TYPES[wire], **error.headers}
    return _reply(error.status, encode("errors", error.body(), wire), headers)


def refuse_too_large(path: str) -> Reply:
    """Return the answer to a body that nobody read to its end."""
    return refusal(too_large(), JSON if path.endswith(".json") else "xml")


def _reply(status: int, body: bytes, headers: dict[str, str]) -> Reply:
    return Reply(status=status, headers={**_HEADERS, **headers}, body=body)


def _handler(resource: str, method: str) -> tuple[Handler, str]:
    methods, argument = _TABLE.get(resource), ""
    if methods is None:
        stem, slash, argument = resource.rpartition("/")
        methods = _TABLE.get(stem + slash) if argument else None
    if methods is None:
        raise Open311Error(404, _("There is nothing at this address."))
    known = methods.get("GET" if method == "HEAD" else method)
    if known is None:
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        if method == "OPTIONS":
            return next(iter(methods.values())), argument
        message = _("%(method)s is not possible here; possible are %(allowed)s.")
        raise Open311Error(405, message % {"method": method[:20], "allowed": allowed}, headers={"Allow": allowed})
    return known, argument
