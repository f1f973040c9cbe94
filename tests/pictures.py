"""Pictures drawn for tests: like photos in size and kind, each seed a different scene."""

from __future__ import annotations

import random
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

EXIF_IFD, GPS_IFD = 0x8769, 0x8825


def scene(width: int = 800, height: int = 600, *, seed: int = 1) -> Image.Image:
    """Return a picture of coloured heaps; the same seed gives the same picture."""
    dice = random.Random(seed)
    picture = Image.new("RGB", (width, height), (190, 205, 215))
    draw = ImageDraw.Draw(picture)
    for _ in range(24):
        x, y = dice.randrange(width), dice.randrange(height)
        w, h = dice.randrange(width // 8 + 2), dice.randrange(height // 6 + 2)
        draw.ellipse((x, y, x + w, y + h), fill=tuple(dice.randrange(256) for _ in range(3)))
    return picture


def picture_bytes(kind: str = "JPEG", picture: Image.Image | None = None, **options: Any) -> bytes:
    """Return a picture as a file of one kind; options go to Pillow's writer (such as `exif`)."""
    out = BytesIO()
    (picture or scene()).save(out, kind, **options)
    return out.getvalue()


def exif_of(
    *, taken: str = "", offset: str = "", lat: float | None = None, lon: float | None = None, orientation: int = 0
) -> Image.Exif:
    """Return EXIF as a phone writes it. taken: "2026:03:02 10:15:00"; offset: "+07:00"."""
    exif = Image.Exif()
    exif[0x010F] = "A phone of Sok Dara"
    if orientation:
        exif[0x0112] = orientation
    told = exif.get_ifd(EXIF_IFD)
    if taken:
        told[0x9003] = taken
    if offset:
        told[0x9011] = offset
    if lat is not None and lon is not None:
        gps = exif.get_ifd(GPS_IFD)
        gps[1], gps[2] = ("N" if lat >= 0 else "S"), _parts(lat)
        gps[3], gps[4] = ("E" if lon >= 0 else "W"), _parts(lon)
    return exif


def _parts(degrees: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(round(abs(degrees) * 3600, 2), 60)
    return float(minutes // 60), float(minutes % 60), seconds


def upload(content: bytes, name: str = "photo.jpg") -> SimpleUploadedFile:
    """Return bytes as Django hands over an uploaded file."""
    return SimpleUploadedFile(name, content, content_type="application/octet-stream")
