"""What the demo's trucks do on one service day, and by which clock they drive. See docs/adr/0007.

The same day is the same every time, so a process that begins anew goes on where the one before it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from saat.config.demo.network import Network
from saat.records.device_book import DeviceBook
from saat.records.models import City
from saat.records.plan_values import run_plans
from saat.rounds.simulation import Night, Streets, Trouble, Troubles, drive
from saat.terms.plan import RunPlan
from saat.terms.position import Position

INTERVAL_S = 15.0  # as real trackers of refuse trucks send
EVENING = time(18, 30)
_CATCH_UP = timedelta(hours=9)  # so much of a night at least is shown faster than it was
_BEFORE_IT_BREAKS_S = 480.0
# Nothing is planned between these; the clock passes over it.
_QUIET = (time(14, 30), time(18, 25))


@dataclass(frozen=True, slots=True)
class DemoNight:
    """One service day of the demo's trucks. positions: in order of arrival. broke_s: when a truck broke down."""

    positions: list[Position]
    broke_s: float | None


class DemoTrucks:
    """The demo's trucks, which drive the runs that are planned."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._streets: Streets | None = None

    def night(self, day: date) -> DemoNight:
        """Return what the trackers say of one service day, and what goes wrong: always a breakdown in the evening."""
        plans = [plan for plan in run_plans(self.city.pk, day) if plan.simulated and plan.stops and plan.vehicle_ids]
        if not plans:
            return DemoNight([], None)
        if self._streets is None:
            self._streets = self._ground(plans)
        seed = day.toordinal()
        first = min(plans, key=lambda plan: (plan.starts_s, (plan.contractor_id or 0) + seed % 3, plan.run_id))
        troubles = Troubles.ordinary().with_forced(first.run_id, Trouble.BREAKDOWN)
        driven: Night = drive(
            plans, seed, troubles, INTERVAL_S, streets=self._streets, device_of_vehicle=self._devices(plans), spares=()
        )
        return DemoNight(driven.positions, driven.runs[first.run_id].broke_s)

    def _ground(self, plans: Sequence[RunPlan]) -> Streets:
        places: dict[int | None, list[tuple[float, float]]] = {}
        for plan in plans:
            places.setdefault(plan.contractor_id, []).extend((stop.lat, stop.lon) for stop in plan.stops)
        return Network.of_city(self.city.jurisdiction_id).around(places.values())

    def _devices(self, plans: Sequence[RunPlan]) -> dict[int, int]:
        book = DeviceBook()
        book.refresh()
        vehicles = {vehicle for plan in plans for vehicle in plan.vehicle_ids}
        return {vehicle: found[0] for vehicle in vehicles if (found := book.devices_of([vehicle]))}


def evening_before(now: datetime, zone: ZoneInfo) -> date:
    """Return the last service day whose evening lies so far back that its night can be shown.

    >>> now = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    >>> evening_before(now, ZoneInfo("Asia/Phnom_Penh")).isoformat()
    '2026-03-04'
    """
    return (now.astimezone(zone) - _CATCH_UP - timedelta(hours=EVENING.hour, minutes=EVENING.minute)).date()


def opening(day: date, night: DemoNight, zone: ZoneInfo) -> datetime:
    """Return what the trucks' clock shows when a demo begins: some minutes before a truck breaks down."""
    if night.broke_s is None:
        return datetime.combine(day, EVENING, zone).astimezone(UTC)
    return datetime.fromtimestamp(night.broke_s - _BEFORE_IT_BREAKS_S, UTC)


def is_quiet(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Return until when nothing is planned, if nothing is at a moment.

    >>> zone = ZoneInfo("Asia/Phnom_Penh")
    >>> is_quiet(datetime(2026, 3, 5, 8, 0, tzinfo=UTC), zone).isoformat()
    '2026-03-05T11:25:00+00:00'
    >>> is_quiet(datetime(2026, 3, 5, 14, 0, tzinfo=UTC), zone)
    """
    local = moment.astimezone(zone)
    if not _QUIET[0] <= local.time() < _QUIET[1]:
        return None
    return datetime.combine(local.date(), _QUIET[1], zone).astimezone(UTC)
