"""A truck with a crew's phone on it, and its evening round of four stops through Phsar Kandal.

The round begins at 19:00 in Phnom Penh; its stops are 100 m apart from south to north, ten minutes after each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from saat.records.models import (
    Device,
    DeviceBinding,
    PlannedStop,
    Round,
    RoundPlan,
    Run,
    RunVehicle,
    Stop,
    StopRun,
    Vehicle,
)
from saat.records.queries_access import digest_of
from tests.hall import Hall

TOKEN = "the-token-of-the-north-crews-phone"
_NAMES = ("Kandal Market stairs", "Wat Unnalom gate", "Street 13 corner", "Lane behind the school")
_KHMER = ("ជណ្ដើរផ្សារកណ្ដាល", "ក្លោងទ្វារវត្តឧណ្ណាលោម", "ជ្រុងផ្លូវលេខ ១៣", "ច្រកក្រោយសាលារៀន")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evening:
    """A run with all that belongs to it. starts_at: 19:00 in Phnom Penh."""

    hall: Hall
    vehicle: Vehicle
    device: Device
    round: Round
    plan: RoundPlan
    run: Run
    stops: list[Stop]
    starts_at: datetime

    def at(self, **span: float) -> datetime:
        """Return a moment so long after the run begins."""
        return self.starts_at + timedelta(**span)

    def decide(self, index: int, outcome: str, **more: Any) -> StopRun:
        """Write what became of a stop."""
        planned = self.starts_at + timedelta(minutes=10 * index)
        usual = {
            "planned_at": planned, "closes_at": planned + timedelta(minutes=30), "service_day": self.run.service_day,
            "decided_at": planned, "city": self.hall.city, "p_served": 0.98, "stop": self.stops[index],
        }  # fmt: skip
        return StopRun.objects.create(run=self.run, sequence=index + 1, outcome=outcome, **{**usual, **more})


def make_evening(
    hall: Hall, *, day: date = date(2026, 3, 2), contractor: str = "north", suffix: str = "", token: str = TOKEN
) -> Evening:
    """Write the round, its run on a service day, the truck and its phone."""
    city, company = hall.city, hall.contractors[contractor]
    starts_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    long_ago = starts_at - timedelta(days=30)
    vehicle = Vehicle.objects.create(city=city, contractor=company, label=f"PP 2-1234{suffix}", capacity_kg=5000)
    device = Device.objects.create(
        city=city, contractor=company, uid=f"phone-1{suffix}", label=f"Phone 1{suffix}", state="claimed",
        token_hash=digest_of(token) if token else "", claimed_at=long_ago, protocol="crew",
    )  # fmt: skip
    DeviceBinding.objects.create(city=city, device=device, vehicle=vehicle, from_at=long_ago)
    area = hall.ground.sangkats["Phsar Kandal"]
    whole = Round.objects.create(city=city, contractor=company, code=f"DP-1{suffix}", name="Daun Penh 1", area=area)
    plan = RoundPlan.objects.create(
        city=city, round=whole, version=1, from_day=day - timedelta(days=30), days={"weekdays": list(range(7))},
        starts_s=19 * 3600, ends_s=20 * 3600, vehicle=vehicle, made_at=long_ago,
    )  # fmt: skip
    stops = []
    for index, name in enumerate(_NAMES):
        stop = Stop.objects.create(
            city=city, number=f"K{index + 1}{suffix}", lat=11.5480 + 0.0009 * index, lon=104.9100, area=area,
            names={"en": name, "km": _KHMER[index]} if index < 3 else {}, lane=index == 3,
        )  # fmt: skip
        begins_s = 19 * 3600 + 600 * index
        PlannedStop.objects.create(
            city=city, plan=plan, stop=stop, sequence=index + 1, planned_s=begins_s, opens_s=begins_s - 600,
            closes_s=begins_s + 1800,
        )  # fmt: skip
        stops.append(stop)
    run = Run.objects.create(
        city=city, round=whole, plan=plan, contractor=company, service_day=day, starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1), stops=4,
    )  # fmt: skip
    RunVehicle.objects.create(city=city, run=run, vehicle=vehicle, from_at=starts_at, source="plan")
    return Evening(
        hall=hall, vehicle=vehicle, device=device, round=whole, plan=plan, run=run, stops=stops, starts_at=starts_at
    )
