"""The Open311 server as those see it who bring reports: keys, fields, pictures, quotas, and all that can be wrong."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from saat.actions.access import revoke_key
from saat.actions.log import COMMAND
from saat.records import queries_access
from saat.records.models import Case, Contact, Photo, ServiceRequest
from tests.city import OUTSIDE, POLICY, make_city
from tests.doors.open311 import HEAP, checked_json, checked_xml, errors_of, make_partner

pytestmark = pytest.mark.django_db

QUESTIONS = """
[[category]]
service_code = "asks"
name = { km = "សួរ", en = "It asks" }
description = { km = "សួរ", en = "It asks a lot" }
due_h = 8
[[category.attribute]]
code = "since"
text = { km = "តាំងពីពេលណា?", en = "Since when?" }
datatype = "datetime"
required = true
[[category.attribute]]
code = "bags"
text = { km = "ប៉ុន្មាន?", en = "How many bags?" }
datatype = "number"
[[category.attribute]]
code = "kinds"
text = { km = "ប្រភេទ?", en = "What kinds?" }
datatype = "multivaluelist"
[[category.attribute.value]]
key = "glass"
name = { km = "កែវ", en = "Glass" }
[[category.attribute.value]]
key = "wood"
name = { km = "ឈើ", en = "Wood" }
"""


def picture(size=(640, 480), kind="JPEG") -> bytes:
    file = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(file, kind)
    return file.getvalue()


@pytest.fixture
def ground():
    return make_city()


@pytest.fixture
def partner(ground):
    return make_partner(ground)


def test_a_report_is_kept_with_all_that_came_with_it(partner):
    response = partner.post(
        **HEAP, email="sok@example.org", first_name="Sok", last_name="Dara", phone="012 345 678", device_id="tt222111",
        media_url="https://pictures.example/1.jpg", address_string="Behind the stairs", account_id="7",
        requested_datetime="2026-03-02T09:55:00+07:00",
        **{"attribute[easting]": "491000", "attribute[colours][]": ["red", "blue"]},
    )  # fmt: skip
    (receipt,) = checked_json(response)
    assert response.status_code == 200
    kept = ServiceRequest.objects.get(pk=receipt["service_request_id"])
    assert (kept.service_code, kept.lat, kept.lon, kept.words) == ("pile", 11.545, 104.935, HEAP["description"])
    assert (kept.device_id, kept.media_url, kept.address) == (
        "tt222111", "https://pictures.example/1.jpg", "Behind the stairs",
    )  # fmt: skip
    assert kept.attributes == {"easting": "491000", "colours": "red,blue"}, "what was not asked for is kept, too"
    assert kept.said_at.isoformat() == "2026-03-02T02:55:00+00:00"
    contact = Contact.objects.get()
    assert (contact.name, contact.phone, contact.email) == ("Sok Dara", "+85512345678", "sok@example.org")
    assert kept.case.area is not None


def test_the_receipt_is_the_standards_in_both_formats_and_tells_the_promise(partner):
    root = checked_xml(partner.post("requests.xml", **HEAP))
    assert root.findtext("request/service_request_id").isdigit()
    (receipt,) = checked_json(partner.post(**HEAP, headers={"Accept-Language": "en"}))
    assert receipt["service_notice"].startswith("Phnom Penh City Hall promises to act by ")
    assert set(receipt) == {"service_request_id", "service_notice"}
    (more,) = checked_json(partner.post("requests.json?extensions=true", **HEAP))
    kept = ServiceRequest.objects.get(pk=more["service_request_id"])
    assert more["extended_attributes"]["tracking_url"].endswith(f"/r/{kept.token}")


def test_a_form_without_files_needs_no_more_than_ten_statements(partner):
    partner.bring()  # the key is known now
    form = "&".join([f"api_key={partner.secret}", "service_code=dumping", "lat=11.575", "long=104.905"])
    with CaptureQueriesContext(connection) as queries:
        response = partner.client.generic(
            "POST", "/open311/v2/requests.json", form, content_type="application/x-www-form-urlencoded; charset=utf-8"
        )
    assert response.status_code == 200, response.content
    told = [query["sql"] for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(told) + 2 <= 10, told  # and the BEGIN and COMMIT that a test's own transaction hides


def test_pictures_come_as_files_whatever_their_field_is_called(partner, ground, settings, tmp_path):
    settings.PHOTO_ROOT = tmp_path
    response = partner.post(
        **HEAP,
        media=SimpleUploadedFile("a.jpg", picture(), "image/jpeg"),
        file2=SimpleUploadedFile("b.png", picture(kind="PNG"), "image/png"),
    )
    assert response.status_code == 200, response.content
    assert Photo.objects.count() == 2
    refused = partner.post(**HEAP, media=SimpleUploadedFile("a.jpg", b"GIF89a no picture", "image/jpeg"))
    assert "a.jpg" in errors_of(refused, 400)[0]
    many = {f"media{n}": SimpleUploadedFile("a.jpg", picture((64, 64)), "image/jpeg") for n in range(4)}
    assert errors_of(partner.post(**HEAP, **many), 400)
    assert ServiceRequest.objects.count() == 1, "nothing of a refused report is kept"


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"service_code": ""}, 400, ["service_code is missing"]),
        ({"service_code": "nothing"}, 404, ["no category “nothing” here. The categories are: pile,"]),
        ({"lat": "", "long": ""}, 400, ["The place is missing"]),
        ({"long": ""}, 400, ["lat and long belong together"]),
        ({"lat": "eleven"}, 400, ["lat must be a number from -90 to 90, not “eleven”"]),
        ({"lat": "104.93", "long": "11.54"}, 400, ["lat must be a number"]),
        ({"lat": "inf"}, 400, ["lat must be a number"]),
        ({"lat": "1_1.5"}, 400, ["lat must be a number"]),
        ({"email": "nobody", "media_url": "javascript:alert(1)"}, 400, ["not an e-mail address", "media_url must be"]),
        ({"description": "x" * 4001}, 400, ["has 4001 characters; at most 4000"]),
        ({"lat": "", "long": "", "address_id": "house-12"}, 400, ["no address_id “house-12”"]),
        ({"lat": "", "long": "", "address_id": "area-999999"}, 400, ["area is not in the city"]),
        ({"requested_datetime": "now"}, 400, ["requested_datetime must be a date"]),
        ({"jurisdiction_id": "elsewhere.org"}, 404, ["no jurisdiction_id “elsewhere.org”"]),
        ({"api_key": ""}, 403, ["api_key is missing"]),
        ({"api_key": "wrong"}, 403, ["api_key is not valid"]),
        ({"api_key": "wrong\x00"}, 403, ["api_key is not valid"]),
    ],
)
@pytest.mark.parametrize("wire", ["json", "xml"])
def test_what_is_wrong_with_a_report_is_said_all_at_once(partner, changes, status, says, wire):
    response = partner.post(f"requests.{wire}?lang=en", **(HEAP | changes))
    texts = errors_of(response, status)
    assert len(texts) == len(says)
    for text, said in zip(texts, says, strict=True):
        assert said in text
    assert not ServiceRequest.objects.exists()


def test_a_place_outside_the_city_names_the_nearest_part_of_it(partner):
    response = partner.post("requests.json?lang=en", **(HEAP | {"lat": OUTSIDE.lat, "long": OUTSIDE.lon}))
    (text,) = errors_of(response, 400)
    assert "outside Phnom Penh. The nearest part of the city is Tonle Bassac, 1.1 km away" in text


def test_a_place_in_a_neighbouring_city_names_the_neighbour(partner):
    policy = (
        POLICY.read_text(encoding="utf-8").replace("phnompenh.kh", "siemreap.kh").replace("Phnom Penh", "Siem Reap")
    )
    neighbour = make_city(jurisdiction_id="siemreap.kh", policy_text=policy)
    neighbour.root.wkb = shapely.to_wkb(shapely.box(104.945, 11.54, 104.96, 11.58))
    neighbour.root.save()
    neighbour.city.areas.exclude(pk=neighbour.root.pk).update(wkb=b"")
    neighbour.city.areas_version = 1
    neighbour.city.save()
    response = partner.post(
        "requests.json?lang=en", **(HEAP | {"lat": OUTSIDE.lat, "long": OUTSIDE.lon, "jurisdiction_id": "phnompenh.kh"})
    )
    (text,) = errors_of(response, 400)
    assert "belongs to Siem Reap" in text


def test_questions_are_answered_in_their_own_kind():
    partner = make_partner(make_city(policy_text=POLICY.read_text(encoding="utf-8") + QUESTIONS))
    report = HEAP | {"service_code": "asks"}
    texts = errors_of(partner.post("requests.json?lang=en", **report), 400)
    assert texts == ["attribute[since] is missing: “Since when?”."]
    wrong = {"attribute[since]": "long ago", "attribute[bags]": "many", "attribute[kinds][]": ["glass", "gold"]}
    texts = errors_of(partner.post("requests.json?lang=en", **report, **wrong), 400)
    assert ["must be a date" in texts[0], "must be a number" in texts[1], "cannot be “gold”" in texts[2]] == [True] * 3
    right = {"attribute[since]": "2026-03-01", "attribute[bags]": "12.5", "attribute[kinds][]": ["glass", "wood"]}
    assert partner.post(**report, **right).status_code == 200
    kept = ServiceRequest.objects.get()
    assert kept.attributes == {"since": "2026-03-01", "bags": "12.5", "kinds": "glass,wood"}
    (told,) = checked_json(partner.get(f"requests/{kept.pk}.json", extensions="true", lang="en"))
    assert told["attributes"] == [{"code": "kinds", "label": "What kinds?", "value": "Glass, Wood"}]


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"service_code=pile&description=%FF%FE", "application/x-www-form-urlencoded", "not valid UTF-8"),
        (b"service_code=pile&description=\xff\xfe", "application/x-www-form-urlencoded", "not valid UTF-8"),
        (b"{}", "application/json", "must be a form"),
        (b"nonsense", "multipart/form-data", "cannot be read"),
        (b"nonsense", "multipart/form-data; boundary=x", "api_key is missing"),
        (
            b'--x\r\nContent-Disposition: form-data; name="description"\r\n\r\n\xff\xfe\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            "not valid UTF-8",
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(partner, body, kind, says):
    response = partner.client.generic("POST", "/open311/v2/requests.json", body, content_type=kind)
    assert says in errors_of(response, 403 if "missing" in says else 400)[0]


EVIL = (
    '</description><status>closed</status>]]>"},{"x":"<script>alert(1)</script>&lt;%00'
    "\x00\x0b\x1b\u202e\ufffe{{7*7}}' OR 1=1 --"
)


def test_what_is_written_into_any_field_stays_text(partner):
    fields = dict.fromkeys(("address_string", "device_id", "first_name", "last_name", "phone", "account_id"), EVIL)
    number = partner.bring(description=EVIL, **fields, **{f"attribute[{EVIL[:20]}]": EVIL, "attribute[a]": EVIL})
    root = checked_xml(partner.get(f"requests/{number}.xml", extensions="true"))
    assert root.findtext("request/status") == "open"
    assert len(root.findall("request/status")) == 1
    (told,) = checked_json(partner.get(f"requests/{number}.json", extensions="true"))
    assert "<script>" in told["description"], "it is shown as it was written, escaped by whoever shows it"
    assert not {"\x00", "\x0b", "\x1b", "\u202e"} & set(told["description"] + told["address"])
    kept = ServiceRequest.objects.get(pk=number)
    assert not any(sign in f"{kept.device_id}{kept.attributes}{kept.contact.name}" for sign in "\x00\x0b\x1b")
    for name, status in (
        ("service_code", 404),
        ("lat", 400),
        ("email", 400),
        ("media_url", 400),
        ("jurisdiction_id", 404),
    ):
        (text,) = errors_of(partner.post("requests.xml", **(HEAP | {name: EVIL})), status)
        assert "\x0b" not in text
    errors_of(partner.get("requests.xml", start_date=EVIL), 400)


def test_the_same_report_sent_again_is_the_same_report(partner, ground):
    first = partner.bring(client_id="abc")
    assert partner.bring(client_id="abc", description="other words") == first
    again = partner.post(**HEAP, headers={"Idempotency-Key": "abc"})
    assert checked_json(again)[0]["service_request_id"] == str(first)
    assert partner.bring(client_id="abd") != first
    assert make_partner(ground, name="Another").bring(client_id="abc") != first, "ids of partners do not meet"
    assert ServiceRequest.objects.count() == 3
    long = "x" * 900
    assert partner.bring(client_id=long) == partner.bring(client_id=long) != partner.bring(client_id=long + "y")


def test_reports_of_the_same_heap_join_one_case_and_keep_their_own_ids(partner):
    first, second = partner.bring(), partner.bring(description="A heap of bags by the river, still there")
    assert first != second
    assert Case.objects.get().voices == 2
    listed = checked_json(partner.get("requests.json"))
    assert {one["service_request_id"] for one in listed} == {str(first), str(second)}


def test_a_key_used_too_often_is_told_when_to_come_again(ground):
    partner = make_partner(ground, per_minute=3, now=timezone.now())
    for _ in range(3):
        partner.bring()
    response = partner.post("requests.json?lang=en", **HEAP)
    (text,) = errors_of(response, 429)
    assert text.startswith("This key may be used 3 times a minute. Try again in ")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert errors_of(partner.get("requests.xml", api_key=partner.secret), 429), "reading with the key counts, too"
    assert partner.get("requests.xml").status_code == 200


def test_a_revoked_key_is_refused_within_seconds(partner):
    partner.bring()
    revoke_key(key_id=partner.key.pk, now=timezone.now() - timedelta(seconds=1), by=COMMAND)
    later = timezone.now() + queries_access.KEPT
    assert queries_access.key_of(partner.secret, now=later) is None
    assert timedelta(0) < queries_access.KEPT <= timedelta(seconds=5)
    assert errors_of(partner.post(**HEAP), 403)
