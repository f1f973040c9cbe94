"""The stops of a plan: those that are known are brought up to date, the others made and given a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saat.actions.plan_words import StopRefused
from saat.records.models import City, Stop
from saat.terms.geo import Point
from saat.terms.planning import StopDraft
from saat.terms.stopnumbers import heard_number, new_number
from saat.triage.nearby import cell_of
from saat.triage.spelling import spelt

_BATCH = 500
_COLUMNS = ("kind", "lat", "lon", "line", "cell", "names", "plain", "area_id", "dwell_s", "load_kg", "lane", "active")


@dataclass(slots=True, kw_only=True)
class StopsSaved:
    """What saving stops did. ids: the row of each draft, by the draft's own row."""

    made: int = 0
    changed: int = 0
    ids: dict[int, int] = field(default_factory=dict)


def save_stops(
    *, city: City, drafts: Sequence[StopDraft], areas: Mapping[int, int | None], source: str, simulated: bool = False
) -> StopsSaved:
    """Write the stops of a draft within the caller's transaction.

    areas: the area of each, by its row. source: what they came from; a stop is known again by its id, by its source
    and source id, or by its number.

    :raises StopRefused: if a stop is not the city's, its number is taken, or its meeting point is not known.
    """
    saved = StopsSaved()
    known = _known(city, drafts, source)
    fresh: list[tuple[StopDraft, Stop]] = []
    changed: list[Stop] = []
    rows: dict[int, Stop] = {}
    for draft in drafts:
        row = _find(draft, known)
        if row is None:
            if draft.stop_id is not None:
                raise StopRefused("stop_unknown", row=draft.row)
            row = Stop(
                city=city,
                number=_number(draft),
                source=source if draft.source_id else "",
                source_id=draft.source_id,
                simulated=simulated,
            )
            _put(row, draft, areas.get(draft.row))
            fresh.append((draft, row))
            for key in _keys(draft):
                known[key] = row
        elif _put(row, draft, areas.get(draft.row)):
            changed.append(row)
        rows[draft.row] = row
    _give_numbers(fresh)
    Stop.objects.bulk_create([row for _draft, row in fresh], batch_size=_BATCH)
    changed += _meet(city, drafts, rows, known)
    unique = {row.pk: row for row in changed}
    Stop.objects.bulk_update(unique.values(), [*_COLUMNS, "served_by"], batch_size=200)
    saved.made = len(fresh)
    saved.changed = len(set(unique) - {row.pk for _draft, row in fresh})
    saved.ids = {at: row.pk for at, row in rows.items()}
    return saved


def _keys(draft: StopDraft) -> list[tuple[str, Any]]:
    keys: list[tuple[str, Any]] = []
    if draft.stop_id is not None:
        return [("id", draft.stop_id)]
    if draft.source_id:
        keys.append(("source", draft.source_id))
    if draft.number:
        keys.append(("number", heard_number(draft.number) or draft.number))
    return keys


def _find(draft: StopDraft, known: Mapping[tuple[str, Any], Stop]) -> Stop | None:
    for key in _keys(draft):
        if key in known:
            return known[key]
    return None


def _known(city: City, drafts: Sequence[StopDraft], source: str) -> dict[tuple[str, Any], Stop]:
    wanted = {key for draft in drafts for key in _keys(draft)}
    for draft in drafts:
        if draft.served_by:
            wanted |= {("source", draft.served_by), ("number", heard_number(draft.served_by) or draft.served_by)}
    known: dict[tuple[str, Any], Stop] = {}
    for kind, column in (("id", "pk"), ("source", "source_id"), ("number", "number")):
        values = sorted({value for one, value in wanted if one == kind})
        rows = Stop.objects.filter(city=city)
        if kind == "source":
            rows = rows.filter(source=source)
        for at in range(0, len(values), _BATCH):
            for row in rows.filter(**{f"{column}__in": values[at : at + _BATCH]}):
                same = known.setdefault(("id", row.pk), row)
                known[kind, getattr(row, column)] = same
    return known


def _number(draft: StopDraft) -> str:
    if not draft.number:
        return ""
    number = heard_number(draft.number)
    if number is None:
        raise StopRefused("number_unusable", row=draft.row, facts={"number": draft.number})
    return number


def _give_numbers(fresh: Sequence[tuple[StopDraft, Stop]]) -> None:
    """Give each stop that has none a number that nobody has, in any city."""
    own = {row.number: draft for draft, row in fresh if row.number}
    taken = Stop.objects.filter(number__in=list(own)).values_list("number", flat=True).first() if own else None
    if taken is not None:
        raise StopRefused("number_taken", row=own[taken].row, facts={"number": taken})
    without = [row for _draft, row in fresh if not row.number]
    used = set(own)
    while without:
        drawn: set[str] = set()
        while len(drawn) < len(without):
            drawn.add(new_number())
        free = sorted(drawn - used - _taken(drawn))
        for number in free:
            without.pop().number = number
        used |= drawn


def _taken(numbers: set[str]) -> set[str]:
    found: set[str] = set()
    ordered = sorted(numbers)
    for at in range(0, len(ordered), _BATCH):
        rows = Stop.objects.filter(number__in=ordered[at : at + _BATCH])
        found.update(rows.values_list("number", flat=True))
    return found


def _put(row: Stop, draft: StopDraft, area_id: int | None) -> bool:
    """Write a draft onto a row; return whether something differs. What a draft leaves out stays."""
    names = {language: text.strip()[:200] for language, text in draft.names.items() if text.strip()} or row.names
    values = {
        "kind": str(draft.kind),
        "lat": draft.lat,
        "lon": draft.lon,
        "line": [list(at) for at in draft.line],
        "cell": cell_of(Point(lat=draft.lat, lon=draft.lon)),
        "names": names,
        "plain": " ".join(spelt(text) for text in names.values())[:300],
        "area_id": area_id,
        "dwell_s": draft.dwell_s,
        "load_kg": draft.load_kg,
        "lane": draft.lane,
        "active": True,
    }
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)


def _meet(
    city: City, drafts: Sequence[StopDraft], rows: Mapping[int, Stop], known: Mapping[tuple[str, Any], Stop]
) -> list[Stop]:
    """Tie each lane to the stop to which its rubbish is brought; return the rows that this changed."""
    changed = []
    for draft in drafts:
        row = rows[draft.row]
        meeting_point = None
        if draft.served_by:
            number = heard_number(draft.served_by) or draft.served_by
            meeting_point = known.get(("source", draft.served_by)) or known.get(("number", number))
            if meeting_point is None:
                raise StopRefused("meeting_point_unknown", row=draft.row, facts={"other": draft.served_by})
        meeting_id = meeting_point.pk if meeting_point is not None else None
        if row.served_by_id != meeting_id:
            row.served_by_id = meeting_id
            changed.append(row)
    return changed
