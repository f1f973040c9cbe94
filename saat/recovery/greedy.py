"""A plan at once: each stop that was left goes where it costs least, the one that would suffer most by waiting first.

Regret insertion (Potvin and Rousseau 1993; Ropke and Pisinger 2006): of all stops, the one is placed next whose best
place is so much better than its second best with another truck. A helper's own stops keep their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saat.recovery.travel import SPEED_MPS, Floats, metres_between
from saat.terms.recovery import Aim, Call, Helper, Left, Proposal, Way, Why

# What a second of each kind, and a metre, weighs: waiting of a stop that was left, lateness at a helper's own stop.
_WEIGHTS = {
    Aim.FASTEST: (1.0, 0.3, 0.02),
    Aim.GENTLEST: (0.05, 5.0, 0.05),
    Aim.SHORTEST: (0.01, 0.3, 1.0),
}
_NEVER = float("inf")


@dataclass(slots=True)
class _Route:
    """One helper's way as it grows. at: places in the matrix, the helper's own first. due_s is inf where none holds."""

    helper: Helper
    at: list[int]
    dwell_s: list[float]
    due_s: list[float]
    own: list[bool]
    ids: list[int]
    free_kg: float
    arrives_s: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class _Stops:
    """What was left, as columns. Each is (n_left,)."""

    at: NDArray[np.intp]
    due_s: Floats
    dwell_s: Floats
    load_kg: Floats
    lane: NDArray[np.bool_]


def propose(*, left: Sequence[Left], helpers: Sequence[Helper], aim: Aim, metres: Floats | None = None) -> Proposal:
    """Return who takes which stop, by one aim.

    left: what nobody is going to serve. helpers: who could go; a stop may stay without any of them.
    metres: between all places, those of `helpers` first, then each helper's own stops in turn, then `left`; without
    it they are guessed from straight lines. A metre takes 1 / 5 s.
    """
    own = [stop for helper in helpers for stop in helper.own]
    places = [
        *((helper.lat, helper.lon) for helper in helpers),
        *((stop.lat, stop.lon) for stop in own),
        *((stop.lat, stop.lon) for stop in left),
    ]
    if metres is None:
        metres = metres_between(np.array([lat for lat, _ in places]), np.array([lon for _, lon in places]))
    if metres.shape != (len(places), len(places)):
        raise ValueError(f"{len(places)} places need a matrix of that size, got {metres.shape}")
    routes = _routes(helpers)
    for route in routes:
        _time(route, metres)
    before = [_length(route, metres) for route in routes]
    ends = [_end_s(route) for route in routes]
    usual = [_late(route) for route in routes]
    stops = _Stops(
        at=np.arange(len(places) - len(left), len(places)),
        due_s=np.array([stop.due_s for stop in left]),
        dwell_s=np.array([stop.dwell_s for stop in left]),
        load_kg=np.array([stop.load_kg for stop in left]),
        lane=np.array([stop.lane for stop in left], dtype=bool),
    )
    costs = np.full((len(left), len(routes)), _NEVER)
    where = np.zeros((len(left), len(routes)), dtype=np.intp)
    for number, route in enumerate(routes):
        costs[:, number], where[:, number] = _places(stops, route, metres, aim)
    open_ = np.ones(len(left), dtype=bool)
    while (possible := open_ & np.isfinite(costs).any(axis=1)).any():
        candidates = np.flatnonzero(possible)
        order = np.lexsort((stops.due_s[candidates], -_regret(costs[candidates])))
        chosen = int(candidates[order[0]])
        number = int(np.argmin(costs[chosen]))
        _insert(routes[number], left[chosen], int(stops.at[chosen]), int(where[chosen, number]))
        _time(routes[number], metres)
        open_[chosen] = False
        costs[:, number], where[:, number] = _places(stops, routes[number], metres, aim)
    ways = tuple(
        _way(route, extra_m=_length(route, metres) - length, extra_s=_end_s(route) - end, usual=late)
        for route, length, end, late in zip(routes, before, ends, usual, strict=True)
        if not all(route.own)
    )
    return Proposal(
        aim=aim,
        ways=ways,
        left=tuple((left[j].stop_id, _why(left[j], routes)) for j in np.flatnonzero(open_).tolist()),
        done_s=max((call.leaves_s for way in ways for call in way.calls if not call.own), default=None),
    )


def proposals(*, left: Sequence[Left], helpers: Sequence[Helper], metres: Floats | None = None) -> tuple[Proposal, ...]:
    """Return one proposal for each aim, those that say the same only once, the one that takes most stops first."""
    made: list[Proposal] = []
    for aim in Aim:
        proposal = propose(left=left, helpers=helpers, aim=aim, metres=metres)
        if not any(_same(proposal, other) for other in made):
            made.append(proposal)
    return tuple(sorted(made, key=lambda proposal: -proposal.taken))


def _same(one: Proposal, other: Proposal) -> bool:
    return [(way.vehicle_id, way.calls) for way in one.ways] == [(way.vehicle_id, way.calls) for way in other.ways]


def _routes(helpers: Sequence[Helper]) -> list[_Route]:
    routes, at = [], len(helpers)
    for number, helper in enumerate(helpers):
        own = helper.own
        routes.append(
            _Route(
                helper=helper,
                at=[number, *range(at, at + len(own))],
                dwell_s=[0.0, *(stop.dwell_s for stop in own)],
                due_s=[_NEVER, *(stop.due_s for stop in own)],
                own=[True] * (len(own) + 1),
                ids=[0, *(stop.stop_id for stop in own)],
                free_kg=_NEVER if helper.free_kg is None else helper.free_kg,
            )
        )
        at += len(own)
    return routes


def _time(route: _Route, metres: Floats) -> None:
    at = np.array(route.at)
    legs = metres[at[:-1], at[1:]] / SPEED_MPS
    steps = legs + np.array(route.dwell_s[:-1])
    route.arrives_s = route.helper.from_s + np.concatenate([[0.0], np.cumsum(steps)])


def _length(route: _Route, metres: Floats) -> float:
    return float(sum(metres[a, b] for a, b in zip(route.at, route.at[1:], strict=False)))


def _end_s(route: _Route) -> float:
    return float(route.arrives_s[-1]) + route.dwell_s[-1]


def _late(route: _Route) -> dict[int, float]:
    """Return by how much each own stop misses its promise, those that do."""
    found = zip(route.ids, route.own, route.arrives_s.tolist(), route.due_s, strict=True)
    return {stop_id: arrives - due for stop_id, own, arrives, due in found if own and arrives > due}


def _places(stops: _Stops, route: _Route, metres: Floats, aim: Aim) -> tuple[Floats, NDArray[np.intp]]:
    """Return, for each stop that was left, what it would cost in this route at its best place, and that place.

    Returns (n_left,) float64, endless where it cannot be, and (n_left,) positions to insert before.
    """
    at = np.array(route.at)
    there = metres[np.ix_(stops.at, at)]
    back = np.column_stack([metres[np.ix_(stops.at, at[1:])], np.zeros(len(stops.at))])
    direct = np.append(metres[at[:-1], at[1:]], 0.0)
    more_m = there + back - direct
    more_s = more_m / SPEED_MPS + stops.dwell_s[:, None]
    fits = _end_s(route) + more_s <= route.helper.until_s
    fits &= ((stops.load_kg <= route.free_kg) & (~stops.lane | route.helper.narrow))[:, None]
    arrives = route.arrives_s + np.array(route.dwell_s) + there / SPEED_MPS
    waiting, lateness, metre = _WEIGHTS[aim]
    # Those that were taken over already and come later wait longer; whoever waits beyond the promise waits twice.
    behind = np.append(np.cumsum(~np.array(route.own[::-1]))[::-1][1:], 0)
    waits = arrives - route.helper.from_s + behind * more_s + np.maximum(0.0, arrives - stops.due_s[:, None])
    cost = waiting * waits + metre * more_m + lateness * _lateness(route, more_s)
    cost = np.where(fits, cost, _NEVER)
    best = np.argmin(cost, axis=1)
    return cost[np.arange(len(best)), best], best + 1


def _lateness(route: _Route, more_s: Floats) -> Floats:
    """Return by how many seconds later stops of a route come later than promised, for each place to insert.

    more_s: (n_left, n_places), what inserting there adds.
    """
    slack = np.array(route.due_s) - route.arrives_s
    held = np.flatnonzero(np.isfinite(slack))
    late = np.zeros_like(more_s)
    for k in held:
        late[:, :k] += np.maximum(0.0, more_s[:, :k] - max(0.0, slack[k]))
    return late


def _regret(costs: Floats) -> Floats:
    """Return how much worse the second best truck would be for each stop; endless where there is only one."""
    if costs.shape[1] < 2:
        return np.full(len(costs), _NEVER)
    two = np.partition(costs, 1, axis=1)[:, :2]
    return np.asarray(two[:, 1] - two[:, 0])


def _insert(route: _Route, stop: Left, at: int, before: int) -> None:
    route.at.insert(before, at)
    route.dwell_s.insert(before, stop.dwell_s)
    route.due_s.insert(before, stop.due_s)
    route.own.insert(before, False)
    route.ids.insert(before, stop.stop_id)
    route.free_kg -= stop.load_kg


def _way(route: _Route, *, extra_m: float, extra_s: float, usual: dict[int, float]) -> Way:
    late = {stop_id: by for stop_id, by in _late(route).items() if by > usual.get(stop_id, 0.0) + 1.0}
    calls = zip(route.ids[1:], route.own[1:], route.arrives_s[1:].tolist(), route.dwell_s[1:], strict=True)
    return Way(
        vehicle_id=route.helper.vehicle_id,
        calls=tuple(
            Call(stop_id=stop_id, own=own, arrives_s=arrives, leaves_s=arrives + dwell)
            for stop_id, own, arrives, dwell in calls
        ),
        extra_m=extra_m,
        extra_s=extra_s,
        late_stops=sum(1 for stop_id in late if stop_id not in usual),
        late_s=sum(by - usual.get(stop_id, 0.0) for stop_id, by in late.items()),
    )


def _why(stop: Left, routes: Sequence[_Route]) -> Why:
    """Return the reason that speaks loudest: more time would mend it, or more room, or a narrower truck."""
    narrow = [route for route in routes if route.helper.narrow or not stop.lane]
    if any(stop.load_kg <= route.free_kg for route in narrow):
        return Why.SHIFT
    if narrow:
        return Why.FULL
    return Why.LANE if routes else Why.NO_TRUCK
