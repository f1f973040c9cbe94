"""Service days: on which dates a round runs, and what a public holiday does to the days after it.

Holidays follow the common practice of municipal collection calendars: when a public holiday falls on a collection day,
that day's collection and every later one of the same week come one day later, and the next week begins as usual. Two
holidays in one week delay by two days. A holiday on a Sunday, the last day of the week, delays nobody but Sunday's
own round. Cities that do otherwise name `collect` or `skip`, and single dates win over everything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from saat.terms.plan import HolidayRule, ServiceDays, Stream

_DAY = timedelta(days=1)
# A collection is never pushed further than this by holidays, however many there are in a row.
_MOST_SHIFT_DAYS = 10

StreamDays = Mapping[Stream, frozenset[int] | None]  # weekdays of each stream, None for every day of the round


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDay:
    """One date on which a round runs.

    instead_of: the dates by the rule whose collection comes on this one: itself on a usual day, an earlier one after
    a holiday, both where they meet. Empty: a date that was added by hand.
    """

    day: date
    instead_of: tuple[date, ...] = ()

    @property
    def shifted(self) -> bool:
        """Whether a holiday moved a collection to this date."""
        return any(regular != self.day for regular in self.instead_of)


def service_days(
    rule: ServiceDays, *, first: date, last: date, holidays: Collection[date] = frozenset()
) -> tuple[ServiceDay, ...]:
    """Return the dates on which a round runs, in order.

    first, last: the span that is asked for, both included. holidays: local dates.

    >>> friday_too = ServiceDays(weekdays=frozenset({0, 4}), holidays=HolidayRule.SHIFT)
    >>> days = service_days(friday_too, first=date(2026, 11, 9), last=date(2026, 11, 15), holidays={date(2026, 11, 9)})
    >>> [day.day.strftime("%a") for day in days]
    ['Tue', 'Sat']
    """
    found: dict[date, list[date]] = {}
    day = first - _DAY * _MOST_SHIFT_DAYS if rule.holidays == HolidayRule.SHIFT else first
    while day <= last:
        if runs_by_rule(rule, day):
            moved = _moved(rule, day, holidays)
            if moved is not None and first <= moved <= last and moved not in rule.removed:
                found.setdefault(moved, []).append(day)
        day += _DAY
    for added in rule.added:
        if first <= added <= last:
            found.setdefault(added, [])
    return tuple(ServiceDay(day=day, instead_of=tuple(found[day])) for day in sorted(found))


def service_day(rule: ServiceDays, day: date, *, holidays: Collection[date] = frozenset()) -> ServiceDay | None:
    """Return what a round does on one date, None where it does not run."""
    return next(iter(service_days(rule, first=day, last=day, holidays=holidays)), None)


def runs_by_rule(rule: ServiceDays, day: date) -> bool:
    """Return whether the rule names a date, whatever holidays do to it; dates that are added do not count."""
    if day.weekday() not in rule.weekdays or day in rule.removed:
        return False
    if (rule.first is not None and day < rule.first) or (rule.last is not None and day > rule.last):
        return False
    if rule.nth and not _is_nth(day, rule.nth):
        return False
    if rule.every_weeks > 1:
        counted_from = rule.counted_from or rule.first
        if counted_from is None:
            raise ValueError("Every other week needs a date from which the weeks are counted.")
        weeks = (_monday(day) - _monday(counted_from)).days // 7
        return weeks % rule.every_weeks == 0
    return True


def streams_on(streams: StreamDays, day: ServiceDay) -> frozenset[Stream]:
    """Return what is collected at a stop on a service day.

    streams: on which weekdays each is collected, None for all of the round's. A collection that a holiday moved keeps
    the streams of its usual weekday; a date that was added by hand collects them all.
    """
    if not day.instead_of:
        return frozenset(streams)
    weekdays = {regular.weekday() for regular in day.instead_of}
    return frozenset(stream for stream, days in streams.items() if days is None or weekdays & days)


def midnight_s(day: date, zone: str) -> float:
    """Return the moment, in seconds since 1970, from which the times of a service day are counted.

    That is twelve hours before noon (as in GTFS): midnight on every day but those on which clocks change, and on those
    the moment that keeps the times from the morning on as the clocks on the wall show them. zone: IANA name.

    >>> datetime.fromtimestamp(midnight_s(date(2026, 11, 9), "Asia/Phnom_Penh"), ZoneInfo("UTC")).isoformat()
    '2026-11-08T17:00:00+00:00'
    """
    return datetime.combine(day, time(12), ZoneInfo(zone)).timestamp() - 43_200.0


def clock_text(seconds: float) -> str:
    """Return a time of a service day as a clock shows it; past midnight it begins anew.

    >>> clock_text(72_000), clock_text(90_000)
    ('20:00', '01:00')
    """
    minutes = int(seconds // 60)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def seconds_of(text: str) -> float:
    """Return a time of day in seconds since midnight; hours from 24 on are the day after.

    :raises ValueError: if it is no HH:MM or HH:MM:SS from 00:00 to 48:00.

    >>> seconds_of("20:30"), seconds_of("25:00:30")
    (73800.0, 90030.0)
    """
    parts = text.strip().split(":")
    if len(parts) not in (2, 3) or not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"A time must be HH:MM, got {text!r}.")
    numbers = [int(part) for part in parts]
    seconds = numbers[0] * 3600 + numbers[1] * 60 + (numbers[2] if len(numbers) == 3 else 0)
    if numbers[1] > 59 or (len(numbers) == 3 and numbers[2] > 59) or seconds > 172_800:
        raise ValueError(f"A time must lie between 00:00 and 48:00, got {text!r}.")
    return float(seconds)


def _moved(rule: ServiceDays, day: date, holidays: Collection[date]) -> date | None:
    """Return when the collection of a date takes place, None if not at all."""
    if rule.holidays == HolidayRule.SKIP:
        return None if day in holidays else day
    if rule.holidays == HolidayRule.COLLECT or not holidays:
        return day
    monday, shift = _monday(day), 0
    while shift < _MOST_SHIFT_DAYS:
        until = day + _DAY * shift
        passed = sum(1 for n in range((until - monday).days + 1) if monday + _DAY * n in holidays)
        if passed == shift:
            break
        shift = passed
    return day + _DAY * shift


def _is_nth(day: date, nth: frozenset[int]) -> bool:
    from_start = (day.day - 1) // 7 + 1
    is_last = (day + 7 * _DAY).month != day.month
    return from_start in nth or (is_last and -1 in nth)


def _monday(day: date) -> date:
    return day - _DAY * day.weekday()
