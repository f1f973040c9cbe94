"""Setting the clock by which the simulated trucks of a demo city drive."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from saat.records import truck_clock
from saat.records.models import City, TruckClock

# A clock whose beat is older stood meanwhile: nobody served.
_STOOD = timedelta(seconds=10)


@transaction.atomic
def set_truck_clock(*, city_id: int, shows_at: datetime, speed: float, now: datetime) -> TruckClock:
    """Let the clock of a demo city show a moment now, and run on from there; 0 lets it stand.

    shows_at: no later than `now`.

    :raises ValueError: if the city is no demo: real trucks live by the wall clock.
    """
    if not City.objects.filter(pk=city_id, is_demo=True).exists():
        raise ValueError(f"City {city_id} is no demo; its trucks live by the wall clock.")
    clock, _ = TruckClock.objects.update_or_create(
        city_id=city_id, defaults={"speed": speed, "shows_at": min(shows_at, now), "wall_at": now, "beat_at": now}
    )
    truck_clock.forget()
    return clock


@transaction.atomic
def wake_truck_clock(*, city_id: int, now: datetime) -> TruckClock | None:
    """Let a clock that stood while nobody served go on from where it stood; return it, None if the city has none."""
    clock = TruckClock.objects.select_for_update().filter(city_id=city_id).first()
    if clock is None or now - clock.beat_at < _STOOD:
        return clock
    return set_truck_clock(
        city_id=city_id, shows_at=truck_clock.shown(clock, clock.beat_at), speed=clock.speed, now=now
    )


def beat_truck_clock(*, city_id: int, now: datetime) -> None:
    """Write down that a clock runs."""
    TruckClock.objects.filter(city_id=city_id).update(beat_at=now)
