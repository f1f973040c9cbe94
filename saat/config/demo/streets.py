"""The demo's streets: a grid in each khan and roads between neighbours, drawn by rule; no real street is meant."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import shapely
from shapely import affinity
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from saat.actions.streets import Street

_LINES_EACH_WAY = 11
_SEED = 20260305


def draw_streets(outlines: Mapping[str, BaseGeometry], names: Mapping[str, Mapping[str, str]]) -> list[Street]:
    """Return the demo's streets, always the same.

    outlines, names: of the khans, by their codes in the list.
    """
    chance = random.Random(_SEED)  # noqa: S311 - a drawing, not a secret
    streets = _roads(outlines, names)
    number = 50
    for code in sorted(outlines):
        outline = outlines[code]
        turn = chance.uniform(-14, 14)
        for line in _grid(outline, turn):
            number += 1
            called = {"km": f"ផ្លូវ {number}", "en": f"Street {number}"}
            streets.append(Street(line=mapping(line), names=called))
    return streets


def _grid(outline: BaseGeometry, turn: float) -> list[BaseGeometry]:
    """Return lines in two directions across a surface; the ends keep a little away from its border."""
    inner = outline.buffer(-0.0006)
    middle = outline.centroid
    west, south, east, north = outline.bounds
    half = math.hypot(east - west, north - south) / 2
    found = []
    for way in (0.0, 90.0):
        for i in range(-_LINES_EACH_WAY, _LINES_EACH_WAY + 1):
            y = middle.y + half * i / _LINES_EACH_WAY
            line = shapely.LineString([(middle.x - half, y), (middle.x + half, y)])
            piece = affinity.rotate(line, turn + way, origin=middle).intersection(inner)
            if piece.geom_type == "LineString" and piece.length > 0.002:
                found.append(piece)
    return found


def _roads(outlines: Mapping[str, BaseGeometry], names: Mapping[str, Mapping[str, str]]) -> list[Street]:
    """Return a road between the middles of every two neighbours."""
    codes = sorted(outlines)
    roads = []
    for i, code in enumerate(codes):
        for other in codes[i + 1 :]:
            if outlines[code].distance(outlines[other]) < 0.0001:
                line = shapely.LineString([outlines[code].centroid, outlines[other].centroid])
                called = {
                    "km": f"ផ្លូវ{names[code]['km']}–{names[other]['km']}",
                    "en": f"{names[code]['en']}–{names[other]['en']} Road",
                }
                roads.append(Street(line=mapping(line), names=called, main=True))
    return roads
