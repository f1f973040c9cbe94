"""What a proof photo is worth: taken now, near the place, not seen before.

A failed check never blocks anything; it is kept with the proof, shown to the supervisor and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from saat.terms.geo import Point, distance_m
from saat.terms.policy import CityPolicy

# Perceptual hashes of 64 bits that differ in so few bits are the same picture: saving it again, shrinking it or
# changing its brightness moves a bit or two, while another picture of the same street corner, taken by hand, differs
# in far more. By chance 83 million of the 2**64 possible hashes lie so near to a given one; among a million earlier
# photos that is one false alarm in about 200,000.
SAME_PHOTO_BITS = 6
# Clocks of phones stray by minutes; a photo is not called old for that, nor one from the near future a lie.
CLOCK_SLACK = timedelta(minutes=5)

_64_BITS = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFacts:
    """What is known about a proof photo when the server receives it.

    now: the server's moment of receipt, aware. code_drawn_at: when the server drew the one-time code that came with
    the photo, aware; None if no code came. code_ok: the code is the server's own, for this case, and was not used
    before. camera: the page took the picture itself, or asked the phone's camera for it, and not a file.
    exif_taken_at: the photo's own moment, aware, None if it has none. photo_point: the photo's own place, from EXIF.
    phone_point, phone_accuracy_m: where the phone said it was when it sent the photo, and the radius of its doubt,
    finite. case_point: where the trouble is; None where only words say so. photo_hash: 64-bit perceptual hash, signed
    or unsigned, None if there is none. known_hashes: (hash, "report" or "proof", case id) of earlier photos.
    """

    now: datetime
    code_drawn_at: datetime | None = None
    code_ok: bool = False
    camera: bool = False
    exif_taken_at: datetime | None = None
    photo_point: Point | None = None
    phone_point: Point | None = None
    phone_accuracy_m: float | None = None
    case_point: Point | None = None
    photo_hash: int | None = None
    known_hashes: tuple[tuple[int, str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofCheck:
    """One check of a proof and its outcome.

    code: taken_now, near_place or not_seen_before. passed: None where it cannot be known. detail: why, as a stable
    word. amounts: (name, number) pairs; the name's ending gives the unit (`_s`, `_m`), `bits` and `case_id` have none.
    """

    code: str
    passed: bool | None
    detail: str
    amounts: tuple[tuple[str, float], ...] = ()


def check_proof(facts: ProofFacts, policy: CityPolicy) -> tuple[ProofCheck, ...]:
    """Return the three checks of a proof photo: taken_now, near_place, not_seen_before."""
    return (_taken_now(facts, policy), _near_place(facts, policy), _not_seen_before(facts))


def _taken_now(facts: ProofFacts, policy: CityPolicy) -> ProofCheck:
    """Judge the moment by the server's own clock: a code that it drew a short while ago came back with the picture.

    The photo's own moment can be forged, so it never passes a photo that came without a code; it can fail one.
    """
    fresh = timedelta(minutes=policy.proof_fresh_min)
    exif_age = facts.now - facts.exif_taken_at if facts.exif_taken_at is not None else None
    if exif_age is not None and exif_age > fresh + CLOCK_SLACK:
        return _taken(False, "photo_old", age_s=exif_age.total_seconds())
    if facts.code_drawn_at is None:
        return _taken(None, "no_code")
    age = facts.now - facts.code_drawn_at
    if not facts.code_ok:
        return _taken(False, "code_wrong")
    if age > fresh:
        return _taken(False, "code_old", age_s=age.total_seconds())
    if facts.camera:
        return _taken(True, "code_and_camera", age_s=max(0.0, age.total_seconds()))
    if exif_age is not None and exif_age >= -CLOCK_SLACK:
        return _taken(True, "code_and_photo_moment", age_s=max(0.0, exif_age.total_seconds()))
    return _taken(None, "file_without_moment")


def _near_place(facts: ProofFacts, policy: CityPolicy) -> ProofCheck:
    """Judge the place by what the photo says of itself and by where the phone was.

    A phone far away fails a photo that its camera took now, or one that says nothing of its own place. The phone's
    inaccuracy is held in its favour, up to the allowed distance once more; a phone that is less exact than that can
    only show that it was surely elsewhere.
    """
    near_m = policy.proof_near_m
    if facts.case_point is None:
        return _near(None, "case_without_place")
    photo_m = distance_m(facts.photo_point, facts.case_point) if facts.photo_point is not None else None
    if photo_m is not None and photo_m > near_m:
        return _near(False, "photo_far", distance_m=photo_m)
    if facts.phone_point is not None:
        phone_m = distance_m(facts.phone_point, facts.case_point)
        accuracy_m = max(0.0, facts.phone_accuracy_m or 0.0)
        exact = accuracy_m <= near_m
        if phone_m - accuracy_m > near_m and (facts.camera or photo_m is None):
            return _near(False, "phone_far", distance_m=phone_m, accuracy_m=accuracy_m)
        if photo_m is None and exact:
            return _near(True, "phone_near", distance_m=phone_m, accuracy_m=accuracy_m)
        if photo_m is None:
            return _near(None, "phone_inexact", distance_m=phone_m, accuracy_m=accuracy_m)
    if photo_m is not None:
        return _near(True, "photo_near", distance_m=photo_m)
    return _near(None, "no_place")


def _not_seen_before(facts: ProofFacts) -> ProofCheck:
    if facts.photo_hash is None:
        return ProofCheck(code="not_seen_before", passed=None, detail="no_likeness")
    photo_hash = facts.photo_hash
    distances = [
        (((photo_hash ^ known) & _64_BITS).bit_count(), case_id, kind) for known, kind, case_id in facts.known_hashes
    ]
    if not distances:
        return ProofCheck(code="not_seen_before", passed=True, detail="first_photo")
    bits, case_id, kind = min(distances)
    amounts = (("bits", float(bits)), ("case_id", float(case_id)))
    if bits <= SAME_PHOTO_BITS:
        return ProofCheck(code="not_seen_before", passed=False, detail=f"seen_in_{kind}", amounts=amounts)
    return ProofCheck(code="not_seen_before", passed=True, detail="new_photo", amounts=amounts[:1])


def _taken(passed: bool | None, detail: str, **amounts: float) -> ProofCheck:
    return ProofCheck(code="taken_now", passed=passed, detail=detail, amounts=tuple(amounts.items()))


def _near(passed: bool | None, detail: str, **amounts: float) -> ProofCheck:
    return ProofCheck(code="near_place", passed=passed, detail=detail, amounts=tuple(amounts.items()))
