"""Which city a visitor means."""

from __future__ import annotations

from django.http import HttpRequest

from saat.records import queries_public
from saat.records.models import City

COOKIE = "saat_city"


class NoCity(Exception):
    """Nothing was set up here yet."""


def the_city(request: HttpRequest) -> City:
    """Return the city that `?city=` names, or else the one that a cookie remembers, or else the first.

    :raises NoCity: if there is none at all.
    """
    for wanted in (request.GET.get("city"), request.COOKIES.get(COOKIE)):
        city = queries_public.city_called(wanted) if wanted else None
        if city is not None:
            return city
    first = queries_public.first_city()
    if first is None:
        raise NoCity
    return first
