"""What is wrong with one run: findings that open, change and withdraw themselves.

Each look at a run gives all findings that hold. The findings of the look before keep those open that are between the
two thresholds, so that none flaps. Blind is not missed: what a tracker did not see is `unknown`, and a contractor
whose trackers are all silent gives one finding (`saat.rounds.feeds`), not one a truck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saat.rounds.expecting import STOOD_PRIOR, begins_s, trip_to_empty_s
from saat.rounds.forecasting import AT_A_SITE, BROKEN_FOR_GOOD, NEVER_STARTS, NEVER_STARTS_MIN, UNHEARD, stood_s
from saat.terms.case import Urgency
from saat.terms.history import STOOD_MIN
from saat.terms.plan import RunPlan
from saat.terms.roundrule import RoundRule
from saat.terms.run import (
    CrewReason,
    Finding,
    FindingKind,
    Forecast,
    Outcome,
    RunView,
    StopView,
    VehicleState,
    VehicleView,
)

# These put a line on the desk; the others stand beside it, or on the trucks' own page.
OPENS_A_CASE = frozenset(
    {
        FindingKind.NOT_STARTED,
        FindingKind.STALLED,
        FindingKind.OFF_ROUND,
        FindingKind.WILL_MISS,
        FindingKind.MISSED,
        FindingKind.SKIPPED,
        FindingKind.UNKNOWN,
        FindingKind.FEED_SILENT,
    }
)
_BLIND_STOPS = 3  # fewer than these within a silence are asked about, and are no trouble of the run
_MANY_STOPS = 10
_LATE_STOPS = 3  # fewer that are late are no trouble of the run
_ENDS = 0.6  # what opened a finding must fall below this share of its threshold before it closes
_DWELLS = 2.0  # at a stop a vehicle may stand so many times as long as usual


def findings_of(
    plan: RunPlan,
    view: RunView,
    forecasts: Sequence[Forecast],
    *,
    rule: RoundRule,
    now_s: float,
    feed_silent: bool,
    before: Sequence[Finding] = (),
) -> tuple[Finding, ...]:
    """Return everything that is wrong with a run now.

    feed_silent: the contractor's trackers went silent together, so that silence says nothing about this run.
    before: what the look before this one found. Moments: seconds since 1970.
    """
    look = _Look(plan, view, forecasts, rule=rule, now_s=now_s, before=before)
    found = [*look.skipped(), *look.faults()]
    if feed_silent:  # nothing new can be found out; what was known before stays
        found += [one for one in look.missed() if one.key in look.before]
    else:
        stalled = look.stalled()
        held = {stop_id for one in stalled for stop_id in one.stop_ids}
        found += [*look.not_started(), *stalled, *look.off_round(), *look.unknown()]
        found += [*look.will_miss(held), *look.running_late(held), *look.missed()]
    return tuple(found)


def opens_a_case(kind: FindingKind) -> bool:
    """Return whether a finding is worth a line on the desk."""
    return kind in OPENS_A_CASE


def urgency_of(kind: FindingKind, *, stops: int, helps: bool) -> Urgency:
    """Return how pressing a finding is. helps: whether an act can still help. A silent tracker alone never presses."""
    if kind in (FindingKind.STALLED, FindingKind.NOT_STARTED, FindingKind.OFF_ROUND, FindingKind.WILL_MISS):
        return Urgency.HIGH if helps and stops >= _MANY_STOPS else Urgency.NORMAL
    if kind in (FindingKind.MISSED, FindingKind.SKIPPED):
        return Urgency.HIGH if stops >= _MANY_STOPS else Urgency.NORMAL
    return Urgency.LOW


class _Look:
    """One look at one run."""

    def __init__(
        self,
        plan: RunPlan,
        view: RunView,
        forecasts: Sequence[Forecast],
        *,
        rule: RoundRule,
        now_s: float,
        before: Sequence[Finding],
    ) -> None:
        self.plan, self.view, self.rule, self.now_s = plan, view, rule, now_s
        self.forecasts: Mapping[int, Forecast] = {one.stop_id: one for one in forecasts}
        self.before = {one.key: one for one in before}
        self.expected = tuple(stop for stop in view.stops if stop.outcome is Outcome.EXPECTED)
        # Who has served something counts; an idle vehicle beside it says nothing about the run.
        served_by = {stop.by_vehicle_id for stop in view.stops if stop.outcome.is_served}
        working = tuple(vehicle for vehicle in view.vehicles if vehicle.vehicle_id in served_by)
        self.vehicles = working or view.vehicles
        self.heard = tuple(vehicle for vehicle in self.vehicles if vehicle.state not in UNHEARD)
        self.begins_s = begins_s(plan)
        self.over = view.finished_s is not None or not self.expected

    # ------------------------------------------------------------------------------------------------ the whole run

    def not_started(self) -> list[Finding]:
        """The start is overdue, and a tracker tells that the vehicle is elsewhere."""
        late_s = self.now_s - self.begins_s
        if self.view.started_s is not None or self.over or not self.heard or late_s < self.rule.not_started_min * 60:
            return []
        if any(stop.blind for stop in self.view.stops):  # it may have started while nobody heard
            return []
        probability = _between(late_s / 60, NEVER_STARTS_MIN, NEVER_STARTS)
        vehicle = self.heard[0]
        facts = {"late_s": round(late_s), "state": str(vehicle.state)}
        stops = tuple(stop.stop_id for stop in self.expected)
        return [
            self._one(
                FindingKind.NOT_STARTED, f"run:{self.plan.run_id}", self.begins_s, probability, stops, facts, vehicle
            )
        ]

    def running_late(self, held: set[int]) -> list[Finding]:
        """Stops ahead will be served, but after the window that residents were promised."""
        key = f"run:{self.plan.run_id}"
        was = self._was(FindingKind.RUNNING_LATE, key)
        least_s = self.rule.late_min * 60 * (_ENDS if was else 1.0)
        ahead = self._ahead(held)
        stops, latest_s = [], 0.0
        for stop, closes_s in ahead:
            after_s = self.forecasts[stop.stop_id].p50_s - (self.plan.midnight_s + closes_s)
            if after_s >= least_s:
                stops.append(stop.stop_id)
                latest_s = max(latest_s, after_s)
        if self.view.started_s is None or len(stops) < (1 if was else min(_LATE_STOPS, len(ahead))) or not stops:
            return []
        since_s = self._since(FindingKind.RUNNING_LATE, key, self.now_s)
        facts = {"late_s": round(latest_s), "stops": len(stops)}
        return [self._one(FindingKind.RUNNING_LATE, key, since_s, 0.5, tuple(stops), facts)]

    def _ahead(self, held: set[int]) -> list[tuple[StopView, float]]:
        """Return stops with a prediction, and until when they are promised (seconds of the plan)."""
        return [
            (stop, planned.closes_s)
            for stop, planned in zip(self.view.stops, self.plan.stops, strict=True)
            if stop.stop_id in self.forecasts and stop.stop_id not in held
        ]

    def will_miss(self, held: set[int]) -> list[Finding]:
        """Stops that will probably not be served in time, while somebody can still help."""
        key = f"run:{self.plan.run_id}"
        known = self.before.get(f"{FindingKind.WILL_MISS}:{key}")
        already = set(known.stop_ids) if known else set()
        # Without a sign of life from any vehicle there is nothing to predict from; that is `unknown`.
        if not self.heard and self.view.started_s is None:
            return []
        stops, chances, act_by = [], [], []
        for stop, closes_s in self._ahead(held):
            chance = self.forecasts[stop.stop_id].p_miss
            helps_s = self.plan.midnight_s + closes_s + self.plan.grace_s - self.rule.act_lead_min * 60
            if stop.stop_id in already:
                if chance >= self.rule.quiet_p:
                    stops.append(stop.stop_id)
                    chances.append(chance)
                    act_by.append(helps_s)
            elif chance >= self.rule.alert_p and helps_s > self.now_s:
                stops.append(stop.stop_id)
                chances.append(chance)
                act_by.append(helps_s)
        if not stops:
            return []
        facts = {"stops": len(stops), "most": round(max(chances), 3)}
        return [
            self._one(
                FindingKind.WILL_MISS, key, self._since(FindingKind.WILL_MISS, key, self.now_s),
                sum(chances) / len(chances), tuple(stops), facts, act_by_s=self._next(act_by),
            )
        ]  # fmt: skip

    def missed(self) -> list[Finding]:
        """Stops that the round has left behind unserved."""
        stops = [stop for stop in self.view.stops if stop.outcome is Outcome.MISSED]
        if not stops:
            return []
        key = f"run:{self.plan.run_id}"
        probability = 1 - sum(stop.p_served for stop in stops) / len(stops)
        settle_by = next((stop.settle_by for stop in stops if stop.settle_by), "")
        facts = {"stops": len(stops), "streets": _in_a_row(self.view)}
        return [
            self._one(
                FindingKind.MISSED, key, self._since(FindingKind.MISSED, key, self.now_s), probability,
                tuple(stop.stop_id for stop in stops), facts, settle_by=settle_by,
            )
        ]  # fmt: skip

    def unknown(self) -> list[Finding]:
        """The tracker is silent, or was while the truck may have been at several stops; somebody should be asked.

        A single stop that a track cannot tell from its neighbour is no trouble of the run: it is asked about where it
        stands, and nobody is called for it.
        """
        key = f"run:{self.plan.run_id}"
        blind = [stop for stop in self.view.stops if stop.outcome is Outcome.UNKNOWN and stop.blind]
        if len(blind) < min(_BLIND_STOPS, len(self.view.stops)):
            blind = []
        silent = [vehicle for vehicle in self.vehicles if vehicle.state in UNHEARD]
        late_s = self.now_s - max(self.begins_s, *(vehicle.seen_s or self.begins_s for vehicle in silent), 0.0)
        if self.over or self.heard or not silent or late_s < self.rule.silent_min * 60:
            silent = []
        if not blind and not silent:
            return []
        stops = {stop.stop_id for stop in blind}
        if silent:
            stops |= {stop.stop_id for stop in self.expected}
        froms = [stop.blind_from_s for stop in blind if stop.blind_from_s is not None]
        seen = [vehicle.seen_s for vehicle in silent if vehicle.seen_s is not None]
        since_s = min(froms + ([max(seen)] if seen else [])) if froms or seen else self.begins_s
        battery = [vehicle.battery_share for vehicle in silent if vehicle.battery_share is not None]
        facts: dict[str, Any] = {"stops": len(stops), "silent": bool(silent), "heard": bool(seen) or bool(self.heard)}
        if battery and min(battery) <= 0.1:
            facts["battery_share"] = round(min(battery), 2)
        settle_by = next((stop.settle_by for stop in blind if stop.settle_by), "crew")
        ordered = tuple(stop.stop_id for stop in self.view.stops if stop.stop_id in stops)
        vehicle = silent[0] if silent else None
        return [self._one(FindingKind.UNKNOWN, key, since_s, 1.0, ordered, facts, vehicle, settle_by=settle_by)]

    def skipped(self) -> list[Finding]:
        """Stops that the crew could not collect, by its reason."""
        by_reason: dict[CrewReason | None, list[int]] = {}
        for stop in self.view.stops:
            if stop.outcome is Outcome.SKIPPED:
                by_reason.setdefault(stop.reason, []).append(stop.stop_id)
        return [
            self._one(
                FindingKind.SKIPPED, key := f"run:{self.plan.run_id}:{reason or 'none'}",
                self._since(FindingKind.SKIPPED, key, self.now_s), 1.0, tuple(stops),
                {"stops": len(stops), "reason": str(reason or "")},
            )
            for reason, stops in by_reason.items()
        ]  # fmt: skip

    # ---------------------------------------------------------------------------------------------- one vehicle of it

    def stalled(self) -> list[Finding]:
        """A vehicle stands where it has no business to stand, with stops to go: one finding with all of them."""
        found: list[Finding] = []
        if self.over or self.view.started_s is None:
            return found
        for vehicle in self.heard:
            key = f"run:{self.plan.run_id}:{vehicle.vehicle_id}"
            broken = self._said_broken(vehicle)
            if vehicle.state in AT_A_SITE and not broken:
                continue
            stood = stood_s(vehicle, now_s=self.now_s)
            if not broken and stood < self._may_stand_s(vehicle):
                continue
            probability = max(_between(stood / 60, (1.0, *STOOD_MIN), (0.0, *STOOD_PRIOR)), BROKEN_FOR_GOOD * broken)
            since_s = vehicle.standing_from_s if vehicle.standing_from_s is not None else self.now_s - stood
            if broken and vehicle.state is not VehicleState.STANDING:
                since_s = self._since(FindingKind.STALLED, key, self.now_s)
            stops = self._left_by(vehicle)
            if not stops:
                continue
            facts = {"stood_s": round(stood), "stops": len(stops), "crew": broken}
            found.append(
                self._one(
                    FindingKind.STALLED, key, since_s, probability, stops, facts, vehicle, act_by_s=self._helps(stops)
                )
            )
        return found

    def _may_stand_s(self, vehicle: VehicleView) -> float:
        """Return how long a vehicle may stand before it is a trouble: longer at a stop where much is loaded."""
        least_s = self.rule.stalled_min * 60
        near = [
            planned.dwell_s
            for stop, planned in zip(self.view.stops, self.plan.stops, strict=True)
            if stop.by_vehicle_id == vehicle.vehicle_id
            and stop.arrived_s is not None
            and vehicle.standing_from_s is not None
            and abs(stop.arrived_s - vehicle.standing_from_s) <= 60
        ]
        return max(least_s, _DWELLS * max(near, default=0.0))

    def _said_broken(self, vehicle: VehicleView) -> bool:
        return any(
            stop.reason is CrewReason.BROKEN and stop.by_vehicle_id in (None, vehicle.vehicle_id)
            for stop in self.view.stops
        )

    def _left_by(self, vehicle: VehicleView) -> tuple[int, ...]:
        """Return the stops that wait for this vehicle: all that are left, but for those that another one works on."""
        broken = [stop.stop_id for stop in self.view.stops if stop.reason is CrewReason.BROKEN]
        waiting = {stop.stop_id for stop in self.expected} | set(broken)
        others = [
            each
            for each in self.heard
            if each.vehicle_id != vehicle.vehicle_id and each.state in (VehicleState.COLLECTING, VehicleState.DRIVING)
        ]
        ordered = self.view.stops[::-1] if self.view.reverse else self.view.stops
        if others:
            ids = {each.vehicle_id for each in others}
            fronts = [at for at, stop in enumerate(ordered) if stop.by_vehicle_id in ids]
            own = [at for at, stop in enumerate(ordered) if stop.by_vehicle_id == vehicle.vehicle_id]
            start = max(own, default=-1)
            ahead = [at for at in fronts if at > start]
            end = min(ahead) if ahead else (len(ordered) if not fronts else start + 1)
            waiting &= {stop.stop_id for stop in ordered[start + 1 : end]}
        return tuple(stop.stop_id for stop in self.view.stops if stop.stop_id in waiting)

    def off_round(self) -> list[Finding]:
        """A vehicle is away from its round and from every site, with stops ahead of it.

        Where there is a disposal site a trip there and back is allowed for; who has nothing left ahead is on the way
        home.
        """
        found: list[Finding] = []
        if self.over or self.view.started_s is None:
            return found
        allowed_s = self.rule.off_round_min * 60 + trip_to_empty_s(self.plan)
        ahead = self._ahead_of_all()
        for vehicle in self.heard:
            if vehicle.off_round_from_s is None or vehicle.state is not VehicleState.OFF_ROUND:
                continue
            away_s = self.now_s - vehicle.off_round_from_s
            stops = tuple(stop_id for stop_id in self._left_by(vehicle) if stop_id in ahead)
            if away_s < allowed_s or not stops:
                continue
            key = f"run:{self.plan.run_id}:{vehicle.vehicle_id}"
            facts = {"away_s": round(away_s), "stops": len(stops)}
            found.append(
                self._one(
                    FindingKind.OFF_ROUND, key, vehicle.off_round_from_s, 0.9, stops, facts, vehicle,
                    act_by_s=self._helps(stops),
                )
            )  # fmt: skip
        return found

    def _ahead_of_all(self) -> set[int]:
        """Return the stops beyond the last one that anybody served, in the order in which the round is driven."""
        ordered = self.view.stops[::-1] if self.view.reverse else self.view.stops
        last = max((at for at, stop in enumerate(ordered) if stop.arrived_s is not None), default=-1)
        return {stop.stop_id for stop in ordered[last + 1 :]}

    def faults(self) -> list[Finding]:
        """What a tracker itself does wrong."""
        return [
            self._one(
                FindingKind.TRACKER_FAULT,
                key := f"run:{self.plan.run_id}:{vehicle.vehicle_id}",
                self._since(FindingKind.TRACKER_FAULT, key, self.now_s),
                1.0,
                (),
                {"faults": sorted(vehicle.faults)},
                vehicle,
            )
            for vehicle in self.view.vehicles
            if vehicle.faults
        ]

    # ------------------------------------------------------------------------------------------------------ helpers

    def _helps(self, stop_ids: Sequence[int]) -> float | None:
        """Return until when an act still helps every stop that can be helped; None if none can."""
        wanted = set(stop_ids)
        lead_s = self.rule.act_lead_min * 60
        return self._next(
            [
                self.plan.midnight_s + stop.closes_s + self.plan.grace_s - lead_s
                for stop in self.plan.stops
                if stop.stop_id in wanted
            ]
        )

    def _next(self, moments_s: Sequence[float]) -> float | None:
        return min((moment_s for moment_s in moments_s if moment_s > self.now_s), default=None)

    def _was(self, kind: FindingKind, key: str) -> bool:
        return f"{kind}:{key}" in self.before

    def _since(self, kind: FindingKind, key: str, otherwise_s: float) -> float:
        known = self.before.get(f"{kind}:{key}")
        return known.since_s if known else otherwise_s

    def _one(
        self,
        kind: FindingKind,
        key: str,
        since_s: float,
        probability: float,
        stop_ids: tuple[int, ...],
        facts: dict[str, Any],
        vehicle: VehicleView | None = None,
        *,
        act_by_s: float | None = None,
        settle_by: str = "",
    ) -> Finding:
        if kind is FindingKind.NOT_STARTED:
            act_by_s = self._helps(stop_ids)
        return Finding(
            kind=kind,
            key=f"{kind}:{key}",
            since_s=since_s,
            probability=round(probability, 4),
            run_id=self.plan.run_id,
            vehicle_id=vehicle.vehicle_id if vehicle else None,
            contractor_id=self.plan.contractor_id,
            stop_ids=stop_ids,
            act_by_s=act_by_s,
            settle_by=settle_by,
            facts=facts,
        )


def _in_a_row(view: RunView) -> int:
    """Return how many missed stops follow one another at most."""
    longest = row = 0
    for stop in view.stops:
        row = row + 1 if stop.outcome is Outcome.MISSED else 0
        longest = max(longest, row)
    return longest


def _between(value: float, at: Sequence[float], chances: Sequence[float]) -> float:
    """Return the chance at a value, by straight lines between those known."""
    if value <= at[0]:
        return chances[0]
    for i in range(1, len(at)):
        if value <= at[i]:
            return chances[i - 1] + (chances[i] - chances[i - 1]) * (value - at[i - 1]) / (at[i] - at[i - 1])
    return chances[-1]
