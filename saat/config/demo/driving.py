"""The process in which a demo's trucks drive."""

from __future__ import annotations

import signal
import threading
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from saat.actions.truckclock import beat_truck_clock, set_truck_clock
from saat.config.demo.nights import DemoTrucks, is_quiet
from saat.config.demo_facts import write_clock
from saat.records.models import City, TruckClock
from saat.records.position_log import PositionLog, position_log
from saat.records.truck_clock import shown
from saat.terms.position import Position

_AGAIN_S = 1800.0  # what may have been under way when the process before this one ended
_STEP_S = 0.25
_BEAT = timedelta(seconds=2)


@dataclass(slots=True)
class _Tape:
    """What the trackers say of one service day, and how much of it they have said."""

    positions: list[Position]
    said: int


class Driver:
    """Lets the demo's trucks drive: puts what their trackers say into the log when their clock has come there."""

    def __init__(self, city: City, *, log: PositionLog, var: Path) -> None:
        self._city, self._log, self._var = city, log, var
        self._zone = ZoneInfo(city.policy_terms().hours.zone)
        self._trucks = DemoTrucks(city)
        self._tapes: dict[date, _Tape] = {}
        self._beat_at: datetime | None = None

    def step(self, now: datetime) -> int:
        """Let the trackers say what they have to say by now; return how many positions that was."""
        clock = TruckClock.objects.get(city=self._city)
        moment = self._pass_over_quiet(shown(clock, now), clock, now)
        if self._beat_at is None or now - self._beat_at > _BEAT:
            beat_truck_clock(city_id=self._city.pk, now=now)
            self._beat_at = now
        day = moment.astimezone(self._zone).date()
        wanted = (day - timedelta(days=1), day)
        self._tapes = {each: self._tapes.get(each) or self._tape(each, moment) for each in wanted}
        said = 0
        for tape in self._tapes.values():
            until = bisect_right(tape.positions, moment.timestamp(), key=lambda one: one.received_s)
            if until > tape.said:
                said += self._log.append(tape.positions[tape.said : until])
                tape.said = until
        return said

    def _pass_over_quiet(self, moment: datetime, clock: TruckClock, now: datetime) -> datetime:
        until = is_quiet(moment, self._zone)
        if until is None or until > now:
            return moment
        clock = set_truck_clock(city_id=self._city.pk, shows_at=until, speed=clock.speed, now=now)
        write_clock(self._var, speed=clock.speed, shows_at=clock.shows_at, wall_at=clock.wall_at)
        return until

    def _tape(self, day: date, moment: datetime) -> _Tape:
        positions = self._trucks.night(day).positions
        said = bisect_right(positions, moment.timestamp() - _AGAIN_S, key=lambda one: one.received_s)
        return _Tape(positions, said)


def main() -> None:
    """Be the process in which the demo's trucks drive, until SIGTERM or SIGINT."""
    stopped = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopped.set())
    city = City.objects.get(is_demo=True, truck_clock__isnull=False)
    log = position_log()
    driver = Driver(city, log=log, var=Path(settings.VAR))
    while not stopped.wait(_STEP_S):
        driver.step(timezone.now())
    log.close()
