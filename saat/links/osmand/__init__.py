"""The OsmAnd protocol, as Traccar Client and OsmAnd speak it: a query of fields, or since version 9 a JSON body.

Units: in a query, speed is in knots and the battery in per cent; in JSON, speed is in metres a second and the battery
0 to 1, and -1 says unknown in both.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from saat.links.fixes import (
    KNOT_MPS,
    above_0,
    at_least_0,
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

_MOST_FIELDS = 100
_MOST_LOCATIONS = 1000
_FALSE = frozenset({"false", "0", "no"})
_TRUE = frozenset({"true", "1", "yes"})


def fields_of(query: str) -> dict[str, str]:
    """Return the fields of a query or a form.

    >>> fields_of("id=7&lat=11.5&note=a%20b")
    {'id': '7', 'lat': '11.5', 'note': 'a b'}
    """
    if "%" in query or "+" in query or "=" not in query:
        try:
            return dict(parse_qsl(query, max_num_fields=_MOST_FIELDS))
        except ValueError as error:
            raise FixRefused(_("There are too many fields.")) from error
    fields = {}
    for pair in query.split("&"):
        name, _sign, value = pair.partition("=")
        fields[name] = value
    return fields


def read_fields(fields: dict[str, str]) -> Fix | None:
    """Return the position in the fields of a query; None if it says only that the device lives.

    :raises FixRefused: if it is no position.
    """
    get = fields.get
    uid = uid_of(get("id") or get("deviceid") or get("device_id"))
    lat, lon = get("lat"), get("lon")
    if lat is None and lon is None:
        location = get("location")
        if not location:
            return None
        lat, _sign, lon = location.partition(",")
    at = place(lat, lon, uid=uid)
    flags = 0
    if get("valid", "").lower() in _FALSE:
        flags |= Flag.NO_FIX
    if get("mock", "").lower() in _TRUE:
        flags |= Flag.MOCK
    return Fix(
        uid, moment_s(get("timestamp"), uid=uid), at[0], at[1],
        times(get("speed"), KNOT_MPS), course(get("bearing") or get("heading")), above_0(get("accuracy")),
        int(flags), _battery(get("batt")), get("token") or "",
    )  # fmt: skip


def read_json(body: bytes) -> list[Fix]:
    """Return the positions in a JSON body: one `location`, or a list of them; none where the device only lives.

    :raises FixRefused: if it is no JSON, or a position in it is none.
    """
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FixRefused(_("The body is not JSON.")) from error
    if not isinstance(whole, dict):
        raise FixRefused(_("The body is no JSON object."))
    uid = uid_of(whole.get("device_id") or whole.get("id"))
    token = whole.get("token")
    locations = whole.get("location")
    if locations is None:
        return []
    if not isinstance(locations, list):
        locations = [locations]
    if len(locations) > _MOST_LOCATIONS:
        raise FixRefused(_("There are too many positions in one message."), uid=uid)
    return [_location(location, uid, token if isinstance(token, str) else "") for location in locations]


def _location(location: Any, uid: str, token: str) -> Fix:
    coords = location.get("coords") if isinstance(location, dict) else None
    if not isinstance(coords, dict):
        raise FixRefused(_("The location has no coordinates."), uid=uid)
    lat, lon = place(coords.get("latitude"), coords.get("longitude"), uid=uid)
    battery = location.get("battery")
    flags = 0
    if location.get("mock") is True:
        flags |= Flag.MOCK
    if location.get("event") == "heartbeat":
        flags |= Flag.HEARTBEAT
    return Fix(
        uid, moment_s(location.get("timestamp"), uid=uid), lat, lon,
        at_least_0(coords.get("speed")), course(coords.get("heading")), above_0(coords.get("accuracy")),
        int(flags), share(battery.get("level")) if isinstance(battery, dict) else None, token,
    )  # fmt: skip


def _battery(value: str | None) -> float | None:
    """Return per cent as 0 to 1; a fraction between 0 and 1 is a share already, as some clients send it.

    >>> _battery("83"), _battery("0.83"), _battery("1"), _battery(None)
    (0.83, 0.83, 0.01, None)
    """
    found = number(value)
    return found if found is not None and 0 < found < 1 else share_of_percent(found)
