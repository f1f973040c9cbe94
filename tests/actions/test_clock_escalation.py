"""A case that waits too long climbs the ladder by itself, once a rung, whoever looks at it and however often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from saat.actions import clock
from saat.actions.cases import change_case, close_case, release_case, set_urgency, take_case
from saat.actions.clock import escalate_due
from saat.actions.log import RESIDENT
from saat.actions.reports import receive_report
from saat.records.models import Case, City, Event, Membership, Outbox
from saat.terms.case import Role, Urgency
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_RIVER, POLICY, make_city, make_user, new_report
from tests.hall import Hall, later, make_hall

# Phnom Penh's ladder: untaken after 30 and 90 minutes, overdue after 0, 240 and 1440.


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def climbed(case: Case) -> list[tuple[int, str, list[int]]]:
    rows = Event.objects.filter(case_id=case.pk, kind="case_escalated").order_by("seq")
    return [(row.facts["step"], row.facts["why"], row.facts["told"]) for row in rows]


def steps(case: Case) -> list[int]:
    return [step for step, _why, _told in climbed(case)]


def letters() -> list[tuple[int, int]]:
    rows = Outbox.objects.filter(kind="official.escalated").order_by("pk")
    return [(row.facts["user"], row.facts["step"]) for row in rows]


def test_a_case_that_nobody_has_taken_is_escalated_to_the_officer_of_its_khan(hall):
    case = hall.case()
    assert escalate_due(now=later(minutes=29)) == 0
    assert escalate_due(now=later(minutes=30)) == 1
    officer = hall.people["daun penh"].pk
    assert climbed(case) == [(0, "untaken", [officer])]
    assert letters() == [(officer, 0)]
    assert escalate_due(now=later(minutes=31)) == 0
    assert_chain_is_whole(hall.city)


def test_the_officer_of_the_other_khan_and_officials_of_other_cities_hear_nothing(hall):
    other = make_city(jurisdiction_id="other.kh")
    make_user(other.city, Role.KHAN_OFFICER, area=other.khans["Daun Penh"])
    case = hall.case(new_report(point=AT_RIVER))
    make_user(hall.city, Role.KHAN_OFFICER, area=hall.ground.khans["Chamkar Mon"], username="chamkar-mon")
    escalate_due(now=later(minutes=30))
    (told,) = [told for _step, _why, told in climbed(case)]
    assert [Membership.objects.get(user_id=user_id).user.username for user_id in told] == ["chamkar-mon"]


def test_taking_a_case_ends_the_wait_but_not_the_promise(hall):
    case = hall.case()
    take_case(case_id=case.pk, now=later(minutes=5), by=hall.by("kandal"))
    assert escalate_due(now=later(hours=5)) == 0
    case.refresh_from_db()
    assert escalate_due(now=case.due_at) == 1
    assert climbed(case)[0][:2] == (2, "overdue")


def test_a_closed_case_climbs_no_more(hall):
    case = hall.case()
    close_case(case_id=case.pk, now=later(minutes=5), by=hall.by("kandal"))
    assert escalate_due(now=later(days=30)) == 0
    assert climbed(case) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda case, turn, **who: change_case(case_id=case.pk, address=f"Behind pagoda {turn}", **who),
        lambda case, turn, **who: set_urgency(case_id=case.pk, urgency=(Urgency.HIGH, Urgency.LOW)[turn % 2], **who),
        lambda case, turn, **who: change_case(case_id=case.pk, service_code=("full-bin", "pile")[turn % 2], **who),
        lambda case, turn, now, by: receive_report(city=case.city, report=new_report(), now=now, by=RESIDENT),
    ],
    ids=["place", "urgency", "category", "another report"],
)
def test_no_edit_resets_the_clock(hall, edit):
    case = hall.case()
    for turn in range(5):
        edit(case, turn, now=later(minutes=5 + 5 * turn), by=hall.by("kandal"))
    assert escalate_due(now=later(minutes=29)) == 0
    assert escalate_due(now=later(minutes=30)) == 1
    assert steps(case) == [0]


def test_giving_a_case_back_begins_a_new_wait_and_keeps_the_broken_promise(hall):
    case = hall.case()
    escalate_due(now=later(hours=2))
    take_case(case_id=case.pk, now=later(hours=3), by=hall.by("kandal"))
    release_case(case_id=case.pk, now=later(hours=4), by=hall.by("kandal"))
    assert escalate_due(now=later(hours=4, minutes=29)) == 0
    assert escalate_due(now=later(hours=4, minutes=30)) == 1
    assert steps(case) == [0, 1, 0]
    escalate_due(now=later(days=9))
    assert steps(case) == [0, 1, 0, 1, 2, 3, 4]


def test_a_clock_that_stood_still_for_two_days_climbs_each_rung_once_and_in_order(hall):
    case = hall.case()
    assert escalate_due(now=later(days=5)) == 5
    assert steps(case) == [0, 1, 2, 3, 4]
    assert escalate_due(now=later(days=6)) == 0
    assert len(letters()) == len(set(letters())) == 5
    case.refresh_from_db()
    assert case.next_escalation_at is None


def test_the_promise_waits_for_the_offices_to_open_and_for_holidays_to_end(db):
    text = POLICY.read_text(encoding="utf-8").replace("holidays = []", 'holidays = ["2026-03-03"]')
    hall = make_hall(make_city(policy_text=text))
    # Monday, 10:00: of eight hours one and a half pass before noon, three and a half after it, three on Wednesday.
    case = hall.case(new_report(point=AT_RIVER))
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("bassac"))
    assert case.due_at == datetime(2026, 3, 4, 3, 30, tzinfo=UTC)
    assert escalate_due(now=case.due_at - timedelta(seconds=1)) == 0
    assert escalate_due(now=case.due_at) == 1


def test_where_nobody_holds_the_role_the_duty_office_is_told_and_then_the_administrators(hall):
    hall.people["daun penh"].is_active = False
    hall.people["daun penh"].save()
    case = hall.case()
    escalate_due(now=later(minutes=30))
    assert climbed(case) == [(0, "untaken", [hall.people["duty"].pk])]
    event = Event.objects.get(case_id=case.pk, kind="case_escalated")
    assert (event.facts["role"], event.facts["told_as"]) == ("khan_officer", "city_duty")
    Membership.objects.filter(role=Role.CITY_DUTY).delete()
    escalate_due(now=later(minutes=90))
    assert climbed(case)[1] == (1, "untaken", [hall.people["admin"].pk])


def test_a_case_without_an_area_reaches_the_duty_office(hall):
    case = hall.case()
    Case.objects.filter(pk=case.pk).update(area=None)
    escalate_due(now=later(minutes=30))
    assert climbed(case) == [(0, "untaken", [hall.people["duty"].pk])]


def test_an_officer_of_a_part_is_not_told_of_another_part_whatever_the_role(hall):
    """A role that usually covers the city may be given for a part of it."""
    Membership.objects.filter(role=Role.CITY_DUTY).update(area=hall.ground.khans["Chamkar Mon"])
    case = hall.case()
    escalate_due(now=later(minutes=90))
    assert climbed(case)[1] == (1, "untaken", [hall.people["admin"].pk])


def test_a_rung_of_contractors_reaches_only_the_one_that_has_the_case(db):
    text = POLICY.read_text(encoding="utf-8")
    ladder = text.index("[[escalation]]")
    end = text.index("[[closing_reason]]")
    rung = '[[escalation]]\nwhen = "untaken"\nafter_min = 30\nrole = "contractor"\n\n'
    hall = make_hall(make_city(policy_text=text[:ladder] + rung + text[end:]))
    case = hall.case()
    Case.objects.filter(pk=case.pk).update(contractor=hall.contractors["north"])
    escalate_due(now=later(minutes=30))
    assert climbed(case) == [(0, "untaken", [hall.people["north"].pk])]


def test_rungs_that_the_city_took_off_its_ladder_ring_no_more(hall):
    case = hall.case()
    before = Case.objects.get(pk=case.pk).updated_at
    text = hall.city.policy_text
    City.objects.filter(pk=hall.city.pk).update(policy_text=text.replace("after_min = 30\n", "after_min = 60\n", 1))
    assert escalate_due(now=later(minutes=30)) == 0
    case.refresh_from_db()
    assert (case.next_escalation_at, case.updated_at) == (later(minutes=60), before)


def test_many_cities_and_more_cases_than_a_batch_are_all_escalated_oldest_first(db, monkeypatch):
    monkeypatch.setattr(clock, "_BATCH", 7)
    grounds = [make_city(jurisdiction_id=f"city{number}.kh") for number in range(3)]
    for ground in grounds:
        make_user(ground.city, Role.ADMINISTRATOR)
        for number in range(8):
            made = receive_report(city=ground.city, report=new_report(), now=later(minutes=number), by=RESIDENT)
            Case.objects.filter(pk=made.case_id).update(cell=None)  # so that the next report joins none
    assert Case.objects.count() == 24
    assert escalate_due(now=later(minutes=40)) == 24
    order = list(Event.objects.filter(kind="case_escalated").order_by("id").values_list("case_id", flat=True))
    opened = dict(Case.objects.values_list("pk", "opened_at"))
    assert [opened[pk] for pk in order] == sorted(opened.values())
    for ground in grounds:
        assert_chain_is_whole(ground.city)


def test_a_case_that_cannot_be_escalated_holds_up_no_other_and_is_logged(hall, caplog):
    broken = make_city(jurisdiction_id="broken.kh")
    bad = receive_report(city=broken.city, report=new_report(), now=later(), by=RESIDENT)
    good = hall.case(now=later(minutes=1))
    City.objects.filter(pk=broken.city.pk).update(policy_text="this is no policy")
    assert escalate_due(now=later(minutes=31)) == 1
    assert steps(good) == [0]
    assert f"Case {bad.case_id} could not be escalated" in caplog.text
    City.objects.filter(pk=broken.city.pk).update(policy_text=broken.city.policy_text)
    make_user(broken.city, Role.ADMINISTRATOR)
    assert escalate_due(now=later(minutes=32)) == 1


def test_an_escalation_takes_few_queries(hall, django_assert_max_num_queries):
    hall.case()
    with django_assert_max_num_queries(16):
        escalate_due(now=later(minutes=30))


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_do_each_thing_once():
    hall = make_hall()
    cases = []
    for number in range(6):
        case = hall.case(now=later(minutes=number))
        Case.objects.filter(pk=case.pk).update(cell=None)  # so that the next report joins none
        cases.append(case)
    assert len({case.pk for case in cases}) == 6
    start = threading.Barrier(3)

    def run() -> int:
        try:
            start.wait(10)
            return escalate_due(now=later(days=5))
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        clocks = [pool.submit(run) for _ in range(3)]
    assert sum(one.result() for one in clocks) == 30
    assert [steps(case) for case in cases] == [[0, 1, 2, 3, 4]] * 6
    assert len(letters()) == 30
    assert_chain_is_whole(hall.city)
