"""How long it took to act: report, seen, taken, on site, proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesToAct:
    """Seconds from the report to each step; None where it has not come to that. Never negative, never falling."""

    seen_s: float | None
    taken_s: float | None
    on_site_s: float | None
    proved_s: float | None


def times_to_act(
    *,
    requested_at: datetime,
    seen_at: datetime | None,
    taken_at: datetime | None,
    on_site_at: datetime | None,
    proved_at: datetime | None,
) -> TimesToAct:
    """Return the times to act of a case, whatever order its events came in.

    A step cannot come after the one that follows from it: where the records say so (a phone that sent late, a clock
    that is wrong), the earlier moment counts for both. Whoever was there, or proved it, had seen and taken the case,
    so these two are filled in; being on site is not, as a resident's word can close a case that nobody went to.

    All moments are aware; None where the step was not recorded.
    """
    proved_s = _seconds(requested_at, proved_at)
    on_site_s = _seconds(requested_at, on_site_at)
    if on_site_s is not None:
        on_site_s = _earliest(on_site_s, proved_s)
    taken_s = _earliest(_seconds(requested_at, taken_at), on_site_s, proved_s)
    seen_s = _earliest(_seconds(requested_at, seen_at), taken_s)
    return TimesToAct(seen_s=seen_s, taken_s=taken_s, on_site_s=on_site_s, proved_s=proved_s)


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else max(0.0, (end - start).total_seconds())


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)
