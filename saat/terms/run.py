"""The words of a run: what became of each stop, where the truck is, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What became of a stop on one service day. Blind is not missed: a silent tracker gives `unknown`."""

    EXPECTED = "expected"  # nothing is decided yet
    COLLECTED = "collected"
    LATE = "late"  # collected, after its window and the grace
    PARTIAL = "partial"  # of a kerb: some of the line
    MISSED = "missed"
    SKIPPED = "skipped"  # the crew said that it could not, and why
    NOT_PRESENTED = "not_presented"  # the crew was there and nothing was put out
    EXCUSED = "excused"  # the city called it off: flood, closed street
    UNKNOWN = "unknown"  # nobody can tell; what would settle it is asked for

    @property
    def is_served(self) -> bool:
        """Whether the stop got its collection."""
        return self in (Outcome.COLLECTED, Outcome.LATE)


class CrewReason(StrEnum):
    """What a crew says about a stop, or about the rest of its run."""

    DONE = "done"
    BLOCKED = "blocked"  # parked cars, a closed gate, roadworks
    NOT_PRESENTED = "not_presented"
    FULL = "full"  # the truck is full and goes to empty
    BROKEN = "broken"  # the vehicle broke down
    FLOODED = "flooded"


class VehicleState(StrEnum):
    """What a vehicle does now."""

    COLLECTING = "collecting"
    DRIVING = "driving"
    STANDING = "standing"
    AT_DEPOT = "at_depot"
    AT_DISPOSAL = "at_disposal"
    OFF_ROUND = "off_round"
    SILENT = "silent"  # no position for longer than its usual interval allows
    UNSEEN = "unseen"  # no position on this service day


class FindingKind(StrEnum):
    """Something that an official may have to act on."""

    NOT_STARTED = "not_started"
    STALLED = "stalled"
    OFF_ROUND = "off_round"
    RUNNING_LATE = "running_late"
    WILL_MISS = "will_miss"
    MISSED = "missed"
    UNKNOWN = "unknown"  # the tracker is silent
    SKIPPED = "skipped"
    TRACKER_FAULT = "tracker_fault"
    FEED_SILENT = "feed_silent"  # many trackers of one contractor went silent together


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of what speaks for or against a stop's having been served.

    kind: position, dwell, speed, order, gap, crew, photo, resident, cover, neighbour. log_odds: what it adds to the
    log-odds of "served". value, unit: the measured figure behind it, e.g. 34.0 and "s".
    """

    kind: str
    log_odds: float
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewWord:
    """What a crew said. stop_id None: it concerns the rest of the run."""

    reason: CrewReason
    said_s: float
    stop_id: int | None = None
    vehicle_id: int | None = None
    has_photo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentWord:
    """What a resident said about a stop: it came, or it did not."""

    said_s: float
    stop_id: int
    collected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """What is known about one stop of a run.

    p_served: probability that it was served, 0 to 1. arrived_s, left_s: seconds since 1970; None where not seen.
    share: of a kerb's line, covered at collecting speed. blind: the tracker was silent when the truck may have been
    here. blind_from_s, blind_to_s: that span. by_vehicle_id: who served it. settle_by: what would settle it (crew,
    photo, resident), empty where nothing need be asked. revision: how often the outcome has changed.
    """

    stop_id: int
    sequence: int
    outcome: Outcome
    p_served: float
    arrived_s: float | None = None
    left_s: float | None = None
    by_vehicle_id: int | None = None
    share: float | None = None
    blind: bool = False
    blind_from_s: float | None = None
    blind_to_s: float | None = None
    reason: CrewReason | None = None
    settle_by: str = ""
    evidence: tuple[Evidence, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleView:
    """What is known about one vehicle on a run. Moments: seconds since 1970, None where unknown.

    progress_s: when it last got on with the run: served a stop, or moved on along it. standing_from_s: since when it
    has stood where it is. off_round_from_s: since when it has been away from the round and every site.
    interval_s: usual time between its positions. faults: words such as "clock", "jumps", "mock", "battery".
    """

    vehicle_id: int
    state: VehicleState
    seen_s: float | None = None
    lat: float | None = None
    lon: float | None = None
    course_deg: float | None = None
    speed_mps: float | None = None
    interval_s: float | None = None
    progress_s: float | None = None
    standing_from_s: float | None = None
    off_round_from_s: float | None = None
    battery_share: float | None = None
    faults: tuple[str, ...] = ()
    inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What is known about one run at one moment: what the follower sees and predictions start from.

    as_of_s: the moment for which this holds. started_s: first sign of collecting. finished_s: when the last stop was
    behind it. reached: index in `stops` of the furthest stop dealt with, -1 before the first. reverse: it is driven
    backwards.
    """

    run_id: int
    as_of_s: float
    stops: tuple[StopView, ...]
    vehicles: tuple[VehicleView, ...] = ()
    started_s: float | None = None
    finished_s: float | None = None
    reached: int = -1
    reverse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When a stop will be served. p10_s, p50_s, p90_s: seconds since 1970. p_miss: it will not be served in time."""

    stop_id: int
    p10_s: float
    p50_s: float
    p90_s: float
    p_miss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One trouble of one run, or of one contractor's feed, that opens, changes and withdraws itself.

    key: the same for the same trouble, so that a finding seen again is known. since_s: when it began, seconds since
    1970. probability: that it is so (for will_miss: that the stops will be missed). act_by_s: until when an act still
    helps; None where it does not matter any more. stop_ids: every stop that it concerns, in planned order.
    facts: plain figures for the sentence that an official reads.
    """

    kind: FindingKind
    key: str
    since_s: float
    probability: float
    run_id: int | None = None
    vehicle_id: int | None = None
    contractor_id: int | None = None
    stop_ids: tuple[int, ...] = ()
    act_by_s: float | None = None
    settle_by: str = ""
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
