"""Figures: what was measured, as numbers for a file and as a table for a person."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least a share of all values do not exceed (nearest rank); NaN for none.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.5), percentile([3.0, 1.0, 2.0, 4.0], 0.99)
    (2.0, 4.0)
    """
    if not values:
        return float("nan")
    ordered = sorted(values)
    rank = max(1, -int(-share * len(ordered) // 1))
    return ordered[rank - 1]


@dataclass(slots=True)
class Measure:
    """What one measure found. rows: column name to value, as `columns` order them; notes: sentences below the table."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, **values: Any) -> None:
        """Add one row."""
        unknown = set(values) - set(self.columns)
        if unknown:
            raise ValueError(f"The table {self.name} has no column {', '.join(sorted(unknown))}.")
        self.rows.append(values)

    def text(self) -> str:
        """Return the table as text: numbers to the right, words to the left."""
        cells = [[_shown(row.get(column)) for column in self.columns] for row in self.rows]
        head = [column.replace("_", " ") for column in self.columns]
        widths = [max(len(row[at]) for row in [head, *cells]) for at in range(len(head))]
        right = [all(isinstance(row.get(column), int | float | None) for row in self.rows) for column in self.columns]
        lines = [self.title, "-" * len(self.title)]
        for row in [head, *cells]:
            pairs = zip(row, widths, right, strict=True)
            lines.append("  ".join(text.rjust(width) if r else text.ljust(width) for text, width, r in pairs).rstrip())
        return "\n".join([*lines, *self.notes]) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


class Progress:
    """Says on the terminal what is done now; a line for each step where there is no terminal."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = sys.stderr.isatty()

    def step(self, at: str, what: str) -> None:
        """Say what begins now. at: which measure of how many."""
        done, _, of = at.partition("/")
        full = 20 * (int(done) - 1) // int(of)
        bar = f"[{'#' * full}{'.' * (20 - full)}] {at}"
        line = f"{bar}  {time.monotonic() - self._began:5.0f} s  {what}"
        sys.stderr.write(f"\r\x1b[2K{line}" if self._live else f"{line}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar away before something is printed."""
        if self._live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
