"""Keys for partners, how often they may be used, and addresses that are told of events."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from saat.actions.log import Actor, NotAllowed, NotFound, writing
from saat.actions.quotas import QuotaExceeded, count_use
from saat.actions.webhooks import fan_out_webhooks
from saat.records.models import ApiKey, City, WebhookEndpoint
from saat.records.queries_access import digest_of
from saat.triage.words import clean_words

__all__ = [
    "AccessRefused",
    "NewKey",
    "QuotaExceeded",
    "add_webhook",
    "count_use",
    "fan_out_webhooks",
    "make_key",
    "remove_webhook",
    "revoke_key",
]

_PREFIX = "saat_"


class AccessRefused(Exception):
    """What was asked cannot be done as asked; the message says why. field: the one at fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made. secret: shown once and kept nowhere."""

    key: ApiKey
    secret: str


def make_key(
    *,
    city: City,
    name: str,
    now: datetime,
    by: Actor,
    email: str = "",
    per_minute: int = 600,
    per_day: int = 100_000,
    trusted: bool = False,
) -> NewKey:
    """Give a partner a key for one city.

    trusted: the partner sees exact places, as an office does. per_minute, per_day: calls, more than 0.

    :raises AccessRefused: if it has no name, or a limit is not possible.
    :raises NotAllowed: if it is not for this actor to do.
    """
    name = clean_words(name, limit=120).replace("\n", " ")
    if not name:
        raise AccessRefused(_("Please say who will use this key."), field="name")
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise AccessRefused(_("This is not an e-mail address."), field="email") from error
    if not (0 < per_minute <= 1_000_000 and 0 < per_day <= 1_000_000_000):
        raise AccessRefused(_("A limit must be a number of calls greater than 0."), field="per_minute")
    secret = _PREFIX + secrets.token_urlsafe(24)
    with writing(city.pk, now=now, by=by) as log:
        _check(by, city.pk)
        key = ApiKey.objects.create(
            city=city,
            name=name,
            key_sha256=digest_of(secret),
            email=email,
            per_minute=per_minute,
            per_day=per_day,
            trusted=trusted,
            created_at=now,
        )
        facts: dict[str, Any] = {"per_minute": per_minute, "per_day": per_day, "trusted": trusted}
        log.append("key_made", subject=f"api_key:{key.pk}", facts=facts)
    return NewKey(key=key, secret=secret)


def revoke_key(*, key_id: int, now: datetime, by: Actor) -> None:
    """End a key; calls with it are refused within a few seconds. Twice is harmless.

    :raises NotFound: if there is no such key.
    :raises NotAllowed: if it is not for this actor to do.
    """
    key = ApiKey.objects.filter(pk=key_id).first()
    if key is None:
        raise NotFound(_("There is no such key."))
    with writing(key.city_id, now=now, by=by) as log:
        _check(by, key.city_id)
        if ApiKey.objects.filter(pk=key_id, revoked_at__isnull=True).update(revoked_at=now):
            log.append("key_revoked", subject=f"api_key:{key_id}")


def add_webhook(*, city: City, url: str, now: datetime, by: Actor, kinds: tuple[str, ...] = ()) -> WebhookEndpoint:
    """Let an address be told of a city's events from now on.

    kinds: event kinds wanted, such as `case_closed`; none means all. The endpoint's `secret` signs what it is sent.
    Whether the address may be reached is judged when something is sent, because names can change their meaning.

    :raises AccessRefused: if the address is none.
    :raises NotAllowed: if it is not for this actor to do.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.password)
        fine = fine and len(url) <= 500 and url.isascii() and url.isprintable() and " " not in url
        _port = parts.port  # raises ValueError where it is no number
    except ValueError:
        fine = False
    if not fine:
        raise AccessRefused(_("This is not a web address that begins with http:// or https://."), field="url")
    wanted = sorted({kind.strip()[:40] for kind in kinds if kind.strip()})
    with writing(city.pk, now=now, by=by) as log:
        _check(by, city.pk)
        endpoint = WebhookEndpoint.objects.create(
            city=city, url=url, secret=secrets.token_hex(32), kinds=wanted, created_at=now
        )
        made = log.append("webhook_added", subject=f"webhook:{endpoint.pk}", facts={"kinds": wanted})
        log.flush()
        endpoint.last_event_id = made.pk  # it is told of what comes after its own making
        endpoint.save(update_fields=["last_event_id"])
    return endpoint


def remove_webhook(*, endpoint_id: int, now: datetime, by: Actor) -> None:
    """Tell an address nothing more; what waits for it is not sent. Twice is harmless.

    :raises NotFound: if there is no such endpoint.
    :raises NotAllowed: if it is not for this actor to do.
    """
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(_("There is no such address."))
    with writing(endpoint.city_id, now=now, by=by) as log:
        _check(by, endpoint.city_id)
        if WebhookEndpoint.objects.filter(pk=endpoint_id, active=True).update(active=False):
            log.append("webhook_removed", subject=f"webhook:{endpoint_id}")


def _check(by: Actor, city_id: int) -> None:
    if not by.may_in_city("manage_links", city_id):
        raise NotAllowed(_("Only an administrator of the city can do this."))
