"""The word of a calendar: one event as it goes into people's own calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One event. uid: the same for the same event in every answer. Moments: aware UTC."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    title: str
    changed_at: datetime
    text: str = ""
    place: str = ""
    url: str = ""
    cancelled: bool = False
