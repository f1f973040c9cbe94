"""One truck drives one round: the order, what is left out, the trips to empty; and the times that a plan promises."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from saat.rounds.simulation.driving import Journey, Motion, Stand, move
from saat.rounds.simulation.streets import Plane, Streets
from saat.terms.plan import PlannedStop, RunPlan, SiteKind, StopKind

# Log-normal: half of the stands at a stop are shorter than its usual time, one in six longer than 1.8 times that.
_DWELL_SPREAD = 0.6


@dataclass(slots=True)
class Part:
    """What one vehicle does of a round.

    visits: stops in driven order, with what happens there: the share that is collected (1 all, 0 driven past).
    avoid: nodes that it stays away from between two visits, by the index of the second.
    closed: nodes of closed streets. breaks: on the way to which visit it breaks down, for how many seconds, and
    whether it then goes on. fills: how much it holds, as a share of its capacity: drawn from this span.
    """

    visits: list[tuple[PlannedStop, float]]
    avoid: dict[int, frozenset[int]] = field(default_factory=dict)
    closed: frozenset[int] = frozenset()
    breaks: tuple[int, float, bool] | None = None
    backwards: bool = False
    fills: tuple[float, float] = (0.95, 1.08)


def streets_of(plan: RunPlan) -> Streets:
    """Return drawn streets for a plan that has none: from stop to stop, first east or west, then north or south."""
    plane = Plane(plan.stops[0].lat, plan.stops[0].lon)
    places = [plane.xy(site.lat, site.lon) for site in plan.sites]
    places = [(round(x, 1), round(y, 1)) for x, y in places]
    lines: list[tuple[bool, list[tuple[float, float]]]] = []
    at: tuple[float, float] | None = None
    for stop in plan.stops:
        points = stop.line or ((stop.lat, stop.lon),)
        path = [plane.xy(*point) for point in points]
        if len(path) > 1:
            lines.append((False, path))
        for before in [at] if at else places:
            lines.append((False, [before, (path[0][0], before[1]), path[0]]))
        at = path[-1]
    lines += [(False, [at, (place[0], at[1]), place]) for place in places if at]
    if len(plan.stops) == 1 and not places and at:
        lines.append((False, [at, (at[0] + 300.0, at[1]), (at[0] + 300.0, at[1] + 300.0)]))
    return Streets.of_lines(plane, lines)


def kerb_nodes(streets: Streets, stop: PlannedStop) -> list[int]:
    """Return the nodes along a kerb's line, some 40 metres apart, its ends included."""
    points = [streets.plane.xy(*point) for point in stop.line]
    kept = [points[0]]
    for point in points[1:-1]:
        if np.hypot(point[0] - kept[-1][0], point[1] - kept[-1][1]) >= 40:
            kept.append(point)
    nodes = [streets.nearest(*streets.plane.latlon(*point)) for point in [*kept, points[-1]]]
    return [node for i, node in enumerate(nodes) if i == 0 or node != nodes[i - 1]]


def drive_part(
    plan: RunPlan, part: Part, streets: Streets, *, vehicle_id: int, starts_s: float, rng: np.random.Generator
) -> Motion:  # fmt: skip
    """Return how one vehicle drives its part of a run: from the depot, round, to empty, and home.

    starts_s: when it leaves, seconds since 1970.
    """
    sites = {site.kind: streets.nearest(site.lat, site.lon) for site in plan.sites}
    first = part.visits[0][0] if part.visits else plan.stops[0]
    depot = sites.get(SiteKind.DEPOT, streets.nearest(first.lat, first.lon))
    journey = Journey(streets, rng, depot)
    journey.stand(60.0)
    load, breaks = 0.0, None
    room = (plan.capacity_kg or np.inf) * rng.uniform(*part.fills)
    trunk = True
    for i, (stop, share) in enumerate(part.visits):
        if stop.kind is StopKind.KERB and stop.line:
            nodes = kerb_nodes(streets, stop)
            nodes = nodes[::-1] if part.backwards else nodes
        else:
            nodes = [streets.nearest(stop.lat, stop.lon)]
        away = part.closed | (part.avoid.get(i, frozenset()) - {nodes[0], journey.at})
        if share > 0 and load > 0 and load + stop.load_kg * share > room and SiteKind.DISPOSAL in sites:
            journey.go(sites[SiteKind.DISPOSAL], trunk=True)
            journey.stand(rng.uniform(300, 1100))
            load, trunk = 0.0, True
        left_at = journey.length_m
        journey.go(nodes[0], avoid=away, trunk=trunk)
        trunk = False
        if part.breaks and part.breaks[0] == i:
            breaks = Stand(left_at + (journey.length_m - left_at) * rng.uniform(0.2, 0.9), part.breaks[1])
            journey.stands.append(breaks)
            if not part.breaks[2]:
                break
        if share > 0:
            load += stop.load_kg * share
            if len(nodes) > 1:
                journey.crawl(nodes, stop_id=stop.stop_id, share=share)
            elif stop.served_by is None:
                dwell = max(6.0, stop.dwell_s * rng.lognormal(0.0, _DWELL_SPREAD))
                journey.stand(dwell, stop_id=stop.stop_id)
        elif len(nodes) > 1:
            for node in nodes[1:]:
                journey.go(node)
        if rng.random() < 0.008:
            journey.stand(rng.uniform(90, 600))
    if SiteKind.DISPOSAL in sites and breaks is None:
        journey.go(sites[SiteKind.DISPOSAL], trunk=True)
        journey.stand(rng.uniform(300, 1100))
    journey.go(depot, trunk=True)
    journey.stand(600.0)
    return move(journey, vehicle_id=vehicle_id, starts_s=starts_s, breaks=breaks)


def truck_stops(plan: RunPlan) -> list[PlannedStop]:
    """Return the stops to which a truck itself comes, in planned order."""
    return [stop for stop in plan.stops if stop.served_by is None]


def planned_times(plan: RunPlan, streets: Streets, seed: int, *, drives: int = 3) -> RunPlan:
    """Return the plan with times: how the round went on average in some calm drives, rounded to a minute."""
    seen: dict[int, list[float]] = {stop.stop_id: [] for stop in plan.stops}
    ends = []
    for i in range(drives):
        rng = np.random.default_rng([seed, plan.round_id, 7000 + i])
        part = Part([(stop, 1.0) for stop in truck_stops(plan)], fills=(1.0, 1.0))
        motion = drive_part(plan, part, streets, vehicle_id=0, starts_s=plan.starts_s, rng=rng)
        ends.append(motion.t_s[-1])
        for stop in plan.stops:
            seen[stop.stop_id].append(motion.visits[stop.served_by or stop.stop_id][0])
    stops = []
    for stop in plan.stops:
        at = 60.0 * round(float(np.mean(seen[stop.stop_id])) / 60)
        stops.append(replace(stop, planned_s=at, opens_s=at - 1800.0, closes_s=at + 2700.0))
    return replace(plan, stops=tuple(stops), ends_s=60.0 * round(float(np.mean(ends)) / 60))
