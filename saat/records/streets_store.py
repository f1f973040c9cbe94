"""Streets as one GeoJSON file a city, only for showing on maps; nothing is computed from them.

The file is a FeatureCollection of LineStrings. Properties of a feature: `names` (language to text, may be empty) and
`main` (a through street). Members of the collection: `schematic` (drawn for a demo) and `attribution` (whom to name on
the map).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

_SAFE = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,62}$")


def path_of(jurisdiction_id: str) -> Path:
    """Return where a city's streets lie; there may be none.

    :raises ValueError: if it is no jurisdiction_id, so that a path never comes from outside.
    """
    if not _SAFE.match(jurisdiction_id):
        raise ValueError(f"{jurisdiction_id!r} is no jurisdiction_id.")
    return Path(settings.VAR) / "map" / f"{jurisdiction_id}.streets.geojson"


def keep(jurisdiction_id: str, *, features: list[dict[str, Any]], schematic: bool, attribution: str) -> None:
    """Put these streets in the place of the city's former ones."""
    path = path_of(jurisdiction_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "type": "FeatureCollection",
        "schematic": schematic,
        "attribution": attribution,
        "features": features,
    }
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(whole, file, ensure_ascii=False, separators=(",", ":"))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
