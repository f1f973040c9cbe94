"""Whether a new report tells of a trouble that is already known, and why.

Two steps, both plain arithmetic, so that an official can follow the score: each aspect (distance, time, category,
photo, words) is valued from 0 to 1, and the values are averaged with fixed weights over what is known. The weights come
from a small synthetic experiment; see docs/triage.md and bench/triage_weights.py, which regenerates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from saat.terms.duplicates import Candidate, Likeness
from saat.terms.geo import distance_m
from saat.terms.policy import DuplicateRule
from saat.triage.words import compare_words

ASPECTS = ("distance", "time", "category", "photo", "words")
Five = tuple[float, float, float, float, float]
WEIGHTS: Five = (0.40, 0.15, 0.25, 0.40, 0.20)
"""How much each aspect weighs where it is fully known, in the order of ASPECTS; they need not add up to 1."""

_GPS_TOLERANCE_M = 12.0  # what two telephones at one place differ by, anyway
_SAME_GROUP = 0.5  # the value of another category of the same group
_SAME_PLACE = 0.8  # the value of the distance where both name the same landmark instead of a point
_SAME_AREA = 0.4  # the same, where both name the same area and speak of the same
_STRONG_WORDS = 0.35  # likeness of words from which an area and words may stand for a place
_BELOW_JOIN = 0.98  # a capped score stays this much under the threshold from which reports join by themselves

_SIDE, _KEPT = 32, 8
_WAVES = np.cos(np.pi * np.outer(np.arange(1, _KEPT + 1), 2 * np.arange(_SIDE) + 1) / (2 * _SIDE))
_MASK = (1 << 64) - 1
_SAME_PHOTO, _OTHER_PHOTO = 8, 20  # bits that differ: surely the same picture, nothing in common


class Comparison(NamedTuple):
    """Two reports compared aspect by aspect, before anything is weighed.

    values: one from 0 to 1 for each of ASPECTS. known: how far each aspect is known, 0 to 1. ceiling: the highest score
    that the pair may reach. distance_m: None where one of the places is only in words.
    """

    values: Five
    known: Five
    ceiling: float
    distance_m: float | None


def perceptual_hash(grey: bytes) -> int:
    """Return 64 bits that stay nearly the same when a picture is scaled, re-encoded or made brighter.

    grey: 1,024 bytes, 32 x 32 grey values, row by row. Returns an unsigned 64-bit integer; 0 for a picture without any
    structure (all of one grey), which is like no other.

    The hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section 3.2.1: the
    lowest 8 x 8 frequencies of the discrete cosine transform without the constant ones, each a bit that says whether it
    is above their median.

    :raises ValueError: if there are not 1,024 values.
    """
    if len(grey) != _SIDE * _SIDE:
        raise ValueError(f"A picture of 32 x 32 grey values has 1,024 bytes, got {len(grey)}.")
    picture = np.frombuffer(grey, dtype=np.uint8).reshape(_SIDE, _SIDE).astype(np.float64)
    waves = (_WAVES @ picture @ _WAVES.T).ravel()
    in_order = np.sort(waves)
    # One grey value in one pixel gives waves of about 1; what is less is rounding.
    if in_order[-1] - in_order[0] < 0.5:
        return 0
    median = (in_order[_KEPT * _KEPT // 2 - 1] + in_order[_KEPT * _KEPT // 2]) / 2
    return int.from_bytes(np.packbits(waves > median).tobytes(), "big")


def hash_distance(a: int, b: int) -> int:
    """Return how many of the 64 bits of two perceptual hashes differ, kept as signed or unsigned integers.

    >>> hash_distance(0b1011, 0b0010), hash_distance(-1, (1 << 64) - 1)
    (2, 0)
    """
    return ((a ^ b) & _MASK).bit_count()


def likeness(new: Candidate, other: Candidate, rule: DuplicateRule) -> Likeness:
    """Return how likely two reports tell of the same trouble; the order of the two does not matter to the score.

    The score is 0 where the places lie further apart than `rule.radius_m`, or the reports than `rule.window_h`. It
    never reaches `rule.join` where the categories differ or a place is only in words: a person decides there.
    """
    comparison = compare(new, other, rule)
    if comparison is None:
        apart_m = distance_m(new.point, other.point) if new.point and other.point else None
        return Likeness(case_id=other.case_id, score=0.0, distance_m=apart_m, parts=tuple((a, 0.0) for a in ASPECTS))
    score, parts = _weighed(comparison)
    return _told(other.case_id, score, parts, comparison.distance_m)


def duplicates_of(new: Candidate, others: Sequence[Candidate], rule: DuplicateRule) -> list[Likeness]:
    """Return the cases that a report may belong to: score at least `rule.suggest`, the best first.

    Between equals the nearer comes first, then the older case. The report's own case is left out. Plain Python, because
    there are few: 20 cases within the radius, all with words and photos, take 0.12 ms on one core of a small machine.
    """
    found = []
    for other in others:
        if other.case_id == new.case_id:
            continue
        comparison = compare(new, other, rule)
        if comparison is not None:
            score, parts = _weighed(comparison)
            if score >= rule.suggest:
                found.append(_told(other.case_id, score, parts, comparison.distance_m))
    far = rule.radius_m + 1
    found.sort(key=lambda like: (-like.score, far if like.distance_m is None else like.distance_m, like.case_id))
    return found


def compare(new: Candidate, other: Candidate, rule: DuplicateRule) -> Comparison | None:
    """Return two reports compared aspect by aspect; None where they cannot be the same trouble."""
    gap_h = (
        max((new.first_at - other.last_at).total_seconds(), (other.first_at - new.last_at).total_seconds(), 0.0) / 3600
    )
    if gap_h > rule.window_h:
        return None
    ceiling = 1.0
    apart_m = None
    if new.point is not None and other.point is not None:
        apart_m = distance_m(new.point, other.point)
        if apart_m > rule.radius_m:
            return None
        near = _nearness(apart_m, rule.radius_m)
    alike, certainty = compare_words(new.words, other.words) if new.words and other.words else (0.0, 0.0)
    if apart_m is None:
        ceiling = rule.join * _BELOW_JOIN
        if new.place_id is not None and new.place_id == other.place_id:
            near = _SAME_PLACE
        elif new.area_id is not None and new.area_id == other.area_id and alike * certainty >= _STRONG_WORDS:
            near = _SAME_AREA
        else:
            return None
    if new.service_code == other.service_code:
        category = 1.0
    elif new.group == other.group:
        category, ceiling = _SAME_GROUP, min(ceiling, rule.join * _BELOW_JOIN)
    else:
        category, ceiling = 0.0, min(ceiling, (rule.suggest + rule.join * _BELOW_JOIN) / 2)
    photo = _photo_likeness(new.photo_hashes, other.photo_hashes) if new.photo_hashes and other.photo_hashes else 0.0
    return Comparison(
        values=(near, 1 - gap_h / rule.window_h if gap_h else 1.0, category, photo, alike),
        # Two people never take the same picture: only what is alike says something, and as much as it is alike.
        known=(1.0, 1.0, 1.0, photo, certainty),
        ceiling=ceiling,
        distance_m=apart_m,
    )


def _weighed(comparison: Comparison) -> tuple[float, Five]:
    """Return the score and the share of each aspect in it."""
    w_distance, w_time, w_category, w_photo, w_words = WEIGHTS
    k_distance, k_time, k_category, k_photo, k_words = comparison.known
    distance, time, category, photo, words = comparison.values
    w_distance, w_time, w_category = w_distance * k_distance, w_time * k_time, w_category * k_category
    w_photo, w_words = w_photo * k_photo, w_words * k_words
    whole = w_distance + w_time + w_category + w_photo + w_words
    raw = w_distance * distance + w_time * time + w_category * category + w_photo * photo + w_words * words
    # A score above the ceiling comes down to it, each share in proportion.
    per = 1 / whole if raw <= comparison.ceiling * whole else comparison.ceiling / raw
    parts = (
        w_distance * distance * per,
        w_time * time * per,
        w_category * category * per,
        w_photo * photo * per,
        w_words * words * per,
    )
    return min(1.0, sum(parts)), parts


def _told(case_id: int, score: float, parts: Five, apart_m: float | None) -> Likeness:
    return Likeness(case_id=case_id, score=score, distance_m=apart_m, parts=tuple(zip(ASPECTS, parts, strict=True)))


def _nearness(apart_m: float, radius_m: float) -> float:
    """Return 1 within what two telephones differ by, falling evenly to 0 at the radius."""
    tolerance_m = min(_GPS_TOLERANCE_M, radius_m / 3)
    return 1.0 if apart_m <= tolerance_m else (radius_m - apart_m) / (radius_m - tolerance_m)


def _photo_likeness(hashes: tuple[int, ...], others: tuple[int, ...]) -> float:
    """Return 1 where one picture is in both, 0 where no two have anything in common."""
    differ = _OTHER_PHOTO
    for a in hashes:
        for b in others:
            if a and b:
                differ = min(differ, hash_distance(a, b))
    return max(0.0, min(1.0, (_OTHER_PHOTO - differ) / (_OTHER_PHOTO - _SAME_PHOTO)))
