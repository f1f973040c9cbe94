"""Positions as Traccar forwards them (forward.type = json), for every protocol that Traccar decodes.

Units: speed is in knots; an accuracy of 0 says unknown; `batteryLevel` is in per cent. `fixTime` is when the place was
taken.
"""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from saat.links.fixes import KNOT_MPS, above_0, course, moment_s, place, share_of_percent, times, uid_of
from saat.terms.position import Fix, FixRefused, Flag

_MOST = 1000


def read_json(body: bytes) -> list[Fix]:
    """Return the positions in what Traccar forwards: one message or a list; none for an event without a position.

    :raises FixRefused: if it is no JSON, or a position in it is none.
    """
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FixRefused(_("The body is not JSON.")) from error
    messages = whole if isinstance(whole, list) else [whole]
    if len(messages) > _MOST:
        raise FixRefused(_("There are too many positions in one message."))
    return [fix for message in messages if (fix := _read(message)) is not None]


def _read(message: Any) -> Fix | None:
    if not isinstance(message, dict):
        raise FixRefused(_("The body is no JSON object."))
    position = message.get("position")
    if position is None and "event" in message:
        return None
    device = message.get("device")
    if not isinstance(position, dict) or not isinstance(device, dict):
        raise FixRefused(_("A forwarded message has a position and a device."))
    uid = uid_of(device.get("uniqueId"))
    lat, lon = place(position.get("latitude"), position.get("longitude"), uid=uid)
    attributes = _object(position.get("attributes"))
    token = _object(device.get("attributes")).get("token")
    flags = 0
    if position.get("valid") is False or position.get("outdated") is True:
        flags |= Flag.NO_FIX
    if attributes.get("mock") is True:
        flags |= Flag.MOCK
    if attributes.get("ignition") is False:
        flags |= Flag.IGNITION_OFF
    taken = position.get("fixTime") or position.get("deviceTime")
    return Fix(
        uid, moment_s(taken, uid=uid), lat, lon, times(position.get("speed"), KNOT_MPS),
        course(position.get("course")), above_0(position.get("accuracy")), int(flags),
        share_of_percent(attributes.get("batteryLevel")), token if isinstance(token, str) else "",
    )  # fmt: skip


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
