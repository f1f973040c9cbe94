"""Proving with a photo, judging doubtful proofs, covering and removing photos: at the doors."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from saat.records import photo_store
from saat.records.models import Case, Event, Photo
from saat.terms.case import State
from saat.web.covering import Part, covered
from saat.web.photos import decode_photo
from tests.city import AT_MARKET, AT_RIVER, new_report
from tests.doors.desk import act_on, now_case, page_of, reread, signed_in, text_of
from tests.hall import Hall, make_hall
from tests.pictures import picture_bytes, scene, upload


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


def code_for(client, case: Case) -> str:
    """Open the camera and return the code that the page shows."""
    response = client.post(f"{page_of(case)}/prove", {"start": "1"})
    return parse_qs(urlsplit(response.url).query)["code"][0]


def send_proof(client, case: Case, *, seed: int = 5, at=AT_MARKET, **fields):
    picture = upload(picture_bytes(picture=scene(seed=seed)))
    fields = {"camera": "1", "phone_lat": at.lat, "phone_lon": at.lon, "accuracy": "8", "photo": picture, **fields}
    return client.post(f"{page_of(case)}/prove", fields, follow=True)


def test_a_case_is_proved_in_two_steps_and_closed(hall):
    officer, case = signed_in(hall, "kandal"), now_case(hall)
    code = code_for(officer, case)
    camera = officer.get(f"{page_of(case)}/prove?code={code}")
    assert f"{code[:4]}-{code[4:]}" in text_of(camera)
    response = send_proof(officer, case, code=code, note="swept")
    assert (reread(case).state, reread(case).ending, reread(case).proof_failed) == (State.CLOSED, "proved", False)
    said = text_of(response)
    assert "Closed with a photo." in said
    assert "Passed: Taken by the camera" in said
    assert "Passed: The phone was 0 m from the place." in said


def test_a_proof_from_elsewhere_closes_the_case_and_is_shown_to_the_supervisor(hall):
    officer, case = signed_in(hall, "kandal"), now_case(hall)
    response = send_proof(officer, case, code=code_for(officer, case), at=AT_RIVER)
    assert "a supervisor will look at it" in text_of(response)
    assert "The proof holds" not in text_of(response)
    khan = signed_in(hall, "daun penh")
    page = text_of(khan.get(page_of(case)))
    assert "Look at the proof" in page
    assert "Failed: The phone was 2.7 km away." in page
    table = text_of(khan.get("/desk/proofs/"))
    assert "kandal 1 1" in table
    act_on(khan, case, "accept_proof")
    assert not reread(case).proof_failed
    assert "judged already" in text_of(khan.get("/desk/proofs/"))


def test_proofs_of_other_areas_are_not_listed(hall):
    officer, case = signed_in(hall, "kandal"), now_case(hall)
    send_proof(officer, case, code=code_for(officer, case), at=AT_RIVER)
    assert "No proof has failed a check" in text_of(signed_in(hall, "bassac").get("/desk/proofs/"))


@pytest.mark.parametrize(
    ("photo", "why"),
    [
        (None, "Please take or choose a photo."),
        (b"", "Please take or choose a photo."),
        (b"%PDF-1.4 not a photo", "is not a photo that we can read"),
    ],
)
def test_a_photo_that_is_none_is_refused_and_the_case_stays_open(hall, photo, why):
    officer, case = signed_in(hall, "kandal"), now_case(hall)
    code = code_for(officer, case)
    fields = {"code": code, "note": "typed before"}
    if photo is not None:
        fields["photo"] = upload(photo)
    response = officer.post(f"{page_of(case)}/prove", fields)
    assert response.status_code == 422
    said = text_of(response)
    assert why in said or (photo == b"" and "is empty" in said)
    assert "typed before" in said
    assert f"{code[:4]}-{code[4:]}" in said
    assert reread(case).state == State.OPEN


@pytest.mark.parametrize("place", [("", ""), ("north", "east"), ("999", "0"), ("nan", "inf")])
def test_a_phone_that_says_nonsense_of_its_place_is_nowhere(hall, place):
    officer, case = signed_in(hall, "kandal"), now_case(hall)
    send_proof(officer, case, code=code_for(officer, case), phone_lat=place[0], phone_lon=place[1], accuracy="?")
    checks = {check["code"]: check["detail"] for check in Photo.objects.get(kind="proof").proof_checks}
    assert checks["near_place"] == "no_place"


def test_who_may_not_prove_sees_why(hall):
    case = now_case(hall)
    auditor = signed_in(hall, "auditor")
    assert "Your role does not allow this." in text_of(auditor.get(f"{page_of(case)}/prove"))
    assert auditor.post(f"{page_of(case)}/prove", {"start": "1"}).status_code == 403


def test_a_closed_case_is_not_proved_again(hall):
    officer, case = signed_in(hall, "kandal"), now_case(hall)
    code = code_for(officer, case)
    act_on(officer, case, "close")
    response = send_proof(officer, case, code=code)
    assert response.status_code == 409
    assert not Photo.objects.filter(kind="proof").exists()


@pytest.fixture
def photographed(hall) -> Case:
    """A case with a photo of the heap, reported this moment."""
    photo = decode_photo(upload(picture_bytes(picture=scene(seed=3))), policy=hall.city.policy_terms())
    return now_case(hall, new_report(photos=(photo,)))


def test_covered_parts_are_gone_from_the_file_and_from_the_page(hall, photographed, django_capture_on_commit_callbacks):
    khan, photo = signed_in(hall, "daun penh"), Photo.objects.get()
    page = khan.get(f"/desk/photos/{photo.pk}/redact")
    assert page.status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        parts = json.dumps([[0.1, 0.1, 0.3, 0.3]])
        response = khan.post(f"/desk/photos/{photo.pk}/redact", {"parts": parts}, follow=True)
    assert "The parts are covered" in text_of(response)
    now_kept = Photo.objects.get()
    assert now_kept.digest != photo.digest
    assert not photo_store.path_of(photo.digest).exists()
    picture = Image.open(BytesIO(photo_store.path_of(now_kept.digest).read_bytes()))
    side = min(picture.size)
    inside = picture.crop((int(side * 0.2), int(side * 0.2), int(side * 0.3), int(side * 0.3)))
    assert inside.convert("HSV").getchannel("S").getextrema()[1] < 40  # the colours are gone
    assert Event.objects.get(kind="photo_redacted").facts["parts"] == 1


def test_tiles_keep_nothing_by_which_a_plate_could_be_read(hall, photographed):
    photo = Photo.objects.get()
    picture = Image.open(BytesIO(covered(photo, [Part(0, 0, 1, 1)]).jpeg)).convert("RGB")
    saturation = picture.convert("HSV").getchannel("S").getextrema()[1]
    assert saturation < 40  # only grey is left, within what JPEG adds
    greys = {grey // 32 for grey in picture.convert("L").resize((picture.width // 14, picture.height // 14)).tobytes()}
    assert len(greys) <= 8


@pytest.mark.parametrize(
    "parts",
    ["", "[]", "nonsense", "[[2,2,1,1]]", "[[0,0,0,0]]", "[[1,2]]", '[["a","b","c","d"]]', "{}", "null", "[" * 2000],
)
def test_parts_that_are_none_are_refused_and_the_photo_stays(hall, photographed, parts):
    khan, photo = signed_in(hall, "daun penh"), Photo.objects.get()
    response = khan.post(f"/desk/photos/{photo.pk}/redact", {"parts": parts})
    assert response.status_code == 422
    assert Photo.objects.get().digest == photo.digest


def test_without_a_script_a_photo_can_still_be_taken_away(hall, photographed, django_capture_on_commit_callbacks):
    khan, photo = signed_in(hall, "daun penh"), Photo.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        khan.post(f"/desk/photos/{photo.pk}/redact", {"remove": "1"})
    assert not photo_store.path_of(photo.digest).exists()
    assert "The photo was taken away." in text_of(khan.get(page_of(photographed)))
    assert khan.get(f"/desk/photos/{photo.pk}/redact").status_code == 404


def test_only_supervisors_of_the_area_reach_the_page_to_cover_parts(hall, photographed):
    photo = Photo.objects.get()
    for name in ("kandal", "bassac", "auditor"):
        assert signed_in(hall, name).get(f"/desk/photos/{photo.pk}/redact").status_code == 404


def test_a_photo_is_shown_to_the_public_and_hidden_again(hall, photographed):
    khan, photo = signed_in(hall, "daun penh"), Photo.objects.get()
    act_on(khan, photographed, "publish", photo=photo.pk, public="1")
    assert Photo.objects.get().public
    act_on(khan, photographed, "publish", photo=photo.pk, public="0")
    assert not Photo.objects.get().public
    other = now_case(hall, new_report(point=AT_RIVER))
    duty = signed_in(hall, "duty")
    assert act_on(duty, other, "publish", photo=photo.pk, public="1").status_code == 422
