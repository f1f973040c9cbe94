"""Who a key belongs to, and which city is meant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from saat.records.models import ApiKey, City, User, WebhookEndpoint
from saat.records.scope import reach_of
from saat.terms.case import Role

# A key that was revoked, or a city whose policy was changed, is noticed after so long.
KEPT = timedelta(seconds=2)
_MOST_KEPT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A valid key with its city, as they were a moment ago. cities: how many cities this installation serves."""

    key: ApiKey
    city: City
    cities: int


_kept: dict[str, tuple[datetime, KnownKey]] = {}


def digest_of(secret: str) -> str:
    """Return what is kept of a key: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def key_of(secret: str, *, now: datetime) -> KnownKey | None:
    """Return the key that somebody shows, or None if there is none or it was revoked; looked up anew every 2 seconds.

    now: aware.
    """
    if not secret:
        return None
    digest = digest_of(secret)
    kept = _kept.get(digest)
    if kept is not None and timedelta(0) <= now - kept[0] < KEPT:
        return kept[1]
    key = ApiKey.objects.select_related("city").filter(key_sha256=digest).first()
    if key is None or (key.revoked_at is not None and key.revoked_at <= now):
        _kept.pop(digest, None)
        return None
    found = KnownKey(key=key, city=key.city, cities=City.objects.count())
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[digest] = (now, found)
    return found


def cities() -> list[City]:
    """Return all cities that this installation serves, the oldest first."""
    return list(City.objects.order_by("pk"))


def position_feeds() -> list[tuple[str, str]]:
    """Return the feeds of positions that cities' policies name: jurisdiction_id and address."""
    return [(city.jurisdiction_id, url) for city in cities() for url in city.policy_terms().rounds.position_feeds]


def keys_for(user: User, city: City) -> list[ApiKey]:
    """Return a city's keys, the newest first, for its administrators; nothing for anybody else."""
    return list(ApiKey.objects.filter(city=city).order_by("-pk")) if _manages(user, city) else []


def webhooks_for(user: User, city: City) -> list[WebhookEndpoint]:
    """Return a city's webhook endpoints, the newest first, for its administrators; nothing for anybody else."""
    return list(WebhookEndpoint.objects.filter(city=city).order_by("-pk")) if _manages(user, city) else []


def _manages(user: User, city: City) -> bool:
    return city.pk in reach_of(user).cities({Role.ADMINISTRATOR})
