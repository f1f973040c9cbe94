"""Another system's cases come in, each once, however often their file does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from saat.actions.cases import take_case
from saat.actions.cities import open_city
from saat.actions.clock import escalate_due
from saat.actions.imports import import_reports
from saat.actions.log import COMMAND, Actor, NotAllowed
from saat.links.tables.mapping import RowRefused, read_mapping
from saat.links.tables.reading import read_table
from saat.records.models import Case, CaseSearch, Event, Note, ServiceRequest
from saat.terms.case import Ending, Role, State
from saat.terms.imports import ImportedReport
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_MARKET, AT_RIVER, MONDAY_MORNING, OUTSIDE, make_city, make_user

pytestmark = pytest.mark.django_db

CITIES = Path(__file__).resolve().parent.parent.parent / "cities"
LAST_MONTH = MONDAY_MORNING - timedelta(days=30)
OPEN = ImportedReport(
    source_id="A1", service_code="pile", opened_at=LAST_MONTH, words="Bags beside the stairs", point=AT_MARKET
)
CLOSED = ImportedReport(
    source_id="A2", service_code="missed-collection", opened_at=LAST_MONTH, due_at=LAST_MONTH + timedelta(days=2),
    closed_at=LAST_MONTH + timedelta(days=1), ending=Ending.NO_FIX, reason_code="not-your-day",
    closing_text="It comes on Friday, told Mr Sok", on_time=True, address="Street 51",
)  # fmt: skip


@pytest.fixture
def city():
    return make_city().city


def take(city, *reports, **options):
    return import_reports(city=city, source="old", reports=reports, now=MONDAY_MORNING, by=COMMAND, **options)


def case_of(source_id: str) -> Case:
    return ServiceRequest.objects.get(source_id=source_id).case


def test_a_case_comes_in_with_its_own_moments_promise_and_reason(city):
    report = take(city, OPEN, CLOSED)
    assert (report.created, report.open, report.placed, report.on_time, report.against) == (2, 1, 1, 1, 0)
    closed = case_of("A2")
    assert (closed.state, closed.ending, closed.reason_code) == (State.CLOSED, Ending.NO_FIX, "not-your-day")
    assert (closed.opened_at, closed.closed_at, closed.due_at) == (LAST_MONTH, CLOSED.closed_at, CLOSED.due_at)
    opened = case_of("A1")
    assert (opened.state, opened.area.names.get(language="en").text) == (State.OPEN, "Phsar Kandal")
    assert opened.due_at > opened.opened_at  # the city's own promise, where the other system made none
    assert "bags" in CaseSearch.objects.get(case=opened).words
    assert_chain_is_whole(city)


def test_what_the_office_wrote_is_a_private_note_and_stands_in_no_event(city):
    take(city, CLOSED)
    assert Note.objects.get(case=case_of("A2")).text == CLOSED.closing_text
    assert not Event.objects.filter(facts_json__contains="Sok").exists()


def test_the_same_again_changes_nothing(city):
    take(city, OPEN, CLOSED)
    events = Event.objects.count()
    again = take(city, OPEN, CLOSED)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 2)
    assert (Event.objects.count(), Case.objects.count(), Note.objects.count()) == (events, 2, 1)


def test_a_changed_row_renews_its_case(city):
    take(city, OPEN, CLOSED)
    done = replace(OPEN, closed_at=MONDAY_MORNING, ending=Ending.CLAIMED, closing_text="Collected", point=AT_RIVER)
    report = take(city, done, CLOSED)
    assert (report.created, report.changed, report.unchanged) == (0, 1, 1)
    case = case_of("A1")
    assert (case.state, case.ending, case.lat) == (State.CLOSED, Ending.CLAIMED, AT_RIVER.lat)
    assert take(city, done, CLOSED).unchanged == 2
    assert_chain_is_whole(city)


def test_a_case_that_was_worked_on_here_keeps_what_was_done(city):
    take(city, OPEN)
    officer = make_user(city, Role.CITY_DUTY)
    take_case(case_id=case_of("A1").pk, now=MONDAY_MORNING, by=Actor.of(officer))
    report = take(city, replace(OPEN, closed_at=MONDAY_MORNING, ending=Ending.CLAIMED))
    assert (report.changed, report.kept) == (0, ["A1"])
    assert case_of("A1").state == State.TAKEN


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_duplicate_joins_the_case_that_it_names_whichever_came_first(city, parent_first):
    duplicate = replace(CLOSED, parent_id="A1")
    if parent_first:
        report = take(city, OPEN, duplicate)
    else:
        assert take(city, duplicate).no_parent == ["A2"]
        report = take(city, OPEN, duplicate)
    assert report.joined == 1
    case = case_of("A1")
    assert case_of("A2") == case
    assert (case.voices, case.state) == (2, State.OPEN)
    own = Case.objects.get(merged_into=case)
    assert (own.state, own.closed_at) == (State.MERGED, CLOSED.closed_at)
    assert take(city, OPEN, duplicate).joined == 0
    assert_chain_is_whole(city)


def test_duplicates_that_name_each_other_become_one_case(city):
    report = take(city, replace(OPEN, parent_id="A2"), replace(CLOSED, parent_id="A1"))
    assert report.joined == 1
    assert case_of("A1") == case_of("A2")


def test_an_old_backlog_rings_no_bells(city):
    make_user(city, Role.KHAN_OFFICER)
    take(city, OPEN)
    assert escalate_due(now=MONDAY_MORNING) == 0
    assert case_of("A1").next_escalation_at is None


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (replace(OPEN, service_code="noise"), "no category noise"),
        (replace(OPEN, point=OUTSIDE), "outside the city"),
        (replace(OPEN, opened_at=MONDAY_MORNING + timedelta(days=9)), "in the future"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_the_rest_comes_in(city, report, why):
    done = take(city, report, CLOSED)
    assert done.created == 1
    ((source_id, said),) = done.refused
    assert source_id == "A1"
    assert why in said


def test_an_id_that_stands_twice_comes_in_once(city):
    done = take(city, OPEN, replace(CLOSED, source_id="A1"))
    assert (done.created, [source_id for source_id, _ in done.refused]) == (1, ["A1"])


def test_a_trial_run_says_the_same_and_writes_nothing(city):
    duplicate = replace(CLOSED, parent_id="A1")
    trial = take(city, OPEN, duplicate, dry_run=True)
    assert not Case.objects.exists()
    real = take(city, OPEN, duplicate)
    assert (trial.created, trial.joined, trial.open) == (real.created, real.joined, real.open)


def test_an_officer_cannot_import_cases(city):
    officer = Actor.of(make_user(city, Role.CITY_DUTY))
    with pytest.raises(NotAllowed):
        import_reports(city=city, source="old", reports=[OPEN], now=MONDAY_MORNING, by=officer)


def test_the_cases_of_boston_come_in_end_to_end(shared_data):
    """11,255 cases of 2015, of a city without areas: what they promised, how they ended, and which repeat another."""
    mapping = read_mapping((CITIES / "mappings/boston-311.toml").read_text(encoding="utf-8"))
    policy_text = (CITIES / "boston.toml").read_text(encoding="utf-8")
    boston = open_city(policy_text=policy_text, country_holidays=[], now=MONDAY_MORNING, by=COMMAND)
    mapping.check(boston.policy_terms())
    reports, refused = [], []
    for path in sorted((shared_data / "boston311-2015").glob("*.csv")):
        for row in read_table(path).rows:
            try:
                reports.append(mapping.report(row))
            except RowRefused as error:
                refused.append(str(error))
    assert len(reports) == 11_254
    assert refused == ["CLOSED_DT (07/10/2015 09:17:25 PM) is before it was opened."]
    done = import_reports(city=boston, source=mapping.source, reports=reports, now=MONDAY_MORNING, by=COMMAND)
    assert (done.created, done.open, done.refused) == (11_254, 621, [])
    assert (done.on_time, done.against) == (5_253, 0)
    assert (done.joined, len(done.no_parent)) == (17, 4)
    assert ServiceRequest.objects.filter(city=boston).count() == 11_254
    assert case_of("101001250628") == case_of("101001250625")
    assert Case.objects.filter(city=boston, next_escalation_at__isnull=False).count() == 0
    again = import_reports(city=boston, source=mapping.source, reports=reports, now=MONDAY_MORNING, by=COMMAND)
    assert (again.created, again.changed, again.unchanged, again.joined) == (0, 0, 11_254, 0)
    assert_chain_is_whole(boston)
