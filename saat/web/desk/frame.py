"""What every page of the desk stands in: who is looking, at which city, and what waits for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from saat.actions.log import Actor
from saat.records import queries_worklist
from saat.records.models import City
from saat.records.scope import Reach, reach_of

View = Callable[..., Any]


def reach_for(request: HttpRequest) -> Reach:
    """Return what the signed-in person may see; read once per request."""
    known = getattr(request, "saat_reach", None)
    if known is None:
        known = request.saat_reach = reach_of(request.user)  # type: ignore[attr-defined, arg-type]
    return known


def actor_for(request: HttpRequest) -> Actor:
    """Return the signed-in person as an actor, with the reach that was read for this request already."""
    reach = reach_for(request)
    return Actor(kind="user", id=reach.user_id, user=request.user, reach=reach)  # type: ignore[arg-type]


def cities_of(request: HttpRequest) -> list[City]:
    """Return the cities that the signed-in person works for; read once per request."""
    known = getattr(request, "saat_cities", None)
    if known is None:
        known = queries_worklist.cities(reach_for(request))
        request.saat_cities = known  # type: ignore[attr-defined]
    return known


def city_for(request: HttpRequest) -> City:
    """Return the city that the desk shows: the one asked for by `?city=`, or the one looked at last, or the first.

    :raises LookupError: if the person has no role anywhere; `desk_view` lets nobody like that through.
    """
    cities = cities_of(request)
    if not cities:
        raise LookupError("This person has no role in any city.")
    wanted = request.GET.get("city", "") or request.session.get("desk_city", "")
    chosen = next((city for city in cities if city.jurisdiction_id == wanted), cities[0])
    if len(cities) > 1 and request.session.get("desk_city") != chosen.jurisdiction_id:
        request.session["desk_city"] = chosen.jurisdiction_id
    return chosen


def back_to(request: HttpRequest, otherwise: str = "/desk/") -> str:
    """Return where a form leads when it is done: the page that it names as `next`, if that is one of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=False)
    return wanted if wanted.startswith("/desk/") and ours else otherwise


def desk_view(view: View) -> View:
    """Let only people with a role in some city through; others are told whom to ask."""

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not reach_for(request).grants:
            return render(request, "desk/no_role.html", status=403)
        return view(request, *args, **kwargs)

    return guarded
