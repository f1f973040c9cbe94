"""What time it is for a city's trucks: the wall clock, or, where they are simulated, the clock by which they drive.

See docs/adr/0007. Whatever asks about trucks "now" asks here; cases, deadlines and people live by the wall clock.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

from saat.records.models import TruckClock

_TRUSTED_S = 3.0  # how long a process goes by what it has read
_guard = threading.Lock()
_clocks: dict[int, TruckClock] = {}
_read_at: float | None = None


def truck_now(city_id: int, now: datetime) -> datetime:
    """Return the moment that it is for a city's trucks when the wall clock shows `now`; never later than `now`."""
    clock = _clock_of(city_id)
    return now if clock is None else shown(clock, now)


def simulated_speed(city_id: int) -> float | None:
    """Return how many times as fast as the wall clock simulated trucks live, 0 if they stand; None for real ones."""
    clock = _clock_of(city_id)
    return None if clock is None else clock.speed


def shown(clock: TruckClock, now: datetime) -> datetime:
    """Return what a clock shows when the wall clock shows `now`.

    >>> at = datetime.fromisoformat
    >>> of = TruckClock(speed=10, wall_at=at("2026-03-05T12:00:00Z"), shows_at=at("2026-03-05T02:00:00Z"))
    >>> shown(of, at("2026-03-05T12:06:00Z")).isoformat(), shown(of, at("2026-03-05T15:00:00Z")).isoformat()
    ('2026-03-05T03:00:00+00:00', '2026-03-05T15:00:00+00:00')
    """
    return min(now, clock.shows_at + clock.speed * (now - clock.wall_at))


def caught_up(clock: TruckClock, now: datetime) -> bool:
    """Return whether a clock shows the present, and goes at its pace."""
    return now - shown(clock, now) < timedelta(seconds=1)


def forget() -> None:
    """Read the clocks anew at the next question."""
    global _read_at
    with _guard:
        _read_at = None


def _clock_of(city_id: int) -> TruckClock | None:
    global _read_at
    with _guard:
        if _read_at is None or time.monotonic() - _read_at > _TRUSTED_S:
            rows = {clock.city_id: clock for clock in TruckClock.objects.all()}
            _clocks.clear()
            _clocks.update(rows)
            _read_at = time.monotonic()
        return _clocks.get(city_id)
