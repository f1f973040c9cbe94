"""Working time: a city's promise counts the hours in which its offices are open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HORIZON_DAYS = 3660  # ten years: longer promises are a mistake in the policy


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """When a city works: spans of local time for each weekday, and the days it keeps as holidays.

    zone: IANA name. days: weekday (Monday is 0) to its (start, end) spans in local time, in order, end after start.
    holidays: local dates without working time.
    """

    zone: str
    days: dict[int, tuple[tuple[time, time], ...]]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def spans(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return the working spans of a local date as aware UTC datetimes."""
        if day in self.holidays:
            return []
        zone = ZoneInfo(self.zone)
        return [
            (datetime.combine(day, start, zone).astimezone(UTC), datetime.combine(day, end, zone).astimezone(UTC))
            for start, end in self.days.get(day.weekday(), ())
        ]

    def is_open(self, moment: datetime) -> bool:
        """Return whether the city works at this moment (aware)."""
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        return any(start <= moment < end for start, end in self.spans(day))

    def add(self, moment: datetime, work: timedelta) -> datetime:
        """Return the moment at which so much working time has passed.

        moment: aware. work: not negative. The answer is aware, UTC; with no work to do it is the moment itself.

        :raises ValueError: if the span is negative, or the city never works long enough within ten years.
        """
        if work < timedelta(0):
            raise ValueError(f"Working time to add cannot be negative, got {work}.")
        moment = moment.astimezone(UTC)
        if not work:
            return moment
        left = work
        first = moment.astimezone(ZoneInfo(self.zone)).date()
        for offset in range(_HORIZON_DAYS):
            for start, end in self.spans(first + timedelta(days=offset)):
                begin = max(start, moment)
                if begin >= end:
                    continue
                if end - begin >= left:
                    return begin + left
                left -= end - begin
        raise ValueError(f"The city's working hours do not hold {work} within ten years; mend its policy.")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time between two aware moments; nothing if the end is not after the start."""
        if end <= start:
            return timedelta(0)
        zone = ZoneInfo(self.zone)
        day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        total = timedelta(0)
        while day <= last:
            for begin, finish in self.spans(day):
                overlap = min(finish, end) - max(begin, start)
                if overlap > timedelta(0):
                    total += overlap
            day += timedelta(days=1)
        return total
