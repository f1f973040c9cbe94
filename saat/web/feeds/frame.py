"""How feeds are answered: made at most every few seconds, with an ETag, readable from any page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from saat.records import queries_public
from saat.records.models import City
from saat.records.truck_clock import truck_now

T = TypeVar("T")
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[..., HttpResponseBase]
FRESH_S = 10  # so long a feed is not made anew, and browsers need not ask again


def of_city(view: View) -> View:
    """Give a view the city that its address names."""

    @wraps(view)
    def framed(request: HttpRequest, jurisdiction_id: str, **kwargs: Any) -> HttpResponseBase:
        city = queries_public.city_called(jurisdiction_id)
        if city is None:
            return opened(JsonResponse({"title": f"There is no city {jurisdiction_id} here."}, status=404))
        return view(request, city, **kwargs)

    return framed


def made(city: City, name: str, make: Callable[[], T], *, fresh_s: int = FRESH_S) -> T:
    """Return what a feed holds, made again when it is older than `fresh_s` seconds."""
    key = f"feed:{city.pk}:{name}"
    known: T | None = cache.get(key)
    if known is None:
        known = make()
        cache.set(key, known, timeout=fresh_s)
    return known


def answered(request: HttpRequest, body: bytes, kind: str, *, fresh_s: int = FRESH_S) -> HttpResponseBase:
    """Answer with a body, or that it is what the caller has already. kind: its content type."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    response: HttpResponse = HttpResponseNotModified() if tag in known else HttpResponse(body, content_type=kind)
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = f"public, max-age={fresh_s}"
    return opened(response)


def opened(response: R) -> R:
    """Let scripts of any page read an answer; nothing in it depends on who asks."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def as_json(value: Any) -> bytes:
    """Return a value as JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def truck_moment_s(city: City) -> float:
    """Return the moment that it is for a city's trucks, in seconds since 1970."""
    return truck_now(city.pk, timezone.now()).timestamp()
