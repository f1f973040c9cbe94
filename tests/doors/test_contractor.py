"""A contractor answers for one case through a signed link, without an account."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from saat.actions.cases import Assignee, assign_case, close_case, release_case
from saat.actions.links import answer_url
from saat.records.models import Case, Event, Note, Photo, SignedLink
from saat.terms.case import State
from saat.terms.report import Contact
from saat.web.photos import decode_photo
from tests.city import AT_MARKET, AT_RIVER, new_report
from tests.doors.desk import now_case, reread, text_of
from tests.hall import Hall, make_hall
from tests.pictures import picture_bytes, scene, upload


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def handed(hall) -> Case:
    """A case with a photo and a reporter who left a number, given to the contractor of the north."""
    photo = decode_photo(upload(picture_bytes(picture=scene(seed=3))), policy=hall.city.policy_terms())
    case = now_case(hall, new_report(photos=(photo,), contact=Contact(name="Sok Dara", phone="+85512345678")))
    to = Assignee(contractor_id=hall.contractors["north"].pk)
    return assign_case(case_id=case.pk, to=to, now=timezone.now(), by=hall.by("kandal"))


@pytest.fixture
def link(hall, handed) -> str:
    """The address of the link, without the host."""
    return answer_url(case_id=handed.pk, contractor_id=hall.contractors["north"].pk, now=timezone.now(), url="")


@pytest.fixture
def crew() -> Client:
    """Somebody with a phone and no account."""
    return Client(headers={"accept-language": "en"})


def test_the_page_says_what_where_and_by_when_and_nothing_of_the_reporter(hall, handed, link, crew):
    response = crew.get(link)
    said = text_of(response)
    for words in ("Rubbish piled up", "Kandal Market", "Three bags beside the stairs", "North Clean", "We are on site"):
        assert words in said
    assert "Dara" not in said
    assert "12345678" not in said
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_the_page_speaks_khmer(link, crew):
    page = crew.get(f"{link}?lang=km").content.decode()
    assert '<html lang="km"' in page
    assert "គំនរសំរាម" in page


def test_reading_a_link_changes_nothing(handed, link, crew):
    events = Event.objects.count()
    crew.get(link)
    crew.get(f"{link}/prove")
    assert crew.get(f"{link}/arrive").status_code == 405
    assert Event.objects.count() == events


def test_the_crew_says_that_it_is_there_writes_and_proves(hall, handed, link, crew):
    assert "sees that you are there" in text_of(crew.post(f"{link}/arrive", follow=True))
    assert reread(handed).state == State.ON_SITE
    crew.post(f"{link}/note", {"text": "Two trucks needed"})
    assert (Note.objects.get().by_name, Note.objects.get().by_link) == ("North Clean", SignedLink.objects.get())
    assert "Two trucks needed" in text_of(crew.get(link))
    code = parse_qs(urlsplit(crew.post(f"{link}/prove", {"start": "1"}).url).query)["code"][0]
    assert f"{code[:4]}-{code[4:]}" in text_of(crew.get(f"{link}/prove?code={code}"))
    fields = {"code": code, "camera": "1", "phone_lat": AT_MARKET.lat, "phone_lon": AT_MARKET.lon, "accuracy": "9"}
    response = crew.post(
        f"{link}/prove", {**fields, "photo": upload(picture_bytes(picture=scene(seed=9)))}, follow=True
    )
    assert "closed, with your photo" in text_of(response)
    case, photo = reread(handed), Photo.objects.get(kind="proof")
    assert (case.state, case.ending, case.proof_failed) == (State.CLOSED, "proved", False)
    assert (photo.contractor, photo.added_by) == (hall.contractors["north"], None)
    assert Event.objects.get(kind="case_closed").actor.startswith("link:")
    assert "This case is closed. Thank you." in text_of(crew.get(link))


def test_whoever_cannot_do_it_gives_it_back_with_a_reason_and_the_link_ends(handed, link, crew):
    assert crew.post(f"{link}/decline", {"reason": "tired"}).status_code == 422
    assert "Thank you for saying so" in text_of(crew.post(f"{link}/decline", {"reason": "too_much", "text": "A lake"}))
    assert (reread(handed).state, reread(handed).contractor) == (State.OPEN, None)
    assert crew.get(link).status_code == 410


@pytest.mark.parametrize("token", ["abc", "0" * 26, "x" * 500, "ស្អាត"])
def test_a_forged_link_shows_a_clear_page(handed, crew, token):
    response = crew.get(f"/c/{token}")
    assert response.status_code == 404
    assert "This link is not valid" in text_of(response)
    assert crew.post(f"/c/{token}/arrive").status_code == 404


def test_an_expired_link_says_so_and_where_to_get_another(handed, link, crew):
    SignedLink.objects.update(expires_at=timezone.now())
    response = crew.get(link)
    assert response.status_code == 410
    assert "has expired" in text_of(response)
    assert crew.post(f"{link}/arrive").status_code == 410
    assert reread(handed).state == State.ASSIGNED


def test_a_link_ends_when_the_case_is_taken_back(hall, handed, link, crew):
    release_case(case_id=handed.pk, now=timezone.now(), by=hall.by("kandal"))
    response = crew.get(link)
    assert response.status_code == 410
    assert "given to somebody else" in text_of(response)


def test_what_was_done_already_is_said_plainly(hall, handed, link, crew):
    crew.post(f"{link}/arrive")
    assert crew.post(f"{link}/arrive").status_code == 409
    assert crew.post(f"{link}/note", {"text": " "}).status_code == 422
    assert crew.post(f"{link}/conquer").status_code == 404
    close_case(case_id=handed.pk, now=timezone.now(), by=hall.by("kandal"))
    assert crew.post(f"{link}/prove", {"start": "1"}).status_code == 422


def test_a_link_shows_the_photos_of_its_case_and_no_others(hall, handed, link, crew):
    own = Photo.objects.get()
    assert crew.get(f"{link}/photos/{own.pk}/thumb").headers["Content-Type"] == "image/jpeg"
    photo = decode_photo(upload(picture_bytes(picture=scene(seed=4))), policy=hall.city.policy_terms())
    now_case(hall, new_report(point=AT_RIVER, photos=(photo,)))
    other = Photo.objects.latest("pk")
    assert crew.get(f"{link}/photos/{other.pk}/full").status_code == 404
    assert crew.get(f"{link}/photos/{own.pk}/huge").status_code == 404
    assert Client().get(f"/photos/{own.pk}/full").status_code == 404


def test_a_form_without_the_token_against_forgery_is_refused(handed, link):
    phone = Client(enforce_csrf_checks=True)
    assert phone.post(f"{link}/arrive").status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', phone.get(link).content.decode())[1]
    assert phone.post(f"{link}/arrive", {"csrfmiddlewaretoken": token}).status_code == 302
