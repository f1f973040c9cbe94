"""The crew's page and what its phone asks and says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from saat.records import photo_store
from saat.records.models import CrewNote, Device, DeviceBinding, Run
from tests.crews import TOKEN, Evening, make_evening
from tests.hall import make_hall
from tests.pictures import picture_bytes, upload


@pytest.fixture
def evening(db, settings, tmp_path) -> Evening:
    settings.PHOTO_ROOT = tmp_path
    made = make_evening(make_hall())
    begun = timezone.now() - timedelta(minutes=12)
    Run.objects.update(starts_at=begun, ends_at=begun + timedelta(hours=1))
    return made


@pytest.fixture
def phone(evening) -> Client:
    return Client(headers={"authorization": f"Bearer {TOKEN}", "cookie": "saat_language=en"})


def now_ms():
    return timezone.now().timestamp() * 1000


def say(phone, evening, **more):
    body = {
        "client_id": "tap-00000001", "reason": "blocked", "said_ms": now_ms(), "sent_ms": now_ms(),
        "run": evening.run.pk, "stop": evening.stops[1].pk,
    }  # fmt: skip
    return phone.post("/crew/api/notes", {**body, **more}, content_type="application/json")


def test_the_page_is_the_same_for_everybody_and_speaks_the_citys_language(evening):
    page = Client(headers={"accept-language": "en"}).get("/crew/")
    assert page.headers["Content-Language"] == "km"  # a phone that asks for English says nothing about who reads it
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in page.headers
    assert TOKEN not in page.content.decode()
    assert b"Start the shift" in Client().get("/crew/start?lang=en").content
    assert Client().get("/crew/worker.js").headers["Service-Worker-Allowed"] == "/crew/"
    assert Client().get("/crew/app.webmanifest").json()["scope"] == "/crew/"


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer wrong-token-wrong-token", f"Basic {TOKEN}", TOKEN])
@pytest.mark.parametrize("address", ["run", "notes", "notes/tap-00000001/photo", "notes/tap-00000001/back"])
def test_without_the_token_nothing_is_told_or_taken(evening, authorization, address):
    call = Client().get if address == "run" else Client().post
    answer = call(f"/crew/api/{address}", headers={"authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["code"] == "token"


def test_a_retired_phone_is_not_known_any_more(evening, phone):
    Device.objects.update(state="retired")
    assert phone.get("/crew/api/run").status_code == 401


def test_a_signed_in_officials_session_opens_nothing_here(evening):
    browser = Client()
    browser.force_login(evening.hall.people["admin"])
    assert browser.get("/crew/api/run").status_code == 401


def test_the_run_is_told_with_its_stops_by_name_and_landmark(evening, phone):
    evening.decide(0, "collected")
    answer = phone.get("/crew/api/run")
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert (told["vehicle"], told["device"], told["zone"]) == ("PP 2-1234", "Phone 1", "Asia/Phnom_Penh")
    assert told["run"]["name"] == "Daun Penh 1"
    first, *_, last = told["run"]["stops"]
    assert (first["number"], first["name"], first["outcome"]) == ("K1", "Kandal Market stairs", "collected")
    assert first["near"] == ""  # the name says it already
    assert (last["name"], last["near"], last["lane"]) == ("Phsar Kandal", "", True)


def test_names_come_in_the_citys_language_unless_another_was_chosen(evening):
    answer = Client(headers={"authorization": f"Bearer {TOKEN}", "accept-language": "en"}).get("/crew/api/run")
    assert answer.json()["run"]["stops"][0]["name"] == "ជណ្ដើរផ្សារកណ្ដាល"


def test_a_phone_on_no_vehicle_or_no_run_is_told_so(evening, phone):
    Run.objects.update(state="called_off")
    told = phone.get("/crew/api/run").json()
    assert (told["vehicle"], told["run"]) == ("PP 2-1234", None)
    DeviceBinding.objects.all().delete()
    told = phone.get("/crew/api/run").json()
    assert (told["vehicle"], told["run"]) == (None, None)


def test_a_word_is_taken_in_once_and_shown_to_the_crew(evening, phone):
    assert say(phone, evening, lat=11.5489, lon=104.91).json() == {"taken": "tap-00000001", "again": False}
    assert say(phone, evening).json() == {"taken": "tap-00000001", "again": True}
    assert CrewNote.objects.count() == 1
    (said,) = phone.get("/crew/api/run").json()["run"]["said"]
    assert (said["reason"], said["stop"], said["mine"]) == ("blocked", evening.stops[1].pk, True)


def test_a_word_is_taken_back(evening, phone):
    say(phone, evening)
    for _time in range(2):
        assert phone.post("/crew/api/notes/tap-00000001/back").status_code == 200
    assert phone.get("/crew/api/run").json()["run"]["said"] == []
    assert phone.post("/crew/api/notes/tap-00000009/back").status_code == 404


def test_a_photo_goes_with_a_word(evening, phone):
    say(phone, evening)
    answer = phone.post("/crew/api/notes/tap-00000001/photo", {"photo": upload(picture_bytes())})
    assert answer.status_code == 200
    assert photo_store.path_of(CrewNote.objects.get().photo_digest).exists()


@pytest.mark.parametrize(("content", "status"), [(b"no picture", 422), (b"", 422)])
def test_what_is_no_photo_is_refused_for_good(evening, phone, content, status):
    say(phone, evening)
    answer = phone.post("/crew/api/notes/tap-00000001/photo", {"photo": upload(content)})
    assert answer.status_code == status
    assert answer.json()["error"]
    assert phone.post("/crew/api/notes/tap-00000001/photo").status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "lazy"},
        {"said_ms": "yesterday"},
        {"said_ms": 1e300},
        {"sent_ms": -1},
        {"lat": 91.0},
        {"stop": "1"},
        {"stop": 2**70},
        {"client_id": "short"},
        {"client_id": "naïve-naïve"},
        {"more": 1},
    ],
)
def test_a_malformed_word_is_refused_for_good_and_named(evening, phone, wrong):
    answer = say(phone, evening, **wrong)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert not CrewNote.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"lat": NaN}'])
def test_half_a_word_is_refused(evening, phone, body):
    answer = phone.post("/crew/api/notes", body, content_type="application/json")
    assert answer.status_code == 422


def test_a_crew_does_not_speak_of_another_trucks_round(evening, phone):
    other = make_evening(evening.hall, contractor="south", suffix="S", token="another-token-of-another")
    assert say(phone, evening, run=other.run.pk, stop=other.stops[0].pk).status_code == 404
    assert say(phone, evening, stop=other.stops[0].pk).status_code == 404
