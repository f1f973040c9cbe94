"""Moments as the W3C note on dates and times writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from saat.links.open311.errors import Open311Error

_W3C = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+\- ]\d\d:?\d\d)?)?", re.ASCII)


def read_moment(text: str, *, field: str, zone: ZoneInfo) -> datetime:
    """Return the aware moment that a client wrote, in UTC.

    A date alone is its midnight in the city; a time without an offset is the city's. A plus sign that became a blank
    on its way through an address is read as a plus sign.

    :raises Open311Error: 400, if it is no such moment.
    """
    found = _W3C.fullmatch(text.strip())
    if found:
        year, month, day, hour, minute, second, offset = found.groups()
        try:
            clock = (int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
            return datetime(*clock, tzinfo=_offset(offset) if offset else zone).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    message = _("%(field)s must be a date and time such as 2026-03-02T10:00:00+07:00, not “%(text)s”.")
    raise Open311Error(400, message % {"field": field, "text": text[:60]})


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    span = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-span if text[0] == "-" else span)


def write_moment(moment: datetime, zone: ZoneInfo) -> str:
    """Return an aware moment to the second, with the city's offset.

    >>> write_moment(datetime(2026, 3, 2, 3, 0, tzinfo=UTC), ZoneInfo("Asia/Phnom_Penh"))
    '2026-03-02T10:00:00+07:00'
    """
    return moment.astimezone(zone).isoformat(timespec="seconds")
