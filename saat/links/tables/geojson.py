"""GeoJSON (RFC 7946) files in: features with their properties, geometry left for the triage to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saat.links.tables.reading import FileRefused, decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature. number: its place in the file, from 1. geometry: a GeoJSON geometry, None where there is none."""

    number: int
    properties: Mapping[str, Any]
    geometry: Mapping[str, Any] | None

    def text(self, name: str) -> str:
        """Return a property as text, "" where it is missing; an inner one by a path with dots."""
        value: Any = self.properties
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return ""
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def read_geojson(path: Path) -> tuple[Feature, ...]:
    """Return the features of a file.

    :raises FileRefused: if it is no GeoJSON FeatureCollection, or its coordinates are not degrees.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        whole = json.loads(decoded(path, data, "")[0])
    except json.JSONDecodeError as error:
        raise FileRefused(f"{path.name} is not JSON: {error.msg} in line {error.lineno}.") from error
    kind = whole.get("type") if isinstance(whole, dict) else None
    if kind == "Feature":
        whole = {"features": [whole]}
    elif kind != "FeatureCollection" or not isinstance(whole.get("features"), list):
        raise FileRefused(
            f"{path.name} is no GeoJSON FeatureCollection"
            + (f" but a {kind}; it has no names and codes." if kind else "; export it as GeoJSON.")
        )
    crs = str(whole.get("crs") or "")
    if crs and not any(known in crs for known in ("CRS84", "4326")):
        raise FileRefused(f"{path.name} is not in degrees of WGS 84 ({crs[:80]}); export it as EPSG:4326.")
    features = []
    for number, entry in enumerate(whole["features"], start=1):
        entry = entry if isinstance(entry, dict) else {}
        geometry = entry.get("geometry")
        features.append(
            Feature(
                number=number,
                properties=entry.get("properties") or {},
                geometry=geometry if isinstance(geometry, dict) else None,
            )
        )
    return tuple(features)
