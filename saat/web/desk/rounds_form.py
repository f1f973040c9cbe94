"""A round's plan as a form: its fields, and its stops as lines of text, which a script shows as a table and a map."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from babel.dates import get_day_names
from django.http import QueryDict
from django.utils.translation import gettext as _

from saat.links.rounds import values
from saat.links.rounds.parts import RowRefused
from saat.terms.plan import HolidayRule, ServiceDays, StopKind, Stream
from saat.terms.planning import RoundDraft, StopDraft
from saat.terms.servicedays import seconds_of
from saat.web.resident.wording import locale_of

ALL = "all"
_SHORT = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_STOPS = 1000
_PLAIN = ("id", "number", "kind", "lat", "lon", "line", "time", "opens", "closes", "dwell_s", "load_kg", "lane",
          "served_by", *Stream)  # fmt: skip
NTHS = (1, 2, 3, 4, 5, -1)


@dataclass(slots=True)
class Typed:
    """What somebody typed. draft: None where something cannot be read. faults: field (or "row N") and sentence."""

    draft: RoundDraft | None = None
    from_day: date | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)
    ids: dict[str, int | None] = field(default_factory=dict)


def columns_for(languages: tuple[str, ...]) -> list[str]:
    """Return the columns of the lines of text: what is known of a stop, with a name in each of the city's languages."""
    return ["id", "number", *(f"name:{language}" for language in languages), *_PLAIN[2:]]


def lines_of(draft: RoundDraft | None, *, languages: tuple[str, ...]) -> str:
    """Return the stops of a draft as lines of text, the first of which names the columns."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    columns = columns_for(languages)
    writer.writerow(columns)
    for stop in sorted(draft.stops, key=lambda one: one.sequence) if draft else ():
        cells = _cells(stop)
        writer.writerow([cells.get(column, "") for column in columns])
    return text.getvalue()


def read_form(form: QueryDict, *, choices: Mapping[str, list[tuple[int, str]]], code: str = "") -> Typed:
    """Return what was typed into the form. choices: what the round may be given. code: of a round that there is."""
    typed = Typed()
    names = {name: _chosen(form, name, choices[name], typed) for name in choices}
    from_day = _try(typed, "from_day", lambda: values.day(form.get("from_day", ""), column=_("First day")))
    typed.from_day = from_day
    days = _days(form, typed)
    stops = _stops(form.get("stops", ""), typed)
    starts = _time(form, "starts", typed)
    ends = _time(form, "ends", typed)
    if not typed.faults and days is not None:
        typed.draft = RoundDraft(
            code=code or form.get("code", "").strip()[:60],
            name=_line(form.get("name", ""))[:160],
            days=days,
            stops=stops,
            starts_s=starts,
            ends_s=ends,
            order_strict=form.get("order_strict") == "on",
            contractor=names["contractor"],
            vehicle=names["vehicle"],
            depot=names["depot"],
            disposal=names["disposal_site"],
            note=_line(form.get("note", ""))[:300],
        )
    return typed


def fields_of(draft: RoundDraft | None, *, ids: Mapping[str, int | None]) -> dict[str, Any]:
    """Return what the form's fields hold for a draft. ids: of what the round is given."""
    if draft is None:
        return {"weekdays": set(range(7)), "every_weeks": 1, "holidays": HolidayRule.COLLECT, "order_strict": True}
    days = draft.days
    return {
        "code": draft.code,
        "name": draft.name,
        "weekdays": set(days.weekdays),
        "nth": set(days.nth),
        "every_weeks": days.every_weeks,
        "counted_from": days.counted_from.isoformat() if days.counted_from else "",
        "added": ", ".join(day.isoformat() for day in sorted(days.added)),
        "removed": ", ".join(day.isoformat() for day in sorted(days.removed)),
        "first": days.first.isoformat() if days.first else "",
        "last": days.last.isoformat() if days.last else "",
        "holidays": days.holidays,
        "starts": _written(draft.starts_s),
        "ends": _written(draft.ends_s),
        "order_strict": draft.order_strict,
        **ids,
    }


def typed_fields(form: QueryDict) -> dict[str, Any]:
    """Return what the form's fields hold after they were sent, as they were typed."""
    plain = ("code", "name", "every_weeks", "counted_from", "added", "removed", "first", "last", "holidays", "starts",
             "ends", "note", "from_day")  # fmt: skip
    ids = {name: form.get(name, "") for name in ("contractor", "vehicle", "depot", "disposal_site")}
    return {
        **{name: form.get(name, "") for name in plain},
        **{name: int(value) if value.isdecimal() else None for name, value in ids.items()},
        "weekdays": {int(day) for day in form.getlist("weekday") if day in "0123456" and len(day) == 1},
        "nth": {int(nth) for nth in form.getlist("nth") if nth in ("1", "2", "3", "4", "5", "-1")},
        "order_strict": form.get("order_strict") == "on",
    }


def weekday_names(language: str) -> dict[int, str]:
    """Return what the weekdays are called, Monday is 0."""
    names = get_day_names("wide", context="stand-alone", locale=locale_of(language))
    return {day: names[day] for day in range(7)}


def _cells(stop: StopDraft) -> dict[str, str]:
    cells = {
        "id": str(stop.stop_id or ""),
        "number": stop.number,
        "kind": str(stop.kind),
        "lat": f"{stop.lat:.6f}" if math.isfinite(stop.lat) else "",
        "lon": f"{stop.lon:.6f}" if math.isfinite(stop.lon) else "",
        "line": "; ".join(f"{lat:.6f} {lon:.6f}" for lat, lon in stop.line),
        "time": _written(stop.planned_s),
        "opens": _written(stop.opens_s),
        "closes": _written(stop.closes_s),
        "dwell_s": f"{stop.dwell_s:g}",
        "load_kg": f"{stop.load_kg:g}",
        "lane": "yes" if stop.lane else "",
        "served_by": stop.served_by,
    }
    for language, name in stop.names.items():
        cells[f"name:{language}"] = _line(name)
    for stream, days in stop.streams.items():
        cells[stream] = ALL if days is None else ",".join(_SHORT[day] for day in sorted(days))
    return cells


def _stops(text: str, typed: Typed) -> tuple[StopDraft, ...]:
    rows = [
        row for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t") if any(cell.strip() for cell in row)
    ]
    if not rows:
        return ()
    columns, stops = [name.strip() for name in rows[0]], []
    missing = {"lat", "lon", "time"} - set(columns)
    if missing or len(rows) > _MOST_STOPS + 1:
        typed.faults.append(
            ("stops", _("The first line must name the columns; at most %(most)d stops follow.") % {"most": _MOST_STOPS})
        )
        return ()
    for at, row in enumerate(rows[1:], start=1):
        cells = {name: cell.strip() for name, cell in zip(columns, row, strict=False)}
        try:
            stops.append(_stop(at, cells))
        except RowRefused as error:
            typed.faults.append((f"row {at}", _("Row %(row)s: %(text)s") % {"row": at, "text": error}))
    return tuple(stops)


def _stop(at: int, cells: Mapping[str, str]) -> StopDraft:
    def text(name: str) -> str:
        return cells.get(name, "")

    planned = values.time_s(text("time"), column="time")
    opens = values.time_s(text("opens"), column="opens") if text("opens") else max(0.0, planned - 300.0)
    closes = values.time_s(text("closes"), column="closes") if text("closes") else planned + 900.0
    lat, lon = values.place(text("lat"), text("lon"))
    kind = text("kind") or StopKind.POINT
    if kind not in list(StopKind):
        raise RowRefused(f"kind: {', '.join(StopKind)}")
    line = values.line(text("line")) if kind == StopKind.KERB else ()
    streams: dict[Stream, frozenset[int] | None] = {}
    for stream in Stream:
        if text(stream):
            streams[stream] = None if text(stream).lower() == ALL else values.weekdays(text(stream), column=stream)
    return StopDraft(
        row=at,
        sequence=at,
        stop_id=int(text("id")) if text("id").isdecimal() else None,
        number=text("number"),
        names={name.partition(":")[2]: value for name, value in cells.items() if name.startswith("name:") and value},
        kind=StopKind(kind),
        # The middle of a line follows from the line.
        lat=math.nan if line else lat,
        lon=math.nan if line else lon,
        line=line,
        planned_s=planned,
        opens_s=opens,
        closes_s=closes,
        dwell_s=values.figure(text("dwell_s"), column="dwell_s", usual=30.0),
        load_kg=values.figure(text("load_kg"), column="load_kg", usual=0.0),
        lane=values.yes(text("lane"), column="lane"),
        served_by=text("served_by"),
        streams=streams,
    )


def _days(form: QueryDict, typed: Typed) -> ServiceDays | None:
    before = len(typed.faults)
    fields = typed_fields(form)
    every_weeks = _try(
        typed, "every_weeks", lambda: values.whole(form.get("every_weeks") or "1", column=_("Every so many weeks"))
    )
    singles = {name: _date(form, name, typed) for name in ("counted_from", "first", "last")}
    sets = {name: _dates(form, name, typed) for name in ("added", "removed")}
    if len(typed.faults) > before or every_weeks is None:
        return None
    holidays = fields["holidays"] if fields["holidays"] in list(HolidayRule) else HolidayRule.COLLECT
    return ServiceDays(
        weekdays=frozenset(fields["weekdays"]),
        nth=frozenset(fields["nth"]),
        every_weeks=every_weeks,
        added=sets["added"],
        removed=sets["removed"],
        holidays=HolidayRule(holidays),
        **singles,
    )


def _date(form: QueryDict, name: str, typed: Typed) -> date | None:
    text = form.get(name, "").strip()
    return _try(typed, name, lambda: values.day(text, column=name)) if text else None


def _dates(form: QueryDict, name: str, typed: Typed) -> frozenset[date]:
    return _try(typed, name, lambda: values.dates(form.get(name, ""), column=name)) or frozenset()


def _chosen(form: QueryDict, name: str, options: list[tuple[int, str]], typed: Typed) -> str:
    text = form.get(name, "")
    known = dict(options)
    pk = int(text) if text.isdecimal() and int(text) in known else None
    if text and pk is None:
        typed.faults.append((name, _("This is not one of the city's: please choose again.")))
    typed.ids[name] = pk
    return known.get(pk, "") if pk is not None else ""


def _time(form: QueryDict, name: str, typed: Typed) -> float | None:
    text = form.get(name, "").strip()
    return _try(typed, name, lambda: seconds_of(text)) if text else None


def _try(typed: Typed, name: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (RowRefused, ValueError) as error:
        typed.faults.append((name, str(error)))
        return None


def _written(seconds: float | None) -> str:
    if seconds is None:
        return ""
    whole = round(seconds)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return text if whole % 60 == 0 else f"{text}:{whole % 60:02d}"


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
