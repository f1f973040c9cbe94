"""Who calls: a crew's phone, by the token that it was given as a QR code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from saat.records.models import City, Device
from saat.records.queries_crew import device_of
from saat.records.truck_clock import truck_now
from saat.terms.policy import CityPolicy

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A phone. now: our clock; truck_now: the clock by which its city's trucks go, see `saat.records.truck_clock`."""

    device: Device
    city: City
    policy: CityPolicy
    language: str
    now: datetime
    truck_now: datetime


def with_device(view: View) -> View:
    """Call a view with `caller=`, the phone whose token the request carries; refuse every other.

    The token travels in a header and never in an address, so that no log keeps it; and since no browser sends this
    header by itself, nothing can be posted in a phone's name from another site.
    """

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        device = device_of(token.strip()) if scheme.lower() == "bearer" else None
        if device is None or device.city is None:
            message = _("This phone is not known, or not any more. Please ask the dispatcher for a new code.")
            response: HttpResponseBase = problem(401, "token", message)
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        policy = device.city.policy_terms()
        language = crew_language(request, policy)
        now = timezone.now()
        caller = Caller(
            device=device,
            city=device.city,
            policy=policy,
            language=language,
            now=now,
            truck_now=truck_now(device.city.pk, now),
        )
        with translation.override(language), timezone.override(ZoneInfo(policy.hours.zone)):
            return view(request, *args, caller=caller, **kwargs)

    return guarded


def crew_language(request: HttpRequest, policy: CityPolicy) -> str:
    """Return the language for a crew: the one chosen on the page, or else the city's own.

    What the browser asks for is no choice: many phones speak English to people who read Khmer.
    """
    known = dict(settings.LANGUAGES)
    for wanted in (request.GET.get("lang", ""), request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
        if wanted in known:
            return wanted
    return next((language for language in policy.languages if language in known), settings.LANGUAGE_CODE)


def problem(status: int, code: str, message: str) -> JsonResponse:
    """Answer that something cannot be done. code: for the page; message: for people."""
    return JsonResponse({"code": code, "error": message}, status=status)
