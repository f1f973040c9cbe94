"""Photos that wait while a resident mends the form or looks at the cases nearby.

They are clean already. A draft lies in a folder of its own whose name cannot be guessed; what nobody comes back for is
swept away after a day.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from saat.terms.codes import new_token
from saat.terms.geo import Point
from saat.terms.report import NewPhoto
from saat.web.photos import grey_of

_NAME = re.compile(r"^[0-9a-hjkmnp-tv-z]{26}$")
_KEPT_S = 86_400
_SWEEP_S = 3_600


def keep(photos: Sequence[NewPhoto]) -> str:
    """Put photos aside and return the name to come back with; "" if there are none."""
    if not photos:
        return ""
    _sweep()
    name = new_token()
    folder = _root() / name
    folder.mkdir(parents=True)
    told = []
    for number, photo in enumerate(photos):
        (folder / f"{number}.jpg").write_bytes(photo.jpeg)
        told.append(
            {
                "width": photo.width,
                "height": photo.height,
                "digest": photo.digest,
                "taken_at": photo.taken_at.isoformat() if photo.taken_at else None,
                "point": [photo.point.lat, photo.point.lon] if photo.point else None,
            }
        )
    (folder / "photos.json").write_text(json.dumps(told), encoding="utf-8")
    return name


def load(name: str) -> tuple[NewPhoto, ...]:
    """Return the photos of a draft; none if there is no such draft, or not any more."""
    if not _NAME.match(name):
        return ()
    folder = _root() / name
    try:
        told = json.loads((folder / "photos.json").read_text(encoding="utf-8"))
        return tuple(_photo(folder / f"{number}.jpg", facts) for number, facts in enumerate(told))
    except FileNotFoundError:
        return ()


def discard(name: str) -> None:
    """Forget a draft."""
    if _NAME.match(name):
        shutil.rmtree(_root() / name, ignore_errors=True)


def _photo(path: Path, facts: dict[str, Any]) -> NewPhoto:
    jpeg = path.read_bytes()
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
        grey = grey_of(picture)
    point = facts["point"]
    return NewPhoto(
        jpeg=jpeg,
        width=facts["width"],
        height=facts["height"],
        grey=grey,
        digest=facts["digest"],
        taken_at=datetime.fromisoformat(facts["taken_at"]) if facts["taken_at"] else None,
        point=Point(lat=point[0], lon=point[1]) if point else None,
    )


def _root() -> Path:
    return Path(settings.VAR) / "drafts"


def _sweep() -> None:
    """Remove what is older than a day; looks at most once an hour."""
    mark = _root() / "swept"
    now = time.time()
    try:
        if now - mark.stat().st_mtime < _SWEEP_S:
            return
    except FileNotFoundError:
        mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for folder in _root().iterdir():
        if folder.is_dir() and now - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
