"""The report form as residents use it, first of all without scripts."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from saat.actions.log import RESIDENT
from saat.actions.reports import receive_report
from saat.records.models import Case, Photo, ServiceRequest
from saat.terms.case import Channel
from saat.web.photos import decode_photo
from saat.web.resident import drafts
from saat.web.resident.report import SENDING
from tests.city import AT_MARKET, AT_RIVER, MONDAY_MORNING, NEXT_TO_MARKET, OUTSIDE, POLICY, make_city, new_report
from tests.pictures import exif_of, picture_bytes, scene, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall():
    cache.clear()
    return make_city()


@pytest.fixture
def visitor(hall) -> Client:
    return Client(headers={"accept-language": "en"})


def place(point) -> dict[str, str]:
    return {"lat": str(point.lat), "lon": str(point.lon)}


def hidden_fields(html: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return {name: value for name, value in found if value and name != "csrfmiddlewaretoken"}


def page_of(response) -> str:
    return response.content.decode()


# ------------------------------------------------------------------------------------------------------ the page


def test_the_page_speaks_the_citys_language_to_who_asks_for_none(hall):
    response = Client().get("/")
    assert response.headers["Content-Language"] == "km"
    assert '<html lang="km">' in page_of(response)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("en", "en"), ("en-US,en;q=0.9", "en"), ("km-KH", "km"), ("th,zh", "km"), ("th,en;q=0.5", "en")],
)
def test_the_page_speaks_what_the_browser_asks_for_if_it_can(hall, asked, answered):
    response = Client(headers={"accept-language": asked}).get("/")
    assert response.headers["Content-Language"] == answered


def test_a_chosen_language_is_remembered(visitor):
    visitor.get("/?lang=km")
    assert visitor.get("/").headers["Content-Language"] == "km"


def test_the_page_offers_what_the_policy_has(visitor, hall):
    html = page_of(visitor.get("/"))
    for category in hall.city.policy_terms().categories:
        assert f'value="{category.service_code}"' in html
        assert category.name["en"] in html
    assert "For how long has nobody come?" in html
    assert '<optgroup label="Daun Penh">' in html
    assert ">Tonle Bassac</option>" in html
    assert "Kandal Market" in html


def test_a_hotline_is_shown_if_the_city_has_one(hall, visitor):
    assert "tel:" not in page_of(visitor.get("/"))
    hall.city.policy_text = POLICY.read_text(encoding="utf-8").replace('phone = ""', 'phone = "+85523123456"', 1)
    hall.city.save()
    assert 'href="tel:+85523123456"' in page_of(visitor.get("/"))


def test_without_any_city_the_page_says_what_to_do(db):
    response = Client(headers={"accept-language": "en"}).get("/")
    assert response.status_code == 503
    assert "saat init" in page_of(response)


def test_another_city_is_chosen_by_its_name_and_remembered(hall, visitor):
    text = POLICY.read_text(encoding="utf-8").replace(
        'jurisdiction_id = "phnompenh.kh"', 'jurisdiction_id = "other.kh"'
    )
    make_city(
        jurisdiction_id="other.kh", policy_text=text.replace('en = "Phnom Penh City Hall"', 'en = "Hall of Other"')
    )
    assert "Phnom Penh City Hall" in page_of(visitor.get("/"))
    assert "Hall of Other" in page_of(visitor.get("/?city=other.kh"))
    assert "Hall of Other" in page_of(visitor.get("/"))


# ------------------------------------------------------------------------------------------------------ reporting


def test_a_report_needs_no_script_no_account_and_no_name(visitor, hall):
    response = visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "words": "Three bags"})
    assert response.status_code == 303
    row = ServiceRequest.objects.get()
    assert response.headers["Location"] == f"/r/{row.token}?sent=1"
    assert (row.service_code, row.words, row.lat, row.lon) == ("pile", "Three bags", AT_MARKET.lat, AT_MARKET.lon)
    assert row.channel == Channel.WEB
    assert row.contact is None
    assert row.language == "en"
    assert row.case.area == hall.sangkats["Phsar Kandal"]
    thanks = page_of(visitor.get(response.headers["Location"]))
    assert f"<span>{row.case.code[:4]}</span><span>{row.case.code[4:]}</span>" in thanks


def test_a_place_may_be_told_in_words_alone(visitor, hall):
    sangkat = hall.sangkats["Tonle Bassac"]
    visitor.post("/", {"service_code": "pile", "area_id": sangkat.pk, "near": "Street 308, behind the bakery"})
    row = ServiceRequest.objects.get()
    assert (row.area, row.address, row.lat) == (sangkat, "Street 308, behind the bakery", None)


def test_a_landmark_is_known_by_its_name_in_any_language(visitor, hall):
    visitor.post("/", {"service_code": "pile", "near": " មន្ទីរពេទ្យកាល់ម៉ែត "})
    row = ServiceRequest.objects.get()
    assert row.place == hall.places["Calmette Hospital"]
    assert row.case.area == hall.sangkats["Wat Phnom"]


def test_photos_come_with_the_report(visitor):
    exif = exif_of(taken="2026:03:02 10:15:00", lat=11.548, lon=104.91)
    photos = [upload(picture_bytes(exif=exif), "one.jpg"), upload(picture_bytes("PNG", scene(seed=2)), "two.png")]
    visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "photos": photos})
    first, second = Photo.objects.order_by("pk")
    assert (round(first.lat, 3), first.taken_at.hour) == (11.548, 3)
    assert second.lat is None


def test_contact_is_kept_for_officials_and_shown_to_nobody(visitor):
    told = {"name": "Sok Dara", "phone": "012 345 678", "email": "dara@example.org"}
    response = visitor.post("/", {"service_code": "pile", **place(AT_MARKET), **told})
    contact = ServiceRequest.objects.get().contact
    assert (contact.name, contact.phone, contact.email) == ("Sok Dara", "+85512345678", "dara@example.org")
    page = page_of(visitor.get(response.headers["Location"]))
    assert not any(told in page for told in ("Sok Dara", "345", "dara@"))


def test_what_the_category_asks_is_kept(visitor):
    asked = {"a-missed-collection-how_long": "week", "a-pile-how_long": "today"}
    visitor.post("/", {"service_code": "missed-collection", **place(AT_RIVER), **asked})
    assert ServiceRequest.objects.get().attributes == {"how_long": "week"}


@pytest.mark.parametrize("clock", ["1970-01-02T00:00:00Z", "2099-12-31T23:59:59+07:00"])
def test_a_wrong_clock_is_written_down_and_decides_nothing(visitor, clock):
    visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "said_at": clock})
    row = ServiceRequest.objects.get()
    assert row.said_at is not None
    assert row.said_at.year in (1970, 2099, 2100)
    assert abs((row.requested_at - row.case.opened_at).total_seconds()) < 1
    assert row.requested_at.year not in (1970, 2099, 2100)


@pytest.mark.parametrize("clock", ["yesterday", "9999-12-31T23:59:59Z", "2026-03-02T10:00:00", "-1"])
def test_a_clock_that_says_nothing_is_left_out(visitor, clock):
    visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "said_at": clock})
    assert ServiceRequest.objects.get().said_at is None


# ------------------------------------------------------------------------------------------------- what is wrong


def test_every_fault_stands_beside_its_field_and_nothing_typed_is_lost(visitor):
    typed = {
        "near": "Street 51",
        "words": "Three bags <b>here</b>",
        "name": "Dara",
        "phone": "12",
        "email": "dara at example",
        "a-missed-collection-how_long": "week",
    }
    response = visitor.post("/", {**typed, "photos": [upload(picture_bytes(), "bags.jpg")]})
    assert response.status_code == 422
    html = page_of(response)
    for anchor, said in (
        ("service_code", "Please choose what it is."),
        ("phone", "does not look like a phone number"),
        ("email", "does not look like an e-mail address"),
    ):
        assert re.search(rf'<li><a href="#{anchor}">[^<]*{said}', html)
        assert f'id="{anchor}"' in html
    assert 'value="Street 51"' in html
    assert "Three bags &lt;b&gt;here&lt;/b&gt;" in html
    assert 'value="dara at example"' in html
    assert re.search(r'value="week" checked', html)
    assert "1 photo is kept." in html
    assert ServiceRequest.objects.count() == 0

    mended = {**typed, **hidden_fields(html), "service_code": "pile", "phone": "", "email": ""}
    assert visitor.post("/", mended).status_code == 303
    assert Photo.objects.count() == 1


def test_kept_photos_can_be_left_out(visitor):
    html = page_of(visitor.post("/", {"photos": [upload(picture_bytes(), "bags.jpg")]}))
    visitor.post("/", {**hidden_fields(html), "service_code": "pile", **place(AT_MARKET), "drop_photos": "1"})
    assert ServiceRequest.objects.count() == 1
    assert Photo.objects.count() == 0


def test_a_place_must_be_told(visitor):
    html = page_of(visitor.post("/", {"service_code": "pile"}))
    assert re.search(r'<a href="#where">Please say where it is', html)


def test_a_place_outside_the_city_is_refused_naming_the_neighbour(visitor):
    html = page_of(visitor.post("/", {"service_code": "pile", **place(OUTSIDE)}))
    assert "outside Phnom Penh" in html
    assert "Tonle Bassac" in html
    assert "1.1 km" in html


@pytest.mark.parametrize(
    ("field", "value"),
    [("service_code", "volcano"), ("area_id", "999999"), ("lat", "nan"), ("lat", "91"), ("lat", "1e309")],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(visitor, field, value):
    response = visitor.post("/", {"service_code": "pile", "lon": "104.9", "near": "", field: value})
    assert response.status_code == 422
    assert ServiceRequest.objects.count() == 0


def test_a_photo_that_is_none_is_named_and_the_others_are_kept(visitor):
    files = [upload(b"%PDF-1.7 not a photo", "bill.pdf"), upload(picture_bytes(), "bags.jpg")]
    html = page_of(visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "photos": files}))
    assert "“bill.pdf” is not a photo" in html
    assert "1 photo is kept." in html


def test_too_many_photos_are_refused_and_the_first_ones_kept(visitor):
    files = [upload(picture_bytes("JPEG", scene(seed=seed)), f"{seed}.jpg") for seed in range(4)]
    html = page_of(visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "photos": files}))
    assert "At most 3 photos" in html
    assert "3 photos are kept." in html


def test_an_answer_that_the_category_does_not_offer_is_refused(visitor):
    asked = {"a-missed-collection-how_long": "<script>"}
    html = page_of(visitor.post("/", {"service_code": "missed-collection", **place(AT_RIVER), **asked}))
    assert re.search(r'<a href="#a-missed-collection-how_long">Please choose one of the answers', html)


def test_a_question_that_must_be_answered_is_asked_for_in_its_own_category_only(hall, visitor):
    text = hall.city.policy_text.replace("required = false", "required = true", 1)
    hall.city.policy_text = text
    hall.city.save()
    assert "Please answer this question" in page_of(
        visitor.post("/", {"service_code": "missed-collection", **place(AT_RIVER)})
    )
    assert visitor.post("/", {"service_code": "pile", **place(AT_RIVER)}).status_code == 303


SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def test_script_in_every_field_stays_text(visitor):
    fields = (
        "service_code", "lat", "lon", "accuracy_m", "area_id", "near", "words", "name", "phone", "email",
        "client_id", "said_at", "draft", "join", "decided", "language",
    )  # fmt: skip
    html = page_of(visitor.post("/", dict.fromkeys(fields, SCRIPT)))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    response = visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "words": SCRIPT, "near": SCRIPT})
    tracking = page_of(visitor.get(response.headers["Location"]))
    assert "<script>alert" not in tracking
    assert "&lt;script&gt;alert" in tracking


def test_bytes_that_are_no_text_and_towers_of_marks_do_no_harm(visitor):
    raw = b"service_code=pile&lat=11.548&lon=104.91&words=%ff%fe%00Bags%c3%28&near=a%00b&name=%ed%a0%80x"
    response = visitor.post("/", raw, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 303
    row = ServiceRequest.objects.get()
    assert "\x00" not in row.words + row.address
    assert "Bags" in row.words
    visitor.post("/", {"service_code": "pile", **place(AT_RIVER), "words": "Z" + "\u0336\u0322\u0353" * 200 + "algo"})
    assert len(ServiceRequest.objects.order_by("pk").last().words) < 20


# --------------------------------------------------------------------------------------------- what is open nearby


@pytest.fixture
def open_case(hall) -> Case:
    made = receive_report(city=hall.city, report=new_report(words="secret words"), now=timezone.now(), by=RESIDENT)
    return Case.objects.get(pk=made.case_id)


def test_open_cases_nearby_are_shown_before_a_report_goes(visitor, open_case):
    typed = {"service_code": "full-bin", **place(NEXT_TO_MARKET), "words": "More bags", "name": "Dara"}
    response = visitor.post("/", {**typed, "photos": [upload(picture_bytes())]})
    assert response.status_code == 200
    html = page_of(response)
    assert "Is it one of these?" in html
    assert "Rubbish piled up" in html
    assert "less than 50 m from here" in html
    assert "1 person reported it" in html
    assert "Waiting for somebody to take it on" in html
    assert "secret words" not in html
    assert ServiceRequest.objects.count() == 1

    code = re.search(r'name="join" value="([^"]+)"', html)[1]
    joined = visitor.post("/", {**hidden_fields(html), "join": code})
    assert joined.status_code == 303
    row = ServiceRequest.objects.order_by("pk").last()
    assert row.case == open_case
    assert row.words == "More bags"
    assert row.contact.name == "Dara"
    assert row.photos.count() == 1
    open_case.refresh_from_db()
    assert open_case.voices == 2


def test_a_resident_who_says_that_it_is_another_gets_a_case_of_their_own(visitor, open_case):
    typed = {"service_code": "pile", **place(AT_MARKET), "words": "secret words"}
    html = page_of(visitor.post("/", typed))
    response = visitor.post("/", {**hidden_fields(html), "decided": "apart"})
    assert response.status_code == 303
    assert Case.objects.count() == 2


def test_a_case_that_was_closed_meanwhile_loses_no_report(visitor, open_case):
    Case.objects.filter(pk=open_case.pk).update(state="closed", ending="claimed", closed_at=MONDAY_MORNING)
    response = visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "join": open_case.code})
    assert response.status_code == 303
    assert ServiceRequest.objects.order_by("pk").last().case != open_case


# ------------------------------------------------------------------------------------------------ once and only once


def test_a_form_sent_twice_is_one_report_and_a_changed_one_another(visitor):
    form = {**hidden_fields(page_of(visitor.get("/"))), "service_code": "pile", **place(AT_MARKET)}
    first = visitor.post("/", form)
    again = visitor.post("/", form)
    assert again.headers["Location"] == first.headers["Location"]
    assert ServiceRequest.objects.count() == 1
    other = visitor.post("/", {**form, "words": "and a mattress", "decided": "apart"})
    assert other.headers["Location"] != first.headers["Location"]
    assert ServiceRequest.objects.count() == 2


def test_a_script_gets_a_receipt_and_the_same_one_again(visitor):
    sent = {"service_code": "pile", **place(AT_MARKET), "client_id": "4f9c2c0e-report-one"}
    first = visitor.post("/send", sent)
    assert first.status_code == 201
    again = visitor.post("/send", sent)
    assert again.status_code == 200
    assert {**again.json(), "joined": False} == first.json()
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", first.json()["code"])
    assert visitor.get(first.json()["url"]).status_code == 200


def test_a_script_is_told_what_is_wrong_field_by_field(visitor):
    response = visitor.post("/send", {"service_code": "pile", **place(OUTSIDE), "email": "x"})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["email"]
    response = visitor.post("/send", {"service_code": "pile", **place(OUTSIDE)})
    (error,) = response.json()["errors"]
    assert error["field"] == "where"
    assert "Tonle Bassac" in error["message"]


@pytest.mark.django_db(transaction=True)
def test_a_hundred_repeats_at_once_create_one_report(hall):
    sent = {"service_code": "pile", **place(AT_MARKET), "client_id": "4f9c2c0e-report-one"}

    def post(_number: int) -> tuple[int, str]:
        try:
            response = Client(headers={"accept-language": "en"}).post("/send", sent)
            return response.status_code, response.json()["url"]
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=16) as pool:
        answers = list(pool.map(post, range(100)))
    assert {status for status, _url in answers} <= {200, 201}
    assert len({url for _status, url in answers}) == 1
    assert ServiceRequest.objects.count() == 1


# ---------------------------------------------------------------------------------------------------- for scripts


def test_a_script_learns_the_area_and_what_is_open_nearby(visitor, open_case):
    found = visitor.post("/near", {**place(AT_RIVER)}).json()
    assert found == {"area": "Tonle Bassac, Chamkar Mon", "cases": []}
    found = visitor.post("/near", {"service_code": "pile", **place(NEXT_TO_MARKET)}).json()
    (case,) = found["cases"]
    assert case["what"] == "Rubbish piled up"
    assert case["code"].replace("-", "") == open_case.code
    assert "secret" not in str(found)
    assert str(open_case.lat) not in str(found)


def test_a_script_is_told_that_a_place_lies_outside(visitor):
    found = visitor.post("/near", place(OUTSIDE)).json()
    assert "outside Phnom Penh" in found["error"]


def test_the_map_gets_areas_and_landmarks_longitude_first(visitor, hall):
    response = visitor.get("/areas.json")
    data = response.json()
    areas = [feature for feature in data["features"] if feature["properties"]["is"] == "area"]
    assert {area["properties"]["name"] for area in areas} >= {"Phnom Penh", "Daun Penh", "Tonle Bassac"}
    lon, lat = areas[0]["geometry"]["coordinates"][0][0][0]
    assert 104 < lon < 105
    assert 11 < lat < 12
    assert any(feature["properties"].get("kind") == "market" for feature in data["features"])
    assert visitor.get("/areas.json", headers={"if-none-match": response.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("door", ["/send", "/near"])
@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_pages_of_others_cannot_send_in_a_visitors_name(visitor, door, headers):
    response = visitor.post(door, {"service_code": "pile", **place(AT_MARKET)}, headers=headers)
    assert response.status_code in (403, 429)
    assert ServiceRequest.objects.count() == 0


def test_the_plain_form_is_guarded_by_a_token(hall):
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    assert strict.post("/", {"service_code": "pile", **place(AT_MARKET)}).status_code == 403
    html = page_of(strict.get("/"))
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)[1]
    sent = {"service_code": "pile", **place(AT_MARKET), "csrfmiddlewaretoken": token}
    assert strict.post("/", sent).status_code == 303


def test_one_network_cannot_flood_the_form_and_keeps_what_it_typed(visitor, monkeypatch):
    monkeypatch.setattr("saat.web.resident.report.SENDING", type(SENDING)(name="few", most=2, within_s=600))
    for words in ("one", "two"):
        sent = {"service_code": "pile", **place(AT_MARKET), "words": words, "decided": "apart"}
        assert visitor.post("/", sent).status_code == 303
    response = visitor.post("/", {"service_code": "pile", **place(AT_MARKET), "words": "the third"})
    assert response.status_code == 429
    assert "the third" in page_of(response)
    assert visitor.post("/send", {"service_code": "pile", **place(AT_MARKET)}).headers["Retry-After"]


def test_a_draft_that_nobody_came_back_for_is_swept_away(hall, settings, tmp_path):
    settings.VAR = tmp_path
    photo = decode_photo(upload(picture_bytes()), policy=hall.city.policy_terms())
    old = drafts.keep([photo])
    os.utime(tmp_path / "drafts" / old, (0, 0))
    os.utime(tmp_path / "drafts" / "swept", (0, 0))
    fresh = drafts.keep([photo])
    assert drafts.load(old) == ()
    (again,) = drafts.load(fresh)
    assert (again.digest, again.taken_at, again.point) == (photo.digest, None, None)
    assert drafts.load("../../etc/passwd") == ()
