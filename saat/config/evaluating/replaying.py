"""Replay a night in the order in which its positions arrived, look at every run each minute, and keep what was said."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from saat.config.evaluating import baselines
from saat.config.evaluating.records import THRESHOLDS, Raised, RunRecord, Said, truth_of
from saat.rounds.assigning import assign
from saat.rounds.expecting import Expectation
from saat.rounds.feeds import feed_findings, run_is_blind
from saat.rounds.finding import findings_of
from saat.rounds.following import RunFollower
from saat.rounds.forecasting import forecast
from saat.rounds.simulation import Night
from saat.rounds.tracks import Track
from saat.terms.history import NO_HISTORY, History
from saat.terms.plan import RunPlan
from saat.terms.position import Position
from saat.terms.roundrule import RoundRule
from saat.terms.run import Finding, Outcome, RunView

OURS = "Saat"
_LOOK_S = 60.0
_BEFORE_S, _AFTER_S = 1800.0, 9000.0
_LATE_LOOK_S = 900.0
_ASSIGN_EVERY = 3
_SAMPLE_EVERY = 5


class Tracks:
    """The tracks of all vehicles, fed in order of arrival; rebuilt where a position came too late to be folded in."""

    def __init__(self, vehicle_of_device: Mapping[int, int]) -> None:
        self._vehicle_of_device = vehicle_of_device
        self._known: dict[int, list[Position]] = defaultdict(list)
        self.tracks: dict[int, Track] = {}

    def take(self, position: Position) -> int | None:
        """Fold one position; return its vehicle if the track has to be rebuilt."""
        vehicle = self._vehicle_of_device[position.device_id]
        self._known[vehicle].append(position)
        track = self.tracks.get(vehicle)
        if track is None:
            track = self.tracks[vehicle] = Track(vehicle)
        return None if track.add(position) else vehicle

    def rebuild(self, vehicles: set[int]) -> None:
        """Make tracks anew from everything that has arrived."""
        for vehicle in vehicles:
            self.tracks[vehicle] = Track.of(vehicle, self._known[vehicle])


class _Watch:
    """What was said of one run so far."""

    def __init__(self, plan: RunPlan, history: History) -> None:
        n = len(plan.stops)
        self.plan = plan
        self.history = history
        self.expected = Expectation.of(plan, history)
        self.follower = RunFollower(plan)
        self.index = {stop.stop_id: i for i, stop in enumerate(plan.stops)}
        self.last: list[Outcome] = [Outcome.EXPECTED] * n
        self.ever = np.zeros(n, dtype=bool)
        self.changes = np.zeros(n, dtype=np.int64)
        self.alert = np.full((n, len(THRESHOLDS)), np.nan)
        self.rows: list[tuple[float, ...]] = []
        self.evening = np.zeros(n, dtype=bool)
        self.open: dict[str, tuple[Finding, Raised]] = {}
        self.raised: list[Raised] = []
        self.view: RunView | None = None
        self.blind_missed = self.looks = 0
        self.look_s = 0.0

    def note(self, view: RunView, *, blind: bool) -> None:
        """Keep what a look says of each stop."""
        self.view = view
        for i, stop in enumerate(view.stops):
            before, after = self.last[i], stop.outcome
            if after is before:
                continue
            if after is Outcome.MISSED:
                self.ever[i] = True
                self.blind_missed += blind
            decided = before is Outcome.MISSED or before.is_served
            self.changes[i] += decided and not (before.is_served and after.is_served)
            self.last[i] = after

    def raise_findings(self, found: Sequence[Finding], now_s: float) -> None:
        """Open, go on with, and close findings."""
        keys = {one.key for one in found}
        for one in found:
            if one.key in self.open:
                kept = self.open[one.key][1]
                kept.stops = tuple(sorted({*kept.stops, *(self.index[stop_id] for stop_id in one.stop_ids)}))
            else:
                stops = tuple(self.index[stop_id] for stop_id in one.stop_ids)
                kept = Raised(one.kind, now_s, float("nan"), stops, self.plan.run_id)
                self.raised.append(kept)
            self.open[one.key] = (one, kept)
        for key in self.open.keys() - keys:
            self.open.pop(key)[1].closed_s = now_s

    def said(self) -> Said:
        """Return everything at the end."""
        assert self.view is not None
        outcomes = [stop.outcome for stop in self.view.stops]
        return Said(
            missed=np.array([one is Outcome.MISSED for one in outcomes]),
            unknown=np.array([one in (Outcome.UNKNOWN, Outcome.EXPECTED) for one in outcomes]),
            served=np.array([one.is_served for one in outcomes]),
            evening=self.evening, ever_missed=self.ever, changes=self.changes, alert_s=self.alert,
            forecasts=np.array(self.rows).reshape(-1, 6),
            partial=np.array([one is Outcome.PARTIAL for one in outcomes]),
            asked=np.array([bool(stop.settle_by) for stop in self.view.stops]),
        )  # fmt: skip


def replay(
    plans: Sequence[RunPlan], night: Night, histories: Mapping[int, History], *, rule: RoundRule, number: int
) -> list[RunRecord]:
    """Return what was said of each run of a night.

    histories: by round. number: of the night, to tell nights apart. Late positions are waited for after the night.
    """
    watches = {plan.run_id: _Watch(plan, histories.get(plan.round_id, NO_HISTORY)) for plan in plans}
    begins = min(plan.midnight_s + plan.starts_s for plan in plans) - _BEFORE_S
    evening_s = max(plan.midnight_s + plan.ends_s for plan in plans) + _AFTER_S
    end_s = max(evening_s, max((one.received_s for one in night.positions), default=0.0)) + _LATE_LOOK_S
    looks = [*np.arange(begins, evening_s, _LOOK_S), *np.arange(evening_s, end_s + _LATE_LOOK_S, _LATE_LOOK_S)]
    tracks = Tracks(night.vehicle_of_device)
    at, late = 0, False
    feeds: tuple[Finding, ...] = ()
    contractors = {plan.run_id: plan.contractor_id for plan in plans}
    vehicles: dict[int, tuple[tuple[int, bool], ...]] = {}
    for turn, now_s in enumerate(looks):
        stale: set[int] = set()
        while at < len(night.positions) and night.positions[at].received_s <= now_s:
            vehicle = tracks.take(night.positions[at])
            if vehicle is not None:
                stale.add(vehicle)
            at += 1
        tracks.rebuild(stale)
        if now_s >= evening_s and not late:
            late = True
            for watch in watches.values():
                watch.evening = np.array([one is Outcome.MISSED for one in watch.last])
        if turn % _ASSIGN_EVERY == 0 or late:
            vehicles = assign(plans, tracks.tracks, now_s=now_s)
        active = [plan for plan in plans if late or _is_active(plan, now_s)]
        for plan in active:
            _look(
                watches[plan.run_id], tracks.tracks, vehicles.get(plan.run_id, ()), now_s=now_s, rule=rule,
                feeds=feeds, blind=_is_blind(plan, night, now_s),
                sample=turn % _SAMPLE_EVERY == 0 and not late,
            )  # fmt: skip
        views = [watch.view for watch in watches.values() if watch.view is not None]
        feeds = feed_findings(views, contractors, rule=rule, now_s=now_s, before=feeds)
    return [_record(watches[plan.run_id], night, looks, evening_s, end_s, number) for plan in plans]


def _is_active(plan: RunPlan, now_s: float) -> bool:
    return plan.midnight_s + plan.starts_s - _BEFORE_S <= now_s <= plan.midnight_s + plan.ends_s + _AFTER_S


def _is_blind(plan: RunPlan, night: Night, now_s: float) -> bool:
    """Return whether the whole feed of a run's contractor has been silent for five minutes now."""
    return any(start + 300 <= now_s < end for start, end in night.outages.get(plan.contractor_id, []))


def _look(
    watch: _Watch, tracks: Mapping[int, Track], vehicles: Sequence[tuple[int, bool]], *, now_s: float,
    rule: RoundRule, feeds: Sequence[Finding], blind: bool, sample: bool,
) -> None:  # fmt: skip
    """Look at one run once."""
    plan = watch.plan
    began = time.perf_counter()
    view = watch.follower.see(tracks, now_s=now_s, vehicles=vehicles)
    watch.look_s += time.perf_counter() - began
    watch.looks += 1
    watch.note(view, blind=blind)
    forecasts = forecast(plan, view, watch.history, now_s=now_s, expected=watch.expected)
    for one in forecasts:
        i = watch.index[one.stop_id]
        fresh = (one.p_miss >= THRESHOLDS) & np.isnan(watch.alert[i])
        watch.alert[i, fresh] = now_s
        if sample:
            watch.rows.append((float(i), now_s, one.p10_s, one.p50_s, one.p90_s, one.p_miss))
    before = tuple(one for one, _ in watch.open.values())
    silent = run_is_blind(view, feeds, contractor_id=plan.contractor_id, now_s=now_s)
    found = findings_of(plan, view, forecasts, rule=rule, now_s=now_s, feed_silent=silent, before=before)
    watch.raise_findings(found, now_s)


def _record(
    watch: _Watch, night: Night, looks: Sequence[float], evening_s: float, end_s: float, number: int
) -> RunRecord:
    plan = watch.plan
    run = night.runs[plan.run_id]
    devices = {night.device_of_vehicle[vehicle] for vehicle in run.vehicles}
    own = [one for one in night.positions if one.device_id in devices]
    record = RunRecord(
        run_id=plan.run_id, interval_s=night.interval_s, night=number, contractor_id=plan.contractor_id,
        troubles=run.troubles, vehicles=max(1, len(run.vehicles)), broke_s=run.broke_s, resumed_s=run.resumed_s,
        started_s=run.started_s, starts_s=plan.midnight_s + plan.starts_s, truth=truth_of(plan, night),
        raised=watch.raised, blind_missed=watch.blind_missed, looks=watch.looks, look_s=watch.look_s,
    )  # fmt: skip
    during = [now_s for now_s in looks if _is_active(plan, now_s)]
    record.said = {
        OURS: watch.said(),
        baselines.GEOFENCE: baselines.geofence(plan, own, evening_s=evening_s, end_s=end_s),
        baselines.SCHEDULE: baselines.schedule(plan, own, during, end_s=end_s),
    }
    return record


def learn_nights(nights: Sequence[tuple[Sequence[RunPlan], Night]]) -> dict[int, History]:
    """Return what each round's past teaches: nights replayed as wholes, looked at when they are over."""
    from saat.rounds.learning import learn

    histories: dict[int, History] = {}
    for plans, night in nights:
        tracks = Tracks(night.vehicle_of_device)
        taken = [tracks.take(position) for position in night.positions]
        tracks.rebuild({vehicle for vehicle in taken if vehicle is not None})
        now_s = max(plan.midnight_s + plan.ends_s for plan in plans) + _AFTER_S
        vehicles = assign(plans, tracks.tracks, now_s=now_s)
        for plan in plans:
            view = RunFollower(plan).see(tracks.tracks, now_s=now_s, vehicles=vehicles.get(plan.run_id, ()))
            histories[plan.round_id] = learn(histories.get(plan.round_id, NO_HISTORY), plan, view)
    return histories
