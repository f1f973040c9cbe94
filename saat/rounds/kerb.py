"""Which share of a kerb's line a truck covered at collecting speed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saat.rounds.thresholds import THRESHOLDS
from saat.rounds.tracks import GAP

Floats = NDArray[np.float64]
_APART_M = 10.0
_SIDEWAYS = 0.7  # cosine below which a truck crosses a line rather than drives along it


class Kerbs:
    """The lines of a run's kerbs as places ten metres apart, and which of them one vehicle has covered, and when.

    beside: (n,) whether it went along beside them, so near that its place may just be wrong.

    owner: (n,) the stop's index of each place. first_s, last_s: (n_stops,) when a stop's line was first and last
    covered; NaN where not.
    """

    def __init__(self, lines: Sequence[tuple[int, Floats]], stops: int) -> None:
        """lines: stop index and (k, 2) metres in the track's frame."""
        x, y, east, north, owner = [], [], [], [], []
        for index, line in lines:
            for (x0, y0), (x1, y1) in itertools.pairwise(line):
                length = float(np.hypot(x1 - x0, y1 - y0))
                if length < 0.5:
                    continue
                for k in range(count := max(1, round(length / _APART_M))):
                    share = (k + 0.5) / count
                    x.append(x0 + share * (x1 - x0))
                    y.append(y0 + share * (y1 - y0))
                    east.append((x1 - x0) / length)
                    north.append((y1 - y0) / length)
                    owner.append(index)
        self.x_m, self.y_m = np.array(x), np.array(y)
        self.east, self.north = np.array(east), np.array(north)
        self.owner = np.array(owner, dtype=np.intp)
        self.covered = np.zeros(len(x), dtype=bool)
        self.beside = np.zeros(len(x), dtype=bool)
        self.places = np.bincount(self.owner, minlength=stops).astype(float)
        self.first_s = np.full(stops, np.nan)
        self.last_s = np.full(stops, np.nan)

    def feed(self, rows: Floats) -> None:
        """Fold path rows; the first is the last of those before."""
        if len(rows) < 2 or not len(self.x_m):
            return
        near_m, wide_m = THRESHOLDS.kerb_near_m, THRESHOLDS.kerb_wide_m
        t, x, y = rows[:, 0], rows[:, 1], rows[:, 2]
        dx, dy, took = np.diff(x), np.diff(y), np.diff(t)
        fine = rows[1:, 5] != GAP
        fine &= (np.minimum(x[1:], x[:-1]) < self.x_m.max() + wide_m) & (
            np.maximum(x[1:], x[:-1]) > self.x_m.min() - wide_m
        )
        fine &= (np.minimum(y[1:], y[:-1]) < self.y_m.max() + wide_m) & (
            np.maximum(y[1:], y[:-1]) > self.y_m.min() - wide_m
        )
        for k in np.flatnonzero(fine).tolist():
            length = float(np.hypot(dx[k], dy[k]))
            along = ((self.x_m - x[k]) * dx[k] + (self.y_m - y[k]) * dy[k]) / max(length * length, 1e-9)
            along = np.clip(along, 0.0, 1.0)
            apart = np.hypot(self.x_m - x[k] - along * dx[k], self.y_m - y[k] - along * dy[k])
            if length > THRESHOLDS.kerb_mps * took[k]:
                continue
            if length > 5.0:
                fits = np.abs(self.east * dx[k] + self.north * dy[k]) >= _SIDEWAYS * length
                near, wide = fits & (apart < near_m), fits & (apart < wide_m)
            else:
                near, wide = apart < 0.6 * near_m, apart < wide_m
            self.beside |= wide
            if not near.any():
                continue
            self.covered |= near
            for index in np.unique(self.owner[near]).tolist():
                if not self.first_s[index] <= t[k]:
                    self.first_s[index] = t[k]
                self.last_s[index] = t[k + 1]

    def shares(self, covered: NDArray[np.bool_] | None = None) -> Floats:
        """Return the covered share of each stop's line, (n_stops,); NaN for a stop without a line."""
        done = np.bincount(self.owner, weights=self.covered if covered is None else covered, minlength=len(self.places))
        with np.errstate(invalid="ignore"):
            share: Floats = np.where(self.places > 0, done / np.maximum(self.places, 1.0), np.nan)
        return share
