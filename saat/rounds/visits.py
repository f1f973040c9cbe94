"""A visit: a truck stood, or lost time, at one place. What a track keeps of it, and how long it really stood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saat.rounds.thresholds import THRESHOLDS

Floats = NDArray[np.float64]


class Visit(NamedTuple):
    """One standing or slow episode of a vehicle. Places are metres east and north of the track's own zero.

    arrive_s, leave_s: seconds since 1970, as estimated from the speeds around it: a stand of eight seconds may lie
    between two positions. x_m, y_m and x2_m, y2_m: where; the two differ where it lies somewhere on a leg between two
    positions. error_m: how far the place may be off (one sigma). fixes: positions while it stood, 0 if none. step_s:
    seconds between positions around it. course_deg: how it came, -1 where unknown. doppler: 1 where the device measured
    its own speed.
    """

    arrive_s: float
    leave_s: float
    x_m: float
    y_m: float
    x2_m: float
    y2_m: float
    error_m: float
    fixes: float
    step_s: float
    course_deg: float
    doppler: float

    @property
    def stood_s(self) -> float:
        """How long it stood or lost, in seconds.

        >>> Visit(10.0, 35.0, 0.0, 0.0, 0.0, 0.0, 5.0, 2.0, 10.0, -1.0, 1.0).stood_s
        25.0
        """
        return self.leave_s - self.arrive_s


_CRAWL = THRESHOLDS.crawl_mps
WIDTH = len(Visit._fields)


def error_of(accuracy_m: float, fixes: int) -> float:
    """Return the error of a visit's place in metres (one sigma).

    accuracy_m: what the device said, below 0 where it did not. Errors of one device last for minutes, so that many
    fixes at one place are hardly better than one.

    >>> error_of(-1.0, 1), round(error_of(20.0, 4))
    (6.0, 12)
    """
    said_m = 6.0 if accuracy_m < 0 else max(4.0, 0.68 * accuracy_m)
    return said_m if fixes <= 1 else max(0.88 * said_m, 4.0)


def lost_s(*, took_s: float, way_m: float, before_mps: float, after_mps: float, cruise_mps: float) -> float:
    """Return how much longer a leg between two positions took than driving it.

    before_mps, after_mps: speeds at its ends, below 0 where unknown; then the vehicle's usual driving speed stands in.
    A truck that crawls at both ends is taken to crawl between them, but not slower than `crawl_mps`. Time lost by
    braking and starting is in it.

    >>> round(lost_s(took_s=10, way_m=70, before_mps=7, after_mps=7, cruise_mps=6))
    0
    >>> round(lost_s(took_s=10, way_m=21, before_mps=7, after_mps=7, cruise_mps=6))
    7
    """
    if before_mps < 0 or after_mps < 0:
        speed = cruise_mps
    else:
        speed = 0.5 * (before_mps + after_mps)
        speed = max(_CRAWL, speed)
    return took_s - way_m / speed


def came_s(stands_s: float, before_s: float, way_m: float, before_mps: float, cruise_mps: float) -> float:
    """Return when a truck came to stand, between the position before and the first at which it stood."""
    speed = before_mps if before_mps > 2.5 else 0.5 * cruise_mps
    arrived_s = before_s + way_m / speed
    return min(stands_s, arrived_s)


def left_s(stood_s: float, after_s: float, way_m: float, after_mps: float, cruise_mps: float) -> float:
    """Return when a truck drove on, between the last position at which it stood and the next."""
    speed = after_mps if after_mps > 2.5 else 0.5 * cruise_mps
    drove_s = after_s - way_m / speed
    return max(stood_s, drove_s)


def way_apart_m(visits: Floats, x_m: Floats, y_m: Floats) -> Floats:
    """Return how far each visit is from each place: (n_visits, n_places) metres.

    visits: (n_visits, WIDTH). x_m, y_m: (n_places,) in the frame of the visits. A visit on a leg is as far as the leg.
    """
    x0, y0 = visits[:, 2, None], visits[:, 3, None]
    dx, dy = visits[:, 4, None] - x0, visits[:, 5, None] - y0
    length2 = np.maximum(dx * dx + dy * dy, 1e-9)
    along = np.clip(((x_m - x0) * dx + (y_m - y0) * dy) / length2, 0.0, 1.0)
    apart: Floats = np.hypot(x_m - x0 - along * dx, y_m - y0 - along * dy)
    return apart


def is_slow(*, speed_mps: float, way_m: float, took_s: float) -> bool:
    """Return whether a truck stands at a position.

    speed_mps: the device's own, below 0 where it has none; then the way since the position before decides.

    >>> is_slow(speed_mps=0.4, way_m=40, took_s=10), is_slow(speed_mps=-1, way_m=60, took_s=10)
    (True, False)
    """
    if speed_mps >= 0:
        return speed_mps < THRESHOLDS.slow_mps
    return way_m < min(30.0, max(8.0, THRESHOLDS.slow_leg_mps * took_s))
