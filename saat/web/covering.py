"""Making parts of a photo unrecognisable for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from saat.records import photo_store
from saat.records.models import Photo
from saat.terms.report import NewPhoto

_TILE = 14  # pixels that become one; a face of a hundred pixels keeps seven by seven grey ones
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a picture: left, top, width and height, each a share of the picture's side.

    :raises ValueError: if it is no such share, or has no surface.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (0 <= self.x <= 1 and 0 <= self.y <= 1 and 0 < self.width <= 1 and 0 < self.height <= 1):
            raise ValueError("A part of a picture lies between 0 and 1.")


def covered(photo: Photo, parts: list[Part]) -> NewPhoto:
    """Return a photo with each part replaced by the mean grey of coarse tiles; nothing of it can be brought back.

    Each tile keeps only eight levels of grey, so that a plate cannot be guessed from the tiles' exact values.
    """
    with Image.open(BytesIO(photo_store.path_of(photo.digest).read_bytes()), formats=["JPEG"]) as file:
        picture = file.convert("RGB")
    for part in parts:
        left, top = int(part.x * picture.width), int(part.y * picture.height)
        right = min(picture.width, max(left + 1, round((part.x + part.width) * picture.width)))
        bottom = min(picture.height, max(top + 1, round((part.y + part.height) * picture.height)))
        box = (left, top, right, bottom)
        small = picture.crop(box).convert("L").resize(
            (max(1, (right - left) // _TILE), max(1, (bottom - top) // _TILE)), Image.Resampling.BOX
        )  # fmt: skip
        coarse = small.point(lambda grey: grey // 32 * 32 + 16)
        picture.paste(coarse.resize((right - left, bottom - top), Image.Resampling.NEAREST).convert("RGB"), box)
    out = BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    jpeg = out.getvalue()
    grey = picture.convert("L").resize((32, 32), Image.Resampling.BILINEAR).tobytes()
    digest = hashlib.sha256(jpeg).hexdigest()
    return NewPhoto(jpeg=jpeg, width=picture.width, height=picture.height, grey=grey, digest=digest)
