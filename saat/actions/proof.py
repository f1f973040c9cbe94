"""Proving that the work is done: a one-time code for the camera, the photo, and what a supervisor says of it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from saat.actions.cases import ActRefused, Change, city_of, close
from saat.actions.log import Actor, NotAllowed, writing
from saat.cases.moves import check_move
from saat.cases.proof import ProofCheck, ProofFacts, check_proof
from saat.records import photo_store
from saat.records.models import Case, Photo, ProofCode
from saat.records.photo_store import signed
from saat.records.queries_photos import like_photos
from saat.terms.case import Ending, State
from saat.terms.codes import heard, new_code, spoken
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.report import NewPhoto
from saat.triage.likeness import perceptual_hash


def draw_proof_code(*, case_id: int, now: datetime, by: Actor) -> str:
    """Return a fresh one-time code, bound to a case and to whoever asked for it; 8 letters and digits.

    :raises ActRefused: if the case is closed or merged.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        case = Change(log, case_id, "prove").case
        if State(case.state).is_closed:
            raise ActRefused(_("This case is closed already."))
        code = new_code()
        ProofCode.objects.create(city_id=case.city_id, case=case, code=code, drawn_at=now, drawn_by=str(by))
        return code


def prove_case(
    *,
    case_id: int,
    photo: NewPhoto,
    now: datetime,
    by: Actor,
    code: str = "",
    camera: bool = False,
    phone_point: Point | None = None,
    phone_accuracy_m: float | None = None,
    note: str = "",
) -> Case:
    """Close a case with a photo of what it looks like now, and tell its reporters.

    The photo is checked (taken now, near the place, not seen before); a failed check blocks nothing: it is kept with
    the photo, marks the case for the supervisor and is counted.

    code: the one-time code that came with the photo, as typed or sent; "" for none. camera: the page's own camera took
    it, or the phone's camera was asked for it. phone_point, phone_accuracy_m: where the phone said it was.

    :raises MoveNotAllowed: if the case is closed already.
    """
    phash = perceptual_hash(photo.grey)
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "prove")
        case = change.case
        check_move(code=spoken(case.code), old=State(case.state), new=State.CLOSED)
        photo_store.keep(digest=photo.digest, jpeg=photo.jpeg)
        drawn_at, code_ok = _use_code(case, code=code, now=now, by=by)
        facts = ProofFacts(
            now=now,
            code_drawn_at=drawn_at,
            code_ok=code_ok,
            camera=camera,
            exif_taken_at=photo.taken_at,
            photo_point=photo.point,
            phone_point=phone_point,
            phone_accuracy_m=phone_accuracy_m,
            case_point=Point(lat=case.lat, lon=case.lon) if case.lat is not None and case.lon is not None else None,
            photo_hash=phash or None,
            known_hashes=like_photos(city_id=case.city_id, phash=phash) if phash else (),
        )
        checks = check_proof(facts, change.policy)
        case.proof_failed = any(check.passed is False for check in checks)
        row = _keep_photo(case, photo=photo, phash=phash, checks=checks, policy=change.policy, now=now, by=by)
        case.on_site_at = case.on_site_at or now
        return close(
            log,
            change=change,
            ending=Ending.PROVED,
            note=note,
            facts={"photo": row.pk, "checks": [_plain(check) for check in checks]},
        )


def accept_proof(*, case_id: int, now: datetime, by: Actor) -> Case:
    """Say, as a supervisor, that a proof holds although one of its checks failed.

    :raises ActRefused: if no check of its proof failed.
    :raises NotAllowed: if it is the supervisor's own photo.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "judge_proof")
        if not change.case.proof_failed:
            raise ActRefused(_("No check of this proof has failed."))
        latest = Photo.objects.filter(case_id=case_id, kind="proof").order_by("-added_at").first()
        if latest is not None and latest.added_by_id is not None and latest.added_by_id == by.id:
            raise NotAllowed(_("Somebody else must judge your own photo."))
        change.case.proof_failed = False
        return change.done("proof_accepted", facts={"photo": latest.pk if latest else None})


def _use_code(case: Case, *, code: str, now: datetime, by: Actor) -> tuple[datetime | None, bool]:
    """Return when the code was drawn and whether it is this case's and actor's own and was not used; it is used now.

    A code that the server never drew counts as drawn this moment, so that it fails for being wrong, not for its age.
    """
    if not code:
        return None, False
    row = ProofCode.objects.select_for_update().filter(case=case, code=heard(code) or "").first()
    if row is None:
        return now, False
    own = row.used_at is None and row.drawn_by == str(by)
    if own:
        row.used_at = now
        row.save(update_fields=["used_at"])
    return row.drawn_at, own


def _keep_photo(
    case: Case,
    *,
    photo: NewPhoto,
    phash: int,
    checks: tuple[ProofCheck, ...],
    policy: CityPolicy,
    now: datetime,
    by: Actor,
) -> Photo:
    return Photo.objects.create(
        city_id=case.city_id,
        case=case,
        kind="proof",
        digest=photo.digest,
        phash=signed(phash),
        width=photo.width,
        height=photo.height,
        taken_at=photo.taken_at,
        lat=photo.point.lat if photo.point else None,
        lon=photo.point.lon if photo.point else None,
        added_at=now,
        added_by_id=by.id if by.kind == "user" else None,
        contractor_id=case.contractor_id,
        public=policy.photos_public,
        proof_checks=[_plain(check) for check in checks],
        proof_failed=case.proof_failed,
    )


def _plain(check: ProofCheck) -> dict[str, object]:
    """Return a check as it is kept: the amounts rounded, as nobody measures centimetres with a telephone."""
    return {
        "code": check.code,
        "passed": check.passed,
        "detail": check.detail,
        "amounts": {name: round(number, 1) for name, number in check.amounts},
    }
