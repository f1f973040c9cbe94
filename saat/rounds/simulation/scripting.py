"""What goes wrong in one run of one night: drawn once from the seed, before anything moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from saat.rounds.simulation.rounding import Part, truck_stops
from saat.rounds.simulation.streets import Streets
from saat.rounds.simulation.troubles import Trouble, Troubles
from saat.terms.plan import PlannedStop, RunPlan, StopKind

_ORDER = tuple(Trouble)


@dataclass(slots=True)
class Script:
    """What is to happen in one run.

    parts: who drives what: vehicle, part, moment of leaving (seconds since 1970). left_out: why a stop is not served.
    partial: share of a kerb that is collected all the same. idle: assigned vehicles that stay at the depot.
    """

    plan: RunPlan
    troubles: frozenset[Trouble]
    parts: list[tuple[int, Part, float]] = field(default_factory=list)
    left_out: dict[int, Trouble] = field(default_factory=dict)
    partial: dict[int, float] = field(default_factory=dict)
    idle: tuple[int, ...] = ()
    flood: tuple[float, float, float] | None = None


def generator(seed: int, run_id: int, trouble: Trouble | None, salt: int = 0) -> np.random.Generator:
    """Return the draws of one trouble of one run: they do not depend on what else goes wrong."""
    which = _ORDER.index(trouble) + 1 if trouble else 0
    return np.random.default_rng([seed, run_id, which, salt])


def troubles_of(plan: RunPlan, troubles: Troubles, seed: int) -> frozenset[Trouble]:
    """Return what goes wrong with one run; an outage belongs to the contractor and is drawn with the night."""
    if plan.run_id in troubles.forced:
        single = {Trouble.SKIPPED} if troubles.share(Trouble.SKIPPED) else set()
        return troubles.forced[plan.run_id] | single
    drawn = {
        one for one in Trouble
        if one is not Trouble.OUTAGE and generator(seed, plan.run_id, one).random() < troubles.share(one)
    }  # fmt: skip
    if troubles.share(Trouble.SKIPPED):
        drawn.add(Trouble.SKIPPED)
    return frozenset(drawn)


def street_groups(stops: Sequence[PlannedStop]) -> list[list[int]]:
    """Return the indices of stops in a row that lie along one straight street, for three or more."""
    groups: list[list[int]] = []
    at = np.array([(stop.lat, stop.lon * np.cos(np.radians(stop.lat))) for stop in stops])
    start = 0
    for i in range(1, len(stops) + 1):
        if i < len(stops) and i - start >= 2:
            last, now = at[i - 1] - at[i - 2], at[i] - at[i - 1]
            cross = last[0] * now[1] - last[1] * now[0]
            straight = abs(cross) < 0.35 * np.hypot(*last) * np.hypot(*now) and float(last @ now) > 0
        else:
            straight = i < len(stops)
        if not straight:
            if i - start >= 3:
                groups.append(list(range(start, i)))
            start = i
    return groups


def write_script(plan: RunPlan, troubles: Troubles, streets: Streets, seed: int, *, spare: int | None) -> Script:
    """Return what is to happen in one run. spare: a vehicle that may stand in or help; None: there is none."""
    drawn = troubles_of(plan, troubles, seed)
    if spare is None:
        drawn -= {Trouble.SUBSTITUTE, Trouble.SHARED}
    script = Script(plan=plan, troubles=drawn)
    stops = truck_stops(plan)
    if plan.vehicle_ids:
        main = plan.vehicle_ids[0]
    elif spare is not None:
        main, spare = spare, None
    else:
        raise ValueError(f"Run {plan.run_id} has no vehicle, and there is no spare one.")
    if Trouble.NO_SHOW in drawn:
        script.idle = (main,)
        script.left_out = {stop.stop_id: Trouble.NO_SHOW for stop in stops}
        return script
    if Trouble.SUBSTITUTE in drawn and spare is not None:
        script.idle = (main,)
        main, spare = spare, None
    closed = _leave_out(script, stops, troubles, streets, seed)
    ways = generator(seed, plan.run_id, None)
    leaves = plan.midnight_s + plan.starts_s + max(-900.0, ways.normal(0.0, troubles.late_start_s))
    order = stops[::-1] if Trouble.REVERSED in drawn else stops
    pieces = [(main, order, leaves)]
    if Trouble.SHARED in drawn and spare is not None and len(order) >= 6:
        rng = generator(seed, plan.run_id, Trouble.SHARED, 1)
        cut = int(len(order) * rng.uniform(0.35, 0.65))
        pieces = [(main, order[:cut], leaves), (spare, order[cut:], leaves + rng.uniform(0, 2400))]
    for i, (vehicle, piece, at) in enumerate(pieces):
        part = _part(script, piece, closed, streets, seed)
        part.backwards = Trouble.REVERSED in drawn
        if i == 0 and Trouble.BREAKDOWN in drawn and len(part.visits) >= 3:
            _break_down(script, part, seed)
        script.parts.append((vehicle, part, at))
    return script


def _leave_out(
    script: Script, stops: list[PlannedStop], troubles: Troubles, streets: Streets, seed: int
) -> frozenset[int]:
    """Draw which stops are left out, and why; return the nodes of closed streets."""
    run_id, left_out = script.plan.run_id, script.left_out
    rng = generator(seed, run_id, Trouble.SKIPPED, 1)
    for stop in stops:
        if Trouble.SKIPPED in script.troubles and rng.random() < troubles.share(Trouble.SKIPPED):
            left_out[stop.stop_id] = Trouble.SKIPPED
            if stop.kind is StopKind.KERB and rng.random() < 0.2:
                script.partial[stop.stop_id] = float(rng.uniform(0.4, 0.7))
    if Trouble.BLOCK in script.troubles:
        rng = generator(seed, run_id, Trouble.BLOCK, 1)
        start = int(rng.integers(max(1, len(stops) - 3)))
        for stop in stops[start : start + int(rng.integers(3, 9))]:
            left_out[stop.stop_id] = Trouble.BLOCK
    groups = street_groups(stops)
    if Trouble.STREET in script.troubles and groups:
        rng = generator(seed, run_id, Trouble.STREET, 1)
        for i in groups[int(rng.integers(len(groups)))]:
            left_out[stops[i].stop_id] = Trouble.STREET
    closed: frozenset[int] = frozenset()
    if Trouble.FLOOD in script.troubles:
        rng = generator(seed, run_id, Trouble.FLOOD, 1)
        centre = stops[int(rng.integers(len(stops)))]
        radius = float(rng.uniform(90, 220))
        script.flood = (centre.lat, centre.lon, radius)
        x, y = streets.plane.xy(centre.lat, centre.lon)
        closed = frozenset(streets.within(x, y, radius))
        for stop in stops:
            if streets.nearest(stop.lat, stop.lon) in closed:
                left_out[stop.stop_id] = Trouble.FLOOD
    for stop_id in left_out.keys() - {one for one, why in left_out.items() if why is Trouble.SKIPPED}:
        script.partial.pop(stop_id, None)
    return closed


def _part(script: Script, stops: list[PlannedStop], closed: frozenset[int], streets: Streets, seed: int) -> Part:
    """Turn stops into visits: what is left out is driven past or bypassed, half and half, groups as one."""
    rng = generator(seed, script.plan.run_id, Trouble.SKIPPED, 2)
    drawn = {trouble: bool(rng.random() < 0.5) for trouble in Trouble}
    part = Part([], closed=closed)
    away: set[int] = set()
    for stop in stops:
        why = script.left_out.get(stop.stop_id)
        past = bool(rng.random() < 0.5) if why in (None, Trouble.SKIPPED) else drawn[why] and why is not Trouble.FLOOD
        if why is not None and stop.stop_id not in script.partial and not past:
            x, y = streets.plane.xy(stop.lat, stop.lon)
            away |= set(streets.within(x, y, 25.0))
            continue
        if away:
            part.avoid[len(part.visits)] = frozenset(away)
            away = set()
        share = script.partial.get(stop.stop_id, 0.0) if why else 1.0
        part.visits.append((stop, share))
    return part


def _break_down(script: Script, part: Part, seed: int) -> None:
    rng = generator(seed, script.plan.run_id, Trouble.BREAKDOWN, 1)
    where = max(1, int(len(part.visits) * rng.uniform(0.15, 0.85)))
    goes_on = bool(rng.random() < 0.25)
    lasts = rng.uniform(2400, 4200) if goes_on else rng.uniform(5400, 12_000)
    part.breaks = (where, lasts, goes_on)
    if not goes_on:
        for stop, share in part.visits[where:]:
            if share > 0:
                script.left_out[stop.stop_id] = Trouble.BREAKDOWN
                script.partial.pop(stop.stop_id, None)
