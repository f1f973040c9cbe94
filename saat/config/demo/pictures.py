"""The demo's photos: drawings of a street with and without rubbish; no person and no real place is in them."""

from __future__ import annotations

import random
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageDraw

from saat.terms.geo import Point
from saat.terms.report import NewPhoto
from saat.web.photos import grey_of

_WIDTH, _HEIGHT = 640, 480
_WALLS = ("#d9c7a0", "#c98f6b", "#b9c4c9", "#d8d2c4", "#a8b59a", "#cfae8c", "#9fb0bd", "#e0d8b8")
_BAGS = ("#1d1d22", "#2b3a67", "#e8e8e8", "#a23b3b", "#3b7a57", "#4a4a52", "#c9b037", "#8c5a3c")
_PANES = ("#49606e", "#33424c", "#6d7f86")
_AWNINGS = ("#b03030", "#2d6da3", "#d6a42c")
_BINS = ("#2e6b3e", "#31599b", "#5a5a5a", "#b5532a")


def draw_street(*, seed: int, rubbish: int, kind: str = "pile", point: Point | None = None) -> NewPhoto:
    """Return a drawing of a street as a photo.

    seed: the same seed, rubbish and kind give the same bytes. rubbish: 0 for a clean street, otherwise how much.
    kind: pile, bin or drain. point: the place that the photo says it was taken at.
    """
    chance = random.Random(seed)  # noqa: S311 - a drawing, not a secret
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), "#cfe3ee")
    pen = ImageDraw.Draw(picture)
    horizon = chance.randint(150, 260)
    _houses(pen, chance, horizon)
    pen.rectangle((0, horizon, _WIDTH, _HEIGHT), fill=chance.choice(("#8d8a84", "#77736c", "#9a8f7d")))
    kerb = horizon + chance.randint(25, 70)
    slope = chance.randint(-30, 30)
    pen.polygon(
        [(0, horizon), (_WIDTH, horizon), (_WIDTH, kerb + slope), (0, kerb - slope)],
        fill=chance.choice(("#c2bcb0", "#b3a58f", "#c9c5bd")),
    )
    if kind == "drain":
        _drain(pen, chance, kerb)
    if kind == "bin":
        _bin(pen, chance, horizon)
    for _ in range(rubbish):
        _bag(pen, chance, near=kerb)
    pen.rectangle((0, _HEIGHT - 18, 92, _HEIGHT), fill="#ffffff")
    pen.text((6, _HEIGHT - 15), "demo drawing", fill="#444444")
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=68)
    jpeg = stream.getvalue()
    return NewPhoto(
        jpeg=jpeg,
        width=_WIDTH,
        height=_HEIGHT,
        grey=grey_of(picture),
        digest=sha256(jpeg).hexdigest(),
        point=point,
    )


def _houses(pen: ImageDraw.ImageDraw, chance: random.Random, horizon: int) -> None:
    x = -chance.randint(0, 80)
    while x < _WIDTH:
        width, top = chance.randint(70, 190), chance.randint(10, horizon - 60)
        pen.rectangle((x, top, x + width, horizon), fill=chance.choice(_WALLS))
        for column in range(x + 12, x + width - 24, 40):
            for row in range(top + 12, horizon - 36, 46):
                if chance.random() < 0.7:
                    pen.rectangle((column, row, column + 20, row + 26), fill=chance.choice(_PANES))
        if chance.random() < 0.6:
            pen.rectangle((x, horizon - 70, x + width, horizon - 60), fill=chance.choice(_AWNINGS))
        x += width + chance.choice((0, 0, 14))


def _bag(pen: ImageDraw.ImageDraw, chance: random.Random, *, near: int) -> None:
    middle = _WIDTH * (0.5 + 0.12 * chance.gauss(0, 1))
    floor = near + 20 + abs(chance.gauss(0, 45))
    size = chance.randint(22, 60)
    corners = [
        (middle + size * chance.uniform(0.6, 1.0) * x, floor - size * chance.uniform(0.5, 1.0) * y)
        for x, y in ((-1.0, 0.0), (-0.7, 0.8), (-0.1, 1.2), (0.3, 1.1), (0.8, 0.7), (1.0, 0.0), (0.2, -0.2))
    ]
    pen.polygon(corners, fill=chance.choice(_BAGS), outline="#101010")


def _bin(pen: ImageDraw.ImageDraw, chance: random.Random, horizon: int) -> None:
    left, width, height = chance.randint(180, 360), chance.randint(90, 140), chance.randint(120, 170)
    top = horizon + 10
    pen.polygon(
        [(left, top), (left + width, top), (left + width - 12, top + height), (left + 12, top + height)],
        fill=chance.choice(_BINS), outline="#101010",
    )  # fmt: skip
    pen.rectangle((left - 6, top - 14, left + width + 6, top), fill="#222222")


def _drain(pen: ImageDraw.ImageDraw, chance: random.Random, kerb: int) -> None:
    left = chance.randint(120, 320)
    pen.rectangle((left, kerb + 20, left + 190, kerb + 78), fill="#20262a", outline="#555555")
    for x in range(left + 14, left + 190, 22):
        pen.rectangle((x, kerb + 20, x + 6, kerb + 78), fill="#777777")
