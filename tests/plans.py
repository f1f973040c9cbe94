"""Rounds for tests: an evening round of three stops in the test city's sangkat Phsar Kandal."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from typing import Any

from saat.actions.log import COMMAND
from saat.actions.plans import SavedPlan, save_plan
from saat.records.models import City
from saat.terms.plan import ServiceDays
from saat.terms.planning import RoundDraft, StopDraft
from saat.terms.servicedays import seconds_of
from tests.city import MONDAY_MORNING

MONDAY = date(2026, 3, 2)
EVERY_DAY = ServiceDays(weekdays=frozenset(range(7)))
_LATS = (11.5450, 11.5465, 11.5480)


def a_stop(row: int = 1, at: str = "20:00", **more: Any) -> StopDraft:
    """Return a community stop on 104.91 east with a window from five minutes before to fifteen after."""
    planned_s = seconds_of(at)
    usual: dict[str, Any] = {
        "row": row,
        "sequence": row,
        "lat": _LATS[(row - 1) % 3],
        "lon": 104.9100,
        "planned_s": planned_s,
        "opens_s": planned_s - 300,
        "closes_s": planned_s + 900,
        "source_id": f"stop-{row}",
        "names": {"en": f"Corner {row}", "km": f"ជ្រុង {row}"},
    }
    return StopDraft(**usual | more)


def a_round(*stops: StopDraft, code: str = "PK-1", **more: Any) -> RoundDraft:
    """Return a round that runs every day, with three stops at 20:00, 20:10 and 20:20 if none are given."""
    usual: dict[str, Any] = {"code": code, "name": "Kandal in the evening", "days": EVERY_DAY}
    made = stops or tuple(a_stop(row, at) for row, at in enumerate(("20:00", "20:10", "20:20"), start=1))
    return RoundDraft(stops=made, **usual | more)


def save(city: City, draft: RoundDraft | None = None, **more: Any) -> SavedPlan:
    """Save a plan as an operator does, from the Monday on."""
    usual: dict[str, Any] = {"from_day": MONDAY, "now": MONDAY_MORNING, "by": COMMAND, "source": "test"}
    return save_plan(city_id=city.pk, draft=draft or a_round(), **usual | more)


def moved(draft: RoundDraft, row: int, **changes: Any) -> RoundDraft:
    """Return a draft with one of its stops changed."""
    return replace(draft, stops=tuple(replace(one, **changes) if one.row == row else one for one in draft.stops))


def numbered(stops: list[StopDraft]) -> tuple[StopDraft, ...]:
    """Return stops with the order in which they stand."""
    return tuple(replace(one, row=row, sequence=row) for row, one in zip(itertools.count(1), stops, strict=False))
