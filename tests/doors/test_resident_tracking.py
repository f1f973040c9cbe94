"""Following a report: what the link opens, and what the short code opens."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from saat.actions.cases import (
    Assignee,
    assign_case,
    close_case,
    close_without_fix,
    message_reporter,
    take_case,
)
from saat.actions.joining import merge_cases
from saat.actions.log import RESIDENT, Actor
from saat.actions.reports import receive_report
from saat.actions.voices import add_voice_by_code
from saat.records.models import Case, Contractor, Message, Photo, ServiceRequest
from saat.terms.case import Role, State
from saat.terms.codes import spoken
from saat.terms.report import Contact
from saat.web.photos import decode_photo
from saat.web.resident.tracking import GUESSING
from tests.city import AT_MARKET, AT_RIVER, NEXT_TO_MARKET, make_city, make_user, new_report
from tests.pictures import picture_bytes, scene, upload

pytestmark = pytest.mark.django_db


class Told:
    """One report of a resident, with what is needed to act on it."""

    def __init__(self, *, point=AT_MARKET, hours_ago=1.0, service_code="pile", words="my own words", **options):
        self.hall = options.pop("hall")
        self.at = timezone.now() - timedelta(hours=hours_ago)
        report = new_report(point=point, words=words, service_code=service_code, **options)
        made = receive_report(city=self.hall.city, report=report, now=self.at, by=RESIDENT)
        self.token, self.code, self.case_id = made.token, spoken(made.code), made.case_id
        area = Case.objects.get(pk=made.case_id).area
        self.officer = Actor.of(make_user(self.hall.city, Role.SANGKAT_OFFICER, area=area))

    @property
    def case(self) -> Case:
        return Case.objects.get(pk=self.case_id)


@pytest.fixture
def hall():
    cache.clear()
    return make_city()


@pytest.fixture
def told(hall) -> Told:
    return Told(hall=hall)


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


def read(visitor: Client, key: str, *, status: int = 200) -> str:
    response = visitor.get(f"/r/{key}")
    assert response.status_code == status
    return response.content.decode()


# ----------------------------------------------------------------------------------------------- link and code


def test_the_link_shows_the_reporters_own_words_and_photos(hall, visitor):
    photo = decode_photo(upload(picture_bytes()), policy=hall.city.policy_terms())
    told = Told(hall=hall, photos=(photo,), contact=Contact(name="Sok Dara", phone="+85512345678"))
    html = read(visitor, told.token)
    assert "my own words" in html
    picture = Photo.objects.get()
    assert f"/photos/{picture.pk}/thumb?t={told.token}" in html
    assert "You left a way to be told" in html
    assert "Sok Dara" not in html
    assert "12345678" not in html


def test_the_code_shows_only_what_is_public(hall, visitor):
    photo = decode_photo(upload(picture_bytes()), policy=hall.city.policy_terms())
    told = Told(hall=hall, photos=(photo,), address="House 12", contact=Contact(name="Sok Dara"))
    html = read(visitor, told.code)
    assert "Rubbish piled up" in html
    assert "near Kandal Market, Phsar Kandal, Daun Penh" in html
    for secret in ("my own words", "House 12", "Sok Dara", told.token, "/photos/", str(AT_MARKET.lat), "It is gone"):
        assert secret not in html
    assert "I see it too" in html


def test_a_place_that_may_be_a_home_is_told_only_by_its_area(hall, visitor):
    told = Told(hall=hall, service_code="missed-collection", point=NEXT_TO_MARKET)
    html = read(visitor, told.code)
    assert "Phsar Kandal, Daun Penh" in html
    assert "Kandal Market" not in html


@pytest.mark.parametrize("write", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")])
def test_a_code_is_understood_however_it_is_written(told, visitor, write):
    assert told.code in read(visitor, write(told.code))


def test_letters_that_sound_like_digits_are_heard_as_digits(told, visitor):
    Case.objects.filter(pk=told.case_id).update(code="K01Q9M4X")
    assert "Rubbish piled up" in read(visitor, "kOlq-9m4x")


def test_a_code_that_was_typed_leads_to_the_case(told, visitor):
    response = visitor.get("/r/", {"code": f" {told.code.lower()} "})
    assert response.headers["Location"] == f"/r/{told.code}"
    response = visitor.get("/r/", {"code": "what?"})
    assert response.status_code == 422
    assert "eight letters and digits" in response.content.decode()
    assert 'value="what?"' in response.content.decode()


@pytest.mark.parametrize("key", ["K7Q2-9M4X", "0" * 26, "hello", "x" * 26, "a\u0301b", "<script>"])
def test_a_link_that_leads_nowhere_says_what_to_do(hall, visitor, key):
    response = visitor.get(f"/r/{key}")
    assert response.status_code == 404
    html = response.content.decode()
    assert "We find nothing under this link" in html
    assert 'name="code"' in html
    assert "<script>alert" not in html


def test_search_engines_and_other_hosts_learn_nothing(told, visitor):
    by_link, by_code = visitor.get(f"/r/{told.token}"), visitor.get(f"/r/{told.code}")
    assert by_link.headers["X-Robots-Tag"] == by_code.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert by_link.headers["Referrer-Policy"] == "no-referrer"
    assert by_link.headers["Cache-Control"] == "private, no-store"


def test_who_guesses_codes_is_stopped_and_others_are_not(told, visitor):
    for number in range(GUESSING.most):
        assert visitor.get(f"/r/AAAA-A{number:03d}").status_code == 404
    blocked = visitor.get(f"/r/{told.code}")
    assert blocked.status_code == 429
    assert blocked.headers["Retry-After"]
    assert visitor.get(f"/r/{told.code}", REMOTE_ADDR="203.0.113.9").status_code == 200


# --------------------------------------------------------------------------------------------------- what was done


def test_the_history_says_in_plain_words_which_office_did_what(hall, told, visitor):
    contractor = Contractor.objects.create(city=hall.city, name="Clean City")
    duty = Actor.of(make_user(hall.city, Role.CITY_DUTY, username="duty"))
    take_case(case_id=told.case_id, now=told.at + timedelta(minutes=4), by=told.officer)
    assign_case(
        case_id=told.case_id, to=Assignee(contractor_id=contractor.pk), now=told.at + timedelta(minutes=6), by=duty
    )
    for minute in (10, 11):
        add_voice_by_code(
            city=hall.city, code=told.case.code, words="", now=told.at + timedelta(minutes=minute), by=RESIDENT
        )
    close_case(case_id=told.case_id, now=told.at + timedelta(minutes=40), by=duty)
    html = read(visitor, told.code)
    story = re.findall(r"<li[^>]*><time[^>]*>[^<]*</time><p>([^<]*)</p>", html)
    assert story == [
        "It was reported.",
        "Sangkat Phsar Kandal has taken it on.",
        "Phnom Penh City Hall handed it to Clean City.",
        "2 more people see it.",
        "Phnom Penh City Hall says that it is cleaned, without showing a photo.",
    ]
    assert "duty" not in html
    assert "3 people reported it" in html


def test_a_promise_is_shown_and_a_broken_one_as_broken(hall, visitor):
    fresh, old = Told(hall=hall), Told(hall=hall, point=AT_RIVER, hours_ago=24 * 30)
    assert "It is promised by" in read(visitor, fresh.code)
    assert "overdue" in read(visitor, old.code)


def test_closed_without_proof_says_so(told, visitor):
    close_case(case_id=told.case_id, now=timezone.now(), by=told.officer)
    html = read(visitor, told.code)
    assert "Said to be cleaned, without proof" in html
    assert "has shown no photo of it" in html


def test_closed_without_a_fix_gives_the_reason_and_claims_nothing(told, visitor):
    close_without_fix(case_id=told.case_id, reason_code="private-land", now=timezone.now(), by=told.officer)
    html = read(visitor, told.token)
    assert "Closed without being cleaned" in html
    assert "It lies on private land" in html
    assert "in time" not in html


def test_the_proof_is_shown_to_everybody(hall, told, visitor):
    jpeg = decode_photo(upload(picture_bytes("JPEG", scene(seed=5))), policy=hall.city.policy_terms())
    proof = Photo.objects.create(
        city=hall.city, case=told.case, kind="proof", digest=jpeg.digest, phash=0, width=8, height=8,
        added_at=timezone.now(),
    )  # fmt: skip
    assert f"/photos/{proof.pk}/thumb" in read(visitor, told.code)


def test_a_case_that_was_joined_leads_on_to_the_living_one(hall, visitor):
    first = Told(hall=hall)
    second = Told(hall=hall, point=AT_RIVER, words="other words")
    boss = Actor.of(make_user(hall.city, Role.CITY_DUTY))
    merge_cases(case_id=second.case_id, into_id=first.case_id, now=timezone.now(), by=boss)
    html = read(visitor, second.code)
    assert f"The case {second.code} was joined with this one" in html
    assert first.case.code[:4] in html
    own = read(visitor, second.token)
    assert "other words" in own
    assert "my own words" not in own


# ------------------------------------------------------------------------------------------------- what residents say


def test_gone_confirms_a_closed_case(told, visitor):
    close_case(case_id=told.case_id, now=timezone.now(), by=told.officer)
    response = visitor.post(f"/r/{told.token}/gone")
    assert response.headers["Location"] == f"/r/{told.token}?said=gone"
    assert told.case.ending == "confirmed"
    html = visitor.get(response.headers["Location"]).content.decode()
    assert "Thank you. It is written down that it is gone." in html
    assert "Gone: a resident confirmed it" in html


def test_still_there_opens_a_closed_case_again(told, visitor):
    close_case(case_id=told.case_id, now=timezone.now(), by=told.officer)
    due = told.case.due_at
    visitor.post(f"/r/{told.token}/still")
    assert told.case.state == State.OPEN
    assert told.case.due_at == due
    assert "It is open again." in read(visitor, told.token)


def test_a_voice_by_code_counts_and_changes_nothing_else(told, visitor):
    response = visitor.post(f"/r/{told.code}/too", {"client_id": "one-click-0001"})
    assert response.headers["Location"] == f"/r/{told.code}?said=too"
    visitor.post(f"/r/{told.code}/too", {"client_id": "one-click-0001"})
    assert told.case.voices == 2


@pytest.mark.parametrize("what", ["gone", "still", "answer", "nonsense"])
def test_the_code_alone_allows_nothing_but_a_voice(told, visitor, what):
    close_case(case_id=told.case_id, now=timezone.now(), by=told.officer)
    before = ServiceRequest.objects.count()
    response = visitor.post(f"/r/{told.code}/{what}", {"words": "x"})
    assert response.status_code == 403
    assert told.case.state == State.CLOSED
    assert told.case.ending == "claimed"
    assert ServiceRequest.objects.count() == before
    assert not Message.objects.exists()


def test_a_voice_on_a_closed_case_by_code_does_not_open_it(told, visitor):
    close_case(case_id=told.case_id, now=timezone.now(), by=told.officer)
    visitor.post(f"/r/{told.code}/too")
    assert told.case.state == State.CLOSED


def test_a_form_by_code_is_guarded_and_one_by_link_needs_no_cookie(told):
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    assert strict.post(f"/r/{told.code}/too").status_code == 403
    assert strict.post(f"/r/{told.token}/too").status_code == 303


def test_the_office_asks_and_the_reporter_answers(told, visitor):
    message_reporter(
        case_id=told.case_id, text="Before or behind the gate?", now=timezone.now(), by=told.officer, asks=True
    )
    html = read(visitor, told.token)
    assert "Before or behind the gate?" in html
    assert "Before or behind" not in read(visitor, told.code)
    response = visitor.post(f"/r/{told.token}/answer", {"words": "Behind <it>"})
    assert response.status_code == 303
    assert Message.objects.get(to_reporter=False).text == "Behind <it>"
    assert "Behind &lt;it&gt;" in read(visitor, told.token)
    empty = visitor.post(f"/r/{told.token}/answer", {"words": "  "})
    assert empty.status_code == 422
    assert "The message is empty." in empty.content.decode()


def test_one_reporter_does_not_read_what_another_was_told(hall, visitor):
    first, second = Told(hall=hall), Told(hall=hall, point=NEXT_TO_MARKET)
    assert first.case_id == second.case_id
    request = ServiceRequest.objects.get(token=second.token)
    message_reporter(
        case_id=first.case_id, text="Only for you", now=timezone.now(), by=first.officer, service_request_id=request.pk
    )
    assert "Only for you" in read(visitor, second.token)
    assert "Only for you" not in read(visitor, first.token)


def test_an_answers_address_leads_back_to_the_page_when_it_is_only_looked_at(told, visitor):
    assert visitor.get(f"/r/{told.token}/gone").headers["Location"] == f"/r/{told.token}"
    assert told.case.state == State.OPEN


def test_a_page_for_what_is_too_large_says_so_in_the_visitors_language(hall, visitor):
    response = visitor.get("/too-large")
    assert response.status_code == 413
    assert "at most 12 MB" in response.content.decode()
