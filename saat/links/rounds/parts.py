"""What every plan file becomes on its way in: plan rows, and at the end drafts with all that was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from saat.terms.planning import QuestionDraft, RoundDraft, SiteDraft, VehicleDraft

# Of the round (the first row of a round that says it holds), of the stop, and what is collected on which days.
ROUND_COLUMNS = (
    "round", "round_name", "contractor", "vehicle", "depot", "disposal", "holidays", "nth", "every_weeks",
    "counted_from", "added", "removed", "first_day", "last_day", "round_starts", "round_ends",
)  # fmt: skip
STOP_COLUMNS = (
    "seq", "stop", "number", "kind", "lat", "lon", "line", "time", "opens", "closes", "dwell_s", "load_kg", "lane",
    "served_by",
)  # fmt: skip
DAY_COLUMNS = ("days", "refuse_days", "recycling_days", "organic_days", "bulky_days")
COLUMNS = (*ROUND_COLUMNS, *STOP_COLUMNS, *DAY_COLUMNS)  # and name, or name:<language>, for what a stop is called
NAME = "name"


class RowRefused(Exception):
    """A row cannot be taken in; the message says what is wrong with which column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One stop of one round as text. number: where it stands in its file, from 1. file: which, of several."""

    number: int
    cells: Mapping[str, str]
    file: str = ""

    def text(self, column: str) -> str:
        """Return a cell without spaces around it, "" where it is empty or missing."""
        return self.cells.get(column, "").strip()


@dataclass(slots=True, kw_only=True)
class PlanFile:
    """A whole plan as it came. refused: rows and why. excluded: how many rows were left out, by why."""

    rows: int = 0
    rounds: list[RoundDraft] = field(default_factory=list)
    questions: list[QuestionDraft] = field(default_factory=list)
    refused: list[tuple[PlanRow, str]] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)
    by_row: dict[int, PlanRow] = field(default_factory=dict)
    sites: list[SiteDraft] = field(default_factory=list)
    vehicles: list[VehicleDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
