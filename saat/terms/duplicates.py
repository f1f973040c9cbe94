"""The words of the duplicate score: what was compared and what each part weighed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saat.terms.geo import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An open case, or a new report, as the duplicate score sees it.

    photo_hashes: 64-bit perceptual hashes as unsigned integers. words: all that residents wrote.
    point: None where only words give the place. last_at: the latest report's moment, aware.
    """

    case_id: int
    service_code: str
    group: str
    point: Point | None
    area_id: int | None
    first_at: datetime
    last_at: datetime
    words: str = ""
    photo_hashes: tuple[int, ...] = ()
    place_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two reports are, and why.

    score: 0 (nothing in common) to 1 (surely the same trouble). distance_m: None where a place is only in words.
    parts: for each aspect (distance, time, category, photo, words) its share of the score; they add up to `score`.
    """

    case_id: int
    score: float
    distance_m: float | None
    parts: tuple[tuple[str, float], ...]
