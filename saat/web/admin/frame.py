"""Who may open these pages, and for which city."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from saat.web.desk.frame import actor_for, cities_of, city_for, desk_view

View = Callable[..., HttpResponseBase]


def city_view(act: str) -> Callable[[View], View]:
    """Give a view the city that the desk shows, or else the first one, in which the person may do something.

    The view is called with `city=`. Whoever may do it in no city is refused.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @desk_view
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor, shown = actor_for(request), city_for(request)
            cities = [city for city in cities_of(request) if actor.may_in_city(act, city.pk)]
            if not cities:
                raise PermissionDenied
            city = shown if shown in cities else cities[0]
            return view(request, *args, city=city, **kwargs)

        return guarded

    return decorate


def asked_for(request: HttpRequest, field: str) -> str:
    """Return what somebody searches for: one short line, without signs that cannot be seen or kept."""
    typed = request.GET.get(field, "")[:100]
    return "".join(sign for sign in typed if sign.isprintable()).strip()


def shown_again(view: View) -> View:
    """Let nobody change other people's accounts who has not shown lately that it is still them."""
    return reauthentication_required(view, allow_get=True, app="saat.people")  # type: ignore[no-any-return]
