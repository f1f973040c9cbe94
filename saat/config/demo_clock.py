"""By which clock a demo's trucks drive, and setting it going; see docs/adr/0007."""

from __future__ import annotations

import os
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from saat.actions.truckclock import set_truck_clock, wake_truck_clock
from saat.config.demo_facts import write_clock
from saat.records.models import City
from saat.records.truck_clock import shown

SPEED = 10.0
AT_REST = time(17, 0)  # what the clock shows where no truck is to drive: nothing is on the road
_FARTHEST = timedelta(hours=36)  # a clock that stood for longer begins anew with a recent evening


def trucks_drive() -> bool:
    """Return whether the demo's trucks are to drive: SAAT_DEMO_TRUCKS is 0 where they are not, as in most tests."""
    return os.environ.get("SAAT_DEMO_TRUCKS", "1") != "0"


def ready_clock(city: City, *, now: datetime, var: Path) -> bool:
    """Set the clock of a demo's trucks going before it is served; return whether there are trucks, and they drive."""
    clock = wake_truck_clock(city_id=city.pk, now=now)
    if clock is None:
        return False
    shows_at, drive = shown(clock, now), trucks_drive()
    if now - shows_at > _FARTHEST:
        # Imported only where it is needed: what drives trucks is large, and a server should be ready soon.
        from saat.config.demo.nights import DemoTrucks, evening_before, opening

        zone = ZoneInfo(city.policy_terms().hours.zone)
        day = evening_before(now, zone)
        shows_at = opening(day, DemoTrucks(city).night(day), zone) if drive else datetime.combine(day, AT_REST, zone)
    clock = set_truck_clock(city_id=city.pk, shows_at=shows_at, speed=SPEED if drive else 0.0, now=now)
    write_clock(var, speed=clock.speed, shows_at=clock.shows_at, wall_at=clock.wall_at)
    return drive
