"""The words of an answer to somebody who says that their rubbish was not collected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from saat.terms.plan import Stream
from saat.terms.run import CrewReason, Outcome


class Known(StrEnum):
    """What is known at once about a collection that somebody misses."""

    NOT_TODAY = "not_today"  # it is not the day of this stop
    LATER_TODAY = "later_today"
    ON_ITS_WAY = "on_its_way"
    AT_RISK = "at_risk"  # it will probably not come in time, and the office knows
    COLLECTED = "collected"  # as far as the track tells; the resident is asked
    PARTLY = "partly"  # some of the street
    COULD_NOT = "could_not"  # the crew said why
    NOTHING_OUT = "nothing_out"  # the crew was there and nothing was put out
    CALLED_OFF = "called_off"
    MISSED = "missed"
    UNKNOWN = "unknown"  # nobody can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One collection of one stop, planned on one service day. Moments: seconds since 1970.

    over: nobody follows the run any more. p10_s, p50_s, p90_s, p_miss: of the prediction, None without one. at_s: when
    it was collected. silent_from_s: since when nobody can tell. planned_s: when the truck is to be there. streams: what
    is collected on that day.
    """

    run_id: int
    stop_id: int
    service_day: date
    opens_s: float
    closes_s: float
    outcome: Outcome = Outcome.EXPECTED
    called_off: bool = False
    over: bool = False
    p10_s: float | None = None
    p90_s: float | None = None
    p_miss: float | None = None
    at_s: float | None = None
    reason: CrewReason | None = None
    silent_from_s: float | None = None
    p50_s: float | None = None
    planned_s: float | None = None
    streams: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to tell a resident at once. Moments: seconds since 1970.

    judged: the collection that the answer is about; None where it is only about the next one. from_s, to_s: when it is
    expected. next: the next collection of this stop, if one is planned. asks: the resident's word would settle it.
    """

    known: Known
    judged: Instance | None = None
    from_s: float | None = None
    to_s: float | None = None
    next: Instance | None = None
    asks: bool = False
