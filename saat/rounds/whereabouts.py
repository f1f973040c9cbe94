"""What one vehicle of a run does now: collects, drives, stands, is at a depot, off the round, silent."""

from __future__ import annotations

import numpy as np

from saat.rounds.deciding import Told, silent_for
from saat.rounds.fitting import Fit, Ground
from saat.rounds.thresholds import THRESHOLDS
from saat.rounds.tracks import Track
from saat.terms.plan import RunPlan, SiteKind
from saat.terms.run import VehicleState, VehicleView

_COLLECTS_S = 600.0  # a truck that collected so lately is collecting
_BATTERY = 0.1
_FAULTS = 3  # refused positions from which a fault is worth a word


def vehicle_view(
    vehicle_id: int, inferred: bool, fit: Fit | None, told: Told, ground: Ground, plan: RunPlan, now_s: float
) -> VehicleView:
    """Return what is known about one vehicle on a run."""
    if fit is None or fit.track.seen_s < ground.from_s:
        return VehicleView(vehicle_id=vehicle_id, state=VehicleState.UNSEEN, inferred=inferred)
    track = fit.track
    silent = silent_for(fit, now_s)
    away_s = fit.passing.away_s
    site = _site(plan, track)
    progress_s = told.progress_s.get(vehicle_id)
    if silent:
        state = VehicleState.SILENT
    elif site is not None:
        state = VehicleState.AT_DEPOT if site is SiteKind.DEPOT else VehicleState.AT_DISPOSAL
    elif away_s == away_s and track.seen_s - away_s > 60.0:
        state = VehicleState.OFF_ROUND
    elif track.open and track.seen_s - track.still > 240.0:
        state = VehicleState.STANDING
    elif progress_s is not None and now_s - progress_s < _COLLECTS_S:
        state = VehicleState.COLLECTING
    elif track.open:
        state = VehicleState.STANDING
    else:
        state = VehicleState.DRIVING
    lat, lon = track.latlon(track.x, track.y)
    speed = 0.0 if track.open else track.v
    return VehicleView(
        vehicle_id=vehicle_id,
        state=state,
        seen_s=track.seen_s,
        lat=round(lat, 6),
        lon=round(lon, 6),
        course_deg=track.course if track.course >= 0 else None,
        speed_mps=speed if speed >= 0 else None,
        interval_s=round(track.interval, 1) if track.interval else None,
        progress_s=_progress(fit, progress_s),
        standing_from_s=track.still if track.open else None,
        off_round_from_s=away_s if state is VehicleState.OFF_ROUND else None,
        battery_share=track.battery if track.battery >= 0 else None,
        faults=faults_of(track),
        inferred=inferred,
    )


def _progress(fit: Fit, served_s: float | None) -> float | None:
    """When it last served a stop, or moved on: a truck that stands has made no progress since it came to stand."""
    moved_s = fit.track.still if fit.track.open else fit.track.seen_s
    return moved_s if served_s is None else max(served_s, moved_s)


def _site(plan: RunPlan, track: Track) -> SiteKind | None:
    for site in plan.sites:
        x, y = track.xy(np.array([site.lat]), np.array([site.lon]))
        if (x[0] - track.x) ** 2 + (y[0] - track.y) ** 2 <= site.radius_m**2:
            return site.kind
    return None


def faults_of(track: Track) -> tuple[str, ...]:
    """Return what is wrong with a vehicle's tracker, in words of `VehicleView.faults`."""
    counts = {**track.faults, "jumps": track.jumps, "frozen": track.frozen}
    made = {word for word, count in counts.items() if count >= _FAULTS}
    if any(track.offsets.values()):
        made.add("clock")
    if 0 <= track.battery < _BATTERY:
        made.add("battery")
    if track.interval > THRESHOLDS.slow_feed_s:
        made.add("interval")
    return tuple(sorted(made))
