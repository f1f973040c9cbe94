"""Tracks as GPS receivers and phones save them (GPX). Speed is in metres a second, where there is any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import gpxpy
import gpxpy.gpx
from django.utils.translation import gettext as _

from saat.links.batch import Read
from saat.links.fixes import at_least_0, course, place, uid_of
from saat.terms.position import Fix, FixRefused


def read_gpx(text: str, *, uid: str = "") -> Iterator[Read]:
    """Yield the points of all tracks, counted from 1.

    uid: of which device they are; otherwise each track's own name.

    :raises FixRefused: if it is no GPX.
    """
    try:
        whole = gpxpy.parse(text)
    except gpxpy.gpx.GPXException as error:
        raise FixRefused(_("This is no GPX file.")) from error
    number = 0
    for track in whole.tracks:
        for segment in track.segments:
            for point in segment.points:
                number += 1
                try:
                    yield number, _read(point, uid or (track.name or ""))
                except FixRefused as refused:
                    yield number, refused


def _read(point: gpxpy.gpx.GPXTrackPoint, name: str) -> Fix:
    uid = uid_of(name)
    lat, lon = place(point.latitude, point.longitude, uid=uid)
    if point.time is None:
        raise FixRefused(_("The row does not say when the place was taken."), uid=uid)
    taken = point.time if point.time.tzinfo else point.time.replace(tzinfo=UTC)
    return Fix(uid, taken.timestamp(), lat, lon, at_least_0(point.speed), course(point.course))
