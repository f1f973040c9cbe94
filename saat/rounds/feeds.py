"""Trackers that go silent together: one trouble of the contractor's feed, not many troubles of trucks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from saat.terms.roundrule import RoundRule
from saat.terms.run import Finding, FindingKind, RunView, VehicleState, VehicleView

LEAST_TRACKERS = 3  # fewer than these that fall silent are trucks, not a feed
SOON_S = 120.0  # a feed is noticed before each of its trackers counts as silent
_INTERVALS = 4.0
TOGETHER_S = 600.0  # silences that begin within such a span are one
_ENDS = 0.6


def feed_findings(
    views: Iterable[RunView],
    contractors: Mapping[int, int | None],
    *,
    rule: RoundRule,
    now_s: float,
    before: Sequence[Finding] = (),
) -> tuple[Finding, ...]:
    """Return one finding for each contractor whose trackers went silent together.

    views: of the runs that go on now. contractors: run id to contractor. before: what the last look found; a feed
    counts as silent until most of its trackers are heard again. A vehicle that has not been heard at all today says
    nothing about the feed. Moments: seconds since 1970.
    """
    fleets: dict[int, dict[int, VehicleView]] = {}
    for view in views:
        contractor_id = contractors.get(view.run_id)
        if contractor_id is not None and view.finished_s is None:
            fleet = fleets.setdefault(contractor_id, {})
            fleet.update((vehicle.vehicle_id, vehicle) for vehicle in view.vehicles if vehicle.seen_s is not None)
    known = {one.key: one for one in before}
    found = []
    for contractor_id, fleet in sorted(fleets.items()):
        key = f"{FindingKind.FEED_SILENT}:contractor:{contractor_id}"
        share = rule.feed_share * (_ENDS if key in known else 1.0)
        silent = sorted(vehicle.seen_s or 0.0 for vehicle in fleet.values() if is_silent(vehicle, now_s=now_s))
        most = _together(silent) if key not in known else silent
        if len(most) < LEAST_TRACKERS or len(most) < share * len(fleet):
            continue
        found.append(
            Finding(
                kind=FindingKind.FEED_SILENT,
                key=key,
                since_s=known[key].since_s if key in known else median(most),
                probability=1.0,
                contractor_id=contractor_id,
                settle_by="contractor",
                facts={"silent": len(most), "trackers": len(fleet)},
            )
        )
    return tuple(found)


def is_silent(vehicle: VehicleView, *, now_s: float) -> bool:
    """Return whether a vehicle has sent nothing for longer than its usual interval explains."""
    if vehicle.state is VehicleState.SILENT:
        return True
    if vehicle.seen_s is None:
        return False
    return now_s - vehicle.seen_s > max(SOON_S, _INTERVALS * (vehicle.interval_s or 0.0))


def run_is_blind(view: RunView, findings: Iterable[Finding], *, contractor_id: int | None, now_s: float) -> bool:
    """Return whether a run's silence is its contractor's feed: nothing can be found out about it, and nothing is."""
    if not any(one.kind is FindingKind.FEED_SILENT and one.contractor_id == contractor_id for one in findings):
        return False
    seen = [vehicle for vehicle in view.vehicles if vehicle.seen_s is not None]
    return not seen or all(is_silent(vehicle, now_s=now_s) for vehicle in seen)


def _together(seen_s: list[float]) -> list[float]:
    """Return the largest group of silences that began within the same span. seen_s: sorted."""
    best: list[float] = []
    start = 0
    for end in range(len(seen_s)):
        while seen_s[end] - seen_s[start] > TOGETHER_S:
            start += 1
        if end - start + 1 > len(best):
            best = seen_s[start : end + 1]
    return best
