"""The work list: who sees which cases, in which order, with which reasons, and at which cost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from saat.actions.cases import Assignee, assign_case, close_case, close_without_fix, set_urgency, take_case
from saat.actions.log import RESIDENT, Actor
from saat.actions.reports import receive_report
from saat.actions.voices import add_voice_by_code
from saat.cases.order import act_by
from saat.records.models import Alert, Case, Event, Membership
from saat.records.queries_worklist import _BEHIND_PROMISE
from saat.terms.case import Role, ServiceLevel, State, Urgency
from saat.terms.codes import spoken
from saat.terms.report import NewReport
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, make_city, make_user, new_report
from tests.doors.desk import now_case, reread, signed_in, text_of
from tests.hall import Hall, make_hall

ELSEWHERE = NewReport(service_code="pile", address="Behind the old cinema", words="A heap", language="en")


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def officer(hall) -> Client:
    """The duty officer, who sees the whole city, signed in."""
    return signed_in(hall, "duty")


def listed(client: Client, query: str = "group=open") -> list[int]:
    """Return the ids of the cases on the first page of a list, in its order."""
    page = client.get(f"/desk/?{query}")
    assert page.status_code == 200
    return [int(found) for found in re.findall(r'id="case-(\d+)"', page.content.decode())]


def row_of(client: Client, case: Case, query: str = "group=open") -> str:
    """Return the markup of one case's row."""
    page = client.get(f"/desk/?{query}").content.decode()
    rows = re.split(r'(?=<li class="case-row)|(?=<li class="more)|(?=</ol>)', page)
    return next(row for row in rows if f'id="case-{case.pk}"' in row)


def backdated(case: Case, **span: float) -> Case:
    """Let a case have been reported so long ago, with a promise that is as much earlier."""
    back = timedelta(**span)
    moments = ("opened_at", "last_voice_at", "waiting_since", "due_at", "act_by")
    Case.objects.filter(pk=case.pk).update(**{name: getattr(case, name) - back for name in moments})
    return reread(case)


def test_a_stranger_is_sent_to_sign_in_and_somebody_without_a_role_is_told_whom_to_ask(hall, client):
    assert client.get("/desk/").headers["Location"].startswith("/accounts/login/")
    Membership.objects.filter(user=hall.people["kandal"]).delete()
    response = signed_in(hall, "kandal").get("/desk/")
    assert response.status_code == 403
    assert "Ask your administrator" in text_of(response)


def test_the_list_stands_in_the_one_order_whatever_came_first(hall, officer):
    usual = now_case(hall)
    old = backdated(now_case(hall, new_report(point=AT_RIVER)), days=2)
    danger = now_case(hall, new_report(service_code="danger", point=AT_HOSPITAL))
    assert listed(officer) == [danger.pk, old.pk, usual.pk]


def test_a_row_says_what_where_why_and_by_when(hall, officer):
    case = backdated(now_case(hall, new_report(words="Three bags beside the stairs")), days=3)
    for _ in range(2):
        add_voice_by_code(city=hall.city, code=case.code, words="", now=timezone.now(), by=RESIDENT)
    row = row_of(officer, case)
    for words in (
        "Rubbish piled up", spoken(case.code), "At Kandal Market", "Phsar Kandal, Daun Penh", "late",
        "Nobody has taken it for 3 d", "3 voices", "Three bags beside the stairs", "Open", "Take",
    ):  # fmt: skip
        assert words in row, words


def test_a_row_names_the_place_that_asks_for_care(hall, officer):
    case = now_case(hall, new_report(point=AT_HOSPITAL))
    assert "Near Calmette Hospital" in row_of(officer, case)


def test_a_row_is_written_in_khmer_for_who_reads_khmer(hall):
    case = now_case(hall)
    client = Client(headers={"accept-language": "km"})
    client.force_login(hall.people["duty"])
    row = row_of(client, case)
    assert "គំនរសំរាម" in row
    assert "ផ្សារកណ្ដាល, ដូនពេញ" in row


@pytest.mark.parametrize(
    ("name", "sees"),
    [
        ("duty", {"kandal", "bassac", "given"}),
        ("daun penh", {"kandal"}),
        ("kandal", {"kandal"}),
        ("bassac", {"bassac", "given"}),
        ("south", {"given"}),
        ("north", set()),
        ("auditor", {"kandal", "bassac", "given"}),
    ],
)
def test_everybody_sees_their_own_part_of_the_city_and_nothing_else(hall, name, sees):
    cases = {
        "kandal": now_case(hall),
        "bassac": now_case(hall, new_report(point=AT_RIVER)),
        "given": now_case(hall, new_report(service_code="dumping", point=AT_RIVER)),
    }
    to = Assignee(contractor_id=hall.contractors["south"].pk)
    assign_case(case_id=cases["given"].pk, to=to, now=timezone.now(), by=hall.by("duty"))
    client = signed_in(hall, name)
    wanted = {case.pk for key, case in cases.items() if key in sees}
    assert set(listed(client)) == wanted
    rows = client.get(f"/desk/rows?ids={','.join(str(case.pk) for case in cases.values())}").json()
    assert {row["id"] for row in rows["rows"]} == wanted
    assert rows["hidden"] == []


def test_cases_of_another_city_are_never_in_the_list(hall, officer):
    other = make_city(jurisdiction_id="siemreap.kh")
    receive_report(city=other.city, report=new_report(), now=timezone.now(), by=RESIDENT)
    assert listed(officer, "group=all") == []
    # Whoever works in both looks at one of them at a time.
    Membership.objects.create(city=other.city, user=hall.people["duty"], role=Role.AUDITOR)
    assert len(listed(officer, "group=all&city=siemreap.kh")) == 1
    assert listed(officer, "group=all&city=phnompenh.kh") == []


@pytest.mark.parametrize(
    ("group", "shows"),
    [
        ("open", {"waits", "late", "mine"}),
        ("action", {"waits", "late"}),
        ("mine", {"mine"}),
        ("overdue", {"late"}),
        ("closed", {"closed"}),
        ("all", {"waits", "late", "mine", "closed"}),
    ],
)
def test_each_group_lists_its_cases_and_says_how_many(hall, officer, group, shows):
    now = timezone.now()
    cases = {
        "waits": now_case(hall),
        "late": backdated(now_case(hall, new_report(point=AT_RIVER)), days=4),
        "mine": now_case(hall, new_report(point=AT_HOSPITAL)),
        "closed": now_case(hall, ELSEWHERE),
    }
    take_case(case_id=cases["late"].pk, now=now, by=hall.by("bassac"))
    take_case(case_id=cases["mine"].pk, now=now, by=hall.by("duty"))
    close_case(case_id=cases["closed"].pk, now=now, by=hall.by("duty"))
    assert set(listed(officer, f"group={group}")) == {cases[key].pk for key in shows}
    page = officer.get("/desk/?group=open").content.decode()
    counted = re.search(rf'data-group="{group}"[^>]*>[^<]*<span class="number" data-count>(\d+)</span>', page)
    if group not in ("closed", "all"):
        assert int(counted[1]) == len(shows)


def test_the_list_is_read_page_by_page_without_losing_or_repeating_a_case(hall, officer):
    first = now_case(hall)
    Case.objects.bulk_create(
        Case(**{**_columns(first), "code": f"{number:08d}", "act_by": first.act_by + timedelta(seconds=number // 7)})
        for number in range(130)
    )
    wanted = list(Case.objects.order_by("act_by", "pk").values_list("pk", flat=True))
    found: list[int] = []
    query = "group=open"
    while query:
        page = officer.get(f"/desk/?{query}&part=rows").content.decode()
        found += [int(each) for each in re.findall(r'id="case-(\d+)"', page)]
        more = re.search(r'data-more="([^"]+)"', page)
        query = f"group=open&after={more[1]}" if more else ""
    assert found == wanted


@pytest.mark.parametrize("group", ["closed", "all"])
def test_closed_cases_are_read_page_by_page_the_latest_first(hall, officer, group):
    first = now_case(hall)
    closed = first.opened_at + timedelta(hours=1)
    Case.objects.bulk_create(
        Case(
            **{
                **_columns(first),
                "code": f"{number:08d}",
                "state": State.CLOSED,
                "ending": "claimed",
                "opened_at": first.opened_at - timedelta(seconds=number // 3),
                "closed_at": closed - timedelta(seconds=number // 3),
            }
        )
        for number in range(120)
    )
    column = "closed_at" if group == "closed" else "opened_at"
    wanted = Case.objects.exclude(closed_at=None) if group == "closed" else Case.objects.all()
    first_page = officer.get(f"/desk/?group={group}&part=rows").content.decode()
    more = re.search(r'data-more="([^"]+)"', first_page)[1]
    both = first_page + officer.get(f"/desk/?group={group}&part=rows&after={more}").content.decode()
    found = [int(each) for each in re.findall(r'id="case-(\d+)"', both)]
    assert found == list(wanted.order_by(f"-{column}", "-pk").values_list("pk", flat=True)[:100])


def _columns(case: Case) -> dict:
    return {
        field.attname: getattr(case, field.attname) for field in Case._meta.concrete_fields if not field.primary_key
    }


@pytest.mark.parametrize("after", ["x", "1", "1.", ".1", "1.2.3", "-" * 30, "9" * 30 + ".1", "1." + "9" * 30, "%00.1"])
def test_a_place_in_the_list_that_is_none_shows_its_beginning(hall, officer, after):
    case = now_case(hall)
    assert listed(officer, f"group=open&after={after}") == [case.pk]


def test_the_list_asks_the_database_the_same_few_questions_whatever_its_size(
    hall, officer, django_assert_max_num_queries
):
    first = now_case(hall)
    Case.objects.bulk_create(
        Case(**{**_columns(first), "code": f"{number:08d}", "owner_id": hall.people["duty"].pk})
        for number in range(300)
    )
    officer.get("/desk/")  # the city's ground is read once per process
    area = hall.ground.khans["Daun Penh"].pk
    for query in ("group=open", "group=action", "group=mine", "group=all", f"group=open&q=stairs&area={area}"):
        with django_assert_max_num_queries(12):
            assert len(listed(officer, query)) > 0
    with django_assert_max_num_queries(12):
        officer.get("/desk/rows?group=open&ids=" + ",".join(map(str, Case.objects.values_list("pk", flat=True)[:150])))


def test_the_officer_of_one_small_area_pays_no_more(hall, django_assert_max_num_queries):
    now_case(hall)
    client = signed_in(hall, "kandal")
    client.get("/desk/")
    with django_assert_max_num_queries(12):
        assert len(listed(client)) == 1


def test_the_deadline_never_lies_further_before_the_place_in_the_order_than_the_list_looks(hall):
    now = timezone.now()
    for urgency in Urgency:
        moment = act_by(
            due_at=now, opened_at=now - timedelta(hours=1), urgency=urgency, voices=1, taken=True, reopened=0,
            service_level=ServiceLevel.USUAL,
        )  # fmt: skip
        assert moment - now < _BEHIND_PROMISE


def test_one_click_takes_a_case_and_one_more_gives_it_back(hall, officer):
    case = now_case(hall)
    page = officer.post("/desk/step", {"step": "take", "case": case.pk, "next": "/desk/?group=open"}, follow=True)
    assert page.redirect_chain[-1][0] == "/desk/?group=open"
    assert f"You have taken {spoken(case.code)}." in text_of(page)
    assert reread(case).owner == hall.people["duty"]
    events = re.search(r'name="events" value="(\d+)"', page.content.decode())[1]
    page = officer.post("/desk/undo", {"events": events}, follow=True)
    assert "Undone." in text_of(page)
    assert (reread(case).owner, reread(case).state) == (None, State.OPEN)


def test_a_step_that_a_script_asks_for_answers_with_the_message_and_its_undo(hall, officer):
    case = now_case(hall)
    sent = {"step": "take", "case": case.pk}
    answer = officer.post("/desk/step", sent, headers={"x-saat-script": "1"}).json()
    assert answer["ok"]
    assert "data-undo" in answer["message"]
    again = officer.post("/desk/step", sent, headers={"x-saat-script": "1"}).json()
    assert not again["ok"]
    assert "The case is “Taken” by now." in again["message"]
    assert Event.objects.filter(kind="case_taken").count() == 1


def test_the_next_step_fits_who_is_looking(hall):
    case = now_case(hall)
    assert 'value="take"' in row_of(signed_in(hall, "kandal"), case)
    assert "Look" in row_of(signed_in(hall, "auditor"), case)
    take_case(case_id=case.pk, now=timezone.now(), by=hall.by("kandal"))
    assert "#act-assign" in row_of(signed_in(hall, "kandal"), case)
    assert "Look" in row_of(signed_in(hall, "daun penh"), case)
    to = Assignee(crew_id=hall.crews["North 1"].pk)
    assign_case(case_id=case.pk, to=to, now=timezone.now(), by=hall.by("kandal"))
    crew = signed_in(hall, "north crew")
    assert 'value="arrive"' in row_of(crew, case)
    crew.post("/desk/step", {"step": "arrive", "case": case.pk})
    assert reread(case).state == State.ON_SITE
    assert "Prove" in row_of(crew, case)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"step": "close", "case": "1"},
        {"step": "take", "case": "x"},
        {"step": "take", "case": "9" * 40},
        {"step": "take", "case": "999999"},
    ],
)
def test_a_step_that_is_none_is_refused_with_a_sentence(hall, officer, sent):
    page = officer.post("/desk/step", sent, follow=True)
    assert page.status_code == 200
    assert 'class="toast error"' in page.content.decode()


def test_a_step_needs_the_protection_of_its_form_and_leads_only_into_our_own_house(hall):
    case = now_case(hall)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(hall.people["duty"])
    assert strict.post("/desk/step", {"step": "take", "case": case.pk}).status_code == 403
    response = signed_in(hall, "duty").post(
        "/desk/step", {"step": "take", "case": case.pk, "next": "https://evil.example/desk/"}
    )
    assert response.headers["Location"] == "/desk/"


def test_whoever_may_not_see_a_case_can_neither_take_it_nor_learn_its_code(hall):
    case = now_case(hall)
    page = signed_in(hall, "bassac").post("/desk/step", {"step": "take", "case": case.pk}, follow=True)
    assert reread(case).state == State.OPEN
    assert spoken(case.code) not in page.content.decode()


def test_rows_of_cases_that_the_filter_hides_are_told_apart_from_those_that_are_gone(hall, officer):
    shown, hidden = now_case(hall), now_case(hall, new_report(service_code="full-bin", point=AT_RIVER))
    gone = now_case(hall, ELSEWHERE)
    reason = hall.city.policy_terms().closing_reasons[0].code
    close_without_fix(case_id=gone.pk, reason_code=reason, now=timezone.now(), by=hall.by("duty"))
    ids = f"{shown.pk},{hidden.pk},{gone.pk},999999,x,{'9' * 30}"
    told = officer.get(f"/desk/rows?group=open&category=pile&ids={ids}").json()
    assert [row["id"] for row in told["rows"]] == [shown.pk]
    assert told["hidden"] == [hidden.pk]
    assert told["counts"] == {"open": 1, "action": 1, "mine": 0, "overdue": 0}


def test_an_open_list_learns_of_the_alerts_that_wait(hall, officer):
    assert officer.get("/desk/rows?ids=1").json()["alerts"] == 0
    case = now_case(hall)
    Alert.objects.create(
        city=hall.city, case=case, user=hall.people["duty"], why="danger", raised_at=timezone.now(),
        answer_by=timezone.now() + timedelta(minutes=10),
    )  # fmt: skip
    told = officer.get(f"/desk/rows?ids={case.pk}").json()
    assert (told["alerts"], told["alerts_said"]) == (1, "alert waits for your answer")
    assert "1 alert waits for your answer" in text_of(officer.get("/desk/?group=open"))


def test_what_residents_write_is_shown_as_text_and_never_as_markup(hall, officer):
    words = '<script>alert("x")</script> \'"><img src=x onerror=alert(1)>'
    case = now_case(hall, new_report(words=words))
    row = row_of(officer, case)
    assert "<script" not in row
    assert "<img src=x" not in row
    assert escape('<script>alert("x")</script>') in row


def test_nothing_in_the_list_tells_who_reported(hall, officer, contact_report):
    case = now_case(hall, contact_report)
    page = officer.get("/desk/?group=open").content.decode()
    assert f"case-{case.pk}" in page
    for secret in ("Sok Dara", "+85512345678", "sok@example.org"):
        assert secret not in page


@pytest.fixture
def contact_report() -> NewReport:
    """A report of somebody who left name, number and address."""
    from saat.terms.report import Contact

    return new_report(point=AT_MARKET, contact=Contact(name="Sok Dara", phone="+85512345678", email="sok@example.org"))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("group=open", "Nothing waits for you"),
        ("group=mine", "You answer for no case now"),
        ("group=overdue", "No promise is broken"),
        ("group=closed", "There is no case yet"),
        ("group=open&urgency=high", "No case fits this filter"),
    ],
)
def test_an_empty_list_says_what_to_do_next(hall, officer, query, says):
    page = officer.get(f"/desk/?{query}")
    assert says in text_of(page)
    assert re.search(r'<div class="empty"(?![^>]*hidden)', page.content.decode())


def test_a_danger_that_was_set_moves_to_the_top(hall, officer):
    first = backdated(now_case(hall), days=1)
    second = now_case(hall, new_report(point=AT_RIVER))
    set_urgency(case_id=second.pk, urgency=Urgency.DANGER, now=timezone.now(), by=Actor.of(hall.people["duty"]))
    assert listed(officer) == [second.pk, first.pk]


def test_a_person_who_is_officer_here_and_crew_there_sees_both(hall):
    person = make_user(hall.city, Role.SANGKAT_OFFICER, area=hall.ground.sangkats["Tonle Bassac"])
    Membership.objects.create(city=hall.city, user=person, role=Role.CREW, crew=hall.crews["North 1"])
    here, there = now_case(hall, new_report(point=AT_RIVER)), now_case(hall)
    assign_case(case_id=there.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=timezone.now(), by=hall.by("duty"))
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    assert set(listed(client)) == {here.pk, there.pk}
    assert listed(client, "group=mine") == [there.pk]
