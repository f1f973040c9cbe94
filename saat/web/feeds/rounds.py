"""A city's rounds: GTFS with its realtime feeds, and NGSI-LD."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from saat.links import ngsi_ld
from saat.links.gtfs_out import realtime
from saat.links.gtfs_out.timetable import timetable as timetable_zip
from saat.records import queries_feeds as queries
from saat.records.models import City
from saat.web.feeds.frame import answered, as_json, made, of_city, opened, truck_moment_s

_PB = "application/x-protobuf"
_LD = "application/ld+json"
_TIMETABLE_FRESH_S = 600
_MOST_ENTITIES = 1000


@require_safe
@of_city
def trip_updates(request: HttpRequest, city: City) -> HttpResponseBase:
    """Answer what is known of each run's stops, as GTFS-Realtime."""

    def make() -> bytes:
        now_s = truck_moment_s(city)
        return realtime.trip_updates(queries.given_runs(city, now=_at(now_s)), now_s=now_s)

    return answered(request, made(city, "trip-updates", make), _PB)


@require_safe
@of_city
def vehicle_positions(request: HttpRequest, city: City) -> HttpResponseBase:
    """Answer where vehicles on a round are, as GTFS-Realtime; none where the city keeps that to itself."""

    def make() -> bytes:
        now_s = truck_moment_s(city)
        return realtime.vehicle_positions(queries.given_runs(city, now=_at(now_s)), now_s=now_s)

    return answered(request, made(city, "vehicle-positions", make), _PB)


@require_safe
@of_city
def timetable(request: HttpRequest, city: City) -> HttpResponseBase:
    """Answer the rounds of the next four weeks as GTFS, with the ids that the realtime feeds use."""

    def make() -> bytes:
        policy = city.policy_terms()
        language = policy.languages[0]
        first = _at(truck_moment_s(city)).astimezone(ZoneInfo(policy.hours.zone)).date()
        rounds = queries.given_rounds(city, first=first)
        names = queries.stop_names(city, (stop.number for one in rounds for stop in one.stops))
        return timetable_zip(
            rounds,
            names={number: policy.say(told, language) if told else "" for number, told in names.items()},
            agency=policy.say(policy.office, language) or policy.say(policy.name, language),
            url=settings.PUBLIC_URL,
            zone=policy.hours.zone,
            language=language,
        )

    body = made(city, "timetable", make, fresh_s=_TIMETABLE_FRESH_S)
    response = answered(request, body, "application/zip", fresh_s=_TIMETABLE_FRESH_S)
    response.headers["Content-Disposition"] = f'attachment; filename="{city.jurisdiction_id}-gtfs.zip"'
    return response


@require_safe
@of_city
def entities(request: HttpRequest, city: City) -> HttpResponseBase:
    """Answer entities of one type as NGSI-LD."""
    kind = request.GET.get("type", "").rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    if kind not in ngsi_ld.TYPES:
        return _bad(f"`type` must be one of {', '.join(ngsi_ld.TYPES)}.")
    limit, offset = _whole(request, "limit", 100), _whole(request, "offset", 0)
    if limit is None or offset is None or not 1 <= limit <= _MOST_ENTITIES:
        return _bad(f"`limit` must be a number from 1 to {_MOST_ENTITIES}, `offset` one from 0.")

    def make() -> list[ngsi_ld.Entity]:
        now = _at(truck_moment_s(city))
        own = city.jurisdiction_id
        if kind == "WasteRound":
            first = now.astimezone(ZoneInfo(city.policy_terms().hours.zone)).date()
            return ngsi_ld.entities(kind, city=own, runs=(), rounds=queries.given_rounds(city, first=first))
        return ngsi_ld.entities(kind, city=own, runs=queries.given_runs(city, now=now), rounds=())

    found = made(city, f"ngsi-ld:{kind}", make)
    page = found[offset : offset + limit]
    if request.GET.get("options") == "keyValues":
        page = [ngsi_ld.simplified(entity) for entity in page]
    meaning = ngsi_ld.context(_terms_address())["@context"]
    response = answered(request, as_json([{**entity, "@context": meaning} for entity in page]), _LD)
    response.headers["NGSILD-Results-Count"] = str(len(found))
    return response


@require_safe
def context(request: HttpRequest) -> HttpResponseBase:
    """Answer what our words in NGSI-LD mean."""
    return answered(request, as_json(ngsi_ld.context(_terms_address())), _LD, fresh_s=_TIMETABLE_FRESH_S)


def _terms_address() -> str:
    return settings.PUBLIC_URL + reverse("feed_context")


def _at(moment_s: float) -> datetime:
    return datetime.fromtimestamp(moment_s, UTC)


def _whole(request: HttpRequest, name: str, otherwise: int) -> int | None:
    text = request.GET.get(name, str(otherwise))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _bad(why: str) -> JsonResponse:
    told = {"type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData", "title": "Bad request", "detail": why}
    return opened(JsonResponse(told, status=400))
