"""A city's open cases in memory, as columns of numbers: for counting them and for drawing them on the map.

Both touch every open case, many times a minute, for every screen; reading them from the tables each time would cost
more than all else the desk does. The columns are read once per process. After that each question first asks the end
of the city's log, and only the cases that new events tell of are read again, so an answer is never older than the log.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from saat.actions.citymap import city_map
from saat.records import queries_map
from saat.records.models import City
from saat.records.queries_map import COLUMNS, STATES, URGENCIES, Mark
from saat.records.queries_worklist import AnyOf, Box, Group, Is, WorkList, box_conditions
from saat.terms.case import State, Urgency

# Cases within such a square of the screen are drawn as one, in pixels; the map's tiles are 512 pixels wide.
SQUARE_PX = 56
TILE_PX = 512
# From this zoom on houses can be told apart, and each case stands by itself.
SINGLE_ZOOM = 15.5
MOST_SINGLES = 1000
# Of lists that hold closed cases the map shows the first so many.
MOST_CLOSED = 5000

_KINDS = {
    "lat": np.float64, "lon": np.float64, "service_code": np.object_, "state": np.int8, "urgency": np.int8,
    "proof_failed": np.bool_, "reopened": np.int32,
}  # fmt: skip
_STATE_NO = {state: number for number, state in enumerate(STATES)}
_URGENCY_NO = {urgency: number for number, urgency in enumerate(URGENCIES)}

Columns = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Cases that lie close together: their middle in degrees, how many there are, and how many of them press."""

    lat: float
    lon: float
    count: int
    danger: int
    overdue: int
    untaken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One case that lies by itself. lat, lon: degrees."""

    case_id: int
    code: str
    service_code: str
    state: State
    urgency: Urgency
    overdue: bool
    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """A list on the map.

    total: cases of the list, wherever they are. placeless: those of them without a point. cut: whether the list has
    more cases than were looked at.
    """

    clusters: list[Cluster]
    singles: list[Single]
    total: int
    placeless: int
    cut: bool


@dataclass(frozen=True, slots=True)
class OpenCases:
    """The open cases of one city up to one mark of its log.

    columns: see `queries_map.COLUMNS`. holders: the different (area, contractor, crew) that cases have, 0 for none;
    holder_of: the place in it of each case's own.
    """

    mark: Mark
    columns: Columns
    holders: list[tuple[int, int, int]]
    holder_of: np.ndarray


_known: dict[int, OpenCases] = {}
# City to the words of its open cases up to a mark, each with a space before and behind; read when first searched for.
_words: dict[int, tuple[Mark, dict[int, str]]] = {}
_guard = threading.Lock()


def open_cases(city: City, *, mark: Mark | None = None) -> OpenCases:
    """Return a city's open cases as of now, or at least as of a mark of its log; nobody may change them."""
    mark = mark or queries_map.mark_of(city)
    known = _known.get(city.pk)
    if known is not None and known.mark == mark and mark.seq > 0:
        return known
    with _guard:
        known = _known.get(city.pk)
        changed = queries_map.changed_since(city, known.mark, mark) if known is not None else None
        if known is None or changed is None:
            columns = _columns(list(queries_map.open_rows(city)))
        else:
            columns = _renewed(known.columns, city, changed)
        _known[city.pk] = OpenCases(mark, columns, *_holders(columns))
        return _known[city.pk]


def _words_at(city: City, mark: Mark) -> dict[int, str]:
    """Return open case → its search words as of a mark of the log; nobody may change it."""
    kept = _words.get(city.pk)
    if kept is not None and kept[0] == mark and mark.seq > 0:
        return kept[1]
    with _guard:
        kept = _words.get(city.pk)
        changed = queries_map.changed_since(city, kept[0], mark) if kept is not None else None
        if kept is None or changed is None:
            words = {}
            rows = queries_map.open_words(city)
        else:
            words = {case_id: text for case_id, text in kept[1].items() if case_id not in changed}
            rows = queries_map.open_words(city, ids=changed)
        words.update((case_id, f" {text} ") for case_id, text in rows)
        _words[city.pk] = (mark, words)
        return words


def _holders(columns: Columns) -> tuple[list[tuple[int, int, int]], np.ndarray]:
    which = np.zeros(len(columns["id"]), dtype=np.int64)
    for name in ("area_id", "contractor_id", "crew_id"):
        known, place = np.unique(columns[name], return_inverse=True)
        which = which * len(known) + place.reshape(-1)
    _, first, place = np.unique(which, return_index=True, return_inverse=True)
    whose = (columns[name][first].tolist() for name in ("area_id", "contractor_id", "crew_id"))
    return list(zip(*whose, strict=True)), place.reshape(-1)


def _renewed(old: Columns, city: City, changed: set[int]) -> Columns:
    newest = int(old["id"].max()) if len(old["id"]) else 0
    rows = list(queries_map.open_rows(city, ids=changed, after_id=newest))
    stays = ~np.isin(old["id"], np.fromiter(changed, dtype=np.int64, count=len(changed)))
    if not rows and stays.all():
        return old
    new = _columns(rows)
    return {name: np.concatenate([old[name][stays], new[name]]) for name in COLUMNS}


def _columns(rows: list[tuple[Any, ...]]) -> Columns:
    values = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    columns = {}
    for name, column in zip(COLUMNS, values, strict=True):
        kind = _KINDS.get(name, np.int64)
        if name in ("lat", "lon"):
            columns[name] = np.array([math.nan if value is None else value for value in column], dtype=np.float64)
        elif name.endswith("_id"):
            columns[name] = np.array([value or 0 for value in column], dtype=np.int64)
        else:
            columns[name] = np.array(column, dtype=kind)
    return columns


def counts(work: WorkList, *, mark: Mark | None = None) -> dict[Group, int]:
    """Return how many cases each group of open cases lists, with the other filters as they are.

    mark: as of which mark of the city's log at least, if that was asked for already.
    """
    known = open_cases(work.city, mark=mark)
    columns = known.columns
    base = _seen(known, work) & _found(known, work)
    return {
        group: int(np.count_nonzero(base & _all(columns, work.conditions(group)))) for group in Group if group.is_open
    }


def handed(city: City) -> dict[tuple[int | None, int | None], int]:
    """Return how many open cases each (contractor id, crew id) has; those that nobody was given are left out."""
    known = open_cases(city)
    found: dict[tuple[int | None, int | None], int] = {}
    numbers = np.bincount(known.holder_of, minlength=len(known.holders)).tolist()
    for (_area_id, contractor_id, crew_id), number in zip(known.holders, numbers, strict=True):
        if contractor_id or crew_id:
            holder = (contractor_id or None, crew_id or None)
            found[holder] = found.get(holder, 0) + number
    return found


def map_view(work: WorkList, *, box: Box, zoom: float) -> MapView:
    """Return the cases of a list that lie in a rectangle of the map: far off as clusters, near by one by one.

    zoom: of the map, from 0 to 22.
    """
    if work.wanted.group.is_open:
        known = open_cases(work.city)
        columns = known.columns
        listed = _seen(known, work) & _found(known, work) & _all(columns, work.conditions())
        cut = False
    else:
        columns = _columns(list(queries_map.first_rows(work, MOST_CLOSED)))
        listed = np.ones(len(columns["id"]), dtype=np.bool_)
        cut = len(listed) == MOST_CLOSED
    placed = ~np.isnan(columns["lat"])
    at = np.flatnonzero(listed & placed & _all(columns, box_conditions(box)))
    here = {name: column[at] for name, column in columns.items()}
    is_open = np.full(len(at), work.wanted.group.is_open) | (here["state"] < _STATE_NO[State.CLOSED])
    overdue = is_open & (here["due_at"] < work.now.timestamp())
    clusters, alone = _gathered(here, overdue, zoom=zoom, middle=(box.south + box.north) / 2)
    return MapView(
        clusters=clusters,
        singles=_singles(here, overdue, alone[:MOST_SINGLES]),
        total=int(np.count_nonzero(listed)),
        placeless=int(np.count_nonzero(listed & ~placed)),
        cut=cut or len(alone) > MOST_SINGLES,
    )


def square_deg(zoom: float, lat: float) -> tuple[float, float]:
    """Return the height and width of one square in degrees, at a zoom of the map and a latitude.

    >>> tuple(round(side, 4) for side in square_deg(12, 11.56))
    (0.0094, 0.0096)
    """
    width = 360.0 * SQUARE_PX / (TILE_PX * 2.0**zoom)
    return width * math.cos(math.radians(max(-85.0, min(85.0, lat)))), width


def _gathered(here: Columns, overdue: np.ndarray, *, zoom: float, middle: float) -> tuple[list[Cluster], np.ndarray]:
    """Return the clusters, and where in the columns those cases stand that are alone."""
    if zoom >= SINGLE_ZOOM:
        return [], np.arange(len(here["id"]))
    high, wide = square_deg(zoom, middle)
    rows = np.floor((here["lat"] + 90.0) / high).astype(np.int64)
    cols = np.floor((here["lon"] + 180.0) / wide).astype(np.int64)
    _, square, count = np.unique(rows * 4_294_967_296 + cols, return_inverse=True, return_counts=True)
    crowded = count > 1
    sums = {
        "lat": np.bincount(square, here["lat"], len(count)) / count,
        "lon": np.bincount(square, here["lon"], len(count)) / count,
        "danger": np.bincount(square, here["urgency"] == _URGENCY_NO[Urgency.DANGER], len(count)),
        "overdue": np.bincount(square, overdue, len(count)),
        "untaken": np.bincount(square, here["state"] == _STATE_NO[State.OPEN], len(count)),
    }
    clusters = [
        Cluster(
            lat=float(sums["lat"][i]),
            lon=float(sums["lon"][i]),
            count=int(count[i]),
            danger=int(sums["danger"][i]),
            overdue=int(sums["overdue"][i]),
            untaken=int(sums["untaken"][i]),
        )
        for i in np.flatnonzero(crowded)
    ]
    return clusters, np.flatnonzero(~crowded[square])


def _singles(here: Columns, overdue: np.ndarray, alone: np.ndarray) -> list[Single]:
    if not len(alone):
        return []
    at = {int(here["id"][i]): i for i in alone}
    return [
        Single(
            case_id=case_id,
            code=code,
            service_code=service_code,
            state=State(state),
            urgency=Urgency(urgency),
            overdue=bool(overdue[at[case_id]]),
            lat=float(here["lat"][at[case_id]]),
            lon=float(here["lon"][at[case_id]]),
        )
        for case_id, code, service_code, state, urgency in queries_map.single_cases(at)
    ]


def _seen(known: OpenCases, work: WorkList) -> np.ndarray:
    """Return which cases the person may see; `Reach.roles_in` decides, once for each area, contractor and crew."""
    ground = city_map(work.city)
    may = [
        bool(
            work.reach.roles_in(
                city_id=work.city.pk,
                area_path=ground.path_of(area_id or None),
                contractor_id=contractor_id or None,
                crew_id=crew_id or None,
            )
        )
        for area_id, contractor_id, crew_id in known.holders
    ]
    return np.array(may, dtype=np.bool_)[known.holder_of]


def _found(known: OpenCases, work: WorkList) -> np.ndarray:
    """Return which cases have all words that are searched for."""
    ids = known.columns["id"]
    wanted = [f" {word} " for word in work.wanted.words]
    if not wanted:
        return np.ones(len(ids), dtype=np.bool_)
    words = _words_at(work.city, known.mark)
    told = (words.get(case_id, "") for case_id in ids.tolist())
    return np.fromiter((all(word in text for word in wanted) for text in told), dtype=np.bool_, count=len(ids))


def _all(columns: Columns, conditions: list[AnyOf]) -> np.ndarray:
    holds = np.ones(len(columns["id"]), dtype=np.bool_)
    for any_of in conditions:
        either = np.zeros_like(holds)
        for one in any_of:
            either |= _holds(columns, one)
        holds &= either
    return holds


def _holds(columns: Columns, one: Is) -> np.ndarray:
    """Return where one condition holds; open cases have no `closed_at` and no `ending`."""
    length = len(columns["id"])
    if one.column == "closed_at":
        return np.full(length, one.value)
    if one.column == "ending":
        return np.zeros(length, dtype=np.bool_)
    column = columns[one.column]
    if one.op == "null":
        return (column == 0) == one.value
    if one.op == "in":
        return np.isin(column, [_number(one.column, value) for value in one.value])
    value = _number(one.column, one.value)
    if one.op == "eq":
        return column == value
    if one.op == "lt":
        return column < value
    if one.op == "lte":
        return column <= value
    return column > value if one.op == "gt" else column >= value


def _number(column: str, value: Any) -> Any:
    if column == "state":
        return _STATE_NO[value]
    if column == "urgency":
        return _URGENCY_NO[value]
    return value.timestamp() if isinstance(value, datetime) else value
