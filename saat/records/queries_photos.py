"""Photos that look alike, found by an index among any number of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from saat.records.models import Photo

# 64 bits stand in four quarters. Two pictures that differ in at most 7 bits differ in at most one bit of some quarter,
# so it is enough to look up each quarter and its sixteen neighbours: 68 entries of four indexes.
REACH_BITS = 7
_QUARTERS = 4


def like_photos(*, city_id: int, phash: int) -> tuple[tuple[int, str, int], ...]:
    """Return (hash, "report" or "proof", case id) of all earlier photos of a city that differ in at most 7 bits.

    Some that differ more are among them. phash: 64-bit perceptual hash, signed or unsigned. Photos that were removed or
    redacted count too: a picture does not become new by being taken away.
    """
    condition = Q()
    for number in range(_QUARTERS):
        condition |= Q(**{f"band{number}__in": list(_neighbours(phash >> 16 * number & 0xFFFF))})
    rows = Photo.objects.filter(condition, city_id=city_id).exclude(phash=0)
    return tuple(rows.values_list("phash", "kind", "case_id"))


def _neighbours(quarter: int) -> Iterator[int]:
    yield quarter
    for bit in range(16):
        yield quarter ^ 1 << bit
