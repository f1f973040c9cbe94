"""What the decoders of positions share: numbers, moments, units, and what can be no place and no moment."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from saat.terms.position import Fix, FixRefused, Flag

KNOT_MPS = 1852 / 3600
KMH_MPS = 1 / 3.6
_LEAST_MS = 1e11  # as seconds that would be the year 5138, as milliseconds it is 1973
LONGEST_UID = 120

# How far a device's clock may be ahead: a whole time zone and a bit. What is less is mended where tracks are cleaned.
AHEAD_S = 26 * 3600.0
_WEEK_S = 7 * 86_400.0
_ROLLOVER_S = 1024 * _WEEK_S  # satellites count weeks up to 1023, and old receivers then begin anew
_ROLLED_OVER_S = 19 * 365.25 * 86_400.0
_ROLLOVER_NEAR_S = 86_400.0


def number(value: Any) -> float | None:
    """Return a value as a finite number, None where it is missing, empty or none.

    >>> number("12.5"), number(" "), number(None), number("nan"), number(True), number("1,5")
    (12.5, None, None, None, None, None)
    """
    if value is None or value is True or value is False:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def at_least_0(value: Any) -> float | None:
    """Return a number that is not negative; devices say -1 for unknown.

    >>> at_least_0("-1"), at_least_0(0)
    (None, 0.0)
    """
    found = number(value)
    return found if found is not None and found >= 0 else None


def above_0(value: Any) -> float | None:
    """Return a number greater than 0; of an accuracy, 0 says that it is unknown."""
    found = number(value)
    return found if found is not None and found > 0 else None


def course(value: Any) -> float | None:
    """Return degrees clockwise from north, 0 up to but not 360.

    >>> course("360"), course(-1), course(91.5)
    (0.0, None, 91.5)
    """
    found = at_least_0(value)
    return found % 360.0 if found is not None and found <= 360.0 else None


def share_of_percent(value: Any) -> float | None:
    """Return per cent as 0 to 1.

    >>> share_of_percent("83"), share_of_percent(101)
    (0.83, None)
    """
    found = at_least_0(value)
    return found / 100.0 if found is not None and found <= 100.0 else None


def share(value: Any) -> float | None:
    """Return what is given as 0 to 1; -1 is unknown."""
    found = at_least_0(value)
    return found if found is not None and found <= 1.0 else None


def times(value: Any, unit_mps: float) -> float | None:
    """Return a speed in metres a second from one in some unit; None where unknown."""
    found = at_least_0(value)
    return None if found is None else found * unit_mps


def moment_s(value: Any, *, uid: str = "") -> float | None:
    """Return a moment as seconds since 1970: seconds, milliseconds or ISO text; None where it is missing.

    A text without a zone is UTC.

    :raises FixRefused: if it is there but no moment.

    >>> moment_s("1772460000"), moment_s(1772460000000), moment_s("2026-03-02T21:00:00+07:00")
    (1772460000.0, 1772460000.0, 1772460000.0)
    >>> moment_s("2026-03-02 14:00:00"), moment_s("")
    (1772460000.0, None)
    """
    if value is None or value == "":
        return None
    found = number(value)
    if found is not None:
        return found / 1000.0 if found >= _LEAST_MS else found
    try:
        moment = datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise FixRefused(
            _("“%(text)s” is no moment: send seconds or milliseconds since 1970, or ISO 8601.")
            % {"text": str(value)[:40]},
            uid=uid,
        ) from error


def uid_of(value: Any) -> str:
    """Return what a device calls itself.

    :raises FixRefused: if it is nothing, too long, or not printable.
    """
    uid = value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""
    if not uid:
        raise FixRefused(_("The position does not say of which device it is."))
    if len(uid) > LONGEST_UID or not uid.isprintable():
        raise FixRefused(_("The device's identifier is too long or not printable."))
    return uid


def place(lat: Any, lon: Any, *, uid: str) -> tuple[float, float]:
    """Return a place in degrees.

    :raises FixRefused: if it is none: not a number, outside the globe, or 0, 0, which means that there is no fix.
    """
    try:
        found_lat, found_lon = float(lat), float(lon)
    except (TypeError, ValueError, OverflowError) as error:
        raise FixRefused(_("Latitude and longitude must be two numbers."), uid=uid) from error
    if -90.0 <= found_lat <= 90.0 and -180.0 <= found_lon <= 180.0:
        if found_lat == 0.0 and found_lon == 0.0:
            raise FixRefused(_("0, 0 is no place: the device does not know yet where it is."), uid=uid)
        return found_lat, found_lon
    if -180.0 <= found_lat <= 180.0 and -90.0 <= found_lon <= 90.0:
        raise FixRefused(_("Latitude and longitude seem to be swapped: the latitude is beyond 90°."), uid=uid)
    raise FixRefused(_("This place is not on the globe."), uid=uid)


def settled(fix: Fix, *, received_s: float, oldest_s: float) -> Fix:
    """Return a fix with a moment that can be true.

    A receiver whose weeks began anew is mended and flagged. A clock that is ahead by up to 26 hours is left as it is,
    and mended where tracks are cleaned.

    received_s: when it came. oldest_s: what was fixed before is no longer kept; both in seconds since 1970.

    :raises FixRefused: if it is too old or lies in the future.
    """
    fixed_s = fix.fixed_s
    if fixed_s is None:
        return fix._replace(fixed_s=received_s)
    if oldest_s <= fixed_s <= received_s + AHEAD_S:
        return fix
    if fixed_s < received_s - _ROLLED_OVER_S and abs(fixed_s + _ROLLOVER_S - received_s) < _ROLLOVER_NEAR_S:
        return fix._replace(fixed_s=fixed_s + _ROLLOVER_S, flags=fix.flags | Flag.CLOCK_CORRECTED)
    when = {"moment": _told(fixed_s)}
    if fixed_s > received_s:
        raise FixRefused(_("The device's clock is wrong: %(moment)s is in the future.") % when, uid=fix.uid)
    raise FixRefused(_("%(moment)s is too long ago; is the device's clock wrong?") % when, uid=fix.uid)


def _told(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{moment:g}"
