"""Proving: what is checked, what is kept, what the supervisor and the counts see. Nothing blocks the closing."""

from __future__ import annotations

import random
from datetime import timedelta
from hashlib import sha256

import pytest

from saat.actions.cases import ActRefused, Assignee, assign_case, close_case, reopen_case
from saat.actions.joining import undo
from saat.actions.log import NotAllowed, NotFound
from saat.actions.proof import accept_proof, draw_proof_code, prove_case
from saat.actions.redaction import publish_photo, redact_photo, remove_photo
from saat.cases.moves import MoveNotAllowed
from saat.records import photo_store
from saat.records.models import Case, Event, Outbox, Photo, ProofCode
from saat.records.queries_photos import like_photos
from saat.terms.case import Ending, State
from saat.terms.geo import Point
from saat.terms.report import Contact, NewPhoto
from saat.triage.likeness import perceptual_hash
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_MARKET, AT_RIVER, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


def picture(name: str, *, brighter: int = 0, **facts) -> NewPhoto:
    """A picture with structure of its own; `brighter` is the same one in other light."""
    rng = random.Random(name)
    coarse = [rng.randrange(200) for _ in range(64)]
    grey = bytes(min(255, coarse[(row // 4) * 8 + column // 4] + brighter) for row in range(32) for column in range(32))
    jpeg = f"{name} {brighter}".encode()
    return NewPhoto(jpeg=jpeg, width=640, height=480, grey=grey, digest=sha256(jpeg).hexdigest(), **facts)


def checks_of(case: Case) -> dict[str, tuple[bool | None, str]]:
    photo = Photo.objects.filter(case=case, kind="proof").latest("pk")
    return {check["code"]: (check["passed"], check["detail"]) for check in photo.proof_checks}


def prove(hall: Hall, case: Case, name: str = "kandal", **facts) -> Case:
    """Prove with the page's own camera at the place, unless said otherwise."""
    now = facts.pop("now", later(minutes=30))
    by = hall.by(name)
    if "code" not in facts:
        facts["code"] = draw_proof_code(case_id=case.pk, now=now - timedelta(minutes=1), by=by)
    usual = {"photo": picture("clean street"), "camera": True, "phone_point": AT_MARKET, "phone_accuracy_m": 10.0}
    return prove_case(case_id=case.pk, now=now, by=by, **{**usual, **facts})


def test_a_photo_taken_now_at_the_place_proves_a_case_and_tells_the_reporter(hall):
    case = hall.case(new_report(contact=Contact(email="dara@example.org")))
    proved = prove(hall, case)
    assert (proved.state, proved.ending, proved.proved_at, proved.proof_failed) == (
        State.CLOSED, Ending.PROVED, later(minutes=30), False,
    )  # fmt: skip
    assert checks_of(case) == {
        "taken_now": (True, "code_and_camera"),
        "near_place": (True, "phone_near"),
        "not_seen_before": (True, "first_photo"),
    }
    photo = Photo.objects.get(kind="proof")
    assert photo_store.path_of(photo.digest).exists()
    assert photo.added_by == hall.people["kandal"]
    assert Event.objects.get(kind="case_closed").facts["photo"] == photo.pk
    assert Outbox.objects.filter(kind="reporter.closed").exists()
    assert_chain_is_whole(hall.city)


def test_a_failed_check_blocks_nothing_and_is_marked_kept_and_counted(hall):
    case = hall.case()
    assign_case(
        case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=5), by=hall.by("kandal")
    )
    proved = prove(hall, case, "north crew", phone_point=AT_RIVER)
    assert (proved.state, proved.ending, proved.proof_failed) == (State.CLOSED, Ending.PROVED, True)
    photo = Photo.objects.get(kind="proof")
    assert (photo.proof_failed, photo.contractor, photo.added_by) == (
        True, hall.contractors["north"], hall.people["north crew"],
    )  # fmt: skip
    assert checks_of(case)["near_place"] == (False, "phone_far")


def test_a_code_counts_once_for_its_own_case_and_for_whoever_drew_it(hall):
    first, second = hall.case(), hall.case(new_report(point=AT_RIVER))
    code = draw_proof_code(case_id=first.pk, now=later(minutes=20), by=hall.by("kandal"))
    prove(hall, first, "duty", code=code)
    assert checks_of(first)["taken_now"] == (False, "code_wrong")
    prove(hall, second, "duty", code=code, photo=picture("river"), phone_point=AT_RIVER)
    assert checks_of(second)["taken_now"] == (False, "code_wrong")
    reopen_case(case_id=first.pk, now=later(minutes=31), by=hall.by("duty"))
    prove(hall, first, code=code, photo=picture("third"), now=later(minutes=32))
    assert checks_of(first)["taken_now"] == (True, "code_and_camera")
    reopen_case(case_id=first.pk, now=later(minutes=33), by=hall.by("duty"))
    prove(hall, first, code=code, photo=picture("fourth"), now=later(minutes=34))
    assert checks_of(first)["taken_now"] == (False, "code_wrong")


@pytest.mark.parametrize(
    ("code", "expected"), [("", (None, "no_code")), ("WRONG000", (False, "code_wrong")), ("??", (False, "code_wrong"))]
)
def test_a_photo_without_the_right_code_was_not_surely_taken_now(hall, code, expected):
    case = hall.case()
    prove(hall, case, code=code)
    assert checks_of(case)["taken_now"] == expected


def test_a_code_as_it_is_read_aloud_is_understood(hall):
    case = hall.case()
    code = draw_proof_code(case_id=case.pk, now=later(minutes=29), by=hall.by("kandal"))
    prove(hall, case, code=f" {code[:4].lower()}-{code[4:].lower()} ")
    assert checks_of(case)["taken_now"][0] is True


def test_a_code_runs_out(hall):
    case = hall.case()
    code = draw_proof_code(case_id=case.pk, now=later(minutes=5), by=hall.by("kandal"))
    prove(hall, case, code=code, now=later(minutes=5) + timedelta(minutes=31))
    assert checks_of(case)["taken_now"] == (False, "code_old")


def test_the_reports_own_photo_in_other_light_is_no_proof_of_another_state(hall):
    case = hall.case(new_report(photos=(picture("heap"),)))
    prove(hall, case, photo=picture("heap", brighter=20))
    assert checks_of(case)["not_seen_before"] == (False, "seen_in_report")


def test_a_proof_is_used_once_for_any_case(hall):
    first, second = hall.case(), hall.case(new_report(point=AT_RIVER))
    prove(hall, first)
    prove(hall, second, "duty", phone_point=AT_RIVER)
    assert checks_of(second)["not_seen_before"] == (False, "seen_in_proof")
    amounts = Photo.objects.latest("pk").proof_checks[2]["amounts"]
    assert amounts["case_id"] == first.pk


def test_photos_alike_in_up_to_six_bits_are_found_by_the_index_whichever_bits_they_are(hall):
    case = hall.case(new_report(photos=(picture("heap"),)))
    known = perceptual_hash(picture("heap").grey)
    rng = random.Random("bits")
    for _ in range(200):
        flipped = known
        for bit in rng.sample(range(64), 6):
            flipped ^= 1 << bit
        assert [found[2] for found in like_photos(city_id=hall.city.pk, phash=flipped)] == [case.pk]
    assert like_photos(city_id=hall.city.pk, phash=known ^ (1 << 64) - 1) == ()


def test_a_closed_case_is_not_proved_and_no_file_stays_behind(hall, tmp_path):
    case = hall.case()
    close_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal"))
    with pytest.raises(MoveNotAllowed):
        prove(hall, case, code="")
    with pytest.raises(ActRefused):
        draw_proof_code(case_id=case.pk, now=later(minutes=2), by=hall.by("kandal"))
    assert not list(tmp_path.rglob("*.jpg"))


def test_who_may_not_see_or_prove_a_case_draws_no_code(hall):
    case = hall.case()
    for name, error in (("bassac", NotFound), ("auditor", NotAllowed), ("north", NotFound)):
        with pytest.raises(error):
            draw_proof_code(case_id=case.pk, now=later(minutes=2), by=hall.by(name))
    assert not ProofCode.objects.exists()


def test_a_supervisor_accepts_a_doubtful_proof_but_not_the_own_one(hall):
    case = hall.case()
    prove(hall, case, "daun penh", phone_point=AT_RIVER)
    with pytest.raises(NotAllowed, match="own photo"):
        accept_proof(case_id=case.pk, now=later(hours=1), by=hall.by("daun penh"))
    with pytest.raises(NotAllowed):
        accept_proof(case_id=case.pk, now=later(hours=1), by=hall.by("kandal"))
    assert not accept_proof(case_id=case.pk, now=later(hours=1), by=hall.by("duty")).proof_failed
    with pytest.raises(ActRefused):
        accept_proof(case_id=case.pk, now=later(hours=1), by=hall.by("duty"))
    assert Photo.objects.get().proof_failed  # it is still counted
    undo(event_id=Event.objects.get(kind="proof_accepted").pk, now=later(hours=2), by=hall.by("duty"))
    assert Case.objects.get().proof_failed


def test_undoing_a_proof_opens_the_case_and_keeps_the_photo_known(hall):
    case = hall.case()
    prove(hall, case)
    undo(event_id=Event.objects.get(kind="case_closed").pk, now=later(minutes=31), by=hall.by("kandal"))
    assert Case.objects.get().state == State.OPEN
    prove(hall, case, now=later(minutes=40))
    assert checks_of(case)["not_seen_before"] == (False, "seen_in_proof")


def test_a_case_known_only_in_words_can_be_proved_without_a_place(hall):
    case = hall.case(new_report())
    Case.objects.filter(pk=case.pk).update(lat=None, lon=None, cell=None)
    prove(hall, case, phone_point=Point(lat=0.0, lon=0.0))
    assert checks_of(case)["near_place"] == (None, "case_without_place")


def test_a_redacted_photo_replaces_the_original_on_disk_and_is_still_recognised(
    hall, django_capture_on_commit_callbacks
):
    case = hall.case(new_report(photos=(picture("heap with a face"),)))
    photo = Photo.objects.get()
    covered = picture("heap with a grey box")
    with django_capture_on_commit_callbacks(execute=True):
        redact_photo(photo_id=photo.pk, redacted=covered, parts=1, now=later(minutes=4), by=hall.by("daun penh"))
    now_kept = Photo.objects.get()
    assert (now_kept.digest, now_kept.redacted_at) == (covered.digest, later(minutes=4))
    assert not photo_store.path_of(photo.digest).exists()
    assert photo_store.path_of(covered.digest).exists()
    assert now_kept.phash == photo.phash
    assert Event.objects.get(kind="photo_redacted").facts == {"photo": photo.pk, "parts": 1}
    assert Event.objects.get(kind="photo_redacted").case_id == case.pk


def test_a_file_that_another_photo_shows_too_stays(hall, django_capture_on_commit_callbacks):
    hall.case(new_report(photos=(picture("heap"),)))
    hall.case(new_report(point=AT_RIVER, photos=(picture("heap"),)))
    first, second = Photo.objects.order_by("pk")
    assert first.digest == second.digest
    with django_capture_on_commit_callbacks(execute=True):
        remove_photo(photo_id=first.pk, now=later(minutes=4), by=hall.by("duty"))
    assert photo_store.path_of(second.digest).exists()
    with django_capture_on_commit_callbacks(execute=True):
        remove_photo(photo_id=second.pk, now=later(minutes=4), by=hall.by("duty"))
    assert not photo_store.path_of(second.digest).exists()
    with pytest.raises(ActRefused):
        remove_photo(photo_id=second.pk, now=later(minutes=5), by=hall.by("duty"))


def test_photos_are_changed_only_by_supervisors_of_their_area(hall):
    hall.case(new_report(photos=(picture("heap"),)))
    photo = Photo.objects.get()
    for name, error in (("kandal", NotAllowed), ("bassac", NotFound), ("auditor", NotAllowed)):
        with pytest.raises(error):
            remove_photo(photo_id=photo.pk, now=later(minutes=4), by=hall.by(name))
    publish_photo(photo_id=photo.pk, public=True, now=later(minutes=4), by=hall.by("daun penh"))
    assert Photo.objects.get().public
    assert list(Event.objects.filter(kind__startswith="photo").values_list("kind", flat=True)) == ["photo_published"]
