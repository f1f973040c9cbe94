"""Many positions in one text: a JSON object a line (NDJSON), or CSV with a header. Our own format.

A name says its unit: `speed_mps`, `speed_kmh` or `speed_knots`; `battery_share` or `battery_percent`. A plain `speed`
is read only where the sender says its unit, because a wrong guess looks right.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from django.utils.translation import gettext as _

from saat.links.fixes import (
    KMH_MPS,
    KNOT_MPS,
    above_0,
    course,
    moment_s,
    number,
    place,
    share,
    share_of_percent,
    times,
    uid_of,
)
from saat.terms.position import Fix, FixRefused, Flag

SPEED_UNITS = {"mps": 1.0, "kmh": KMH_MPS, "knots": KNOT_MPS}
LONGEST_ROW = 16_384
_ID = ("id", "uid", "device_id", "deviceid", "device", "vehicle_id")
_TIME = ("fixed_at", "time", "timestamp", "fix_time", "fixed_s")
_LAT = ("lat", "latitude")
_LON = ("lon", "lng", "long", "longitude")
_COURSE = ("course_deg", "course", "bearing", "heading")
_ACCURACY = ("accuracy_m", "accuracy")

# One row and its number, counted from 1, with the position or why there is none.
Read = tuple[int, Fix | FixRefused]


def read_row(row: Mapping[str, Any], *, uid: str = "", speed_unit: str = "") -> Fix:
    """Return the position in one row.

    uid: of which device the rows are that do not say so. speed_unit: of a plain `speed`, one of `SPEED_UNITS`.

    :raises FixRefused: if it is none.
    """
    uid = uid_of(_first(row, _ID) or uid)
    lat, lon = place(_first(row, _LAT), _first(row, _LON), uid=uid)
    taken = moment_s(_first(row, _TIME), uid=uid)
    if taken is None:
        raise FixRefused(_("The row does not say when the place was taken."), uid=uid)
    token = row.get("token")
    flags = int(Flag.MOCK) if row.get("mock") in (True, "true", "1", 1) else 0
    flags |= int(Flag.NO_FIX) if row.get("valid") in (False, "false", "0") else 0
    return Fix(
        uid, taken, lat, lon, _speed(row, uid, speed_unit), course(_first(row, _COURSE)),
        above_0(_first(row, _ACCURACY)), flags, _battery(row), token if isinstance(token, str) else "",
    )  # fmt: skip


def read_ndjson(lines: Iterable[bytes], *, uid: str = "", speed_unit: str = "") -> Iterator[Read]:
    """Yield the positions of lines with a JSON object each; empty lines are passed over."""
    for row, line in enumerate(lines, 1):
        if len(line) > LONGEST_ROW:
            yield row, FixRefused(_("The row is too long."))
            continue
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            yield row, FixRefused(_("The row is not JSON; is half of it missing?"))
            continue
        if not isinstance(found, dict):
            yield row, FixRefused(_("The row is no JSON object."))
            continue
        yield row, _read(found, uid, speed_unit)


def read_csv(lines: Iterable[bytes], *, uid: str = "", speed_unit: str = "") -> Iterator[Read]:
    """Yield the positions of a CSV text in UTF-8, whose first row names the columns; that is row 1.

    The delimiter is the comma, the semicolon or the tab, as the first row has it.
    """
    decoded = (line[:LONGEST_ROW].decode("utf-8-sig", "replace").replace("\0", "") for line in lines)
    head = next(decoded, "")
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(chain([head], decoded), delimiter=delimiter)
    names = [name.strip().lower() for name in next(rows, [])]
    if not set(names) & set(_LAT) or not set(names) & set(_LON):
        yield 1, FixRefused(_("The first row must name the columns; there must be lat, lon and a time among them."))
        return
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield rows.line_num, FixRefused(_("The row is not CSV."))
            continue
        if not any(cells):
            continue
        if len(cells) != len(names):
            told = {"cells": len(cells), "columns": len(names)}
            yield rows.line_num, FixRefused(_("The row has %(cells)d cells, there are %(columns)d columns.") % told)
            continue
        yield rows.line_num, _read(dict(zip(names, cells, strict=True)), uid, speed_unit)


def _read(row: Mapping[str, Any], uid: str, speed_unit: str) -> Fix | FixRefused:
    try:
        return read_row(row, uid=uid, speed_unit=speed_unit)
    except FixRefused as refused:
        return refused


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def _speed(row: Mapping[str, Any], uid: str, unit: str) -> float | None:
    for name, factor in SPEED_UNITS.items():
        if row.get(f"speed_{name}") not in (None, ""):
            return times(row[f"speed_{name}"], factor)
    plain = number(row.get("speed"))
    if plain is None:
        return None
    if unit not in SPEED_UNITS:
        raise FixRefused(
            _("“speed” has no unit: call it speed_mps, speed_kmh or speed_knots, or say speed_unit."), uid=uid
        )
    return times(plain, SPEED_UNITS[unit])


def _battery(row: Mapping[str, Any]) -> float | None:
    found = share(row.get("battery_share"))
    return found if found is not None else share_of_percent(row.get("battery_percent") or row.get("batt"))
