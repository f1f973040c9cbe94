"""How the track of one vehicle fits one run: its visits matched with the stops, its passes, its kerbs; kept up to date.

What is read once stays read: a look after six new positions costs a fraction of a millisecond. When the track changed
behind the reader (a late position), everything is read anew, so that the answer depends on the track alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saat.rounds.judging import match_log
from saat.rounds.kerb import Kerbs
from saat.rounds.matching import Lattice, Pair
from saat.rounds.passing import Passing
from saat.rounds.thresholds import THRESHOLDS
from saat.rounds.tracks import Track
from saat.rounds.visits import Floats, way_apart_m
from saat.terms.plan import RunPlan, StopKind

_EARLY_S, _LATE_S = 3600.0, 6 * 3600.0
_TOGETHER_M = 12.0
_STRONG = 3.0  # a visit so many times likelier as a collection tells the lattice something
_WEAK_LOG = -4.0  # a pair less likely than this is left out


class Ground:
    """The stops of a run as arrays, made once. nodes: stops that a truck serves standing; stops together share one."""

    def __init__(self, plan: RunPlan) -> None:
        stops = plan.stops
        self.lat = np.array([stop.lat for stop in stops])
        self.lon = np.array([stop.lon for stop in stops])
        self.dwell_s = np.array([stop.dwell_s for stop in stops])
        self.planned_s = plan.midnight_s + np.array([stop.planned_s for stop in stops])
        self.closes_s = plan.midnight_s + np.array([stop.closes_s for stop in stops]) + plan.grace_s
        self.kerb = np.array([stop.kind is StopKind.KERB and len(stop.line) > 1 for stop in stops], dtype=bool)
        index = {stop.stop_id: i for i, stop in enumerate(stops)}
        self.lane = {i: index[s.served_by] for i, s in enumerate(stops) if s.served_by in index}
        self.lanes = np.array(list(self.lane), dtype=np.intp)
        self.heads_of_lanes = np.array(list(self.lane.values()), dtype=np.intp)
        self.stand = [i for i in range(len(stops)) if not self.kerb[i] and i not in self.lane]
        opens = [stop.opens_s for stop in stops]
        closes = [stop.closes_s for stop in stops]
        self.from_s = plan.midnight_s + min([plan.starts_s, *opens]) - _EARLY_S
        self.until_s = plan.midnight_s + max([plan.ends_s, *closes]) + _LATE_S
        self.node = np.full(len(stops), -1, dtype=np.intp)
        self.heads: list[int] = []  # the first stop of each node
        east = math.cos(math.radians(float(self.lat[0]))) * 111_195.0 if stops else 1.0
        for i in self.stand:
            if self.heads:
                head = self.heads[-1]
                apart = math.hypot((self.lat[i] - self.lat[head]) * 111_195.0, (self.lon[i] - self.lon[head]) * east)
                if apart < _TOGETHER_M:
                    self.node[i] = len(self.heads) - 1
                    continue
            self.heads.append(i)
            self.node[i] = len(self.heads) - 1


class Fit:
    """One vehicle's track held against one run.

    chance: (n_stops,) probability that one of its visits was the collection. twin: chance that a stand beside it, taken
    for another stop's or for no collection at all, was its own as well. arrived_s, left_s: of that visit, NaN
    where there is none. visit: its index, -1. backwards: how much of all that was matched against the planned order.
    """

    def __init__(self, plan: RunPlan, ground: Ground, track: Track) -> None:
        self.track = track
        self.ground = ground
        self.revision = track.revision
        x, y = track.xy(ground.lat, ground.lon)
        self.x_m, self.y_m = x, y
        heads = np.array(ground.heads, dtype=np.intp)
        self._hx, self._hy, self._hd, self._hp = x[heads], y[heads], ground.dwell_s[heads], ground.planned_s[heads]
        self.passing = Passing(x, y)
        lines = []
        for i in np.flatnonzero(ground.kerb).tolist():
            degrees = np.array(plan.stops[i].line)
            lines.append((i, np.column_stack(track.xy(degrees[:, 0], degrees[:, 1]))))
        self.kerbs = Kerbs(lines, len(x))
        self.lattice = Lattice(len(heads), jump=THRESHOLDS.jump if plan.order_strict else 0.3)
        self._rows_read = 0
        self._visits_read = 0
        self._final = 0  # visits whose posteriors do not change any more
        self._strong: list[int] = []  # visits that tell the lattice something; a block is `lag` of them
        self._done = 0  # strong visits within the final blocks
        n = len(heads)
        self._twin = np.zeros(n)
        self._none = np.ones(n)  # chance that none of the final visits served the node
        self._best: list[tuple[float, float, float, int]] = [(0.0, math.nan, math.nan, -1)] * n
        self._ways = [0.0, 0.0]
        self.visits: list[list[float]] = []
        self._seen: tuple[int, list[float]] | None = None
        self.chance = np.zeros(len(x))
        self.arrived_s = np.full(len(x), np.nan)
        self.left_s = np.full(len(x), np.nan)
        self.visit = np.full(len(x), -1, dtype=np.intp)
        self.twin = np.zeros(len(x))
        self.backwards = 0.0
        self.changed = True

    def look(self) -> None:
        """Read what is new on the track."""
        track = self.track
        if track.path_rows > self._rows_read:
            first = max(0, self._rows_read - 1)
            rows = track.path_from(first)
            self._rows_read = track.path_rows
            inside = (rows[:, 0] >= self.ground.from_s) & (rows[:, 0] <= self.ground.until_s)
            if inside.any():
                rows = rows[inside]
                self.passing.feed(rows)
                self.kerbs.feed(rows)
                self.changed = True
        self._match()

    def _match(self) -> None:
        track, lattice = self.track, self.lattice
        if track.settled == self._visits_read and not track.stands:
            return
        rows = track.visit_rows(self._visits_read)
        open_row = rows[-1].tolist() if track.stands else []
        if self._seen == (track.settled, open_row):
            return
        self._seen = (track.settled, open_row)
        self.changed = True
        pairs = self._pairs(rows)
        settled = len(rows) - (1 if track.stands else 0)
        self._push(rows[:settled], pairs[:settled])
        self._visits_read += settled
        lag, kept, strong = THRESHOLDS.lag, len(self.visits), self._strong
        while len(strong) >= self._done + 2 * lag:
            last, until = strong[self._done + lag - 1] + 1, strong[self._done + 2 * lag - 1] + 1
            self._take(self._final, last, until, self._none, self._best, self._ways, self._twin)
            self._final = last
            self._done += lag
        before = lattice.keep()
        self._push(rows[settled:], pairs[settled:])
        none, best, ways, twin = self._none.copy(), list(self._best), list(self._ways), self._twin.copy()
        if len(lattice.pairs) > self._final:
            self._take(self._final, len(lattice.pairs), len(lattice.pairs), none, best, ways, twin)
        lattice.restore(before)
        del self.visits[kept:]
        while strong and strong[-1] >= kept:
            strong.pop()
        node = self.ground.node
        own = node >= 0
        at = node[own]
        self.chance[own] = 1.0 - none[at]
        self.twin[own] = twin[at]
        told = np.array([(b[1], b[2], b[3]) for b in best]).reshape(-1, 3)
        self.arrived_s[own], self.left_s[own] = told[at, 0], told[at, 1]
        self.visit[own] = told[at, 2]
        self.backwards = ways[1] / (ways[0] + ways[1]) if ways[0] + ways[1] > 0.5 else 0.0

    def _push(self, rows: Floats, pairs: Sequence[Sequence[Pair]]) -> None:
        """Take in visits; those near no stop tell the lattice nothing."""
        for row, candidates in zip(rows.tolist(), pairs, strict=True):
            if candidates:
                if max(weight for _, weight in candidates) > _STRONG:
                    self._strong.append(len(self.visits))
                self.visits.append(row)
                self.lattice.push(candidates)

    def _pairs(self, rows: Floats) -> list[Sequence[Pair]]:
        """Return for each visit the nodes that it may have served, and how much likelier it is if it did."""
        if not len(rows):
            return []
        apart = way_apart_m(rows, self._hx, self._hy)
        sigma = np.hypot(THRESHOLDS.place_m, rows[:, 6])[:, None]
        inside = (rows[:, 0] >= self.ground.from_s) & (rows[:, 0] <= self.ground.until_s)
        near = (
            apart < np.maximum(THRESHOLDS.reach_sigmas * sigma, 2.7 * np.hypot(sigma, THRESHOLDS.drift_m))
        ) & inside[:, None]
        made: list[Sequence[Pair]] = [()] * len(rows)
        which, nodes = np.nonzero(near)
        if not len(which):
            return made
        log = match_log(
            apart[which, nodes], sigma[which, 0], rows[which], usual_s=self._hd[nodes], planned_s=self._hp[nodes]
        )
        fine = log > _WEAK_LOG
        which, nodes, log = which[fine], nodes[fine], log[fine]
        for k, node, weight in zip(which.tolist(), nodes.tolist(), np.exp(log).tolist(), strict=True):
            made[k] = (*made[k], (node, weight))
        return made

    def _take(
        self, first: int, last: int, until: int, none: NDArray[np.float64],
        best: list[tuple[float, float, float, int]], ways: list[float], twin: Floats,
    ) -> None:  # fmt: skip
        """Add the posteriors of some visits to what is known of each node."""
        for k, found in enumerate(self.lattice.posteriors(first, last, until), first):
            row = self.visits[k]
            taken = 0.0
            for (node, _), (one, two) in zip(self.lattice.pairs[k], found, strict=True):
                chance = min(1.0, one + two)
                if chance < 0.01:
                    continue
                taken += chance
                none[node] *= 1.0 - chance
                ways[0] += one
                ways[1] += two
                if chance > best[node][0]:
                    best[node] = (chance, row[0], row[1], k)
            # One stand may have served two stops beside each other, and a very long one may have served any beside it.
            if taken > 0.5 or row[1] - row[0] > THRESHOLDS.long_s:
                for node, _ in self.lattice.pairs[k]:
                    apart = math.hypot(self._hx[node] - row[2], self._hy[node] - row[3])
                    if apart < (THRESHOLDS.twin_m if row[1] - row[0] < THRESHOLDS.long_s else THRESHOLDS.past_m):
                        twin[node] = max(twin[node], THRESHOLDS.twin)
