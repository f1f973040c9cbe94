"""GTFS-Realtime VehiclePositions, read from an address. Speed is in metres a second, a bearing in degrees."""

from __future__ import annotations

from typing import Any

import httpx
from django.utils.translation import gettext as _
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from saat.links.fixes import at_least_0, course, place, uid_of
from saat.terms.position import Fix, FixRefused

MOST_BYTES = 32 * 1024 * 1024
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)


class FeedRefused(Exception):
    """A feed could not be had, or is none; the message says why."""


def read_feed(body: bytes, *, prefix: str) -> tuple[list[Fix], list[FixRefused]]:
    """Return the positions of a feed, and why others in it are none.

    A vehicle that gives no moment of its own has the feed's. Vehicles are called `<prefix>/<id>`, because different
    feeds may use the same ids.

    :raises FeedRefused: if it is no feed.
    """
    feed: Any = gtfs_realtime_pb2.FeedMessage()
    try:
        feed.ParseFromString(body)
    except DecodeError as error:
        raise FeedRefused(_("What came is no GTFS-Realtime feed.")) from error
    fixes, refused = [], []
    for entity in feed.entity:
        if entity.is_deleted or not entity.HasField("vehicle"):
            continue
        try:
            fixes.append(_read(entity.vehicle, feed.header, prefix))
        except FixRefused as error:
            refused.append(error)
    return fixes, refused


def _read(vehicle: Any, header: Any, prefix: str) -> Fix:
    name = vehicle.vehicle.id or vehicle.vehicle.label
    uid = uid_of(f"{prefix}/{name}" if name else "")
    if not vehicle.HasField("position"):
        raise FixRefused(_("The vehicle has no position."), uid=uid)
    at = vehicle.position
    # The wire holds 32 bits, whose noise is cut off at what they can tell: about a metre.
    lat, lon = place(round(at.latitude, 5), round(at.longitude, 5), uid=uid)
    taken = vehicle.timestamp or header.timestamp
    return Fix(
        uid, float(taken) if taken else None, lat, lon,
        at_least_0(round(at.speed, 3)) if at.HasField("speed") else None,
        course(round(at.bearing, 2)) if at.HasField("bearing") else None,
    )  # fmt: skip


def fetch(url: str, *, client: httpx.Client | None = None) -> bytes:
    """Return what stands at an address that the city's policy names.

    :raises FeedRefused: if it cannot be had, or is too large.
    """
    own = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=True)
    try:
        with own.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise FeedRefused(_("The feed answered %(status)d.") % {"status": answer.status_code})
            parts, size = [], 0
            for part in answer.iter_bytes():
                size += len(part)
                if size > MOST_BYTES:
                    raise FeedRefused(_("The feed is too large."))
                parts.append(part)
            return b"".join(parts)
    except httpx.HTTPError as error:
        raise FeedRefused(_("The feed could not be had: %(why)s") % {"why": error}) from error
    finally:
        if client is None:
            own.close()
