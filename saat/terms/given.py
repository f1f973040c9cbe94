"""What a city gives away to everybody about its collections: runs with their stops, and where trucks are.

Nothing here says who drives, where a truck was before, or how sure anybody is of an outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from saat.terms.plan import StopKind
from saat.terms.run import Outcome, VehicleState


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenStop:
    """One stop of a run. Moments: seconds since 1970, None where unknown.

    number: what the public calls it. p10_s … p90_s: when it will be served. arrived_s, left_s: when it was.
    """

    number: str
    sequence: int
    kind: StopKind
    lat: float
    lon: float
    planned_s: float
    closes_s: float
    outcome: Outcome = Outcome.EXPECTED
    p10_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    arrived_s: float | None = None
    left_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenVehicle:
    """Where a vehicle on a round is now. label: what is painted on it. seen_s: since 1970, when it was there."""

    number: int
    label: str
    state: VehicleState
    lat: float
    lon: float
    seen_s: float
    course_deg: float | None = None
    speed_mps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRun:
    """A round on one service day.

    code: of the round. version: of its plan. starts_s, ends_s: planned, seconds since 1970; midnight_s: the local
    midnight that begins the service day. started_s, as_of_s: when it began, and for when this holds. called_off: it
    does not run.
    """

    run_id: int
    code: str
    name: str
    version: int
    service_day: date
    midnight_s: float
    starts_s: float
    ends_s: float
    state: str
    stops: tuple[GivenStop, ...]
    vehicles: tuple[GivenVehicle, ...] = ()
    started_s: float | None = None
    as_of_s: float | None = None
    simulated: bool = False

    @property
    def called_off(self) -> bool:
        """Whether the city called it off."""
        return self.state == "called_off"

    @property
    def trip_id(self) -> str:
        """What the static timetable calls the round as it is driven by this version of its plan."""
        return f"{self.code}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRound:
    """One version of a round in the timetable, with the dates on which it runs.

    stops: planned and closing times are seconds since the local midnight of the service day here.
    """

    code: str
    name: str
    version: int
    days: tuple[date, ...]
    stops: tuple[GivenStop, ...]
    simulated: bool = False

    @property
    def trip_id(self) -> str:
        """The same as that of its runs."""
        return f"{self.code}:{self.version}"
