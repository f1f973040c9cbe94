"""The words of recovery: what is left to collect, who could go there instead, and what that would cost whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Aim(StrEnum):
    """What a proposal puts first; each is a way to weigh the same choice."""

    FASTEST = "fastest"  # the stops that were left are served as early as can be
    GENTLEST = "gentlest"  # the trucks that help keep what was promised at their own stops
    SHORTEST = "shortest"  # fewest metres


class Why(StrEnum):
    """Why a stop stays without a truck."""

    NO_TRUCK = "no_truck"  # nobody is on the road who could be asked
    LANE = "lane"  # no truck that is free is narrow enough
    FULL = "full"  # what lies there does not fit into any of them any more
    SHIFT = "shift"  # nobody could be there before the end of the shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A stop that nobody is going to serve. lat, lon: degrees. due_s: promised until, seconds since 1970.

    dwell_s: time standing there. load_kg: what lies there, 0 where unknown. lane: only narrow vehicles get there.
    """

    stop_id: int
    lat: float
    lon: float
    due_s: float
    dwell_s: float = 30.0
    load_kg: float = 0.0
    lane: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStop:
    """A stop that a helping truck is going to serve anyway, in its order. due_s: promised until, with the grace."""

    stop_id: int
    lat: float
    lon: float
    due_s: float
    dwell_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A truck that could help. lat, lon: where it is at `from_s`, from when on it can be sent; seconds since 1970.

    until_s: end of its shift. free_kg: what it can still take; None where nobody knows. own: what it has yet to do, in
    its order, which is kept. narrow: it may enter lanes.
    """

    vehicle_id: int
    lat: float
    lon: float
    from_s: float
    until_s: float
    own: tuple[OwnStop, ...] = ()
    free_kg: float | None = None
    narrow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One stop on a helper's new way. own: it was the helper's before. arrives_s, leaves_s: seconds since 1970."""

    stop_id: int
    own: bool
    arrives_s: float
    leaves_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What one helper would do, and what it costs.

    calls: its own stops and those it takes over, in order. extra_m: metres more than without helping. extra_s: so much
    later it is done. late_stops: own stops that would miss their promise because of it; late_s: by how much in all.
    """

    vehicle_id: int
    calls: tuple[Call, ...]
    extra_m: float
    extra_s: float
    late_stops: int
    late_s: float

    @property
    def taken(self) -> tuple[int, ...]:
        """The stops that it takes over, in order."""
        return tuple(call.stop_id for call in self.calls if not call.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Who takes what. left: the stops that stay, with the reason. done_s: when the last stop taken over is served."""

    aim: Aim
    ways: tuple[Way, ...]
    left: tuple[tuple[int, Why], ...] = ()
    done_s: float | None = None

    @property
    def taken(self) -> int:
        """How many stops are taken over."""
        return sum(len(way.taken) for way in self.ways)

    @property
    def extra_m(self) -> float:
        """Metres that all helpers drive more."""
        return sum(way.extra_m for way in self.ways)

    @property
    def late_stops(self) -> int:
        """Own stops of the helpers that would miss their promise because of it."""
        return sum(way.late_stops for way in self.ways)
