"""Photos at the door: a stranger's file becomes a clean picture or a clear refusal; and pictures on their way out.

What comes in is never kept as it came. It is read for its place and time, decoded within limits, turned upright, made
small enough for a page, and written anew, so that nothing of the file but its picture goes further.
"""

from __future__ import annotations

import hashlib
import math
import struct
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pillow_heif
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps, UnidentifiedImageError

from saat.records import photo_store, queries_public
from saat.records.models import Photo
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.report import NewPhoto, ReportRefused

pillow_heif.register_heif_opener(thumbnails=False)

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
MOST_PIXELS = 50_000_000
LEAST_SIDE = 16
LONGEST_SIDE = 1600
THUMB_SIDE = 320
GREY_SIDE = 32
_QUALITY = 82
# Pillow refuses by itself what is twice as large; a size that a file hides until it is decoded meets this limit.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_TAKEN, _TAKEN_OFFSET, _CHANGED = 0x9003, 0x9011, 0x0132
_BROKEN = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, EOFError, RuntimeError,
    ArithmeticError, MemoryError, struct.error,
)  # fmt: skip


class Upload(Protocol):
    """A file as Django hands it over."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    def read(self, size: int = -1, /) -> bytes: ...


class PhotoRefused(ReportRefused):
    """A file cannot be taken as a photo; the message names the file and says why, for the resident to read."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, field="photos", code=code)


def decode_photo(upload: Upload, *, policy: CityPolicy) -> NewPhoto:
    """Return the clean photo that a file holds.

    JPEG, PNG, WebP, HEIC and AVIF are read, by their content and whatever their name says; of moving pictures the
    first. The longer side is at most 1,600 pixels afterwards. EXIF is read before it is stripped; a moment without an
    offset is taken as the city's own time, and what is broken in it is left out.

    :raises PhotoRefused: if the file is empty, too large, of another kind, damaged, or has too many or too few pixels.
    """
    name = _shown(upload.name)
    if (upload.size or 0) > policy.max_photo_mb * 1_000_000:
        message = _("“%(name)s” is too large: %(size)s MB. A photo may have at most %(most)s MB.")
        facts = {"name": name, "size": f"{(upload.size or 0) / 1_000_000:.0f}", "most": policy.max_photo_mb}
        raise PhotoRefused(message % facts, code="photo_too_large")
    data = upload.read()
    if not data:
        raise PhotoRefused(_("“%(name)s” is empty.") % {"name": name}, code="photo_empty")
    try:
        picture = Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name) from error
    except (UnidentifiedImageError, *_BROKEN) as error:
        message = _("“%(name)s” is not a photo that we can read. Please send a JPEG, PNG, WebP or HEIC picture.")
        raise PhotoRefused(message % {"name": name}, code="photo_unknown") from error
    with picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_many_pixels(name)
        if min(width, height) < LEAST_SIDE:
            message = _("“%(name)s” is too small to show anything: %(width)d × %(height)d pixels.")
            raise PhotoRefused(message % {"name": name, "width": width, "height": height}, code="photo_too_small")
        taken_at, point = _told_by_exif(picture, zone=ZoneInfo(policy.hours.zone))
        try:
            clean = _clean(picture)
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(name) from error
        except _BROKEN as error:
            message = _("“%(name)s” is damaged; perhaps it was not sent whole. Please send it again.")
            raise PhotoRefused(message % {"name": name}, code="photo_damaged") from error
    jpeg = _jpeg(clean)
    return NewPhoto(
        jpeg=jpeg,
        width=clean.width,
        height=clean.height,
        grey=grey_of(clean),
        digest=hashlib.sha256(jpeg).hexdigest(),
        taken_at=taken_at,
        point=point,
    )


def grey_of(picture: Image.Image) -> bytes:
    """Return a picture as 32 x 32 grey values, from which likeness is judged; see `NewPhoto.grey`."""
    return picture.convert("L").resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BILINEAR).tobytes()


def _too_many_pixels(name: str) -> PhotoRefused:
    message = _(
        "“%(name)s” has too many pixels. Please take it with a smaller size; %(most)d million pixels are enough."
    )
    return PhotoRefused(message % {"name": name, "most": MOST_PIXELS // 1_000_000}, code="photo_too_many_pixels")


def _shown(name: str | None) -> str:
    """Return a file's name as it may stand in a sentence."""
    return "".join(letter for letter in (name or "") if letter.isprintable())[:60] or _("The photo")


def _clean(picture: Image.Image) -> Image.Image:
    """Return the picture upright, in RGB, small enough, as an image that never was part of the file."""
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # lets a large JPEG be decoded at a fraction of its size
    picture.load()
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("I;16", "I;16B", "I;16L", "I"):
        upright = upright.point(lambda value: value / 256).convert("L")
    clean = Image.new("RGB", upright.size, "white")
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        clean.paste(layer, mask=layer.getchannel("A"))
    else:
        clean.paste(upright.convert("RGB"))
    return clean


def _jpeg(clean: Image.Image) -> bytes:
    out = BytesIO()
    clean.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _told_by_exif(picture: Image.Image, *, zone: ZoneInfo) -> tuple[datetime | None, Point | None]:
    """Return when (UTC) and where a photo was taken, each None where the file does not say it clearly."""
    taken_at, point = None, None
    with suppress(*_BROKEN):
        exif = picture.getexif()
        with suppress(*_BROKEN):
            taken_at = _moment(exif, zone=zone)
        with suppress(*_BROKEN):
            point = _place(exif.get_ifd(_GPS_IFD))
    return taken_at, point


def _moment(exif: Image.Exif, *, zone: ZoneInfo) -> datetime | None:
    told = exif.get_ifd(_EXIF_IFD)
    text = told.get(_TAKEN) or exif.get(_CHANGED)
    if not text:
        return None
    moment = datetime.strptime(str(text).strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
    offset = str(told.get(_TAKEN_OFFSET) or "").strip("\0 ")
    if offset:
        with suppress(ValueError):
            return datetime.fromisoformat(f"{moment.isoformat()}{offset}").astimezone(UTC)
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _place(gps: dict[int, Any]) -> Point | None:
    if not all(gps.get(tag) for tag in (1, 2, 3, 4)):
        return None
    lat = _degrees(gps[2]) * (-1 if str(gps[1]).upper().startswith("S") else 1)
    lon = _degrees(gps[4]) * (-1 if str(gps[3]).upper().startswith("W") else 1)
    # Phones without a fix write zeros.
    return Point(lat=lat, lon=lon) if math.isfinite(lat + lon) and (lat, lon) != (0.0, 0.0) else None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


@require_safe
def photo(request: HttpRequest, photo_id: int, size: str) -> HttpResponseBase:
    """Show a photo to those who may see it: the reporter by their token, officials of its case, all if it is public."""
    row = queries_public.photo_for(photo_id, user=request.user, token=request.GET.get("t", ""))
    if row is None:
        raise Http404
    return send_photo(request, row, size=size)


def send_photo(request: HttpRequest, row: Photo, *, size: str) -> HttpResponseBase:
    """Answer with a photo, for doors that have made sure that it may be seen. size: "full" or "thumb".

    :raises Http404: if there is no such size, or the file is gone.
    """
    if size not in ("full", "thumb"):
        raise Http404
    tag = f'"{row.digest[:32]}-{size}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponseBase = HttpResponseNotModified()
    else:
        path = photo_store.path_of(row.digest)
        if not path.exists():
            raise Http404
        if size == "thumb":
            path = photo_store.thumb_of(row.digest, make=_thumb)
        response = FileResponse(path.open("rb"), content_type="image/jpeg", filename=f"photo-{row.pk}.jpg")
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, max-age=600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if isinstance(response, HttpResponse | FileResponse):
        patch_vary_headers(response, ["Cookie"])
    return response


def _thumb(jpeg: bytes) -> bytes:
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
        picture.draft("RGB", (THUMB_SIDE, THUMB_SIDE))
        picture.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
        return _jpeg(picture.convert("RGB"))
