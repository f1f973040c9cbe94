"""The collection calendar of a stop: a page, a calendar to subscribe to, and a poster to print."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from saat.actions.notcollected import answer_for
from saat.actions.stop_search import stop_with_number, stops_like
from saat.links.calendars import CONTENT_TYPE, as_icalendar
from saat.records.models import Stop
from saat.records.queries_stops import Calendar, areas_of, calendar_of, weekly_of
from saat.records.truck_clock import simulated_speed, truck_now
from saat.terms.calendars import CalendarEvent
from saat.terms.policy import CityPolicy
from saat.terms.stopnumbers import heard_number, is_mistyped, spoken_number
from saat.web.resident import stops_wording as words
from saat.web.resident.collection import said_of
from saat.web.resident.frame import CityRequest, in_city, show

_SHOWN_DAYS, _CALENDAR_DAYS = 28, 90
_MOST_SHOWN = 14
_PAGE_KEPT, _CALENDAR_KEPT, _POSTER_KEPT = "public, max-age=60", "public, max-age=3600", "public, max-age=3600"
_BY_LANGUAGE = "Accept-Language, Cookie"


@require_safe
@in_city
def look_up(request: CityRequest) -> HttpResponseBase:
    """Find a stop by its number or by words; a number leads on."""
    typed = request.GET.get("q", "").strip()[:100]
    stop = stop_with_number(typed) if typed else None
    if stop is not None:
        return redirect("stop", stop.number)
    number = heard_number(typed) if typed else None
    error = ""
    found = stops_like(request.city, typed)
    if typed and not found:
        mistyped = number is not None and is_mistyped(number)
        error = _mistyped() if mistyped else _("We find no stop that is called so. Please try another word.")
    lines = [
        {
            "number": one.stop.number,
            "spoken": spoken_number(one.stop.number),
            "name": words.name_of(one.stop, request.policy, request.language),
            "where": words.where_line(one.areas, request.policy, request.language),
        }
        for one in found
    ]
    context = {"typed": typed, "error": error, "found": lines}
    return show(request, "resident/stops.html", context, status=404 if error else 200)


@require_safe
@in_city
def page(request: CityRequest, number: str) -> HttpResponseBase:
    """Show when the next collections at a stop are, and what is known of the one that is due."""
    stop = stop_with_number(number)
    if stop is None:
        return _missing(request, number)
    if stop.city_id != request.city.pk:
        return redirect(f"{reverse('stop', args=[stop.number])}?city={stop.city.jurisdiction_id}")
    if number != stop.number:
        return redirect("stop", stop.number)
    now = timezone.now()
    today = timezone.localtime(truck_now(stop.city_id, now)).date()
    calendar = calendar_of(stop, first=today, last=today + timedelta(days=_SHOWN_DAYS - 1))
    told = answer_for(request.city, now=now, number=stop.number)
    language, policy = request.language, request.policy
    streams = words.next_by_stream(calendar, after=truck_now(stop.city_id, now), language=language)
    context = {
        **_about(stop, policy, language),
        "said": said_of(told, city_id=stop.city_id, language=language, now=now) if told else None,
        "next": streams,
        "days": words.day_lines(calendar.collections[:_MOST_SHOWN], language=language, today=today),
        "notes": [words.note_line(note, language) for note in calendar.notes],
        "weekly": words.week_lines(weekly_of(stop, day=today), language),
        "simulated": stop.simulated or simulated_speed(stop.city_id) is not None,
        "webcal": _absolute(request, "stop_ics", stop).replace("https://", "webcal://").replace("http://", "webcal://"),
    }
    answer = show(request, "resident/stop.html", context)
    answer.headers["Cache-Control"] = _PAGE_KEPT
    answer.headers["Vary"] = _BY_LANGUAGE
    return answer


@require_safe
def as_calendar(request: HttpRequest, number: str) -> HttpResponseBase:
    """Answer the collections of the next ninety days as iCalendar, in `?lang=` or the city's own language."""
    stop = stop_with_number(number)
    if stop is None:
        return HttpResponse(_mistyped_or_missing(number), status=404, content_type="text/plain; charset=utf-8")
    policy = stop.city.policy_terms()
    language = _language(request, policy)
    with translation.override(language):
        today = _local(truck_now(stop.city_id, timezone.now()), policy).date()
        calendar = calendar_of(stop, first=today, last=today + timedelta(days=_CALENDAR_DAYS - 1))
        events = _events(stop, calendar, policy, language, url=_absolute(request, "stop", stop))
        name = _("Collection: %(stop)s") % {"stop": words.name_of(stop, policy, language)}
    body = as_icalendar(events, name=name, language=language)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": _CALENDAR_KEPT, "Content-Language": language}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers=headers)
    headers["Content-Disposition"] = f'inline; filename="stop-{stop.number}.ics"'
    return HttpResponse(body, content_type=CONTENT_TYPE, headers=headers)


@require_safe
@in_city
def poster(request: CityRequest, number: str) -> HttpResponseBase:
    """Show a sheet to print and hang up at a stop, in the city's languages, with a code that leads to the page."""
    stop = stop_with_number(number)
    if stop is None:
        return _missing(request, number)
    if stop.city_id != request.city.pk:
        return redirect(f"{reverse('stop_poster', args=[stop.number])}?city={stop.city.jurisdiction_id}")
    policy = request.policy
    today = timezone.localtime(truck_now(stop.city_id, timezone.now())).date()
    week = weekly_of(stop, day=today)
    address = _absolute(request, "stop", stop)
    texts = []
    for language in [code for code in policy.languages if code in dict(settings.LANGUAGES)] or [request.language]:
        with translation.override(language):
            texts.append(
                {
                    "language": language,
                    "name": words.name_of(stop, policy, language),
                    "office": policy.say(policy.office, language),
                    "heading": _("Collection days"),
                    "lines": words.week_lines(week, language),
                    "bring": words.bring_line(stop, policy, language),
                    "scan": _("Scan for the next dates, holidays, and to say that nobody came."),
                    "number": _("Stop number"),
                    "none": _("No collection is planned here at present."),
                }
            )
    context = {
        **_about(stop, policy, request.language),
        "texts": texts,
        # segno writes nothing but the drawing of the address that we gave it.
        "qr": mark_safe(segno.make(address, error="m").svg_inline(scale=8, border=2, svgclass="qr", lineclass=None)),  # noqa: S308
        "address": address.split("://", 1)[-1],
        "simulated": stop.simulated or simulated_speed(stop.city_id) is not None,
    }
    answer = show(request, "resident/poster.html", context)
    answer.headers["Cache-Control"] = _POSTER_KEPT
    answer.headers["Vary"] = _BY_LANGUAGE
    return answer


def _events(stop: Stop, calendar: Calendar, policy: CityPolicy, language: str, *, url: str) -> list[CalendarEvent]:
    areas = words.where_line(areas_of([stop])[stop.pk], policy, language)
    return [
        CalendarEvent(
            uid=f"{one.day:%Y%m%d}-{one.round_id}-{stop.number}@{policy.jurisdiction_id}",
            starts_at=one.opens_at,
            ends_at=one.closes_at,
            title=words.event_title(one),
            text=words.event_text(one, language),
            place=", ".join(part for part in (words.name_of(stop, policy, language), areas) if part),
            url=url,
            changed_at=one.made_at,
            cancelled=one.called_off,
        )
        for one in calendar.collections
    ]


def _about(stop: Stop, policy: CityPolicy, language: str) -> dict[str, Any]:
    return {
        "stop": stop,
        "number": spoken_number(stop.number),
        "name": words.name_of(stop, policy, language),
        "where": words.where_line(areas_of([stop])[stop.pk], policy, language),
        "bring": words.bring_line(stop, policy, language),
    }


def _missing(request: CityRequest, number: str) -> HttpResponse:
    context = {"typed": number[:100], "error": _mistyped_or_missing(number), "found": []}
    return show(request, "resident/stops.html", context, status=404)


def _mistyped_or_missing(text: str) -> str:
    number = heard_number(text)
    if number is not None and is_mistyped(number):
        return _mistyped()
    return _("There is no stop with this number. Look at the poster at your stop, or search for a place.")


def _mistyped() -> str:
    return _("A digit of this number is wrong, or two are exchanged. Please look at the poster again.")


def _language(request: HttpRequest, policy: CityPolicy) -> str:
    asked = request.GET.get("lang", "")
    known = dict(settings.LANGUAGES)
    return asked if asked in known else next((one for one in policy.languages if one in known), settings.LANGUAGE_CODE)


def _local(moment: datetime, policy: CityPolicy) -> datetime:
    return moment.astimezone(ZoneInfo(policy.hours.zone))


def _absolute(request: HttpRequest, name: str, stop: Stop) -> str:
    return request.build_absolute_uri(reverse(name, args=[stop.number]))
