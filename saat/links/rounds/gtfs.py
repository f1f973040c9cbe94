"""A plan as a GTFS folder or zip: a trip is a round, its service the days, its stop times the order and the windows.

Read are routes, trips, stops, stop_times (with start_ and end_pickup_drop_off_window where there is no fixed time),
calendar and calendar_dates, as https://gtfs.org/documentation/schedule/reference/ has them. Times beyond 24:00 belong
to the service day on which the trip began, as ours do.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from saat.links.rounds.drafting import Reading, drafted
from saat.links.rounds.parts import PlanFile, PlanRow
from saat.links.tables.reading import FileRefused

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LARGEST = 200_000_000  # bytes of one table, unpacked
_NEEDED = ("routes.txt", "trips.txt", "stop_times.txt", "stops.txt")
_ADDED, _REMOVED = "1", "2"

GtfsRow = dict[str, str]


def is_gtfs(path: Path) -> bool:
    """Return whether a folder or a zip looks like GTFS."""
    if path.is_dir():
        return (path / "stop_times.txt").is_file()
    return path.suffix.lower() == ".zip"


def read_gtfs(path: Path, reading: Reading) -> PlanFile:
    """Return the plan in a GTFS folder or zip.

    :raises FileRefused: if a table is missing or cannot be read.
    """
    tables = {name: _table(path, name) for name in _NEEDED}
    calendar = {row.get("service_id", ""): row for row in _table(path, "calendar.txt")}
    exceptions = _table(path, "calendar_dates.txt")
    if not calendar and not exceptions:
        raise FileRefused(f"{path.name} has neither calendar.txt nor calendar_dates.txt: on which days are its trips?")
    routes = {row.get("route_id", ""): row for row in tables["routes.txt"]}
    stops = {row.get("stop_id", ""): row for row in tables["stops.txt"]}
    trips = {row.get("trip_id", ""): row for row in tables["trips.txt"]}
    several: dict[str, int] = {}
    for trip in trips.values():
        several[trip.get("route_id", "")] = several.get(trip.get("route_id", ""), 0) + 1
    service_ids = {trip.get("service_id", "") for trip in trips.values()}
    days = {service_id: _days(service_id, calendar, exceptions) for service_id in service_ids}
    rows: list[PlanRow] = []
    for number, time in enumerate(tables["stop_times.txt"], start=2):
        trip = trips.get(time.get("trip_id", ""), {})
        route = routes.get(trip.get("route_id", ""), {})
        cells = {
            **_round_cells(trip, route, alone=several.get(trip.get("route_id", ""), 0) == 1),
            **days.get(trip.get("service_id", ""), {}),
            **_stop_cells(time, stops.get(time.get("stop_id", ""), {})),
        }
        rows.append(PlanRow(number=number, cells=cells, file="stop_times.txt"))
    return drafted(rows, reading)


def _round_cells(trip: Mapping[str, str], route: Mapping[str, str], *, alone: bool) -> dict[str, str]:
    called = route.get("route_short_name") or route.get("route_id", "")
    return {
        "round": called if alone and called else trip.get("trip_id", ""),
        "round_name": route.get("route_long_name") or called or trip.get("trip_headsign", ""),
    }


def _stop_cells(time: Mapping[str, str], stop: Mapping[str, str]) -> dict[str, str]:
    opens, closes = time.get("start_pickup_drop_off_window", ""), time.get("end_pickup_drop_off_window", "")
    arrival = time.get("arrival_time", "") or time.get("departure_time", "")
    cells = {
        "seq": time.get("stop_sequence", ""),
        "stop": time.get("stop_id", ""),
        "number": stop.get("stop_code", "") if any(sign.isdigit() for sign in stop.get("stop_code", "")) else "",
        "name": stop.get("stop_name", ""),
        "lat": stop.get("stop_lat", ""),
        "lon": stop.get("stop_lon", ""),
        "time": arrival,
    }
    if opens and closes:
        cells |= {"opens": opens, "closes": closes}
    return cells


def _days(service_id: str, calendar: Mapping[str, GtfsRow], exceptions: list[GtfsRow]) -> dict[str, str]:
    row = calendar.get(service_id, {})
    cells = {
        "days": ",".join(name[:3] for name in _WEEKDAYS if row.get(name) == "1"),
        "first_day": row.get("start_date", ""),
        "last_day": row.get("end_date", ""),
    }
    for column, kind in (("added", _ADDED), ("removed", _REMOVED)):
        dates = [
            one.get("date", "")
            for one in exceptions
            if one.get("service_id") == service_id and one.get("exception_type") == kind
        ]
        cells[column] = ",".join(sorted(dates))
    return cells


def _table(path: Path, name: str) -> list[GtfsRow]:
    data = _bytes(path, name)
    if data is None:
        if name in _NEEDED:
            raise FileRefused(f"{path.name} has no {name}; a GTFS folder needs {', '.join(_NEEDED)}.")
        return []
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), skipinitialspace=True)
        return [
            {(key or "").strip(): (value or "").strip() for key, value in row.items() if isinstance(value, str | None)}
            for row in reader
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileRefused(f"{name} in {path.name} cannot be read: {error}.") from error


def _bytes(path: Path, name: str) -> bytes | None:
    try:
        if path.is_dir():
            found = path / name
            return found.read_bytes() if found.is_file() else None
        with zipfile.ZipFile(path) as packed:
            inside = next((one for one in packed.infolist() if Path(one.filename).name == name), None)
            if inside is None:
                return None
            if inside.file_size > _LARGEST:
                raise FileRefused(f"{name} in {path.name} is larger than {_LARGEST // 1_000_000} MB.")
            return packed.read(inside)
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise FileRefused(f"{path.name} cannot be read: {error}.") from error
