"""Which positions count: impossible places and times are refused, a wrong clock is mended.

All of it is a function of the set of positions, never of the order in which they arrived.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from saat.rounds.thresholds import THRESHOLDS
from saat.terms.position import Flag, Position

_REFUSED = int(Flag.MOCK | Flag.UNPROVED)
_MOCK = int(Flag.MOCK)
_NO_FIX = int(Flag.NO_FIX)
_BIN_S = 15.0

ALIVE = "no place"  # why a position is a sign of life and no place


def refuse(position: Position, offset_s: float = 0.0) -> str:
    """Return why a position does not count, "" if it does; ALIVE if it only says that the device lives.

    offset_s: what is added to the device's clock, see `clock_offset`. The words are those of `VehicleView.faults`:
    place (not on Earth, or 0, 0), clock (before 2015, or ahead of when we received it), mock, unproved.

    >>> good = Position(1, 1.7e9, 1.7e9, 11.55, 104.92)
    >>> refuse(good), refuse(good._replace(lat=0.0, lon=0.0)), refuse(good._replace(fixed_s=4.1e9))
    ('', 'place', 'clock')
    """
    lat, lon = position.lat, position.lon
    # A comparison with NaN is false, so that these lines refuse it as well.
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lon <= 180.0) or (abs(lat) < 0.01 and abs(lon) < 0.01):
        return "place"
    fixed_s = position.fixed_s + offset_s
    if not THRESHOLDS.oldest_s <= fixed_s <= position.received_s + THRESHOLDS.ahead_s:
        return "clock"
    flags = position.flags
    if flags & _REFUSED:
        return "mock" if flags & _MOCK else "unproved"
    accuracy_m = position.accuracy_m
    if flags & _NO_FIX or (accuracy_m is not None and accuracy_m > THRESHOLDS.coarse_m):
        return ALIVE
    return ""


def delay_bin(position: Position) -> int | None:
    """Return in which bin of 15 s the delay from fix to receipt lies; None where it is no number.

    >>> delay_bin(Position(1, 1000.0, 1002.0, 0.0, 0.0)), delay_bin(Position(1, 4600.0, 1002.0, 0.0, 0.0))
    (0, -240)
    """
    delay_s = position.received_s - position.fixed_s
    return math.floor(delay_s / _BIN_S) if math.isfinite(delay_s) else None


def clock_offset(delays: Mapping[int, int]) -> float:
    """Return the seconds to add to a device's clock; 0 where nothing shows that it is wrong.

    delays: count of positions by `delay_bin`. A clock is ahead where positions are received before they are fixed; it
    is behind where they trickle in with one and the same long delay. A buffer that is sent late has delays that
    spread over its whole length, so it is never taken for a wrong clock.
    Within 15 seconds.

    >>> clock_offset({0: 500}), clock_offset({-240: 30}), clock_offset({k: 1 for k in range(40, 140)})
    (0.0, -3600.0, 0.0)
    """
    # Received before it was fixed: only a clock that is ahead does that, whatever else was kept back and sent late.
    ahead = {k: n for k, n in delays.items() if k * _BIN_S < -THRESHOLDS.clock_fast_s}
    if sum(ahead.values()) >= THRESHOLDS.clock_least:
        return min(k for k, n in ahead.items() if n >= 2 or len(ahead) == 1) * _BIN_S if _agree(ahead) else 0.0
    behind = {k: n for k, n in delays.items() if k * _BIN_S >= THRESHOLDS.clock_slow_s}
    if sum(behind.values()) < max(THRESHOLDS.clock_least, 0.95 * sum(delays.values())):
        return 0.0
    return _usual(behind) * _BIN_S if _agree(behind) else 0.0


def _usual(delays: Mapping[int, int]) -> int:
    return max(delays, key=lambda k: (delays[k], -k))


def _agree(delays: Mapping[int, int]) -> bool:
    """Return whether enough of the delays are one and the same."""
    k = _usual(delays)
    return sum(delays.get(k + step, 0) for step in (-1, 0, 1)) >= THRESHOLDS.clock_share * sum(delays.values())
