"""Who on duty is alerted next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyTerm:
    """One person's turn of duty.

    area_id: the area that the turn is for, with all areas below it; None for the whole city. starts_at, ends_at: aware;
    on duty from the first moment, no longer at the last. rank: who is called first within an area, 1 before 2.
    """

    user_id: int
    area_id: int | None
    starts_at: datetime
    ends_at: datetime
    rank: int = 1


def next_on_call(
    *, duties: Sequence[DutyTerm], area_path: tuple[int, ...], now: datetime, tried: frozenset[int]
) -> int | None:
    """Return the user to alert next about a case, or None when nobody is left.

    Whoever is on duty for the case's own area comes first, by rank; then the areas above it, the whole city last.

    area_path: the areas that hold the case, from the city's largest down to the case's own; empty if it has none.
    now: aware. tried: users who were alerted about this and did not answer.
    """
    depth: dict[int | None, int] = {area_id: level for level, area_id in enumerate(area_path)}
    depth[None] = -1
    on_call = [
        duty
        for duty in duties
        if duty.area_id in depth and duty.starts_at <= now < duty.ends_at and duty.user_id not in tried
    ]
    first = min(on_call, key=lambda duty: (-depth[duty.area_id], duty.rank, duty.starts_at, duty.user_id), default=None)
    return None if first is None else first.user_id


def still_stands(*, why: str, taken: bool, closed: bool) -> bool:
    """Return whether an alert that was not answered is to be put before the next person.

    A closed case needs nobody. "overdue" asks for the work to be done, whoever has taken the case; every other reason
    asks for somebody to take it, and that is answered when somebody has.

    >>> still_stands(why="untaken", taken=True, closed=False), still_stands(why="overdue", taken=True, closed=False)
    (False, True)
    """
    return not closed and (why == "overdue" or not taken)
