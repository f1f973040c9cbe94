"""How often one address may ask, so that codes cannot be guessed and forms not be flooded.

Many residents share one address (a mobile network, a café), so limits are generous. They are held in this process's
memory: after a restart they begin anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many within each span. name: what is counted. within_s: length of the span in seconds."""

    name: str
    most: int
    within_s: int

    def used_up(self, request: HttpRequest) -> bool:
        """Return whether the visitor's address has used up its share of this span."""
        return int(cache.get(self._key(request), 0)) >= self.most

    def count(self, request: HttpRequest) -> bool:
        """Count one more; return False if the share was used up before."""
        key = self._key(request)
        if cache.add(key, 1, timeout=self.within_s):
            return True
        try:
            return cache.incr(key) <= self.most
        except ValueError:  # it ran out between the two
            return True

    def _key(self, request: HttpRequest) -> str:
        return f"limit:{self.name}:{address_of(request)}:{int(time.time()) // self.within_s}"


def address_of(request: HttpRequest) -> str:
    """Return the visitor's address, as the outermost proxy that we trust saw it."""
    told = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if proxies and len(told) >= proxies:
        return told[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))
