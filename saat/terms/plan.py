"""The words of the plan: who collects what, where, on which days and when.

Times of a plan are seconds since the local midnight that begins its service day. They may exceed 86,400: a round that
starts at 20:00 and ends at 03:00 belongs to the day on which it started.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

Line = tuple[tuple[float, float], ...]  # (lat, lon) in degrees, in the order in which it is driven


class StopKind(StrEnum):
    """How rubbish is collected at a stop."""

    POINT = "point"  # a community stop or a container: the truck stands
    KERB = "kerb"  # along a line: the truck crawls from door to door
    TRANSFER = "transfer"  # a pushcart or tuk-tuk brings it to a meeting point; no truck enters the lane


class Stream(StrEnum):
    """What is collected."""

    REFUSE = "refuse"
    RECYCLING = "recycling"
    ORGANIC = "organic"
    BULKY = "bulky"


class HolidayRule(StrEnum):
    """What a public holiday does to the collection that falls on it."""

    COLLECT = "collect"  # nothing
    SKIP = "skip"  # there is none
    SHIFT = "shift"  # that day's collection and all later ones of the week come a day later


class VehicleKind(StrEnum):
    """What goes there."""

    COMPACTOR = "compactor"
    TIPPER = "tipper"
    TRICYCLE = "tricycle"
    PUSHCART = "pushcart"
    BOAT = "boat"


class SiteKind(StrEnum):
    """A place to which vehicles go between stops."""

    DEPOT = "depot"
    DISPOSAL = "disposal"
    TRANSFER = "transfer"
    FUEL = "fuel"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDays:
    """The days on which a round runs.

    weekdays: Monday is 0. nth: which of these weekdays in the month, 1 for the first to 5, -1 for the last; empty: all.
    every_weeks: 2 for every other week, counted from the week of `counted_from`. added, removed: single dates that win
    over the rule, and over holidays. first, last: the span in which the rule holds, both included.
    """

    weekdays: frozenset[int]
    nth: frozenset[int] = frozenset()
    every_weeks: int = 1
    counted_from: date | None = None
    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()
    holidays: HolidayRule = HolidayRule.COLLECT
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStop:
    """One stop of a round on one service day.

    number: what the public calls it. lat, lon: the point, or the middle of the line. line: of a kerb, else empty.
    planned_s: when the truck is to be there. opens_s, closes_s: the window that residents were promised.
    All three: seconds since the local midnight of the service day. dwell_s: the usual time standing there.
    served_by: the transfer stop whose service serves this lane.
    """

    stop_id: int
    number: str
    sequence: int
    kind: StopKind
    lat: float
    lon: float
    planned_s: float
    opens_s: float
    closes_s: float
    dwell_s: float = 30.0
    load_kg: float = 0.0
    line: Line = ()
    served_by: int | None = None
    streams: frozenset[Stream] = frozenset({Stream.REFUSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlace:
    """A depot, a disposal site or the like, as a circle."""

    site_id: int
    kind: SiteKind
    lat: float
    lon: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A round on one service day: everything that the follower compares a track with.

    run_id: the row of the run. midnight_s: seconds since 1970 at the local midnight of the service day; a stop's moment
    is midnight_s + planned_s. starts_s, ends_s: planned span, seconds since that midnight. vehicle_ids: who is
    assigned; may be empty. stops: in planned order. grace_s: how long after its window a stop is still in time.
    order_strict: False where the crew chooses the order.
    """

    run_id: int
    round_id: int
    city_id: int
    contractor_id: int | None
    service_day: date
    midnight_s: float
    starts_s: float
    ends_s: float
    stops: tuple[PlannedStop, ...]
    vehicle_ids: tuple[int, ...] = ()
    sites: tuple[SitePlace, ...] = ()
    grace_s: float = 900.0
    order_strict: bool = True
    capacity_kg: float | None = None
    simulated: bool = False
    facts: dict[str, str] = field(default_factory=dict, hash=False, compare=False)
