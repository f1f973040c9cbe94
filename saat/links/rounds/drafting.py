"""Plan rows to drafts of rounds: each cell read, rows without a time left out, what is unclear made a question."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from saat.links.rounds import values
from saat.links.rounds.parts import COLUMNS, NAME, PlanFile, PlanRow, RowRefused
from saat.terms.plan import HolidayRule, ServiceDays, StopKind, Stream
from saat.terms.planning import QuestionDraft, RoundDraft, StopDraft
from saat.terms.servicedays import clock_text

_DAY_S = 86_400.0
# A time that falls back by more than this between two stops, or from a window's opening to its closing, is past
# midnight; by less, it contradicts the order.
_OVER_MIDNIGHT_S = 43_200.0
_STREAMS = {
    "refuse_days": Stream.REFUSE, "recycling_days": Stream.RECYCLING, "organic_days": Stream.ORGANIC,
    "bulky_days": Stream.BULKY,
}  # fmt: skip
_LONGEST_ROW, _LONGEST_TEXT = 160, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How rows are read where they do not say. weekdays: the file's own words for weekdays.

    before_s, after_s: the window that residents are promised around a planned time. language: of `name`. days:
    weekdays of rounds that name none, None for a fault.
    """

    weekdays: Mapping[str, int] = field(default_factory=dict)
    before_s: float = 300.0
    after_s: float = 900.0
    language: str = "en"
    days: frozenset[int] | None = None
    holidays: HolidayRule = HolidayRule.COLLECT
    dwell_s: float = 30.0


@dataclass(slots=True)
class _Entry:
    """One row on its way. stream_days: None where the row names no days of its own."""

    row: PlanRow
    stop: StopDraft
    stream_days: dict[Stream, frozenset[int] | None]


def drafted(rows: Iterable[PlanRow], reading: Reading) -> PlanFile:
    """Return the rounds that rows make, in the order of their first row, with every row that could not be taken.

    A row without a time is left out and counted, because nothing could ever be late or missed there.
    """
    found = PlanFile()
    rounds: dict[str, list[_Entry]] = {}
    heads: dict[str, list[PlanRow]] = {}
    places: dict[tuple[str, int], PlanRow] = {}
    for at, row in enumerate(rows, start=1):
        found.rows += 1
        found.by_row[at] = row
        code = row.text("round")
        try:
            if not code:
                raise RowRefused("round: it is empty; which round is this stop on?")
            if not (row.text("time") or row.text("opens")):
                found.excluded["no time"] += 1
                continue
            entry = _entry(at, row, reading, sequence=len(rounds.get(code, ())) + 1)
            other = places.setdefault((code, entry.stop.sequence), row)
            if other is not row:
                raise RowRefused(
                    f"seq: {entry.stop.sequence} stands twice on this round, in row {where(other)} as well."
                )
        except RowRefused as error:
            found.refused.append((row, str(error)))
            continue
        rounds.setdefault(code, []).append(entry)
        heads.setdefault(code, []).append(row)
    for code, entries in rounds.items():
        try:
            found.rounds.append(_round(code, entries, heads[code], reading, found.questions))
        except RowRefused as error:
            found.refused.extend((entry.row, str(error)) for entry in entries)
    return found


def _entry(at: int, row: PlanRow, reading: Reading, *, sequence: int) -> _Entry:
    lat, lon = values.place(row.text("lat"), row.text("lon"))
    line = values.line(row.text("line"))
    if not line and math.isnan(lat):
        raise RowRefused("lat, lon: they are empty; where is this stop?")
    planned, opens, closes = _times(row, reading)
    kind = row.text("kind").lower() or (StopKind.KERB if line else StopKind.POINT)
    if kind not in list(StopKind):
        raise RowRefused(f"kind: {kind!r} is none of {', '.join(StopKind)}.")
    served_by = row.text("served_by")
    stop = StopDraft(
        row=at,
        sequence=values.whole(row.text("seq"), column="seq") if row.text("seq") else sequence,
        lat=lat,
        lon=lon,
        line=line,
        kind=StopKind(kind),
        planned_s=planned,
        opens_s=opens,
        closes_s=closes,
        names=_names(row, reading.language),
        number=row.text("number"),
        source_id=row.text("stop")[:120],
        dwell_s=values.figure(row.text("dwell_s"), column="dwell_s", usual=reading.dwell_s),
        load_kg=values.figure(row.text("load_kg"), column="load_kg", usual=0.0),
        lane=values.yes(row.text("lane"), column="lane") or bool(served_by),
        served_by=served_by,
    )
    if stop.sequence < 0:
        raise RowRefused("seq: the place in the order cannot be negative.")
    return _Entry(row, stop, _stream_days(row, reading))


def _times(row: PlanRow, reading: Reading) -> tuple[float, float, float]:
    given = {name: values.time_s(row.text(name), column=name) for name in ("time", "opens", "closes") if row.text(name)}
    planned = given.get("time", given.get("opens", 0.0))
    opens = given.get("opens", max(0.0, planned - reading.before_s))
    closes = given.get("closes", planned + reading.after_s)
    if opens - closes > _OVER_MIDNIGHT_S:
        closes += _DAY_S
    if opens - planned > _OVER_MIDNIGHT_S:
        planned += _DAY_S
    return planned, opens, closes


def _names(row: PlanRow, language: str) -> dict[str, str]:
    names = {}
    for column, text in row.cells.items():
        what, _, tongue = column.partition(":")
        if what == NAME and text.strip():
            names[tongue or language] = text.strip()
    return names


def _stream_days(row: PlanRow, reading: Reading) -> dict[Stream, frozenset[int] | None]:
    named: dict[Stream, frozenset[int] | None] = {}
    for column, stream in _STREAMS.items():
        if row.text(column):
            named[stream] = values.weekdays(row.text(column), column=column, words=reading.weekdays)
    if row.text("days"):
        days = values.weekdays(row.text("days"), column="days", words=reading.weekdays)
        named.setdefault(Stream.REFUSE, days)
    return named or {Stream.REFUSE: None}


def _round(
    code: str, entries: list[_Entry], rows: Sequence[PlanRow], reading: Reading, questions: list[QuestionDraft]
) -> RoundDraft:
    said = {column: next((row.text(column) for row in rows if row.text(column)), "") for column in COLUMNS}
    named: set[int] = set()
    for entry in entries:
        for stream_days in entry.stream_days.values():
            named |= stream_days or frozenset()
    weekdays = frozenset(named) or reading.days or frozenset()
    entries.sort(key=lambda entry: entry.stop.sequence)
    order_strict = _after_midnight(code, entries, questions)
    return RoundDraft(
        code=code[:60],
        name=said["round_name"],
        days=_days(said, weekdays, reading),
        stops=tuple(replace(entry.stop, streams=_streams(entry, weekdays)) for entry in entries),
        starts_s=values.time_s(said["round_starts"], column="round_starts") if said["round_starts"] else None,
        ends_s=values.time_s(said["round_ends"], column="round_ends") if said["round_ends"] else None,
        order_strict=order_strict,
        numbered=bool(said["seq"]),
        contractor=said["contractor"],
        vehicle=said["vehicle"],
        depot=said["depot"],
        disposal=said["disposal"],
    )


def _streams(entry: _Entry, weekdays: frozenset[int]) -> dict[Stream, frozenset[int] | None]:
    return {stream: None if days == weekdays else days for stream, days in entry.stream_days.items()}


def _days(said: Mapping[str, str], weekdays: frozenset[int], reading: Reading) -> ServiceDays:
    holidays = said["holidays"].lower() or reading.holidays
    if holidays not in list(HolidayRule):
        raise RowRefused(f"holidays: {holidays!r} is none of {', '.join(HolidayRule)}.")
    nth = frozenset(values.whole(part, column="nth") for part in said["nth"].replace(",", " ").split())
    if not nth <= {-1, 1, 2, 3, 4, 5}:
        raise RowRefused("nth: 1 to 5 for the first to the fifth of these weekdays in a month, -1 for the last.")
    every_weeks = values.whole(said["every_weeks"], column="every_weeks") if said["every_weeks"] else 1
    if every_weeks < 1:
        raise RowRefused("every_weeks: 1 for every week, 2 for every other one.")
    singles = {
        name: values.day(said[column], column=column) if said[column] else None
        for name, column in (("counted_from", "counted_from"), ("first", "first_day"), ("last", "last_day"))
    }
    return ServiceDays(
        weekdays=weekdays,
        nth=nth,
        every_weeks=every_weeks,
        added=values.dates(said["added"], column="added"),
        removed=values.dates(said["removed"], column="removed"),
        holidays=HolidayRule(holidays),
        **singles,
    )


def _after_midnight(code: str, entries: list[_Entry], questions: list[QuestionDraft]) -> bool:
    """Put times after midnight onto the next day; return whether the order and the times agree.

    Where a time goes back otherwise, one of the two is wrong, and only a person can say which: it becomes a question,
    and the round is kept as one in which the order does not count.
    """
    strict = True
    for at in range(1, len(entries)):
        before, stop = entries[at - 1].stop, entries[at].stop
        if before.planned_s - stop.planned_s > _OVER_MIDNIGHT_S:
            entries[at].stop = replace(
                stop,
                planned_s=stop.planned_s + _DAY_S,
                opens_s=stop.opens_s + _DAY_S,
                closes_s=stop.closes_s + _DAY_S,
            )
    for before_entry, entry in pairwise(entries):
        before, stop = before_entry.stop, entry.stop
        if stop.planned_s < before.planned_s:
            strict = False
            text = f"{clock_text(before.planned_s)} {_called(before)} > {clock_text(stop.planned_s)} {_called(stop)}"
            questions.append(
                QuestionDraft(
                    row=where(entry.row),
                    why="time_goes_back",
                    text=text[:_LONGEST_TEXT],
                    round_code=code[:60],
                    source_id=stop.source_id,
                )
            )
    return strict


def where(row: PlanRow) -> str:
    """Return where a row stands, as the people of its file would find it again."""
    return (f"{row.file}:{row.number}" if row.file else str(row.number))[:_LONGEST_ROW]


def _called(stop: StopDraft) -> str:
    return next(iter(stop.names.values()), stop.source_id or str(stop.sequence))
