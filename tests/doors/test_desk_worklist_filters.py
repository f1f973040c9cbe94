"""Filters of the work list: what an address asks for, what cannot be used, and views that are kept under names."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saat.actions import openings
from saat.actions.cases import Assignee, assign_case, close_case, close_without_fix, set_urgency, take_case
from saat.records.models import Case, SavedFilter
from saat.records.queries_worklist import Box, Group, Proof, Wanted, WorkList
from saat.records.scope import reach_of
from saat.terms.case import Urgency
from saat.terms.codes import spoken
from saat.terms.report import NewReport
from tests.city import AT_HOSPITAL, AT_RIVER, make_city, new_report
from tests.doors.desk import now_case, reread, signed_in, text_of
from tests.doors.test_desk_worklist import backdated, listed
from tests.hall import Hall, make_hall


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def officer(hall) -> Client:
    """The duty officer, signed in."""
    return signed_in(hall, "duty")


@pytest.fixture
def town(hall) -> dict[str, Case]:
    """Cases that differ in everything that a filter asks for."""
    now, duty = timezone.now(), hall.by("duty")
    cases = {
        "market": now_case(hall, new_report(words="Three bags beside the stairs")),
        "river": now_case(hall, new_report(point=AT_RIVER, service_code="full-bin", words="ធុងសំរាមពេញនៅមុខផ្សារថ្មី")),
        "hospital": now_case(hall, new_report(point=AT_HOSPITAL, service_code="danger", words="Needles in a bag")),
        "nowhere": now_case(hall, NewReport(service_code="pile", address="Behind the old cinema", language="en")),
        "claimed": now_case(hall, new_report(point=AT_RIVER, service_code="dumping", words="Bricks")),
        "old": backdated(now_case(hall, new_report(point=AT_RIVER, service_code="other", words="A sofa")), days=40),
    }
    assign_case(case_id=cases["river"].pk, to=Assignee(contractor_id=hall.contractors["south"].pk), now=now, by=duty)
    close_case(case_id=cases["claimed"].pk, now=now, by=duty)
    set_urgency(case_id=cases["market"].pk, urgency=Urgency.HIGH, now=now, by=duty)
    Case.objects.filter(pk=cases["old"].pk).update(reopened=2, proof_failed=True)
    return {name: reread(case) for name, case in cases.items()}


def query_for(hall: Hall, text: str) -> str:
    """Return an address's question, with areas and contractors by their ids."""
    ids = {
        "BASSAC": hall.ground.sangkats["Tonle Bassac"].pk,
        "DAUN_PENH": hall.ground.khans["Daun Penh"].pk,
        "SOUTH": hall.contractors["south"].pk,
    }
    for name, pk in ids.items():
        text = text.replace(name, str(pk))
    return text


@pytest.mark.parametrize(
    ("query", "shows"),
    [
        ("category=danger", {"hospital"}),
        ("category=danger&category=full-bin", {"hospital", "river"}),
        ("area=BASSAC", {"river", "old"}),
        ("area=DAUN_PENH", {"market", "hospital"}),
        ("contractor=SOUTH", {"river"}),
        ("contractor=none", {"market", "hospital", "nowhere", "old"}),
        ("urgency=danger", {"hospital"}),
        ("urgency=danger&urgency=high", {"hospital", "market"}),
        ("reopened=1", {"old"}),
        ("proof=failed", {"old"}),
        ("proof=none", set()),
        ("group=closed&proof=none", {"claimed"}),
        ("group=all&proof=none", {"claimed"}),
        ("within=104.93,11.54,104.94,11.55", {"river", "old"}),
        ("within=104.90,11.54,104.94,11.58", {"market", "river", "hospital", "old"}),
        ("q=stairs", {"market"}),
        ("q=STAIRS+bags", {"market"}),
        ("q=ផ្សារថ្មី", {"river"}),
        ("q=bassac", {"river", "old"}),
        ("q=ទន្លេបាសាក់", {"river", "old"}),
        ("q=cinema", {"nowhere"}),
        ("q=stairs+bricks", set()),
        ("q=bricks&group=all", {"claimed"}),
        ("category=full-bin&area=BASSAC&q=ធុង", {"river"}),
    ],
)
def test_each_filter_shows_its_cases(hall, officer, town, query, shows):
    found = listed(officer, query_for(hall, query))
    assert {name for name, case in town.items() if case.pk in found} == shows


def test_a_case_is_found_by_its_code_however_it_is_typed(hall, officer, town):
    case = town["market"]
    for typed in (spoken(case.code), case.code.lower(), f" {case.code[:4]} {case.code[4:]} "):
        assert listed(officer, f"group=all&q={typed}") == [case.pk]


def test_days_are_those_of_the_citys_own_clock(hall, officer):
    case = now_case(hall)
    # 17:30 in London is half past midnight of the next day in Phnom Penh.
    at = case.opened_at.replace(hour=17, minute=30)
    Case.objects.filter(pk=case.pk).update(opened_at=at, due_at=at + timedelta(hours=8))
    day, next_day = at.date().isoformat(), (at + timedelta(days=1)).date().isoformat()
    assert listed(officer, f"from={next_day}") == [case.pk]
    assert listed(officer, f"to={next_day}") == [case.pk]
    assert listed(officer, f"from={day}&to={day}") == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("group=best", "There is no list “best”."),
        ("category=gold", "There is no category “gold” in this city."),
        ("area=99999", "There is no area “99999” in this city."),
        ("area=x", "There is no area “x” in this city."),
        ("contractor=0", "There is no contractor “0” here."),
        ("urgency=now", "There is no urgency “now”."),
        ("proof=maybe", "There is no such filter of proofs: “maybe”."),
        ("from=yesterday", "“yesterday” is no date like 2026-03-31."),
        ("to=9999-12-31", "“9999-12-31” is no date like 2026-03-31."),
        ("from=2026-03-02&to=2026-03-01", "The last day lies before the first one; the last day was left out."),
        ("within=1,2,3", "“1,2,3” is no part of a map."),
        ("within=nan,0,1,1", "“nan,0,1,1” is no part of a map."),
        ("within=5,0,1,1", "“5,0,1,1” is no part of a map."),
        ("q=%F0%9F%98%80", "“😀” holds no word to search for."),
    ],
)
def test_what_cannot_be_used_is_left_out_and_named(hall, officer, town, query, says):
    page = officer.get(f"/desk/?{query}")
    assert page.status_code == 200
    assert says in text_of(page)


def test_the_area_of_another_city_cannot_be_asked_for(hall, officer, town):
    other = make_city(jurisdiction_id="siemreap.kh")
    page = officer.get(f"/desk/?area={other.root.pk}")
    assert "There is no area" in text_of(page)
    page = signed_in(hall, "bassac").get(f"/desk/?area={hall.ground.sangkats['Wat Phnom'].pk}")
    assert "No case fits this filter" in text_of(page)


NAMES = [
    "group",
    "q",
    "category",
    "area",
    "contractor",
    "urgency",
    "proof",
    "reopened",
    "from",
    "to",
    "within",
    "after",
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=40)), max_size=5))
def test_no_address_is_an_error_of_ours(officer, pairs):
    for door in ("/desk/", "/desk/rows", "/desk/map.json", "/desk/export.csv"):
        response = officer.get(door, pairs)
        if response.streaming:
            b"".join(response.streaming_content)
        assert response.status_code == 200


def test_the_address_of_a_list_says_what_is_listed_and_no_more(hall, officer, town):
    page = officer.get("/desk/?q=++stairs++&category=pile&category=gold&after=1.1&lang=en&nonsense=1")
    query = page.context["asked"].query
    assert parse_qsl(query) == [("group", "open"), ("q", "stairs"), ("category", "pile")]
    assert listed(officer, query) == [town["market"].pk]


def test_a_filter_is_kept_shown_opened_first_and_deleted(hall, officer, town):
    page = officer.post(
        "/desk/filters/save", {"name": "Danger", "query": "group=action&urgency=danger&x=1"}, follow=True
    )
    assert page.redirect_chain[-1][0] == "/desk/?group=action&urgency=danger"
    assert "The filter “Danger” is kept." in text_of(page)
    kept = SavedFilter.objects.get()
    assert kept.query == "group=action&urgency=danger"
    officer.post(f"/desk/filters/{kept.pk}/open-with")
    assert officer.get("/desk/").headers["Location"] == "/desk/?group=action&urgency=danger"
    assert officer.get("/desk/?group=open").status_code == 200
    officer.post("/desk/filters/0/open-with")
    assert officer.get("/desk/").status_code == 200
    officer.post(f"/desk/filters/{kept.pk}/forget")
    assert not SavedFilter.objects.exists()


def test_a_filter_of_the_same_name_takes_the_place_of_the_former_and_one_opens_first(hall, officer):
    officer.post("/desk/filters/save", {"name": "Mine", "query": "group=mine", "is_default": "1"})
    officer.post("/desk/filters/save", {"name": "Late", "query": "group=overdue", "is_default": "1"})
    officer.post("/desk/filters/save", {"name": "Mine", "query": "group=mine&reopened=1"})
    kept = {row.name: (row.query, row.is_default) for row in SavedFilter.objects.all()}
    assert kept == {"Mine": ("group=mine&reopened=1", False), "Late": ("group=overdue", True)}


def test_nobody_touches_the_filters_of_another_person(hall, officer):
    officer.post("/desk/filters/save", {"name": "Late", "query": "group=overdue"})
    kept = SavedFilter.objects.get()
    other = signed_in(hall, "kandal")
    page = other.post(f"/desk/filters/{kept.pk}/forget", follow=True)
    assert "This filter was deleted already." in text_of(page)
    other.post(f"/desk/filters/{kept.pk}/open-with")
    assert not SavedFilter.objects.get().is_default
    assert "Late" not in text_of(other.get("/desk/"))


@pytest.mark.parametrize("name", ["", "   ", "\u200b"])
def test_a_filter_without_a_name_is_not_kept(hall, officer, name):
    page = officer.post("/desk/filters/save", {"name": name, "query": "group=mine"}, follow=True)
    assert "Please give the filter a name." in text_of(page)
    assert not SavedFilter.objects.exists()


def test_counts_and_map_hold_the_very_cases_of_the_list(hall, town):
    """What the database selects and what the columns in memory select is one and the same, for everybody."""
    now = timezone.now()
    take_case(case_id=town["market"].pk, now=now, by=hall.by("kandal"))
    reason = hall.city.policy_terms().closing_reasons[0].code
    close_without_fix(case_id=town["nowhere"].pk, reason_code=reason, now=now, by=hall.by("duty"))
    bassac, south = hall.ground.sangkats["Tonle Bassac"].path, hall.contractors["south"].pk
    questions = [
        {},
        {"service_codes": ("pile", "danger")},
        {"area_path": bassac},
        {"contractor_id": south},
        {"contractor_id": 0},
        {"urgencies": (Urgency.HIGH, Urgency.DANGER)},
        {"proof": Proof.FAILED},
        {"proof": Proof.NONE},
        {"reopened": True},
        {"since": now - timedelta(days=1)},
        {"until": now - timedelta(days=1)},
        {"words": ("needles",)},
        {"within": Box(south=11.54, west=104.93, north=11.55, east=104.94)},
    ]
    world = Box(south=-90, west=-180, north=90, east=180)
    people = ("duty", "daun penh", "kandal", "bassac", "north", "south", "south crew", "auditor")
    for name, group, question in product(people, [group for group in Group if group.is_open], questions):
        if name not in hall.people:
            continue
        work = WorkList(reach_of(hall.people[name]), city=hall.city, wanted=Wanted(group=group, **question), now=now)
        ids = {case.pk for case in work.cases()}
        assert openings.counts(work)[group] == len(ids), (name, group, question)
        view = openings.map_view(work, box=world, zoom=20)
        assert view.total == len(ids)
        assert {single.case_id for single in view.singles} == {
            case.pk for case in work.cases().filter(lat__isnull=False)
        }
        assert view.placeless == work.cases().filter(lat__isnull=True).count()
