"""The timetable as GTFS: a zip of tables, whose ids the realtime feeds use."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO, StringIO

from saat.terms.given import GivenRound

ROUTE_TYPE = 1700  # miscellaneous service
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content is the same file


def timetable(
    rounds: Sequence[GivenRound],
    *,
    names: Mapping[str, str],
    agency: str,
    url: str,
    zone: str,
    language: str,
) -> bytes:
    """Return a timetable. names: what stops are called, by number. agency: who is responsible. zone: IANA name."""
    stops = {stop.number: stop for one in rounds for stop in one.stops}
    routes = {one.code: one for one in rounds}
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "agency.txt": (
            ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
            [("1", agency, url, zone, language)],
        ),
        "stops.txt": (
            ("stop_id", "stop_code", "stop_name", "stop_lat", "stop_lon", "stop_url"),
            [
                (number, number, names.get(number) or number, f"{stop.lat:.6f}", f"{stop.lon:.6f}",
                 f"{url}/stops/{number}")
                for number, stop in sorted(stops.items())
            ],
        ),
        "routes.txt": (
            ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type", "route_desc"),
            [
                (code, "1", code[:12], one.name, ROUTE_TYPE, "Waste collection" + (", simulated" * one.simulated))
                for code, one in sorted(routes.items())
            ],
        ),
        "trips.txt": (
            ("route_id", "service_id", "trip_id"),
            [(one.code, one.trip_id, one.trip_id) for one in rounds],
        ),
        "stop_times.txt": (
            ("trip_id", "stop_sequence", "stop_id", "arrival_time", "departure_time"),
            [
                (one.trip_id, stop.sequence, stop.number, clock(stop.planned_s), clock(stop.planned_s))
                for one in rounds
                for stop in one.stops
            ],
        ),
        "calendar_dates.txt": (
            ("service_id", "date", "exception_type"),
            [(one.trip_id, f"{day:%Y%m%d}", 1) for one in rounds for day in one.days],
        ),
    }  # fmt: skip
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (head, rows) in tables.items():
            text = StringIO()
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(head)
            writer.writerows(rows)
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text.getvalue(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def clock(seconds: float) -> str:
    """Return a time of a service day, which may pass midnight.

    >>> clock(68_400), clock(95_445.0)
    ('19:00:00', '26:30:45')
    """
    whole = round(seconds)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
