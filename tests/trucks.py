"""Trucks of the test city: a round of each company, their runs tonight, and a follower's word on them, as rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from saat.records.models import (
    Area,
    Contractor,
    FindingRow,
    PlannedStop,
    Round,
    RoundPlan,
    Run,
    RunVehicle,
    Stop,
    StopRun,
    StopRunRevision,
    Vehicle,
)
from saat.terms.run import FindingKind, Outcome, VehicleState
from tests.hall import Hall

OUTCOME_OF = {
    "c": Outcome.COLLECTED, "l": Outcome.LATE, "p": Outcome.PARTIAL, "m": Outcome.MISSED, "s": Outcome.SKIPPED,
    "n": Outcome.NOT_PRESENTED, "x": Outcome.EXCUSED, "u": Outcome.UNKNOWN,
}  # fmt: skip
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trucks:
    """What drives tonight. begin: when the rounds were to start."""

    hall: Hall
    begin: datetime
    runs: dict[str, Run] = field(default_factory=dict)
    vehicles: dict[str, Vehicle] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        """Seconds from the local midnight of the service day to the start."""
        local = self.begin.astimezone(UTC) + timedelta(hours=7)
        return (local - local.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()

    def plan_round(
        self, name: str, *, contractor: Contractor | None, area: Area, stops: int = 10, every_s: float = 300.0
    ) -> Run:
        """Write a round with its stops in a row through an area, its plan, its vehicle, and the run of tonight."""
        city, day, start_s = self.hall.city, service_day_of(self.begin), self.start_s
        vehicle = Vehicle.objects.create(city=city, contractor=contractor, label=f"{name}-7", simulated=True)
        made = Round.objects.create(city=city, contractor=contractor, code=name, name=name, area=area, simulated=True)
        plan = RoundPlan.objects.create(
            city=city, round=made, version=1, from_day=day, starts_s=start_s, ends_s=start_s + every_s * (stops + 2),
            vehicle=vehicle, made_at=self.begin - timedelta(days=1),
        )  # fmt: skip
        lat, lon = (area.min_lat + area.max_lat) / 2, area.min_lon
        step = (area.max_lon - area.min_lon) / (stops + 1)
        for place in range(stops):
            stop = Stop.objects.create(
                city=city, number=f"S{next(_numbers):05d}", lat=lat, lon=lon + step * (place + 1), area=area,
                names={"en": f"{name} stop {place + 1}"}, simulated=True,
            )  # fmt: skip
            PlannedStop.objects.create(
                city=city, plan=plan, stop=stop, sequence=place + 1, planned_s=start_s + every_s * (place + 1),
                opens_s=start_s + every_s * place, closes_s=start_s + every_s * (place + 3), streams={"refuse": None},
            )  # fmt: skip
        run = Run.objects.create(
            city=city, round=made, plan=plan, contractor=contractor, service_day=day, starts_at=self.begin,
            ends_at=self.begin + timedelta(seconds=every_s * (stops + 2)), stops=stops, simulated=True,
        )  # fmt: skip
        RunVehicle.objects.create(city=city, run=run, vehicle=vehicle, from_at=self.begin, source="plan")
        self.runs[name], self.vehicles[name] = run, vehicle
        return run

    def followed(
        self,
        name: str,
        marks: str,
        *,
        now: datetime,
        state: VehicleState = VehicleState.COLLECTING,
        since: datetime | None = None,
        run_state: str = "running",
    ) -> Run:
        """Write what the follower knows of a run: a letter for each stop, where its truck is, what it expects."""
        run, vehicle = self.runs[name], self.vehicles[name]
        planned = list(run.plan.planned_stops.select_related("stop").order_by("sequence"))
        reached = max((at for at, letter in enumerate(marks) if letter not in "er"), default=-1)
        for row, letter in zip(planned, marks, strict=True):
            if letter in OUTCOME_OF:
                self._decide(run, row, OUTCOME_OF[letter], vehicle=vehicle)
        at = planned[max(reached, 0)].stop
        forecasts = [
            [
                row.sequence,
                *(round(self._at(row, minutes).timestamp()) for minutes in (4, 8, 16)),
                0.8 if m == "r" else 0.1,
            ]
            for row, m in zip(planned, marks, strict=True)
            if m in "er"
        ]
        run.view = {
            "v": 1, "as_of": round(now.timestamp()), "started": round(self.begin.timestamp()), "finished": None,
            "reached": reached, "reverse": False, "risk_from": 0.6, "marks": marks, "stops": forecasts,
            "vehicles": [{
                "id": vehicle.pk, "lat": at.lat, "lon": at.lon, "state": state,
                "since": round(since.timestamp()) if since else None, "seen": round(now.timestamp()), "progress": None,
                "course": 90.0, "speed": 2.0, "interval": 10.0, "battery": None, "faults": [], "inferred": False,
            }],
        }  # fmt: skip
        run.state, run.followed_at, run.started_at = run_state, now, self.begin
        run.served = marks.count("c") + marks.count("l")
        run.late, run.missed, run.unknown = marks.count("l"), marks.count("m"), marks.count("u")
        run.skipped, run.at_risk = marks.count("s"), marks.count("r")
        run.save()
        return run

    def _at(self, planned: PlannedStop, late_min: float = 0.0) -> datetime:
        return self.begin + timedelta(seconds=planned.planned_s - self.start_s, minutes=late_min)

    def _decide(self, run: Run, planned: PlannedStop, outcome: Outcome, *, vehicle: Vehicle) -> None:
        served = outcome.is_served
        arrived = self._at(planned, 20 if outcome is Outcome.LATE else 2) if served else None
        row, made = StopRun.objects.update_or_create(
            run=run,
            sequence=planned.sequence,
            defaults={
                "city": run.city,
                "stop": planned.stop,
                "service_day": run.service_day,
                "planned_at": self._at(planned),
                "closes_at": self.begin + timedelta(seconds=planned.closes_s - self.start_s),
                "outcome": outcome,
                "p_served": 0.97 if served else 0.5 if outcome is Outcome.UNKNOWN else 0.03,
                "arrived_at": arrived,
                "left_at": arrived + timedelta(seconds=34) if arrived else None,
                "vehicle": vehicle if served else None,
                "reason": "blocked" if outcome is Outcome.SKIPPED else "",
                "settle_by": "crew" if outcome is Outcome.UNKNOWN else "",
                "evidence": [["position", 2.1, 6.0, "m"], ["dwell", 1.4, 34.0, "s"]]
                if served
                else [["position", -1.0, 85.0, "m"], ["order", -2.0, None, ""]],
                "decided_at": self._at(planned, 10),
            },
        )
        if made:
            StopRunRevision.objects.create(
                city=run.city, stop_run=row, at=row.decided_at, after=outcome, p_served=row.p_served, why="decided",
                evidence=row.evidence,
            )  # fmt: skip

    def finds(self, name: str, kind: FindingKind, *, since: datetime, **more: Any) -> FindingRow:
        """Write a finding that holds now. more: columns of the row, such as act_by_at or case."""
        run = self.runs[name]
        ids = list(run.plan.planned_stops.order_by("-sequence").values_list("stop_id", flat=True)[:3])
        return FindingRow.objects.create(
            **{
                "city": run.city, "run": run, "contractor": run.contractor, "vehicle": self.vehicles[name],
                "kind": kind, "key": f"{kind}:{run.pk}", "since_at": since, "opened_at": since, "updated_at": since,
                "probability": 0.9, "stop_ids": ids, "simulated": True, **more,
            }
        )  # fmt: skip


def service_day_of(begin: datetime) -> date:
    """Return the service day of rounds that begin at a moment, on Phnom Penh's clock."""
    return (begin.astimezone(UTC) + timedelta(hours=7)).date()


def make_trucks(hall: Hall, *, begin: datetime | None = None) -> Trucks:
    """Write a round of each company in its own khan. begin: an hour ago if None."""
    trucks = Trucks(hall=hall, begin=begin or timezone.now() - timedelta(hours=1))
    ground = hall.ground.sangkats
    trucks.plan_round("North", contractor=hall.contractors["north"], area=ground["Phsar Kandal"])
    trucks.plan_round("South", contractor=hall.contractors["south"], area=ground["Tonle Bassac"])
    return trucks
