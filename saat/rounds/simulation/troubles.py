"""What can go wrong in a simulated night, as shares that may all be mixed, and what is true of each stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Trouble(StrEnum):
    """Something that goes wrong with one run, one tracker, or a contractor's feed."""

    SKIPPED = "skipped"  # single stops left out
    BLOCK = "block"  # three to eight stops in a row left out
    STREET = "street"  # every stop of one street left out
    BREAKDOWN = "breakdown"
    FLOOD = "flood"  # streets closed; their stops left out
    NO_SHOW = "no_show"  # nobody comes
    SUBSTITUTE = "substitute"  # another truck drives the round
    SHARED = "shared"  # a second truck drives a part
    REVERSED = "reversed"
    GAPS = "gaps"  # the tracker is silent for up to 15 minutes, several times
    DRIFT = "drift"  # tall houses bend the signal
    OUTAGE = "outage"  # the whole feed of a contractor is silent
    LATE = "late"  # positions arrive hours later
    CLOCK = "clock"  # the device's clock is wrong
    DUPLICATES = "duplicates"  # positions are sent twice
    JUMPS = "jumps"  # single places far away
    NO_DOPPLER = "no_doppler"  # the device measures no speed


class How(StrEnum):
    """What really became of a stop."""

    SERVED = "served"
    PARTIAL = "partial"  # of a kerb: some of the line
    PASSED = "passed"  # driven past within 30 m without collecting
    BYPASSED = "bypassed"  # never near it


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTruth:
    """What really became of one stop. arrived_s, left_s: seconds since 1970; None where not served.

    why: the trouble that left it out; None where served. share: of a kerb's line that was collected.
    """

    how: How
    arrived_s: float | None = None
    left_s: float | None = None
    vehicle_id: int | None = None
    why: Trouble | None = None
    share: float | None = None

    @property
    def served(self) -> bool:
        """Whether the stop got its collection."""
        return self.how is How.SERVED


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTruth:
    """What really happened to one run. Moments: seconds since 1970, None where it did not happen.

    vehicles: who drove it. broke_s, resumed_s: the breakdown. flood: lat, lon, radius in metres of the closed streets.
    """

    run_id: int
    troubles: frozenset[Trouble]
    vehicles: tuple[int, ...] = ()
    started_s: float | None = None
    finished_s: float | None = None
    broke_s: float | None = None
    resumed_s: float | None = None
    flood: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """How often what goes wrong.

    shares: for each trouble the chance that a run (or its tracker) has it; for `skipped` the chance of each single
    stop; for `outage` the chance of each contractor. Half of the stops left out are driven past, half bypassed.
    forced: troubles that certain runs have for sure, by run_id; these have no others but `skipped`.
    noise_m: range from which each device's error is drawn (standard deviation of its distance, correlated in time).
    late_start_s: standard deviation of how late rounds begin.
    """

    shares: Mapping[Trouble, float] = field(default_factory=dict)
    forced: Mapping[int, frozenset[Trouble]] = field(default_factory=dict)
    noise_m: tuple[float, float] = (5.0, 12.0)
    late_start_s: float = 480.0

    @classmethod
    def only(cls, *wanted: Trouble, share: float = 1.0) -> Troubles:
        """Return just these troubles, for every run unless said otherwise; single stops at one in ten."""
        return cls(shares={one: min(share, 0.1) if one is Trouble.SKIPPED else share for one in wanted})

    @classmethod
    def mixed(cls) -> Troubles:
        """Return everything at once, as evaluated: about one stop in six is not served."""
        return cls(
            shares={
                Trouble.SKIPPED: 0.05, Trouble.BLOCK: 0.3, Trouble.STREET: 0.2, Trouble.BREAKDOWN: 0.08,
                Trouble.FLOOD: 0.08, Trouble.NO_SHOW: 0.03, Trouble.SUBSTITUTE: 0.08, Trouble.SHARED: 0.08,
                Trouble.REVERSED: 0.08, Trouble.GAPS: 0.3, Trouble.DRIFT: 0.25, Trouble.OUTAGE: 0.25,
                Trouble.LATE: 0.12, Trouble.CLOCK: 0.06, Trouble.DUPLICATES: 0.15, Trouble.JUMPS: 0.15,
                Trouble.NO_DOPPLER: 0.1,
            }
        )  # fmt: skip

    @classmethod
    def ordinary(cls) -> Troubles:
        """Return an ordinary night, for a demo and for learning: a few stops left out, a few gaps."""
        return cls(
            shares={
                Trouble.SKIPPED: 0.015, Trouble.BLOCK: 0.06, Trouble.STREET: 0.03, Trouble.BREAKDOWN: 0.015,
                Trouble.GAPS: 0.15, Trouble.DRIFT: 0.15, Trouble.SUBSTITUTE: 0.03, Trouble.LATE: 0.03,
                Trouble.REVERSED: 0.02, Trouble.DUPLICATES: 0.05,
            }
        )  # fmt: skip

    def with_forced(self, run_id: int, *wanted: Trouble) -> Troubles:
        """Return the same with troubles that one run has for sure."""
        return replace(self, forced={**self.forced, run_id: frozenset(wanted)})

    def share(self, trouble: Trouble) -> float:
        """Return how likely a trouble is."""
        return self.shares.get(trouble, 0.0)
