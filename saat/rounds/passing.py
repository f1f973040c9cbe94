"""How a truck came past each stop: how near, when, how well that was seen, and what a gap may hide.

Folded from the rows of a track's path, a few at a time, for all stops of a run at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saat.rounds.thresholds import THRESHOLDS
from saat.rounds.tracks import BEGINS, ENDS, GAP

Floats = NDArray[np.float64]
# Seconds between positions, and the chance that a collection between them leaves no stand (docs/follower.md).
_STEP_S, _UNSEEN = (12.0, 15.0, 20.0, 30.0, 60.0), (0.0, 0.0012, 0.015, 0.1, 0.4)
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which nothing was heard. Moments: seconds since 1970. Places: metres in the track's frame."""

    from_s: float
    until_s: float
    x_m: float
    y_m: float
    x2_m: float
    y2_m: float

    def reaches(self, x_m: Floats, y_m: Floats) -> Bools:
        """Return at which places a truck may have been, and stood for a moment, within the gap."""
        way = np.hypot(x_m - self.x_m, y_m - self.y_m) + np.hypot(x_m - self.x2_m, y_m - self.y2_m)
        can: Bools = way / THRESHOLDS.gap_mps + THRESHOLDS.gap_stand_s <= self.until_s - self.from_s
        return can


class Passing:
    """What the path of one vehicle says about each of n stops.

    near_m: closest it ever came. pass_s: when it last came past (within `past_m`). before_s: when it first did.
    unseen: chance that a collection on one of its passes would have left no visit. far_m: how far it has been from the
    stop since the last pass. home_s: since when it has been far from every stop; NaN if it is not.
    """

    def __init__(self, x_m: Floats, y_m: Floats) -> None:
        n = len(x_m)
        self.x_m, self.y_m = x_m, y_m
        self.near_m = np.full(n, np.inf)
        self.pass_s = np.full(n, -np.inf)
        self.unseen = np.zeros(n)
        self.far_m = np.zeros(n)
        self.gaps: list[Gap] = []
        self.away_s = np.nan
        self.moved_s = np.nan

    def feed(self, rows: Floats) -> None:
        """Fold path rows; the first is the last of those before, and was folded then."""
        if len(rows) < 2:
            return
        t, x, y = rows[:, 0], rows[:, 1], rows[:, 2]
        x0, y0, dx, dy = x[:-1, None], y[:-1, None], np.diff(x)[:, None], np.diff(y)[:, None]
        marks = rows[1:, 5]
        is_gap = marks == GAP
        for k in np.flatnonzero(is_gap).tolist():
            ends_s = float(t[k + 1])
            places = (float(v) for v in (x[k], y[k], x[k + 1], y[k + 1]))
            self.gaps.append(Gap(ends_s - float(rows[k + 1, 4]), ends_s, *places))
        along = np.clip(((self.x_m - x0) * dx + (self.y_m - y0) * dy) / np.maximum(dx * dx + dy * dy, 1e-9), 0.0, 1.0)
        apart = np.hypot(self.x_m - x0 - along * dx, self.y_m - y0 - along * dy)
        ends = np.hypot(self.x_m - x[1:, None], self.y_m - y[1:, None])
        apart[is_gap] = ends[is_gap]
        np.minimum(self.near_m, apart.min(axis=0), out=self.near_m)
        driven = ~is_gap & (marks != ENDS) & (marks != BEGINS)
        if driven.any():
            blur = np.interp(rows[1:, 4], _STEP_S, _UNSEEN)[:, None] * np.exp(-0.5 * (apart / 20.0) ** 2)
            self.unseen += blur[driven].sum(axis=0)
        past = apart < THRESHOLDS.past_m
        last = len(past) - 1 - past[::-1].argmax(axis=0)
        seen = past.any(axis=0)
        for i in np.flatnonzero(seen).tolist():
            k = int(last[i])
            self.pass_s[i] = t[k + 1]
            self.far_m[i] = ends[k:, i].max()
        rest = ~seen
        self.far_m[rest] = np.maximum(self.far_m[rest], ends[:, rest].max(axis=0)) if rest.any() else 0.0
        closest = ends.min(axis=1)
        for when, metres in zip(t[1:].tolist(), closest.tolist(), strict=True):
            if metres <= THRESHOLDS.off_m:
                self.away_s = np.nan
            elif self.away_s != self.away_s:
                self.away_s = when
