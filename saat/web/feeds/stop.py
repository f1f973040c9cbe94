"""One stop for apps and home calendars: what is planned, what is expected, what happened, and the next days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from saat.records import queries_feeds
from saat.records.models import City, Stop
from saat.records.queries_collection import instances_of
from saat.terms.collection import Instance
from saat.web.feeds.frame import answered, as_json, opened, truck_moment_s

_NOW_S = 18 * 3600.0  # a collection is of these hours if its window lies within so long
_FRESH_S = 30


@require_safe
def stop(request: HttpRequest, number: str) -> HttpResponseBase:
    """Answer what is known of a stop's collections."""
    found = queries_feeds.stop_called(number)
    if found is None:
        return opened(JsonResponse({"title": f"There is no stop {number}."}, status=404))
    return answered(request, as_json(_told(found, found.city)), "application/json", fresh_s=_FRESH_S)


def _told(row: Stop, city: City) -> dict[str, Any]:
    zone = ZoneInfo(city.policy_terms().hours.zone)
    now_s = truck_moment_s(city)
    today = datetime.fromtimestamp(now_s, UTC).astimezone(zone).date()
    instances = sorted(instances_of(city, row.pk, today=today), key=lambda one: (one.opens_s, one.run_id))
    around = [one for one in instances if abs(one.opens_s - now_s) <= _NOW_S]
    coming = [one for one in instances if one.service_day >= today - timedelta(days=1) and one.closes_s > now_s]
    return {
        "stop": {
            "number": row.number,
            "kind": row.kind,
            "names": row.names,
            "lat": round(row.lat, 6),
            "lon": round(row.lon, 6),
        },
        "city": city.jurisdiction_id,
        "time_zone": str(zone),
        "as_of": _iso(now_s, zone),
        "simulated": row.simulated,
        "now": [_now(one, zone) for one in around],
        "next": [
            {"date": one.service_day.isoformat(), "type": str(stream), **_planned(one, zone)}
            for one in coming
            if not one.called_off and not one.over
            for stream in one.streams
        ],
    }


def _now(one: Instance, zone: ZoneInfo) -> dict[str, Any]:
    expected = None
    if one.p10_s is not None and one.p90_s is not None:
        expected = {"from": _iso(one.p10_s, zone), "to": _iso(one.p90_s, zone), "likely": _iso(one.p50_s, zone)}
    return {
        "service_day": one.service_day.isoformat(),
        "streams": [str(stream) for stream in one.streams],
        **_planned(one, zone),
        "expected": expected,
        "actual": _iso(one.at_s, zone),
        "outcome": "called_off" if one.called_off else str(one.outcome),
        "reason": str(one.reason) if one.reason else None,
    }


def _planned(one: Instance, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "planned": _iso(one.planned_s, zone),
        "window": {"from": _iso(one.opens_s, zone), "to": _iso(one.closes_s, zone)},
    }


def _iso(moment_s: float | None, zone: ZoneInfo) -> str | None:
    return None if moment_s is None else datetime.fromtimestamp(round(moment_s), UTC).astimezone(zone).isoformat()
