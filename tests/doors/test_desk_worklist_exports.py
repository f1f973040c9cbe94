"""The list to take along, and the list on the map."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.test import Client
from django.utils import timezone

from saat.actions.cases import Assignee, assign_case, close_case, set_urgency, take_case
from saat.actions.cities import change_policy
from saat.actions.log import COMMAND
from saat.records import streets_store
from saat.records.models import Case, Event
from saat.terms.case import Role, Urgency
from saat.terms.codes import spoken
from saat.terms.report import Contact, NewReport
from saat.web.desk.exports import harmless
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, make_user, new_report
from tests.doors.desk import now_case, signed_in
from tests.doors.test_desk_worklist import _columns, listed
from tests.hall import Hall, make_hall

WHOLE = "bbox=104.8,11.4,105.0,11.7"


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def officer(hall) -> Client:
    """The duty officer, signed in."""
    return signed_in(hall, "duty")


def whole(response) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def rows_of(client: Client, query: str = "group=open") -> list[dict[str, str]]:
    """Return the rows of the CSV of a list."""
    body = whole(client.get(f"/desk/export.csv?{query}"))
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def test_the_csv_holds_the_very_list_in_its_order(hall, officer):
    now_case(hall)
    now_case(hall, new_report(service_code="danger", point=AT_HOSPITAL))
    now_case(hall, NewReport(service_code="pile", address="Behind the old cinema", words="A heap", language="en"))
    rows = rows_of(officer)
    codes = {case.pk: spoken(case.code) for case in Case.objects.all()}
    assert [row["Code"] for row in rows] == [codes[pk] for pk in listed(officer)]
    assert (rows[0]["Category"], rows[0]["Area"], rows[0]["Urgency"]) == (
        "Dangerous waste",
        "Wat Phnom, Daun Penh",
        "Danger",
    )
    assert {row["Place"] for row in rows} == {"At Kandal Market", "At Calmette Hospital", "Behind the old cinema"}
    assert [row["Code"] for row in rows_of(officer, "group=open&category=danger")] == [rows[0]["Code"]]


def test_the_export_of_a_large_list_asks_the_database_no_more_than_that_of_a_small_one(
    hall, officer, django_assert_max_num_queries
):
    first = now_case(hall)
    rows_of(officer)
    Case.objects.bulk_create(Case(**_columns(first) | {"code": f"{number:08d}"}) for number in range(1200))
    with django_assert_max_num_queries(16):
        assert len(rows_of(officer)) == 1201


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", " =cmd|' /C calc'!A0", "＝1+1"])
def test_no_cell_is_a_formula(hall, officer, text):
    assert harmless(text) == f"'{text}"
    now_case(hall, new_report(words=text, point=None) if not text.strip() else new_report(words=text))
    for row in rows_of(officer):
        for cell in row.values():
            assert not cell.lstrip(" \u00a0").startswith(("=", "@", "\t", "＝"))


def test_the_geojson_holds_the_same_list_with_and_without_points(hall, officer):
    placed = now_case(hall)
    placeless = now_case(hall, NewReport(service_code="pile", address="Somewhere", words="A heap", language="en"))
    found = json.loads(whole(officer.get("/desk/export.geojson?group=open")))
    assert found["type"] == "FeatureCollection"
    by_id = {feature["id"]: feature for feature in found["features"]}
    assert set(by_id) == {placed.pk, placeless.pk}
    assert by_id[placed.pk]["geometry"] == {"type": "Point", "coordinates": [AT_MARKET.lon, AT_MARKET.lat]}
    assert by_id[placeless.pk]["geometry"] is None
    assert by_id[placed.pk]["properties"]["code"] == spoken(placed.code)


def test_an_export_never_tells_who_reported(hall, officer):
    contact = Contact(name="Sok Dara", phone="+85512345678", email="sok@example.org")
    now_case(hall, new_report(contact=contact))
    for form in ("csv", "geojson"):
        body = whole(officer.get(f"/desk/export.{form}?group=all")).decode()
        for secret in ("Sok Dara", "85512345678", "sok@example.org"):
            assert secret not in body


def test_an_export_is_written_down_without_what_was_searched_for(hall, officer):
    whole(officer.get("/desk/export.csv?group=all&q=Dara"))
    event = Event.objects.get(kind="list_exported")
    assert event.facts == {"form": "csv", "group": "all"}
    assert event.subject == f"user:{hall.people['duty'].pk}"


@pytest.mark.parametrize("name", ["north", "north crew"])
def test_who_may_not_export_is_refused(hall, name):
    client = signed_in(hall, name)
    assert client.get("/desk/export.csv").status_code == 403
    assert client.get("/desk/export.geojson").status_code == 403
    assert "export.csv" not in client.get("/desk/?group=open").content.decode()


def test_an_auditor_who_also_dispatches_exports_only_what_an_auditor_sees(hall):
    west = hall.ground.sangkats["Wat Phnom"]
    person = make_user(hall.city, Role.AUDITOR, area=west)
    person.memberships.create(city=hall.city, role=Role.CONTRACTOR, contractor=hall.contractors["south"])
    seen_as_auditor, seen_as_dispatcher = now_case(hall, new_report(point=AT_HOSPITAL)), now_case(hall)
    to = Assignee(contractor_id=hall.contractors["south"].pk)
    assign_case(case_id=seen_as_dispatcher.pk, to=to, now=timezone.now(), by=hall.by("duty"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    assert set(listed(client)) == {seen_as_auditor.pk, seen_as_dispatcher.pk}
    assert [row["Code"] for row in rows_of(client)] == [spoken(seen_as_auditor.code)]


def test_an_export_keeps_the_readers_language_to_its_last_row(hall):
    now_case(hall)
    client = Client(headers={"accept-language": "km"})
    client.force_login(hall.people["duty"])
    body = whole(client.get("/desk/export.csv?group=open")).decode("utf-8-sig")
    assert "គំនរសំរាម" in body
    assert "ផ្សារកណ្ដាល" in body


def test_near_by_each_case_stands_by_itself_with_a_mark_of_its_own(hall, officer):
    now, duty = timezone.now(), hall.by("duty")
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER, AT_HOSPITAL)]
    take_case(case_id=cases[1].pk, now=now, by=duty)
    set_urgency(case_id=cases[2].pk, urgency=Urgency.DANGER, now=now, by=duty)
    found = officer.get(f"/desk/map.json?{WHOLE}&zoom=16&group=open").json()
    marks = {feature["properties"]["case"]: feature["properties"]["mark"] for feature in found["features"]}
    assert marks == {cases[0].pk: "untaken", cases[1].pk: "taken", cases[2].pk: "danger"}
    assert found["features"][0]["geometry"]["coordinates"] == [AT_MARKET.lon, AT_MARKET.lat]
    assert found["features"][0]["properties"]["code"] == spoken(cases[0].code)


def test_far_off_cases_are_gathered_and_their_numbers_add_up(hall, officer):
    first = now_case(hall)
    Case.objects.bulk_create(
        Case(
            **_columns(first)
            | {"code": f"{number:08d}", "lat": 11.541 + number % 30 / 1000, "lon": 104.901 + number // 30 / 1000}
        )
        for number in range(900)
    )
    for zoom in (5, 9, 11, 13, 15, 15.4):
        found = officer.get(f"/desk/map.json?{WHOLE}&zoom={zoom}&group=open").json()
        assert sum(feature["properties"].get("count", 1) for feature in found["features"]) == found["total"] == 901
    assert len(officer.get(f"/desk/map.json?{WHOLE}&zoom=9&group=open").json()["features"]) < 20
    part = officer.get("/desk/map.json?bbox=104.90,11.54,104.905,11.545&zoom=15&group=open").json()
    inside = Case.objects.filter(lat__range=(11.54, 11.545), lon__range=(104.90, 104.905)).count()
    assert sum(feature["properties"].get("count", 1) for feature in part["features"]) == inside


@pytest.mark.parametrize("name", ["bassac", "south", "north"])
def test_the_map_shows_nobody_what_the_list_does_not(hall, name):
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER)]
    client = signed_in(hall, name)
    found = client.get(f"/desk/map.json?{WHOLE}&zoom=17&group=open").json()
    assert {feature["properties"]["case"] for feature in found["features"]} == set(listed(client))
    assert len(found["features"]) == (1 if name == "bassac" else 0)
    assert len(cases) == 2


def test_the_map_follows_what_happens_and_forgets_what_is_closed(hall, officer):
    address = f"/desk/map.json?{WHOLE}&zoom=17&group=open"
    assert officer.get(address).json()["total"] == 0
    case = now_case(hall)
    assert officer.get(address).json()["total"] == 1
    take_case(case_id=case.pk, now=timezone.now(), by=hall.by("duty"))
    assert officer.get(address).json()["features"][0]["properties"]["mark"] == "taken"
    Case.objects.filter(pk=case.pk).update(lat=AT_RIVER.lat, lon=AT_RIVER.lon)
    set_urgency(case_id=case.pk, urgency=Urgency.HIGH, now=timezone.now(), by=hall.by("duty"))
    assert officer.get(address).json()["features"][0]["geometry"]["coordinates"] == [AT_RIVER.lon, AT_RIVER.lat]
    close_case(case_id=case.pk, now=timezone.now(), by=hall.by("duty"))
    assert officer.get(address).json()["total"] == 0
    closed = officer.get(f"/desk/map.json?{WHOLE}&zoom=17&group=closed").json()
    assert closed["features"][0]["properties"]["mark"] == "closed"


def test_the_cases_in_memory_are_read_anew_when_the_whole_city_changes(hall, officer):
    address = f"/desk/map.json?{WHOLE}&zoom=17"
    case = now_case(hall)
    assert len(officer.get(address).json()["features"]) == 1
    # Written past the log, as an import of areas may move cases; the event of the whole city says so.
    Case.objects.filter(pk=case.pk).update(lat=AT_RIVER.lat, lon=AT_RIVER.lon)
    text = hall.city.policy_text.replace("ack_min = 10", "ack_min = 11")
    change_policy(city=hall.city, policy_text=text, country_holidays=[], now=timezone.now(), by=COMMAND)
    assert officer.get(address).json()["features"][0]["geometry"]["coordinates"] == [AT_RIVER.lon, AT_RIVER.lat]


def test_cases_that_were_written_past_the_log_are_found_with_the_next_event(hall, officer):
    address = f"/desk/map.json?{WHOLE}&zoom=17"
    first = now_case(hall)
    assert officer.get(address).json()["total"] == 1
    Case.objects.bulk_create([Case(**_columns(first) | {"code": "00000001"})])
    take_case(case_id=first.pk, now=timezone.now(), by=hall.by("duty"))
    assert officer.get(address).json()["total"] == 2


@pytest.mark.parametrize("query", ["bbox=1", "bbox=a,b,c,d", "zoom=99", "zoom=nan", "zoom=x", "bbox=inf,0,1,1"])
def test_a_part_of_the_map_that_is_none_is_refused_with_a_sentence(hall, officer, query):
    response = officer.get(f"/desk/map.json?{query}")
    assert response.status_code == 400
    assert "bbox=west,south,east,north" in response.json()["error"]


def test_streets_are_sent_once_and_a_city_without_streets_has_none(hall, officer, settings, tmp_path):
    settings.VAR = tmp_path
    assert officer.get("/desk/streets.json").json()["features"] == []
    line = {"type": "LineString", "coordinates": [[104.9, 11.54], [104.92, 11.56]]}
    feature = {"type": "Feature", "properties": {"names": {}, "main": True}, "geometry": line}
    streets_store.keep(hall.city.jurisdiction_id, features=[feature], schematic=True, attribution="")
    first = officer.get("/desk/streets.json")
    assert json.loads(whole(first))["schematic"] is True
    again = officer.get("/desk/streets.json", headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304
