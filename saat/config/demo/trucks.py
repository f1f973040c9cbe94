"""The demo's trucks: their rounds, and their days before as the follower writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shapely.geometry.base import BaseGeometry

from saat.actions.log import COMMAND
from saat.actions.runs import plan_runs
from saat.actions.truckclock import set_truck_clock
from saat.config.demo.nights import DemoTrucks, evening_before, opening
from saat.config.demo.people import People
from saat.config.demo.rounds import lay_rounds
from saat.config.demo_clock import AT_REST, SPEED, trucks_drive
from saat.config.demo_facts import DemoDevice
from saat.records.models import City
from saat.records.position_log import PositionLog, position_log
from saat.stream.following import Follower
from saat.terms.position import Position

_DAYS_BEFORE = 2
_DAYS_AHEAD = 3


def make_trucks(
    city: City,
    people: People,
    outlines: Mapping[str, BaseGeometry],
    *,
    since: datetime,
    now: datetime,
    days_before: int = _DAYS_BEFORE,
) -> list[DemoDevice]:
    """Write the demo's rounds, its trucks and what they did on the days before; return their trackers.

    since: when all was set up. now: the wall clock. A night begins some minutes before one of the trucks breaks down.
    """
    zone = ZoneInfo(city.policy_terms().hours.zone)
    today = evening_before(now, zone)
    first = today - timedelta(days=days_before)
    devices = lay_rounds(city, people, outlines, from_day=first, now=since)
    if not devices:
        return []
    plan_runs(city.pk, days=days_before + _DAYS_AHEAD, first=first, now=since, by=COMMAND)
    trucks = DemoTrucks(city)
    nights = {day: trucks.night(day) for day in (first + timedelta(days=n) for n in range(days_before + 1))}
    rest = datetime.combine(today, AT_REST, zone)
    shows_at = opening(today, nights[today], zone) if trucks_drive() else rest
    log = position_log()
    _append(log, [one for night in nights.values() for one in night.positions], until=shows_at)
    set_truck_clock(city_id=city.pk, shows_at=shows_at, speed=SPEED if trucks_drive() else 0.0, now=now)
    # The days before are written by the follower itself, which finds that nobody has followed them.
    follower = Follower(positions=log, tells=False)
    follower.start(now)
    follower.keep_mark(now)
    log.close()
    return devices


def _append(log: PositionLog, positions: list[Position], *, until: datetime) -> None:
    """Put into the log what was received up to a moment, in order."""
    until_s = until.timestamp()
    received = sorted((one for one in positions if one.received_s <= until_s), key=lambda one: one.received_s)
    for at in range(0, len(received), 20_000):
        log.append(received[at : at + 20_000])
