"""The API as officials' programs and partners use it: who may what, in which language, page by page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.utils import timezone

from saat.actions.access import make_key
from saat.actions.cases import add_note, close_case, take_case
from saat.actions.log import COMMAND, RESIDENT
from saat.actions.voices import add_voice
from saat.records.models import ApiKey, Case, Event, ServiceRequest, WebhookEndpoint
from saat.terms.case import Role, Voice
from saat.terms.geo import Point
from saat.terms.report import Contact
from tests.city import (
    AT_HOSPITAL,
    AT_MARKET,
    AT_RIVER,
    MONDAY_MORNING,
    OUTSIDE,
    POLICY,
    make_city,
    make_user,
    new_report,
)
from tests.hall import make_hall

pytestmark = pytest.mark.django_db

TOKEN = "t" * 32


@pytest.fixture
def hall():
    return make_hall()


class Program:
    """Somebody's program: with a session and its CSRF token, with a key, or with nothing."""

    def __init__(self, user: Any = None, *, secret: str = "", language: str = "en") -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {"Accept-Language": language}
        if user is not None:
            self.client.force_login(user)
            self.client.cookies["csrftoken"] = TOKEN
            self.headers["X-CSRFToken"] = TOKEN
        if secret:
            self.headers["Authorization"] = f"Bearer {secret}"

    def get(self, path: str, **arguments: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", arguments, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers=self.headers)


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Return a problem after looking at its form."""
    assert response.status_code == status, response.content.decode()
    assert response["Content-Type"] == "application/problem+json"
    told = response.json()
    assert (told["status"], told["code"], told["type"]) == (status, code, f"urn:saat:problem:{code}")
    assert told["title"]
    assert told["detail"]
    return told


def test_it_describes_itself_and_the_description_is_openapi():
    described = Client().get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.")
    assert "/api/v1/cases" in described["paths"]
    schemes = described["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    for operations in described["paths"].values():
        for operation in operations.values():
            assert operation["operationId"]
            for status, response in operation["responses"].items():
                kinds = list(response.get("content", {}))
                assert kinds in ([], ["application/json"] if int(status) < 400 else ["application/problem+json"])
    for shape in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(shape)


def test_nobody_gets_in_without_a_session_or_a_key(hall):
    told = problem(Program().get("cases"), 401, "not_signed_in")
    assert "Authorization: Bearer" in told["detail"]
    problem(Program(secret="saat_wrong").get("cases"), 401, "not_signed_in")
    problem(Program().post("reports", service_code="pile"), 401, "not_signed_in")
    gone = make_user(hall.city, Role.CITY_DUTY)
    program = Program(gone)
    gone.is_active = False
    gone.save()
    problem(program.get("me"), 401, "not_signed_in")


def test_a_change_by_session_needs_the_csrf_token(hall):
    case = hall.case()
    program = Program(hall.people["duty"])
    assert program.get("me").status_code == 200
    del program.headers["X-CSRFToken"]
    problem(program.post(f"cases/{case.pk}/take"), 403, "csrf")
    program.headers["X-CSRFToken"] = "u" * 32
    problem(program.post(f"cases/{case.pk}/take"), 403, "csrf")
    assert program.get("me").status_code == 200, "reading needs none"


def test_each_sees_the_cases_that_the_desk_would_show_and_no_other(hall):
    market, river = hall.report(new_report(point=AT_MARKET)), hall.report(new_report(point=AT_RIVER))

    def seen(name: str) -> list[int]:
        return sorted(one["id"] for one in Program(hall.people[name]).get("cases").json()["items"])

    assert seen("duty") == [market.case_id, river.case_id]
    assert seen("kandal") == [market.case_id]
    assert seen("bassac") == [river.case_id]
    assert seen("north") == []
    kandal = Program(hall.people["kandal"])
    assert kandal.get(f"cases/{market.case_id}").status_code == 200
    problem(kandal.get(f"cases/{river.case_id}"), 404, "not_found")
    problem(kandal.post(f"cases/{river.case_id}/take"), 404, "not_found")
    problem(kandal.get("cases", city="elsewhere.org"), 404, "not_found")


def test_a_case_goes_its_way_through_the_api(hall):
    case, program = hall.case(), Program(hall.people["kandal"])
    taken = program.post(f"cases/{case.pk}/take").json()
    assert (taken["case"]["state"], taken["case"]["owner_id"]) == ("taken", hall.people["kandal"].pk)
    crew = hall.crews["City crew"].pk
    assert program.post(f"cases/{case.pk}/assign", crew_id=crew).json()["case"]["crew_id"] == crew
    assert program.post(f"cases/{case.pk}/urgency", urgency="high").json()["case"]["urgency"] == "high"
    assert program.post(f"cases/{case.pk}/notes", text="The gate is locked").status_code == 200
    assert program.post(f"cases/{case.pk}/messages", text="Which gate?", asks=True).status_code == 200
    whole = program.get(f"cases/{case.pk}").json()
    assert whole["notes"][0]["text"] == "The gate is locked"
    assert (whole["messages"][0]["text"], whole["messages"][0]["asks"]) == ("Which gate?", True)
    assert program.post(f"cases/{case.pk}/arrive").json()["case"]["state"] == "on_site"
    closed = program.post(f"cases/{case.pk}/close", note="Done").json()
    assert (closed["case"]["state"], closed["case"]["ending"]) == ("closed", "claimed")
    told = problem(program.post(f"cases/{case.pk}/take"), 409, "move_not_allowed")
    assert "It can become" in told["detail"]
    opened = program.post(f"cases/{case.pk}/reopen").json()
    assert opened["case"]["state"] == "open"
    assert opened["last_event_id"] == program.get(f"cases/{case.pk}").json()["last_event_id"]
    assert program.post(f"cases/{case.pk}/undo", event_id=opened["last_event_id"]).json()["case"]["state"] == "closed"
    closed_twice = program.post(f"cases/{case.pk}/close-without-fix", reason_code="nothing-found")
    problem(closed_twice, 409, "move_not_allowed")
    assert {event.actor for event in Event.objects.filter(case_id=case.pk)} == {
        "resident", f"user:{hall.people['kandal'].pk}",
    }  # fmt: skip


def test_what_is_wrong_is_said_field_by_field_in_the_callers_language(hall):
    case = hall.case()
    program = Program(hall.people["duty"])
    told = problem(program.post(f"cases/{case.pk}/close-without-fix", reason_code="because"), 422, "refused")
    assert told["errors"] == [{"field": "reason_code", "message": told["detail"]}]
    told = problem(program.post(f"cases/{case.pk}/urgency", urgency="very", more=1), 422, "invalid")
    assert {error["field"].rpartition(".")[2] for error in told["errors"]} == {"urgency", "more"}
    khmer = Program(hall.people["duty"], language="km").get("cases/999999")
    assert khmer["Content-Language"] == "km"
    problem(khmer, 404, "not_found")
    told = problem(
        program.client.post("/api/v1/reports", "{", content_type="application/json", headers=program.headers),
        400, "unreadable",
    )  # fmt: skip
    large = json.dumps({"service_code": "pile", "words": "x" * 5_000_000})
    problem(
        program.client.post("/api/v1/reports", large, content_type="application/json", headers=program.headers),
        413, "too_large",
    )  # fmt: skip


def test_an_act_is_refused_if_more_has_happened_than_was_read(hall):
    case = hall.case()
    program = Program(hall.people["duty"])
    read = program.get(f"cases/{case.pk}").json()["last_event_id"]
    take_case(case_id=case.pk, now=timezone.now(), by=hall.by("kandal"))
    close = {"note": "", "read_up_to": read}
    problem(program.post(f"cases/{case.pk}/close", **close), 409, "changed_meanwhile")
    close["read_up_to"] = program.get(f"cases/{case.pk}").json()["last_event_id"]
    assert program.post(f"cases/{case.pk}/close", **close).status_code == 200


def test_contacts_and_notes_are_for_those_who_may_know(hall):
    report = new_report(contact=Contact(name="Sok Dara", phone="012345678"))
    case = hall.case(report)
    add_note(case_id=case.pk, text="Between us", now=MONDAY_MORNING, by=hall.by("duty"))
    for name, knows in (("kandal", True), ("director", False), ("auditor", False)):
        whole = Program(hall.people[name]).get(f"cases/{case.pk}").json()
        assert (whole["reports"][0]["contact"] is not None) is knows, name
        assert ("Sok Dara" in json.dumps(whole)) is knows, name
    assert Program(hall.people["kandal"]).get(f"cases/{case.pk}").json()["notes"][0]["text"] == "Between us"


def test_the_list_is_read_page_by_page_in_its_one_order(hall):
    for at in range(7):
        hall.report(
            new_report(point=Point(lat=11.541 + at * 0.002, lon=104.915)), now=MONDAY_MORNING + timedelta(minutes=at)
        )
    program = Program(hall.people["duty"])
    whole = [one["id"] for one in program.get("cases", size=200).json()["items"]]
    pages, after = [], {}
    while True:
        page = program.get("cases", size=3, **after).json()
        pages.append([one["id"] for one in page["items"]])
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [pk for page in pages for pk in page] == whole
    expected = Case.objects.order_by("act_by", "pk").values_list("pk", flat=True)
    assert whole == list(expected)


def test_the_list_is_narrowed_as_on_the_desk(hall):
    market, river = (
        hall.report(new_report(point=AT_MARKET)),
        hall.report(new_report(point=AT_RIVER, service_code="danger")),
    )
    close_case(case_id=market.case_id, now=MONDAY_MORNING + timedelta(hours=1), by=hall.by("duty"))
    program = Program(hall.people["duty"])

    def found(**arguments: Any) -> list[int]:
        response = program.get("cases", **arguments)
        assert response.status_code == 200, response.content
        return [one["id"] for one in response.json()["items"]]

    assert found() == [river.case_id]
    assert found(group="closed") == [market.case_id]
    assert sorted(found(group="all")) == [market.case_id, river.case_id]
    assert found(urgency="danger") == [river.case_id]
    assert found(urgency=["low", "normal"]) == []
    assert found(service_code="pile") == []
    assert found(area_id=hall.ground.khans["Chamkar Mon"].pk) == [river.case_id]
    assert found(area_id=hall.ground.khans["Daun Penh"].pk) == []
    assert found(q="bags stairs") == [river.case_id]
    assert found(q="ស្ពាន") == []
    assert found(since="2026-03-03T00:00:00+07:00") == []
    problem(program.get("cases", area_id=999_999), 404, "not_found")
    problem(program.get("cases", since="0001-01-01T00:00:00+00:00"), 422, "invalid")
    problem(program.get("cases", after="99999999999999999999.1"), 422, "invalid")


def test_a_key_brings_reports_and_reads_cases_only_if_it_is_trusted(hall):
    usual = make_key(city=hall.city, name="Phone line", now=timezone.now(), by=COMMAND)
    program = Program(secret=usual.secret)
    me = program.get("me").json()
    assert (me["kind"], me["name"], me["cities"], me["roles"]) == ("key", "Phone line", ["phnompenh.kh"], [])
    brought = program.post(
        "reports", service_code="pile", lat=AT_RIVER.lat, lon=AT_RIVER.lon, words="Bags", client_id="7",
        contact={"name": "Sok", "phone": "012"}, attributes={"seen": "yes"},
    )  # fmt: skip
    assert brought.status_code == 201, brought.content
    receipt = brought.json()
    kept = ServiceRequest.objects.get(pk=receipt["service_request_id"])
    assert (kept.channel, kept.api_key_id, kept.attributes) == ("api", usual.key.pk, {"seen": "yes"})
    assert (receipt["case_id"], receipt["again"]) == (None, False)
    again = program.post("reports", service_code="pile", lat=AT_RIVER.lat, lon=AT_RIVER.lon, client_id="7").json()
    assert (again["service_request_id"], again["again"]) == (kept.pk, True)
    assert program.get("cases").json()["items"] == [], "it sees no case"
    problem(program.get(f"cases/{kept.case_id}"), 404, "not_found")
    problem(program.post(f"cases/{kept.case_id}/take"), 403, "not_allowed")

    trusted = Program(
        secret=make_key(city=hall.city, name="Ministry", now=timezone.now(), by=COMMAND, trusted=True).secret
    )
    assert [one["id"] for one in trusted.get("cases").json()["items"]] == [kept.case_id]
    whole = trusted.get(f"cases/{kept.case_id}").json()
    assert (whole["acts"], whole["reports"][0]["contact"]) == (["see"], None)
    problem(trusted.post(f"cases/{kept.case_id}/close"), 403, "not_allowed")
    problem(trusted.get("keys"), 403, "not_allowed")


def test_a_key_is_held_to_its_quota(hall):
    made = make_key(city=hall.city, name="Busy", now=timezone.now(), by=COMMAND, per_minute=2)
    program = Program(secret=made.secret)
    assert [program.get("me").status_code for _ in range(2)] == [200, 200]
    response = program.get("me")
    problem(response, 429, "too_often")
    assert 1 <= int(response["Retry-After"]) <= 60


def test_an_official_writes_down_what_a_caller_says(hall):
    program = Program(hall.people["duty"])
    receipt = program.post(
        "reports", service_code="pile", lat=AT_HOSPITAL.lat, lon=AT_HOSPITAL.lon, words="A caller"
    ).json()
    kept = ServiceRequest.objects.get(pk=receipt["service_request_id"])
    assert (kept.channel, receipt["case_id"]) == ("phone", kept.case_id)
    assert receipt["tracking_url"].endswith(f"/r/{kept.token}")
    told = problem(program.post("reports", service_code="pile", lat=OUTSIDE.lat, lon=OUTSIDE.lon), 422, "outside_city")
    assert "nearest part of the city is Tonle Bassac" in told["detail"]
    problem(program.post("reports", service_code="pile", lat=11.5), 422, "place_missing")
    problem(program.post("reports", service_code="none", lat=11.55, lon=104.91), 422, "unknown_category")
    problem(program.post("reports", service_code="pile"), 422, "place_missing")


def test_the_citys_rules_and_areas_are_public_and_in_the_readers_language(hall):
    program = Program()
    rules = program.get("policy").json()
    assert (rules["jurisdiction_id"], rules["office"], rules["time_zone"]) == (
        "phnompenh.kh", "Phnom Penh City Hall", "Asia/Phnom_Penh",
    )  # fmt: skip
    assert rules["closing_reasons"][0]["text"] == "We went there and found nothing"
    listed = program.get("categories").json()
    assert listed[1]["attributes"][0]["values"]["today"] == "Today"
    assert Program(language="km").get("categories").json()[0]["name"] == "គំនរសំរាម"
    areas = program.get("areas").json()
    assert (areas[0]["level"], areas[0]["parent_id"], len(areas)) == (0, None, 7)
    problem(program.get("policy", city="elsewhere.org"), 404, "not_found")
    other = make_city(
        jurisdiction_id="siemreap.kh", policy_text=POLICY.read_text().replace("phnompenh.kh", "siemreap.kh")
    )
    assert program.get("policy", city="siemreap.kh").json()["jurisdiction_id"] == other.city.jurisdiction_id


def test_who_is_calling_is_told_with_all_roles(hall):
    me = Program(hall.people["kandal"]).get("me").json()
    assert (me["kind"], me["id"], me["cities"]) == ("user", hall.people["kandal"].pk, ["phnompenh.kh"])
    assert [(role["role"], role["area_id"]) for role in me["roles"]] == [
        ("sangkat_officer", hall.ground.sangkats["Phsar Kandal"].pk)
    ]


def test_an_administrator_gives_keys_and_addresses_and_takes_them_back(hall):
    program = Program(make_user(hall.city, Role.ADMINISTRATOR))
    made = program.post("keys", name="FixMyStreet", per_minute=10)
    assert made.status_code == 201, made.content
    assert Program(secret=made.json()["secret"]).get("me").status_code == 200
    listed = program.get("keys").json()
    assert (len(listed), listed[0]["name"], "secret" in listed[0]) == (1, "FixMyStreet", False)
    assert program.delete(f"keys/{listed[0]['id']}").status_code == 204
    assert ApiKey.objects.get().revoked_at is not None
    added = program.post("webhooks", url="https://hooks.example/saat", kinds=["case_closed"])
    assert (added.status_code, len(added.json()["secret"])) == (201, 64)
    assert program.get("webhooks").json()[0]["kinds"] == ["case_closed"]
    assert program.delete(f"webhooks/{added.json()['id']}").status_code == 204
    assert WebhookEndpoint.objects.get().active is False
    problem(program.post("webhooks", url="file:///etc/passwd"), 422, "refused")
    problem(program.delete("webhooks/999999"), 404, "not_found")
    officer = Program(hall.people["duty"])
    problem(officer.post("keys", name="Mine"), 403, "not_allowed")
    assert officer.get("keys").json() == []


def test_cases_are_merged_split_and_corrected(hall):
    first, second = hall.report(new_report(point=AT_MARKET)), hall.report(new_report(point=AT_RIVER))
    program = Program(hall.people["duty"])
    merged = program.post(f"cases/{second.case_id}/merge", into=first.case_id).json()
    assert (merged["case"]["id"], merged["case"]["voices"]) == (first.case_id, 2)
    assert len(program.get(f"cases/{first.case_id}").json()["reports"]) == 2
    split = program.post(f"cases/{first.case_id}/split", service_request_ids=[second.service_request_id]).json()
    assert (split["case"]["id"], split["case"]["voices"]) == (first.case_id, 1)
    changed = program.post(f"cases/{first.case_id}/change", service_code="dumping", address="Gate 3").json()
    assert (changed["case"]["service_code"], changed["case"]["address"]) == ("dumping", "Gate 3")
    problem(program.post(f"cases/{first.case_id}/change", lat=11.5), 422, "refused")
    problem(program.post(f"cases/{first.case_id}/merge", into=first.case_id), 422, "refused")
    voice = add_voice(
        token=first.token, voice=Voice.ME_TOO, words="me too", now=MONDAY_MORNING + timedelta(hours=2), by=RESIDENT
    )
    other_event = Event.objects.filter(case_id=second.case_id).first().pk
    problem(program.post(f"cases/{first.case_id}/undo", event_id=other_event), 422, "refused")
    whole = program.get(f"cases/{first.case_id}").json()
    assert voice.service_request_id in [report["id"] for report in whole["reports"]]
