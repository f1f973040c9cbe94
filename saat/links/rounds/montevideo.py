"""Montevideo's containers: five text tables without headings, as the city's route planner keeps them.

Columns, checked against the places themselves, since a swapped pair would lie in the Southern Ocean:
containers: id, longitude, latitude, window opens, window closes (minutes since the shift began), demand (litres: the
city's containers hold 2,400 and 3,200), minutes to empty it, id of the street. otherlocs: id, longitude, latitude,
window. vehicles: id, depot, dump, where it ends, minutes at the dump, capacity (litres), shift begins, shift ends
(minutes); its own heading names six of the eight. dmatrix-time: from, to, minutes. sol: the plan in use, one line a
step: -1 and a vehicle, 0 its depot, 1 a container, 2 the dump, 3 where it ends, -2 the end.

The files know neither weekdays nor at what time a shift begins: the operator says both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from saat.links.rounds.drafting import Reading, drafted
from saat.links.rounds.parts import PlanFile, PlanRow
from saat.links.tables.reading import FileRefused
from saat.terms.geo import Point, distance_m
from saat.terms.plan import SiteKind
from saat.terms.planning import SiteDraft, VehicleDraft

SOURCE = "montevideo-containers"
_FILES = {"containers": 8, "otherlocs": 5, "vehicles": 8, "dmatrix-time": 3, "sol": 2}
_VEHICLE, _DEPOT, _CONTAINER, _DUMP, _END = "-1", "0", "1", "2", "3"
# Where the table of minutes has no entry: as the crow flies, at the pace of a truck in a town.
_PACE_MPS = 5.0


@dataclass(slots=True, kw_only=True)
class _Tables:
    name: str
    lines: dict[str, list[list[str]]]
    minutes: dict[tuple[str, str], float] = field(default_factory=dict)
    places: dict[str, Point] = field(default_factory=dict)
    estimated: int = 0


def is_montevideo(folder: Path) -> bool:
    """Return whether a folder holds these tables."""
    return folder.is_dir() and any(folder.glob("*.dmatrix-time.txt"))


def read_montevideo(folder: Path, reading: Reading, *, starts_s: float, kg_per_litre: float) -> PlanFile:
    """Return the plan in use. starts_s: when a shift begins, seconds since midnight.

    kg_per_litre: what a litre of a full container weighs; loose household waste weighs 0.10 to 0.15.

    :raises FileRefused: if a table is missing or cannot be read.
    """
    tables = _read(folder)
    containers = {line[0]: line for line in tables.lines["containers"]}
    rows: list[PlanRow] = []
    ends: dict[str, float] = {}
    vehicles = {line[0]: line for line in tables.lines["vehicles"]}
    vehicle, at, clock_s, steps = "", "", 0.0, 0
    for number, (kind, what) in enumerate(tables.lines["sol"], start=1):
        if kind == _VEHICLE:
            vehicle, at, steps = what, "", 0
            continue
        if vehicle not in vehicles or kind not in (_DEPOT, _CONTAINER, _DUMP, _END):
            continue
        if kind == _DEPOT:
            clock_s, at = starts_s + float(vehicles[vehicle][6]) * 60, what
            continue
        clock_s += _travel_s(tables, at, what)
        at = what
        if kind == _CONTAINER:
            if what not in containers:
                raise FileRefused(f"The plan in use visits container {what}, which the containers do not list.")
            steps += 1
            rows.append(_row(tables, number, vehicle, containers[what], steps, clock_s, starts_s, kg_per_litre))
            clock_s += float(containers[what][6]) * 60
        elif kind == _DUMP:
            clock_s += float(vehicles[vehicle][4]) * 60
        ends[vehicle] = clock_s
    plan = drafted(rows, replace(reading, dwell_s=0.0))
    plan.rounds = [
        replace(
            draft,
            starts_s=starts_s + float(vehicles[draft.vehicle.rpartition(" ")[2]][6]) * 60,
            ends_s=ends[draft.vehicle.rpartition(" ")[2]],
        )
        for draft in plan.rounds
    ]
    visited = {row.text("stop") for row in rows}
    plan.excluded["not in the plan in use"] += sum(1 for one in containers if one not in visited)
    plan.rows += plan.excluded["not in the plan in use"]
    plan.sites = _sites(tables)
    plan.vehicles = [
        VehicleDraft(label=_label(tables, line[0]), capacity_kg=round(float(line[5]) * kg_per_litre, 1))
        for line in tables.lines["vehicles"]
    ]
    if tables.estimated:
        plan.notes.append(f"{tables.estimated} stretches without minutes were estimated at {_PACE_MPS:g} m/s.")
    return plan


def _row(
    tables: _Tables, number: int, vehicle: str, line: list[str], step: int, clock_s: float, starts_s: float,
    kg_per_litre: float,
) -> PlanRow:  # fmt: skip
    own = next(one for one in tables.lines["vehicles"] if one[0] == vehicle)
    opens, closes = (starts_s + float(text) * 60 for text in line[3:5])
    cells = {
        "round": f"{tables.name} {vehicle}",
        "round_name": f"{tables.name} {vehicle}",
        "vehicle": _label(tables, vehicle),
        "depot": own[1],
        "disposal": own[2],
        "seq": str(step),
        "stop": line[0],
        "name:en": f"Container {line[0]}",
        "lat": line[2],
        "lon": line[1],
        "time": _clock(clock_s),
        "opens": _clock(opens),
        "closes": _clock(max(closes, clock_s + 60)),
        "dwell_s": str(float(line[6]) * 60),
        "load_kg": str(round(float(line[5]) * kg_per_litre, 1)),
    }
    return PlanRow(number=number, cells=cells, file="sol")


def _travel_s(tables: _Tables, start: str, end: str) -> float:
    if not start or start == end:
        return 0.0
    minutes = tables.minutes.get((start, end))
    if minutes is not None:
        return minutes * 60
    tables.estimated += 1
    return distance_m(tables.places[start], tables.places[end]) / _PACE_MPS


def _sites(tables: _Tables) -> list[SiteDraft]:
    dumps = {line[2] for line in tables.lines["vehicles"]}
    depots = {line[1] for line in tables.lines["vehicles"]} | {line[3] for line in tables.lines["vehicles"]}
    found = []
    for line in tables.lines["otherlocs"]:
        kind = SiteKind.DISPOSAL if line[0] in dumps else SiteKind.DEPOT if line[0] in depots else None
        if kind is not None:
            place = tables.places[line[0]]
            called = "Dump" if kind == SiteKind.DISPOSAL else "Depot"
            found.append(
                SiteDraft(kind=kind, name=f"{called} {line[0]}", lat=place.lat, lon=place.lon, source_id=line[0])
            )
    return found


def _label(tables: _Tables, vehicle: str) -> str:
    return f"{tables.name} {vehicle}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _read(folder: Path) -> _Tables:
    path = next(folder.glob("*.dmatrix-time.txt"), None)
    if path is None:
        raise FileRefused(f"{folder} holds no *.dmatrix-time.txt.")
    name = path.name.removesuffix(".dmatrix-time.txt")
    lines: dict[str, list[list[str]]] = {}
    for what, columns in _FILES.items():
        found = folder / f"{name}.{what}.txt"
        try:
            text = found.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileRefused(f"{found.name} cannot be read: {error}.") from error
        lines[what] = []
        for number, line in enumerate(text.splitlines(), start=1):
            cells = line.split()
            if not cells or cells[0].startswith("#"):
                continue
            if len(cells) != columns:
                raise FileRefused(f"{found.name}, line {number}: {columns} columns are wanted, got {len(cells)}.")
            lines[what].append(cells)
    tables = _Tables(name=name, lines=lines)
    try:
        tables.minutes = {(a, b): float(minutes) for a, b, minutes in lines["dmatrix-time"]}
        for place in (*lines["containers"], *lines["otherlocs"]):
            tables.places[place[0]] = Point(lat=float(place[2]), lon=float(place[1]))
    except ValueError as error:
        raise FileRefused(f"The tables of {name} hold something that is no number or no place: {error}") from error
    return tables
