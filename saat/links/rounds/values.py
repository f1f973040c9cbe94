"""Single cells of a plan: weekdays, times of day, dates, lines; nothing that is unclear is guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date

from saat.links.rounds.parts import RowRefused
from saat.terms.geo import Point
from saat.terms.plan import Line
from saat.terms.servicedays import seconds_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS: dict[str, int] = {name: day for names in (_DAYS, _LONG) for day, name in enumerate(names)}
_EVERY = ("daily", "every day")
_PARTED = re.compile(r"[,;/、，\s]+")
_COMPACT = re.compile(r"^\d{3,4}$")
_LINE = re.compile(r"^\s*LINESTRING\s*Z?\s*\((.*)\)\s*$", flags=re.IGNORECASE | re.DOTALL)
_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0", ""})


def weekdays(text: str, *, column: str, words: Mapping[str, int] | None = None) -> frozenset[int]:
    """Return weekdays, Monday is 0. words: what the file's own words for them mean, beside mon … sun.

    >>> sorted(weekdays("mon-wed, Saturday", column="days"))
    [0, 1, 2, 5]
    >>> sorted(weekdays("一,四", column="DayValue", words={"一": 0, "四": 3}))
    [0, 3]
    """
    known = {**WEEKDAYS, **{word.lower(): day for word, day in (words or {}).items()}}
    if text.strip().lower() in _EVERY:
        return frozenset(range(7))
    found: set[int] = set()
    for part in _PARTED.split(text.strip().lower()):
        if not part:
            continue
        first, dash, last = part.partition("-")
        if first not in known or (dash and last not in known):
            raise RowRefused(f"{column}: {part!r} is no weekday; use mon, tue, wed, thu, fri, sat, sun.")
        if dash:
            span = (known[last] - known[first]) % 7
            found |= {(known[first] + step) % 7 for step in range(span + 1)}
        else:
            found.add(known[first])
    return frozenset(found)


def time_s(text: str, *, column: str) -> float:
    """Return a time of day in seconds since midnight: HH:MM, HH:MM:SS or HHMM; hours from 24 on are the day after.

    >>> time_s("2030", column="time"), time_s("24:10", column="time")
    (73800.0, 87000.0)
    """
    if _COMPACT.match(text):
        text = f"{text[:-2]}:{text[-2:]}"
    try:
        return seconds_of(text)
    except ValueError as error:
        raise RowRefused(f"{column}: {error}") from error


def dates(text: str, *, column: str) -> frozenset[date]:
    """Return single dates, written as 2026-11-09 with commas between them."""
    found = set()
    for part in _PARTED.split(text.strip()):
        if part:
            found.add(day(part, column=column))
    return frozenset(found)


def day(text: str, *, column: str) -> date:
    """Return a date written as 2026-11-09 or 20261109; a time behind it, as spreadsheets add, is left out."""
    try:
        return date.fromisoformat(text.split(" ")[0].split("T")[0])
    except ValueError as error:
        raise RowRefused(f"{column}: a date must be written as 2026-11-09, got {text!r}.") from error


def figure(text: str, *, column: str, usual: float) -> float:
    """Return a number that is finite, `usual` where the cell is empty."""
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RowRefused(f"{column}: a number is wanted, got {text!r}.")
    return value


def whole(text: str, *, column: str) -> int:
    """Return a whole number."""
    value = figure(text, column=column, usual=math.nan)
    if not math.isfinite(value) or value != int(value):
        raise RowRefused(f"{column}: a whole number is wanted, got {text!r}.")
    return int(value)


def yes(text: str, *, column: str) -> bool:
    """Return whether a cell says yes."""
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise RowRefused(f"{column}: yes or no is wanted, got {text!r}.")


def place(lat: str, lon: str) -> tuple[float, float]:
    """Return a place in degrees; (NaN, NaN) where neither is given."""
    if not lat and not lon:
        return math.nan, math.nan
    try:
        point = Point(lat=float(lat), lon=float(lon))
    except ValueError as error:
        swapped = _is_swapped(lat, lon)
        hint = " Latitude and longitude seem to be exchanged." if swapped else ""
        raise RowRefused(f"lat, lon: {lat or 'nothing'}, {lon or 'nothing'} is no place in degrees.{hint}") from error
    return point.lat, point.lon


def line(text: str) -> Line:
    """Return a line: WKT (longitude first, as WKT has it) or "lat lon; lat lon; …"; () where the cell is empty.

    >>> line("LINESTRING (104.91 11.54, 104.92 11.55)") == line("11.54 104.91; 11.55 104.92")
    True
    """
    if not text:
        return ()
    wkt = _LINE.match(text)
    parts = wkt[1].split(",") if wkt else text.split(";")
    found = []
    for part in parts:
        numbers = part.split()
        if not numbers and not wkt:
            continue
        try:
            first, second = float(numbers[0]), float(numbers[1])
            point = Point(lat=second, lon=first) if wkt else Point(lat=first, lon=second)
        except (ValueError, IndexError) as error:
            raise RowRefused(f"line: {part.strip()!r} is no place in degrees.") from error
        found.append((point.lat, point.lon))
    return tuple(found)


def _is_swapped(lat: str, lon: str) -> bool:
    try:
        Point(lat=float(lon), lon=float(lat))
    except ValueError:
        return False
    return True
