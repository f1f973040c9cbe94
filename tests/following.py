"""A simulated evening for tests of the follower: rounds on drawn streets in the test city, as rows, and driven."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from saat.actions.devices import add_device, bind_device
from saat.actions.fleet import save_site, save_vehicle
from saat.actions.log import CLOCK, COMMAND
from saat.actions.plans import save_plan
from saat.actions.runs import plan_runs
from saat.config.demo.rounds import draft_of
from saat.records.models import City, Device, FindingRow, StopRun
from saat.records.plan_values import run_plans
from saat.records.position_log import PositionLog
from saat.records.queries_following import ALL, Part
from saat.rounds.simulation import Night, Plane, Streets, Troubles, drive, make_city
from saat.stream.following import Follower
from saat.terms.geo import Point
from saat.terms.plan import RunPlan
from saat.terms.position import Position
from tests.city import MONDAY_MORNING
from tests.city import make_city as make_ground

Told = dict[tuple[int, int], tuple[str, float | None]]
MONDAY = date(2026, 3, 2)
SEED = 11


@dataclass
class Evening:
    """The city's rounds of one evening, and what their trackers say of it."""

    city: City
    plans: list[RunPlan]
    night: Night
    devices: dict[int, int]
    log: PositionLog
    now_s: float
    said: int = 0
    steps_s: float = 180.0
    held: set[int] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        """The moment up to which the evening has passed."""
        return datetime.fromtimestamp(self.now_s, UTC)

    @property
    def ends_s(self) -> float:
        """When every truck is home and what it says has come, and before the runs are closed."""
        return max(plan.midnight_s + plan.ends_s for plan in self.plans) + 2 * 3600

    def follower(self, *, part: Part = ALL) -> Follower:
        """Return a new follower, as after a start; its own clock goes with the evening."""
        follower = Follower(positions=self.log, part=part, clock=lambda: self.now_s)
        follower.start(self.now)
        return follower

    def say(self, until_s: float) -> None:
        """Let the trackers say what they say up to a moment; those that are held keep it."""
        heard: list[Position] = []
        positions = self.night.positions
        while self.said < len(positions) and positions[self.said].received_s <= until_s:
            heard.append(positions[self.said])
            self.said += 1
        self.log.append([one for one in heard if one.device_id not in self.held])

    def pass_until(self, until_s: float, *followers: Follower) -> None:
        """Let the evening go on, with followers beside it."""
        while self.now_s < until_s:
            self.now_s = min(until_s, self.now_s + self.steps_s)
            self.say(self.now_s)
            for follower in followers:
                settle(follower, self.now)

    def outcomes(self) -> Told:
        """Return what is written of each stop: the outcome, and the arrival (seconds since 1970)."""
        return {
            (row.run_id, row.sequence): (row.outcome, row.arrived_at and row.arrived_at.timestamp())
            for row in StopRun.objects.filter(city=self.city)
        }

    def findings(self) -> dict[str, tuple[int, ...]]:
        """Return the findings that hold now, with their stops."""
        rows = FindingRow.objects.filter(city=self.city, closed_at__isnull=True)
        return {row.key: tuple(row.stop_ids) for row in rows}


def same(one: Told, other: Told) -> bool:
    """Return whether outcomes are the same; a moment that moved by less than ten seconds is not written again."""
    told, told_again = ({stop: outcome for stop, (outcome, _) in each.items()} for each in (one, other))
    return told == told_again and all(
        arrived == other[stop][1] or abs((arrived or 0.0) - (other[stop][1] or 0.0)) < 20.0
        for stop, (_, arrived) in one.items()
    )


def settle(follower: Follower, now: datetime) -> None:
    """Let a follower work until there is nothing left to do at a moment."""
    for _ in range(50):
        if not follower.step(now):
            return
    raise AssertionError("the follower never comes to rest")


def make_evening(
    folder: Path,
    *,
    troubles: Troubles | None = None,
    rounds: int = 2,
    stops: int = 12,
    contractors: tuple[int, ...] = (),
) -> Evening:
    """Write the rounds of one evening and drive them. contractors: rows; rounds take turns with them."""
    city = make_ground().city
    streets = Streets.grid(plane=Plane(11.56, 104.92), columns=18, rows=20)
    drawn = make_city(
        SEED, streets=streets, rounds=rounds, stops=stops, service_day=MONDAY, contractors=(None,),
        starts_s=(18.5 * 3600, 18.8 * 3600),
    )  # fmt: skip
    for number, plan in enumerate(drawn, start=1):
        depot, disposal = (
            save_site(
                city_id=city.pk, kind=site.kind, name=f"{site.kind} {number}", at=Point(lat=site.lat, lon=site.lon),
                radius_m=site.radius_m, now=MONDAY_MORNING, by=COMMAND,
            )
            for site in plan.sites
        )  # fmt: skip
        truck = save_vehicle(
            city_id=city.pk, label=f"2A-{number:04d}", contractor_id=plan.contractor_id, capacity_kg=plan.capacity_kg,
            now=MONDAY_MORNING, by=COMMAND,
        )  # fmt: skip
        device = add_device(
            city_id=city.pk, uid=f"tracker-{number}", needs_token=False, simulated=True, now=MONDAY_MORNING, by=COMMAND
        )
        bind_device(device_id=device.pk, vehicle_id=truck.pk, from_at=MONDAY_MORNING, now=MONDAY_MORNING, by=COMMAND)
        save_plan(
            city_id=city.pk, draft=draft_of(plan, code=f"R{number}", name=f"Round {number}"), from_day=MONDAY,
            now=MONDAY_MORNING, by=COMMAND, source="test", simulated=True, contractor_id=plan.contractor_id,
            vehicle_id=truck.pk, depot_id=depot.pk, disposal_site_id=disposal.pk, accept_warnings=True,
        )  # fmt: skip
    plan_runs(city.pk, days=1, first=MONDAY, now=MONDAY_MORNING, by=CLOCK)
    plans = run_plans(city.pk, MONDAY)
    devices = dict(Device.objects.values_list("bindings__vehicle_id", "pk"))
    night = drive(plans, SEED, troubles or Troubles(), 10.0, streets=streets, device_of_vehicle=devices, spares=())
    first_s = min(plan.midnight_s + plan.starts_s for plan in plans) - timedelta(hours=1).total_seconds()
    return Evening(
        city=city, plans=plans, night=night, devices=devices, log=PositionLog(folder / "positions"), now_s=first_s
    )
