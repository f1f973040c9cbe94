"""What every page for residents shares: its city, its language, its clock, its frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation

from saat.records.models import City
from saat.terms.policy import CityPolicy, Names
from saat.web.cities import COOKIE, NoCity, the_city

View = Callable[..., HttpResponseBase]


class CityRequest(HttpRequest):
    """A request as the views of this door get it, see `in_city`."""

    city: City
    policy: CityPolicy
    language: str


def in_city(view: View) -> View:
    """Give a view the visitor's city, the city's clock, and the city's own language if the visitor asked for none."""

    @wraps(view)
    def framed(request: CityRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            request.city = the_city(request)
        except NoCity:
            return render(request, "resident/no_city.html", status=503)
        request.policy = request.city.policy_terms()
        own = request.policy.languages[0]
        language = translation.get_language() or own
        if not getattr(request, "asked_language", "") and own in dict(settings.LANGUAGES):
            language = own
        request.language = language
        with translation.override(language), timezone.override(ZoneInfo(request.policy.hours.zone)):
            response = view(request, *args, **kwargs)
        response.headers["Content-Language"] = language
        if request.GET.get("city") == request.city.jurisdiction_id:
            response.set_cookie(
                COOKIE, request.city.jurisdiction_id, max_age=31_536_000, samesite="Lax", secure=settings.HTTPS
            )
        return response

    return framed


def show(request: CityRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Return a page in the residents' frame, never kept by anybody between us and the visitor."""
    policy = request.policy
    frame = {
        "policy": policy,
        "city_name": say(request, policy.name),
        "office": say(request, policy.office),
        "language": request.language,
        "languages": [
            {"code": code, "name": _own_name(code), "address": _in_language(request, code)}
            for code, _name in settings.LANGUAGES
        ],
    }
    response = render(request, template, {**frame, **context}, status=status)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def say(request: CityRequest, names: Names) -> str:
    """Return a text of the city in the visitor's language."""
    return request.policy.say(names, request.language)


def _own_name(code: str) -> str:
    """Return what a language is called in itself."""
    return {"km": "ខ្មែរ", "en": "English"}.get(code) or str(translation.get_language_info(code)["name_local"])


def _in_language(request: HttpRequest, code: str) -> str:
    # After a form was posted, its address answers to GET as well.
    query = request.GET.copy()
    query["lang"] = code
    return f"?{query.urlencode()}"
