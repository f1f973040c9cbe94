"""How a truck moves along streets: speed limits, corners, red lights, crawling, standing; second by second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from saat.rounds.simulation.streets import Floats, Streets

# A laden truck: gentle on the throttle, firmer on the brake (m/s²).
_SPEEDS_UP = 0.7
_BRAKES = 1.1
_GRID_M = 2.0


@dataclass(slots=True)
class Stand:
    """Where the truck stands: metres along its way, seconds, and the stop that it serves there."""

    s_m: float
    lasts_s: float
    stop_id: int | None = None


@dataclass(slots=True)
class Journey:
    """A truck's way of one night while it is put together: where it goes, how fast it may, where it stands.

    rng: draws lights, traffic and limits.
    """

    streets: Streets
    rng: np.random.Generator
    at: int
    nodes: list[int] = field(default_factory=list)
    s_m: list[float] = field(default_factory=list)
    caps: list[tuple[float, float, float]] = field(default_factory=list)  # from, to (metres), m/s
    stands: list[Stand] = field(default_factory=list)
    crawls: list[tuple[float, float, int]] = field(default_factory=list)  # from, to (metres), the kerb's stop

    def __post_init__(self) -> None:
        """Begin where the truck is."""
        self.nodes.append(self.at)
        self.s_m.append(0.0)

    @property
    def length_m(self) -> float:
        """How far it goes so far."""
        return self.s_m[-1]

    def go(self, node: int, *, avoid: frozenset[int] = frozenset(), trunk: bool = False) -> None:
        """Drive to a node on the shortest way. trunk: a way to or from a site, where no collecting slows it."""
        path = self.streets.path(self.at, node, avoid=avoid)
        if len(path) < 2:
            return
        before = self.length_m
        steps = np.hypot(*np.diff(self.streets.xy[list(path)], axis=0).T)
        self.nodes += path[1:]
        self.s_m += (before + np.cumsum(steps)).tolist()
        self.at = node
        limit = self.rng.uniform(8.0, 12.5) if trunk else self.rng.uniform(5.0, 8.5)
        self.caps.append((before, self.length_m, limit))
        self._meet(path[1:-1], before + np.cumsum(steps)[:-1])

    def stand(self, lasts_s: float, *, stop_id: int | None = None) -> None:
        """Stand here."""
        self.stands.append(Stand(self.length_m, lasts_s, stop_id))

    def crawl(self, nodes: list[int], *, stop_id: int, share: float = 1.0) -> None:
        """Collect along a kerb, from door to door, for a share of its length; drive the rest."""
        self.go(nodes[0])
        start = self.length_m
        for node in nodes[1:]:
            path = self.streets.path(self.at, node)
            steps = np.hypot(*np.diff(self.streets.xy[list(path)], axis=0).T)
            self.s_m += (self.length_m + np.cumsum(steps)).tolist()
            self.nodes += path[1:]
            self.at = node
        end = start + (self.length_m - start) * share
        self.caps.append((start, end, self.rng.uniform(1.2, 2.3)))
        self.caps.append((end, self.length_m, self.rng.uniform(5.0, 8.0)))
        self.crawls.append((start, end, stop_id))
        along = start + self.rng.uniform(2, 12)
        while along < end:
            self.stands.append(Stand(along, self.rng.uniform(4, 16)))
            along += self.rng.uniform(12, 30)

    def _meet(self, path: tuple[int, ...], at_m: Floats) -> None:
        """Meet red lights on wide roads, and now and then somebody in the way."""
        for node, along in zip(path, at_m, strict=True):
            if self.streets.degree[node] < 3:
                continue
            if self.streets.main[node] and self.rng.random() < 0.15:
                self.stands.append(Stand(along - 4.0, self.rng.uniform(8, 55)))
            elif self.rng.random() < 0.03:
                self.stands.append(Stand(along - 3.0, self.rng.uniform(3, 14)))
        if len(at_m) and self.rng.random() < 0.00025 * (at_m[-1] - at_m[0]):
            jam = self.rng.uniform(at_m[0], at_m[-1])
            self.caps.append((jam, jam + self.rng.uniform(30, 150), self.rng.uniform(0.7, 2.5)))


@dataclass(frozen=True, slots=True)
class Motion:
    """Where a truck truly was at every moment.

    t_s: (k,) seconds since 1970, not falling. s_m: (k,) metres along its way. way_s, way_xy: its way.
    visits: for each stop that it served, arrival and departure. share: of a kerb's line that was collected.
    """

    vehicle_id: int
    t_s: Floats
    s_m: Floats
    way_s: Floats
    way_xy: Floats
    visits: dict[int, tuple[float, float]]
    broke_s: float | None = None
    resumed_s: float | None = None
    parked: tuple[tuple[float, float], ...] = ()  # spans with the engine off

    def xy(self, t_s: Floats) -> Floats:
        """Return where it was, (n, 2) flat metres."""
        along = np.interp(t_s, self.t_s, self.s_m)
        return np.column_stack(
            [np.interp(along, self.way_s, self.way_xy[:, 0]), np.interp(along, self.way_s, self.way_xy[:, 1])]
        )

    def speed_mps(self, t_s: Floats) -> Floats:
        """Return how fast it went, (n,) metres a second, over the second around each moment."""
        return np.interp(t_s + 0.5, self.t_s, self.s_m) - np.interp(t_s - 0.5, self.t_s, self.s_m)

    def course_deg(self, t_s: Floats) -> Floats:
        """Return its heading, (n,) degrees clockwise from north; where it stands, the way it came."""
        along = np.interp(t_s, self.t_s, self.s_m)
        ends = []
        for where in (along + 1.0, along - 3.0):
            ends.append(np.column_stack([np.interp(where, self.way_s, axis) for axis in self.way_xy.T]))
        east, north = (ends[0] - ends[1]).T
        return np.degrees(np.arctan2(east, north)) % 360.0

    def time_at(self, s_m: float) -> float:
        """Return when it had gone so far (the first moment)."""
        return float(self.t_s[np.searchsorted(self.s_m, s_m - 1e-6)])


def move(journey: Journey, *, vehicle_id: int, starts_s: float, breaks: Stand | None = None) -> Motion:
    """Return the motion along a journey that begins at a moment. breaks: the stand that is a breakdown."""
    way_s = np.asarray(journey.s_m)
    way_xy = journey.streets.xy[journey.nodes]
    length = way_s[-1]
    stands = sorted(journey.stands, key=lambda stand: stand.s_m)
    at = np.array([min(max(stand.s_m, 0.0), length) for stand in stands])
    edges = np.array([edge for start, end, _ in journey.caps for edge in (start, end)])
    grid = np.unique(np.concatenate([np.arange(0.0, length, _GRID_M), [length], at, edges[edges <= length]]))
    speed = _speeds(grid, journey, way_s, way_xy, np.searchsorted(grid, at))
    pairs = np.maximum(speed[:-1] + speed[1:], 0.3)
    moving = np.concatenate([[0.0], np.cumsum(2.0 * np.diff(grid) / pairs)])
    waits = np.zeros(len(grid))
    places = np.searchsorted(grid, at)
    np.add.at(waits, places, [stand.lasts_s for stand in stands])
    leaves = starts_s + moving + np.cumsum(waits)
    arrives = leaves - waits
    t_s = np.column_stack([arrives, leaves]).ravel()
    s_m = np.repeat(grid, 2)
    visits: dict[int, tuple[float, float]] = {}
    for stand, place in zip(stands, places, strict=True):
        if stand.stop_id is not None:
            visits[stand.stop_id] = (float(arrives[place]), float(leaves[place]))
    for start, end, stop_id in journey.crawls:
        first, last = np.searchsorted(grid, [start, end])
        visits[stop_id] = (float(leaves[first]), float(arrives[last]))
    broke = resumed = None
    if breaks is not None:
        place = int(np.searchsorted(grid, min(breaks.s_m, length)))
        broke, resumed = float(arrives[place]), float(leaves[place])
    return Motion(vehicle_id, t_s, s_m, way_s, way_xy, visits, broke, resumed)


def _speeds(grid: Floats, journey: Journey, way_s: Floats, way_xy: Floats, stand_at: np.ndarray) -> Floats:  # type: ignore[type-arg]
    """Return the speed at each point of the grid: within every limit, and never gained or lost too quickly."""
    caps = np.full(len(grid), 9.0)
    for start, end, limit in journey.caps:
        caps[np.searchsorted(grid, start) : np.searchsorted(grid, end)] = limit
    for along, limit in _corners(way_s, way_xy):
        place = np.searchsorted(grid, along)
        caps[max(0, place - 1) : place + 2] = np.minimum(caps[max(0, place - 1) : place + 2], limit)
    # A crawl or a jam is slower than the limit of the street that it lies in, whatever the order of the two.
    for start, end, limit in journey.caps:
        span = slice(np.searchsorted(grid, start), np.searchsorted(grid, end))
        caps[span] = np.minimum(caps[span], limit)
    caps[stand_at] = 0.0
    caps[[0, -1]] = 0.0
    rising = np.minimum.accumulate(caps**2 - 2 * _SPEEDS_UP * grid) + 2 * _SPEEDS_UP * grid
    falling = (np.minimum.accumulate((caps**2 + 2 * _BRAKES * grid)[::-1]))[::-1] - 2 * _BRAKES * grid
    return np.sqrt(np.maximum(0.0, np.minimum(rising, falling)))


def _corners(way_s: Floats, way_xy: Floats) -> list[tuple[float, float]]:
    """Return where the way turns, and how fast a truck takes it."""
    steps = np.diff(way_xy, axis=0)
    heading = np.arctan2(steps[:, 1], steps[:, 0])
    turn = np.abs((np.diff(heading) + np.pi) % (2 * np.pi) - np.pi)
    sharp = np.flatnonzero(turn > np.radians(35))
    return [(float(way_s[i + 1]), 1.0 if turn[i] > np.radians(150) else 2.8) for i in sharp]
