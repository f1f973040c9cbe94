"""Plain sentences about a stop: what it is called, what is collected when, what a holiday changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_time, get_day_names
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from saat.records.models import Stop
from saat.records.queries_stops import Calendar, Collection, HolidayNote, WeekLine
from saat.terms.plan import StopKind, Stream
from saat.terms.policy import CityPolicy, Names
from saat.terms.servicedays import clock_text
from saat.terms.stopnumbers import spoken_number
from saat.web.resident.wording import locale_of

ICONS = {Stream.REFUSE: "bin", Stream.RECYCLING: "again", Stream.ORGANIC: "pile", Stream.BULKY: "dump"}


def stream_name(stream: Stream) -> str:
    """Return what is collected, in a word or two."""
    return {
        Stream.REFUSE: _("Refuse"),
        Stream.RECYCLING: _("Recycling"),
        Stream.ORGANIC: _("Kitchen and garden waste"),
        Stream.BULKY: _("Bulky waste"),
    }[stream]


def name_of(stop: Stop, policy: CityPolicy, language: str) -> str:
    """Return what a stop is called; its number where it has no name."""
    name = stop.names.get(language) or policy.say(stop.names, language)
    return name or _("Stop %(number)s") % {"number": spoken_number(stop.number)}


def where_line(areas: Sequence[Names], policy: CityPolicy, language: str) -> str:
    """Return the areas that a stop lies in, the nearest first."""
    return ", ".join(name for name in (policy.say(names, language) for names in reversed(areas)) if name)


def bring_line(stop: Stop, policy: CityPolicy, language: str) -> str:
    """Return how to put rubbish out at a stop of this kind."""
    if stop.lane and stop.served_by is not None:
        place = name_of(stop.served_by, policy, language)
        return _("No truck enters this lane. A pushcart brings the rubbish to %(place)s.") % {"place": place}
    if stop.kind == StopKind.KERB:
        return _("Put your rubbish at the kerb in front of your door.")
    return _("Bring your rubbish to this place.")


def week_lines(lines: Sequence[WeekLine], language: str) -> list[dict[str, str]]:
    """Return a usual week: what, on which days, and when."""
    names = get_day_names("wide", context="stand-alone", locale=locale_of(language))
    found = []
    for line in lines:
        days = _("every day") if len(line.weekdays) == 7 else ", ".join(names[day] for day in line.weekdays)
        if line.nth:
            which = ", ".join(_nth(nth) for nth in line.nth)
            days = _("%(days)s (%(which)s of the month)") % {"days": days, "which": which}
        if line.every_weeks > 1:
            weeks = ngettext("every %(count)d week", "every %(count)d weeks", line.every_weeks)
            days = f"{days}, {weeks % {'count': line.every_weeks}}"
        found.append(
            {
                "what": stream_name(line.stream),
                "icon": ICONS[line.stream],
                "days": days,
                "time": f"{clock_text(line.opens_s)}–{clock_text(line.closes_s)}",
            }
        )
    return found


def next_by_stream(calendar: Calendar, *, after: datetime, language: str) -> list[dict[str, Any]]:
    """Return the next collection of each stream that is not over yet."""
    found: dict[Stream, Collection] = {}
    for one in calendar.collections:
        if one.closes_at > after and not one.called_off:
            for stream in one.streams:
                found.setdefault(stream, one)
    return [
        {
            "what": stream_name(stream),
            "icon": ICONS[stream],
            "day": _long_day(found[stream].day, language),
            "iso": found[stream].day.isoformat(),
            "time": _window(found[stream], language),
        }
        for stream in Stream
        if stream in found
    ]


def day_lines(collections: Sequence[Collection], *, language: str, today: date) -> list[dict[str, Any]]:
    """Return collections as lines of the calendar, in order."""
    return [
        {
            "day": _long_day(one.day, language),
            "iso": one.day.isoformat(),
            "today": one.day == today,
            "time": _window(one, language),
            "streams": [{"what": stream_name(stream), "icon": ICONS[stream]} for stream in one.streams],
            "note": _note(one, language),
            "called_off": one.called_off,
        }
        for one in collections
    ]


def note_line(note: HolidayNote, language: str) -> str:
    """Return what a holiday changes."""
    facts = {"day": _long_day(note.day, language), "to": _long_day(note.to, language) if note.to else ""}
    if note.to is None:
        return _("%(day)s is a public holiday: there is no collection.") % facts
    return _("%(day)s is a public holiday: the collection comes on %(to)s.") % facts


def event_title(one: Collection) -> str:
    """Return the title of a collection in somebody's own calendar."""
    what = ", ".join(stream_name(stream) for stream in one.streams)
    return _("Collection: %(what)s") % {"what": what}


def event_text(one: Collection, language: str) -> str:
    """Return what else there is to say of a collection in somebody's own calendar."""
    return _note(one, language)


def _note(one: Collection, language: str) -> str:
    if one.called_off:
        return _("Called off by the city.")
    if one.moved_from is not None:
        day = _long_day(one.moved_from, language)
        return _("Instead of %(day)s, because of a public holiday.") % {"day": day}
    return ""


def _long_day(day: date, language: str) -> str:
    return str(format_date(day, "EEEE d MMMM", locale=locale_of(language)))


def _window(one: Collection, language: str) -> str:
    times = [
        str(format_time(timezone.localtime(at), "HH:mm", locale=locale_of(language)))
        for at in (one.opens_at, one.closes_at)
    ]
    return "–".join(times)


def _nth(nth: int) -> str:
    return {
        1: _("first"), 2: _("second"), 3: _("third"), 4: _("fourth"), 5: _("fifth"), -1: _("last"),
    }[nth]  # fmt: skip
