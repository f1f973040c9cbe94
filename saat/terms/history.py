"""What a round's own past says about how long it takes, as running figures that need no list of past days."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Leg = tuple[int | None, int]  # the stop before (None: it is the first) and the stop itself


@dataclass(frozen=True, slots=True)
class Running:
    """Count, mean and sum of squared deviations of some figures (Welford 1962).

    >>> figures = Running().add(10.0).add(14.0)
    >>> figures.n, figures.mean, figures.variance
    (2, 12.0, 8.0)
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def add(self, value: float) -> Running:
        """Return the figures with one more.

        :raises ValueError: if it is not a finite number.
        """
        if not math.isfinite(value):
            raise ValueError(f"Only finite numbers can be counted, got {value}.")
        n = self.n + 1
        delta = value - self.mean
        mean = self.mean + delta / n
        return Running(n, mean, self.m2 + delta * (value - mean))

    @property
    def variance(self) -> float:
        """The sample variance; 0 while there are fewer than two figures."""
        return self.m2 / (self.n - 1) if self.n > 1 else 0.0


@dataclass(frozen=True, slots=True)
class LegHistory:
    """One stretch of a round and the stop at its end. leg, dwell: seconds. served, not_served: how often."""

    leg: Running = Running()
    dwell: Running = Running()
    served: int = 0
    not_served: int = 0


# A standstill of at least so many minutes is counted by whether the run went on after it.
STOOD_MIN = (4, 8, 12, 20, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one round's past says.

    legs: by (stop before, stop). start_s: seconds from when the first stop was planned to the first sign of
    collecting. pace: how long a whole run took, as a share of what was expected of it; its spread is the factor that
    bad days share.
    resumed: for each of `STOOD_MIN`, how many standstills of at least that length the run went on after.
    broke: how many runs never went on. runs: how many were learned from.
    """

    legs: Mapping[Leg, LegHistory] = field(default_factory=lambda: MappingProxyType({}))
    start_s: Running = Running()
    pace: Running = Running()
    resumed: tuple[int, ...] = (0,) * len(STOOD_MIN)
    broke: int = 0
    runs: int = 0


NO_HISTORY = History()
