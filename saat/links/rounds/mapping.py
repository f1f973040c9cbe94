"""Plans in tables (CSV, XLSX) and on maps (GeoJSON), through a mapping file that says what their columns mean.

Without a mapping, the columns are those of `parts.COLUMNS`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from saat.links.rounds.drafting import where
from saat.links.rounds.parts import COLUMNS, NAME, PlanRow
from saat.links.rounds.values import WEEKDAYS
from saat.links.tables.geojson import Feature
from saat.links.tables.mapping import MappingRefused
from saat.links.tables.reading import Row, Table
from saat.terms.planning import QuestionDraft

_YES = frozenset({"y", "yes", "1", "true", "x", "v"})
_SECTIONS = {
    "source", "language", "attribution", "file", "columns", "constants", "weekdays", "yes_days", "questions", "window",
}  # fmt: skip
_DAY_COLUMNS = ("days", "refuse_days", "recycling_days", "organic_days", "bulky_days")
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMapping:
    """What the columns of a plan's file mean.

    columns: our column to theirs; several are joined with a dash. constants: what holds for every row. weekdays: their
    words. yes_days: our day column to their seven columns, each of which says yes on its weekday. doubtful: their
    columns with free text, and the words in them that only a person can judge. before_min, after_min: the window
    around a planned time, None where the file has windows or the operator says it.
    """

    source: str
    language: str = "en"
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    weekdays: Mapping[str, int] = field(default_factory=dict)
    yes_days: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    doubtful: tuple[tuple[str, re.Pattern[str]], ...] = ()
    file: Mapping[str, Any] = field(default_factory=dict)
    before_min: float | None = None
    after_min: float | None = None

    def wanted_columns(self) -> list[str]:
        """Return every column that the file must have."""
        found = {theirs for names in self.columns.values() for theirs in names}
        found |= {theirs for days in self.yes_days.values() for theirs in days}
        return sorted(found | {theirs for theirs, _pattern in self.doubtful})

    def rows_of(self, table: Table) -> list[PlanRow]:
        """Return the rows of a table as plan rows."""
        return [self._row(row, row.number) for row in table.rows]

    def rows_of_map(self, features: Iterable[Feature]) -> list[PlanRow]:
        """Return the features of a map as plan rows; points are stops, lines are kerbs."""
        return [self._feature(feature) for feature in features]

    def questions_of(self, row: Row | Feature, plan_row: PlanRow) -> list[QuestionDraft]:
        """Return what in the free text of a row only a person can judge."""
        found = []
        for column, pattern in self.doubtful:
            text = row.text(column)
            if text and pattern.search(text):
                found.append(
                    QuestionDraft(
                        row=where(plan_row),
                        why="free_text",
                        text=text[:_LONGEST_TEXT],
                        round_code=plan_row.text("round")[:60],
                        source_id=plan_row.text("stop")[:120],
                    )
                )
        return found

    def _row(self, row: Row | Feature, number: int) -> PlanRow:
        cells = dict(self.constants)
        for ours, theirs in self.columns.items():
            text = "-".join(part for part in (row.text(column) for column in theirs) if part)
            if text:
                cells[ours] = text
        for ours, by_column in self.yes_days.items():
            days = [day for column, day in by_column.items() if row.text(column).lower() in _YES]
            names = {day: name for name, day in reversed(WEEKDAYS.items())}
            if days:
                cells[ours] = ",".join(names[day] for day in sorted(days))
        return PlanRow(number=number, cells=cells)

    def _feature(self, feature: Feature) -> PlanRow:
        row = self._row(feature, feature.number)
        cells = dict(row.cells)
        geometry = feature.geometry or {}
        kind, at = geometry.get("type"), geometry.get("coordinates")
        try:
            if kind == "Point" and at:
                cells["lon"], cells["lat"] = str(at[0]), str(at[1])
            elif kind == "LineString" and at:
                cells["line"] = "; ".join(f"{lat} {lon}" for lon, lat, *_height in at)
            elif kind:
                cells["line"] = f"a {kind}, where a Point or a LineString is wanted"
        except (TypeError, ValueError, IndexError, KeyError):
            cells["line"] = "coordinates that cannot be read"
        return PlanRow(number=row.number, cells=cells)


def plain_mapping(columns: Iterable[str], *, source: str) -> PlanMapping:
    """Return the mapping of a file in our own columns; others are left out.

    :raises MappingRefused: if it has none of them.
    """
    ours = {column: (column,) for column in columns if column in COLUMNS or column.partition(":")[0] == NAME}
    if "round" not in ours:
        raise MappingRefused(
            f"The file has no column `round`; its columns must be {', '.join(COLUMNS)}, or a mapping file (--mapping) "
            "says what they mean."
        )
    return PlanMapping(source=source, columns=ours)


def read_plan_mapping(text: str) -> PlanMapping:
    """Return the mapping written as TOML.

    :raises MappingRefused: if it is not TOML, or an entry is missing, unknown or of the wrong kind.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingRefused(f"It is not valid TOML: {error}.") from error
    unknown = sorted(set(data) - _SECTIONS)
    if unknown:
        raise MappingRefused(f"Unknown entries: {', '.join(unknown)}; known are {', '.join(sorted(_SECTIONS))}.")
    source = data.get("source")
    if not isinstance(source, str) or not source.strip():
        raise MappingRefused("`source` must say what the other system is called.")
    columns = {ours: _texts(theirs, f"columns.{ours}") for ours, theirs in _table(data, "columns").items()}
    constants = {ours: str(value) for ours, value in _table(data, "constants").items()}
    for ours in (*columns, *constants):
        if ours not in COLUMNS and ours.partition(":")[0] != NAME:
            raise MappingRefused(f"{ours!r} is no column of a plan; they are {', '.join(COLUMNS)} and name.")
    if "round" not in columns:
        raise MappingRefused("`columns.round` must name the column that says which round a stop is on.")
    window = _table(data, "window")
    return PlanMapping(
        source=source.strip()[:60],
        language=str(data.get("language", "en")),
        columns=columns,
        constants=constants,
        weekdays={word: _weekday(name, f"weekdays.{word}") for word, name in _table(data, "weekdays").items()},
        yes_days={ours: _yes_days(days, ours) for ours, days in _table(data, "yes_days").items()},
        doubtful=tuple(_doubtful(column, found) for column, found in _table(data, "questions").items()),
        file=_table(data, "file"),
        before_min=_minutes(window, "before_min"),
        after_min=_minutes(window, "after_min"),
    )


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, dict):
        raise MappingRefused(f"[{name}] must be a table.")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise MappingRefused(f"`{name}` must name a column, or a list of columns.")
    return texts


def _weekday(value: Any, name: str) -> int:
    day = WEEKDAYS.get(str(value).lower())
    if day is None:
        raise MappingRefused(f"`{name}` must be one of mon, tue, wed, thu, fri, sat, sun, got {value!r}.")
    return day


def _yes_days(value: Any, ours: str) -> dict[str, int]:
    if ours not in _DAY_COLUMNS or not isinstance(value, dict):
        raise MappingRefused(f"[yes_days.{ours}]: it must be one of {', '.join(_DAY_COLUMNS)}, with mon … sun in it.")
    return {str(column): _weekday(day, f"yes_days.{ours}") for day, column in value.items()}


def _doubtful(column: str, found: Any) -> tuple[str, re.Pattern[str]]:
    try:
        return column, re.compile(found)
    except (re.error, TypeError) as error:
        raise MappingRefused(f"`questions.{column}` is no regular expression: {error}.") from error


def _minutes(window: Mapping[str, Any], name: str) -> float | None:
    value = window.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 720:
        raise MappingRefused(f"`window.{name}` must be minutes from 0 to 720, got {value!r}.")
    return float(value)
