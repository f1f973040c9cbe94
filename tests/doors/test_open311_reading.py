"""The Open311 server as those see it who read: discovery, services, service requests, tokens, formats, errors."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from saat.actions.cases import Assignee, assign_case, close_without_fix
from saat.actions.joining import merge_cases
from saat.actions.log import COMMAND, RESIDENT
from saat.actions.reports import receive_report
from saat.actions.voices import add_voice
from saat.records.models import Case, Photo, ServiceRequest
from saat.terms.case import Channel, Voice
from saat.terms.geo import Point, coarse
from saat.terms.report import Contact
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, MONDAY_MORNING, POLICY, make_city, new_report
from tests.doors.open311 import checked_json, checked_xml, errors_of, make_partner
from tests.hall import make_hall

pytestmark = pytest.mark.django_db

LATER = MONDAY_MORNING + timedelta(hours=1)


@pytest.fixture
def hall():
    return make_hall()


@pytest.fixture
def partner(hall):
    return make_partner(hall.ground)


def in_window(**arguments):
    """Arguments that ask for the Monday on which the tests' reports come in."""
    return {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-03-05T00:00:00Z", **arguments}


@pytest.mark.parametrize("path", ["discovery", "v2/discovery"])
def test_discovery_names_the_endpoint_in_both_formats(partner, path):
    told = checked_json(partner.client.get(f"/open311/{path}.json"))
    assert told["endpoints"][0]["url"].endswith("/open311/v2")
    assert told["endpoints"][0]["formats"] == ["text/xml", "application/json"]
    assert told["changeset"] == "2026-03-02T10:00:00+07:00"
    root = checked_xml(partner.client.get(f"/open311/{path}.xml"))
    assert root.findtext("endpoints/endpoint/url") == told["endpoints"][0]["url"]


def test_services_are_the_categories_of_the_policy_in_the_language_asked_for(partner):
    listed = checked_json(
        partner.client.get("/open311/v2/services.json", headers={"Accept-Language": "en-GB,en;q=0.9"})
    )
    assert [one["service_code"] for one in listed][:2] == ["pile", "missed-collection"]
    assert (listed[0]["service_name"], listed[0]["metadata"], listed[1]["metadata"]) == (
        "Rubbish piled up",
        False,
        True,
    )
    own = checked_json(partner.get("services.json"))
    assert own[0]["service_name"] == "គំនរសំរាម", "without a wish it is the city's own language"
    chosen = checked_json(partner.get("services.json", lang="en"))
    assert chosen == listed
    assert len(checked_xml(partner.get("services.xml"))) == len(listed)


def test_a_definition_asks_the_questions_of_its_category(partner):
    told = checked_json(partner.get("services/missed-collection.json", lang="en"))
    (question,) = told["attributes"]
    assert (question["code"], question["datatype"], question["required"], question["order"], question["variable"]) == (
        "how_long", "singlevaluelist", False, 1, True,
    )  # fmt: skip
    assert question["values"][0] == {"key": "today", "name": "Today"}
    root = checked_xml(partner.get("services/missed-collection.xml", lang="en"))
    assert [value.findtext("key") for value in root.iter("value")] == ["today", "days", "week"]
    assert checked_json(partner.get("services/pile.json"))["attributes"] == []
    assert len(checked_xml(partner.get("services/pile.xml")).find("attributes")) == 0


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("services/nothing.xml", 404, "no category “nothing”"),
        ("requests/999999.json", 404, "no service request “999999”"),
        ("requests/abc.xml", 404, "no service request “abc”"),
        ("requests/99999999999999999999999.xml", 404, "no service request"),
        ("tokens/nothing.json", 404, "no such token"),
        ("nothing.xml", 404, "nothing at this address"),
        ("requests/1/2.json", 404, "nothing at this address"),
        ("requests.csv", 400, "no format “csv”"),
        ("services.json?jurisdiction_id=elsewhere.org", 404, "no jurisdiction_id “elsewhere.org”"),
        ("requests.json?start_date=yesterday", 400, "start_date must be a date"),
        ("requests.json?start_date=2026-02-30T00:00:00Z", 400, "start_date must be a date"),
        ("requests.json?start_date=2026-01-01&end_date=2026-06-01", 400, "at most 90"),
        ("requests.json?start_date=2026-02-01&end_date=2026-01-01", 400, "before start_date"),
        ("requests.json?status=pending", 400, "open or closed"),
        ("requests.json?page_size=1001", 400, "page_size must be a number from 1 to 1000"),
        ("requests.json?page=0", 400, "page must be a number"),
        ("requests.json?lat=11.5", 400, "lat and long belong together"),
        ("requests.json?lat=nan&long=1", 400, "lat must be a number"),
        ("requests.json?bbox=1,2,3", 400, "bbox is four numbers"),
        ("requests.json?api_key=wrong", 403, "api_key is not valid"),
        ("requests.json?description=%FF", 400, "not valid UTF-8"),
    ],
)
def test_an_error_has_its_code_and_a_sentence_in_the_format_asked_for(partner, path, status, says):
    response = partner.client.get(f"/open311/v2/{path}", headers={"Accept-Language": "en"})
    (text,) = errors_of(response, status)
    assert says in text
    asked_for_json = path.split("?")[0].endswith(".json")
    assert response["Content-Type"].startswith("application/json" if asked_for_json else "text/xml")


def test_what_is_not_possible_is_refused_with_what_is(partner):
    response = partner.client.put("/open311/v2/requests.xml")
    assert "possible are GET, POST" in errors_of(response, 405)[0]
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert errors_of(partner.client.post("/open311/v2/services.json"), 405)


def test_a_format_that_is_not_named_follows_the_accept_header_and_is_xml_otherwise(partner):
    assert checked_xml(partner.client.get("/open311/v2/services")).tag == "services"
    assert checked_json(partner.client.get("/open311/v2/services", headers={"Accept": "application/json"}))


def test_any_site_may_read_and_none_may_show_it(partner):
    response = partner.get("services.json")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    asked = partner.client.options("/open311/v2/requests.json")
    assert (asked.status_code, asked.content) == (204, b"")
    assert "Authorization" in asked["Access-Control-Allow-Headers"]
    assert partner.client.head("/open311/v2/services.json").content == b""


def test_a_request_is_told_as_strict_clients_demand(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    root = checked_xml(partner.get("requests.xml", **in_window()))
    (told,) = partner.list(**in_window(lang="en"))
    assert told["service_request_id"] == str(receipt.service_request_id)
    assert (told["status"], told["service_name"]) == ("open", "Rubbish piled up")
    assert told["status_notes"] == "Phnom Penh City Hall has received it."
    assert told["requested_datetime"] == "2026-03-02T10:00:00+07:00"
    assert told["expected_datetime"] == receipt.due_at.astimezone(hall_zone(hall)).isoformat()
    assert told["address"] == "Tonle Bassac, Chamkar Mon, Phnom Penh"
    assert isinstance(told["lat"], float)
    assert root.findtext("request/lat") == str(told["lat"])
    single = checked_json(partner.get(f"requests/{receipt.service_request_id}.json", lang="en"))
    assert single == [told], "a single request is a list of one"
    assert checked_xml(partner.get(f"requests/{receipt.service_request_id}.xml")).tag == "service_requests"


def hall_zone(hall):
    return ZoneInfo(hall.city.policy_terms().hours.zone)


def test_nothing_tells_who_reported_or_where_exactly(hall, partner):
    report = new_report(
        point=AT_RIVER,
        words="Bags here. Call 012 345 678 or +855 12 345 678, or write to sok.dara@example.org. House 12.",
        contact=Contact(name="Sok Dara", phone="012345678", email="sok.dara@example.org"),
    )
    hall.report(report)
    for response in (
        partner.get("requests.json", **in_window(extensions="true")),
        partner.get("requests.xml", **in_window(extensions="true")),
    ):
        text = response.content.decode()
        for secret in ("Sok", "345", "example.org"):
            assert secret not in text, secret
    (told,) = partner.list(**in_window())
    seen = coarse(AT_RIVER, hall.city.policy_terms().public_grid_m)
    assert (told["lat"], told["long"]) == (seen.lat, seen.lon)
    assert told["description"] == "Bags here. Call … or …, or write to … House 12."


def test_a_home_is_shown_more_coarsely_and_without_its_address(hall, partner):
    hall.report(new_report(service_code="missed-collection", point=AT_RIVER))
    ServiceRequest.objects.update(address="House 12, Street 63")
    (told,) = partner.list(**in_window(lang="en"))
    seen = coarse(AT_RIVER, hall.city.policy_terms().home_grid_m)
    assert (told["lat"], told["long"]) == (seen.lat, seen.lon)
    assert told["address"] == "Tonle Bassac, Chamkar Mon, Phnom Penh"


def test_a_trusted_key_sees_the_place_and_the_words_as_they_are(hall, partner):
    hall.report(new_report(point=AT_RIVER, words="Ask at 012 345 678"))
    office = make_partner(hall.ground, name="Ministry", trusted=True)
    (told,) = office.list(**in_window(api_key=office.secret))
    assert (told["lat"], told["long"], told["description"]) == (AT_RIVER.lat, AT_RIVER.lon, "Ask at 012 345 678")
    (bearer,) = checked_json(
        partner.client.get(
            "/open311/v2/requests.json", in_window(), headers={"Authorization": f"Bearer {office.secret}"}
        )
    )
    assert bearer == told
    (usual,) = partner.list(**in_window(api_key=partner.secret))
    assert usual["lat"] != AT_RIVER.lat


def test_a_report_in_words_stands_at_its_landmark_or_in_the_middle_of_its_area(hall, partner):
    market, bassac = hall.ground.places["Kandal Market"], hall.ground.sangkats["Tonle Bassac"]
    at_market = partner.bring(lat="", long="", address_id=f"place-{market.pk}")
    in_area = partner.bring(lat="", long="", address_id=f"area-{bassac.pk}", address_string="behind the school")
    nowhere = partner.bring(lat="", long="", address_string="where the old bridge was")
    told = {
        number: checked_json(partner.get(f"requests/{number}.json", extensions="true", lang="en"))[0]
        for number in (at_market, in_area, nowhere)
    }
    assert (told[at_market]["lat"], told[at_market]["long"]) == (AT_MARKET.lat, AT_MARKET.lon)
    assert told[at_market]["address"] == "Kandal Market, Phsar Kandal, Daun Penh, Phnom Penh"
    assert (told[in_area]["lat"], told[in_area]["long"]) == (11.55, 104.93)
    assert told[in_area]["address"].startswith("behind the school, Tonle Bassac")
    assert "lat" not in told[nowhere]
    assert "long" not in told[nowhere]
    assert [told[n]["extended_attributes"].get("place_known_by") for n in told] == ["place", "area", None]


def test_filters_narrow_the_list(hall, partner):
    early = hall.report(new_report(point=AT_RIVER))
    late = hall.report(new_report(point=AT_HOSPITAL, service_code="dumping"), now=LATER)
    close_without_fix(case_id=early.case_id, reason_code="nothing-found", now=LATER, by=hall.by("duty"))

    def ids(**arguments):
        return [int(one["service_request_id"]) for one in partner.list(**arguments)]

    both = [late.service_request_id, early.service_request_id]
    assert ids(**in_window()) == both
    assert ids() == [], "only the latest 90 days if nothing is said"
    assert ids(start_date="2026-03-02T03:30:00Z") == both[:1]
    assert ids(start_date="2026-03-02T10:30:00 07:00") == both[:1], "a plus sign that became a blank"
    assert ids(end_date="2026-03-02T03:30:00Z") == both[1:]
    assert ids(**in_window(status="open")) == both[:1]
    assert ids(**in_window(status="closed")) == both[1:]
    assert ids(**in_window(status="open,closed")) == both
    assert ids(**in_window(service_code="dumping")) == both[:1]
    assert ids(**in_window(service_code="dumping,pile")) == both
    assert ids(updated_after="2026-03-02T03:30:00Z") == both
    assert ids(updated_before="2026-03-02T03:30:00Z") == []
    assert ids(service_request_id=f"{early.service_request_id},{late.service_request_id},7777777,x") == both
    assert ids(**in_window(page_size=1)) == both[:1]
    assert ids(**in_window(page_size=1, page=2)) == both[1:]
    assert ids(**in_window(page_size=1, page=3)) == []
    assert ids(**in_window(jurisdiction_id="phnompenh.kh")) == both


def test_a_part_of_the_map_is_asked_for_by_box_or_circle(hall, partner):
    river, hospital = hall.report(new_report(point=AT_RIVER)), hall.report(new_report(point=AT_HOSPITAL))

    def ids(**arguments):
        return [int(one["service_request_id"]) for one in partner.list(**in_window(**arguments))]

    assert ids(bbox="104.92,11.54,104.94,11.56") == [river.service_request_id]
    assert ids(bbox="104.90,11.54,104.94,11.58") == [hospital.service_request_id, river.service_request_id]
    assert ids(bbox="104.90,11.54,104.94,11.58", page_size=1, page=2) == [river.service_request_id]
    assert ids(lat=AT_HOSPITAL.lat, long=AT_HOSPITAL.lon, radius=300) == [hospital.service_request_id]
    assert ids(bbox="105.0,11.0,105.1,11.1") == []


def test_asking_about_ever_smaller_parts_of_the_map_finds_no_exact_place(hall, partner):
    hall.report(new_report(point=AT_RIVER))
    shown = coarse(AT_RIVER, hall.city.policy_terms().public_grid_m)
    assert partner.list(**in_window(lat=AT_RIVER.lat, long=AT_RIVER.lon, radius=1)) == []
    assert len(partner.list(**in_window(lat=shown.lat, long=shown.lon, radius=1))) == 1


def test_extensions_tell_state_code_voices_history_and_answers(hall, partner):
    number = partner.bring(service_code="missed-collection", **{"attribute[how_long]": "days"})
    case = Case.objects.get(service_requests__pk=number)
    assign_case(case_id=case.pk, to=Assignee(crew_id=hall.crews["City crew"].pk), now=LATER, by=hall.by("duty"))
    plain = checked_json(partner.get(f"requests/{number}.json"))[0]
    assert "extended_attributes" not in plain
    (told,) = checked_json(partner.get(f"requests/{number}.json", extensions="true", lang="en"))
    extended = told["extended_attributes"]
    assert (extended["state"], extended["detailed_status"], extended["voices"]) == ("assigned", "IN_PROCESS", 1)
    assert extended["case_code"].replace("-", "") == case.code
    assert told["attributes"] == [
        {"code": "how_long", "label": "For how long has nobody come?", "value": "Two or three days"}
    ]
    assert [note["type"] for note in told["notes"]] == ["case_opened", "case_assigned"]
    assert told["notes"][1]["description"] == "Phnom Penh City Hall has sent somebody."
    checked_xml(partner.get(f"requests/{number}.xml", extensions="true"))


def test_a_closed_request_says_why_in_the_readers_language(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    close_without_fix(case_id=receipt.case_id, reason_code="private-land", now=LATER, by=hall.by("duty"))
    (told,) = checked_json(partner.get(f"requests/{receipt.service_request_id}.json", lang="en"))
    assert told["status"] == "closed"
    assert "closed it without fixing it: It lies on private land" in told["status_notes"]
    assert told["updated_datetime"] == "2026-03-02T11:00:00+07:00", "for a closed request, when it was closed"
    (own,) = checked_json(partner.get(f"requests/{receipt.service_request_id}.json"))
    assert "ដីឯកជន" in own["status_notes"]


def test_after_a_merge_a_request_follows_the_living_case(hall, partner):
    first, second = hall.report(new_report(point=AT_RIVER)), hall.report(new_report(point=AT_HOSPITAL))
    merge_cases(case_id=second.case_id, into_id=first.case_id, now=LATER, by=hall.by("duty"))
    (told,) = checked_json(partner.get(f"requests/{second.service_request_id}.json"))
    assert told["status"] == "open", "its old case is merged away, the trouble is not"
    close_without_fix(
        case_id=first.case_id, reason_code="nothing-found", now=LATER + timedelta(hours=1), by=hall.by("duty")
    )
    (told,) = checked_json(partner.get(f"requests/{second.service_request_id}.json"))
    assert told["status"] == "closed"


def test_a_photo_is_told_only_if_the_public_may_see_it(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    photo = Photo.objects.create(
        city=hall.city, case_id=receipt.case_id, service_request_id=receipt.service_request_id, kind="report",
        digest="0" * 64, phash=1, width=800, height=600, added_at=MONDAY_MORNING,
    )  # fmt: skip
    (hidden,) = partner.list(**in_window(extensions="true"))
    assert "media_url" not in hidden
    assert hidden["extended_attributes"]["photos"] == []
    Photo.objects.filter(pk=photo.pk).update(public=True)
    (shown,) = partner.list(**in_window(extensions="true"))
    assert shown["media_url"].endswith(f"/photos/{photo.pk}/full")
    assert shown["extended_attributes"]["photos"][0]["width"] == 800
    Photo.objects.filter(pk=photo.pk).update(removed_at=LATER)
    assert "media_url" not in partner.list(**in_window())[0]


def test_voices_of_residents_are_no_service_requests_of_their_own(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    voice = add_voice(token=receipt.token, voice=Voice.ME_TOO, words="me too", now=LATER, by=RESIDENT)
    assert len(partner.list(**in_window())) == 1
    assert partner.get(f"requests/{voice.service_request_id}.json").status_code == 404


def test_the_token_of_a_report_gives_its_id(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    told = checked_json(partner.get(f"tokens/{receipt.token}.json"))
    assert told == [{"service_request_id": str(receipt.service_request_id), "token": receipt.token}]
    assert checked_xml(partner.get(f"tokens/{receipt.token}.xml")).findtext("request/token") == receipt.token


def test_with_several_cities_each_call_says_which(hall, partner):
    other = make_city(jurisdiction_id="siemreap.kh", policy_text=_policy_of("siemreap.kh"))
    receive_report(city=other.city, report=new_report(point=AT_MARKET), now=MONDAY_MORNING, by=COMMAND)
    (text,) = errors_of(partner.get("requests.json", lang="en"), 400)
    assert "phnompenh.kh, siemreap.kh" in text
    assert partner.list(**in_window(jurisdiction_id="phnompenh.kh")) == []
    assert len(partner.list(**in_window(jurisdiction_id="siemreap.kh"))) == 1
    asked = partner.get("requests.json", jurisdiction_id="siemreap.kh", api_key=partner.secret)
    assert "another city" in errors_of(asked, 403)[0]


def _policy_of(jurisdiction_id: str) -> str:
    return POLICY.read_text(encoding="utf-8").replace("phnompenh.kh", jurisdiction_id)


def test_a_page_of_requests_costs_few_queries_however_long_it_is(hall, partner, django_assert_max_num_queries):
    for at in range(8):
        hall.report(new_report(point=Point(lat=11.545 + at / 1000, lon=104.935)))
    partner.list(**in_window())
    with django_assert_max_num_queries(9):
        assert len(partner.list(**in_window(extensions="true"))) == 8


def test_an_installation_without_a_city_says_so():
    assert "No city" in errors_of(Client().get("/open311/v2/services.json"), 404)[0]


def test_the_channel_tells_through_which_door_a_report_came(hall, partner):
    number = partner.bring()
    (told,) = checked_json(partner.get(f"requests/{number}.json", extensions="true"))
    assert told["extended_attributes"]["channel"] == Channel.OPEN311
    assert ServiceRequest.objects.get(pk=number).api_key == partner.key
