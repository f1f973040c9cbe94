"""Events out as iCalendar (RFC 5545), for phones' and offices' own calendars."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from icalendar import Calendar, Event

from saat.terms.calendars import CalendarEvent

CONTENT_TYPE = "text/calendar; charset=utf-8"
_AGAIN = timedelta(hours=12)  # how often calendars that subscribed are asked to look again


def as_icalendar(events: Iterable[CalendarEvent], *, name: str, language: str) -> bytes:
    """Return events as an iCalendar file. name: what the calendar is called. language: of its texts."""
    calendar = Calendar()
    calendar.add("prodid", "-//Saat//collection calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("name", name, parameters={"language": language})
    calendar.add("refresh-interval", _AGAIN, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT12H")
    for one in events:
        event = Event()
        event.add("uid", one.uid)
        event.add("dtstamp", one.changed_at)
        event.add("last-modified", one.changed_at)
        event.add("dtstart", one.starts_at)
        event.add("dtend", one.ends_at)
        event.add("summary", one.title, parameters={"language": language})
        event.add("status", "CANCELLED" if one.cancelled else "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        if one.text:
            event.add("description", one.text, parameters={"language": language})
        if one.place:
            event.add("location", one.place)
        if one.url:
            event.add("url", one.url)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
