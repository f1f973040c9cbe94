"""Who says that the rubbish was not collected hears at once what is known, and their word is kept and weighs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saat.actions.finishing import finish_run
from saat.actions.log import FOLLOWER
from saat.actions.notcollected import answer_for
from saat.actions.outcomes import write_run
from saat.records.models import Case, Event, Run, ServiceRequest, StopRun, StopWord
from saat.records.queries_stop_words import newest_stop_word_id, resident_words, runs_with_words_since
from saat.rounds.forecasting import forecast
from saat.terms.geo import Point
from saat.terms.history import NO_HISTORY
from saat.terms.run import Outcome
from tests.actions.chain import assert_chain_is_whole
from tests.actions.test_round_findings import look, standing
from tests.city import OUTSIDE, new_report
from tests.hall import Hall
from tests.rounds_plan import MONDAY, STOPS, at_s, make_run, moment, plan_for, view_at, view_for

pytestmark = pytest.mark.django_db


def beside(run: Run, sequence: int) -> Point:
    """Return a place some steps from a stop."""
    stop = plan_for(run).stops[sequence - 1]
    return Point(lat=stop.lat + 0.0002, lon=stop.lon)


def write(run: Run, *, served: int, now_s: float, outcomes=None) -> None:
    plan = plan_for(run)
    view = view_for(run, view_at(now_s, served=served, outcomes=outcomes))
    forecasts = forecast(plan, view, NO_HISTORY, now_s=now_s)
    write_run(run.pk, plan=plan, view=view, forecasts=forecasts, now=moment(now_s), by=FOLLOWER)


def told(run: Run, sequence: int, now_s: float):
    return answer_for(run.city, now=moment(now_s), point=beside(run, sequence))


def complain(hall: Hall, run: Run, sequence: int, now_s: float, **more) -> ServiceRequest:
    report = new_report(service_code="missed-collection", point=beside(run, sequence), words="Nobody came", **more)
    receipt = hall.report(report, now=moment(now_s))
    return ServiceRequest.objects.get(pk=receipt.service_request_id)


def test_no_stop_is_near_so_nothing_is_claimed(hall, run):
    assert answer_for(run.city, now=moment(at_s(0)), point=OUTSIDE) is None
    assert answer_for(run.city, now=moment(at_s(0)), number="N99") is None


def test_it_is_not_the_day_and_the_next_one_is_named(hall, run):
    answer = told(run, 3, at_s(0) - 3 * 86_400).answer
    assert answer.known == "not_today"
    assert (answer.next.service_day, answer.judged) == (MONDAY, None)


def test_a_stop_is_known_by_its_number_too(run):
    found = answer_for(run.city, now=moment(at_s(0) - 3600), number="N3")
    assert (found.stop.number, found.answer.known) == ("N3", "later_today")


def test_a_truck_on_its_way_is_told_with_the_time_of_its_prediction(run):
    write(run, served=4, now_s=at_s(4))
    answer = told(run, 8, at_s(5)).answer
    assert answer.known == "on_its_way"
    assert at_s(5) <= answer.from_s < at_s(7) < answer.to_s < at_s(12)


@pytest.mark.parametrize(
    ("outcome", "known"),
    [("collected", "collected"), ("late", "collected"), ("partial", "partly"), ("missed", "missed"),
     ("skipped", "could_not"), ("not_presented", "nothing_out"), ("excused", "called_off"), ("unknown", "unknown")],
)  # fmt: skip
def test_what_became_of_the_stop_is_told(run, outcome, known):
    write(run, served=6, now_s=at_s(6), outcomes={3: Outcome(outcome)})
    assert told(run, 3, at_s(8)).answer.known == known


def test_long_after_it_only_the_next_collection_is_told(hall, run):
    write(run, served=6, now_s=at_s(6), outcomes={3: Outcome.MISSED})
    make_run(hall.ground, day=MONDAY + timedelta(days=7))
    answer = told(run, 3, at_s(8) + 4 * 86_400).answer
    assert (answer.known, answer.next.service_day) == ("not_today", MONDAY + timedelta(days=7))


def test_a_report_about_a_stop_of_a_stalled_truck_joins_its_case(hall, run):
    case_id = look(run, standing(8))
    assert told(run, 9, at_s(4)).step.case_id == case_id
    request = complain(hall, run, 9, at_s(5))
    assert request.case_id == case_id
    case = Case.objects.get(pk=case_id)
    assert (case.voices, Case.objects.count()) == (1, 1)
    assert "2A-1234" in case.summary


def test_a_complaint_about_a_collected_stop_lowers_its_probability_and_asks(hall, run):
    write(run, served=6, now_s=at_s(6))
    before = StopRun.objects.get(run=run, sequence=3)
    request = complain(hall, run, 3, at_s(8))
    row = StopRun.objects.get(run=run, sequence=3)
    assert row.p_served < before.p_served
    assert (row.outcome, row.settle_by) == ("collected", "crew")
    word = StopWord.objects.get()
    assert (word.run_id, word.service_request, word.collected) == (run.pk, request, False)
    assert resident_words([run.pk])[run.pk][0].stop_id == row.stop_id
    assert runs_with_words_since(0) == {run.pk}
    assert runs_with_words_since(newest_stop_word_id()) == set()
    assert Event.objects.filter(kind="stop_disputed").count() == 1


def test_neighbours_who_say_the_same_are_one_word_but_each_is_kept(hall, run):
    write(run, served=6, now_s=at_s(6))
    complain(hall, run, 3, at_s(8))
    once = StopRun.objects.get(run=run, sequence=3).p_served
    complain(hall, run, 3, at_s(9))
    assert StopRun.objects.get(run=run, sequence=3).p_served == once
    assert StopWord.objects.count() == 2
    assert len(resident_words([run.pk])[run.pk]) == 1


def test_a_doubtful_collection_becomes_unknown_by_a_complaint(hall, run):
    write(run, served=6, now_s=at_s(6))
    StopRun.objects.filter(run=run, sequence=3).update(p_served=0.8)
    complain(hall, run, 3, at_s(8))
    row = StopRun.objects.get(run=run, sequence=3)
    assert (row.outcome, row.revisions.last().why) == ("unknown", "resident")
    run.refresh_from_db()
    assert (run.served, run.unknown) == (5, 1)


def test_after_the_freeze_a_complaint_is_kept_and_changes_nothing(hall, run):
    write(run, served=6, now_s=at_s(6))
    Run.objects.filter(pk=run.pk).update(frozen_at=moment(at_s(7)))
    before = StopRun.objects.get(run=run, sequence=3).p_served
    complain(hall, run, 3, at_s(8))
    assert StopRun.objects.get(run=run, sequence=3).p_served == before
    assert StopWord.objects.count() == 1


def test_a_report_of_something_else_says_nothing_about_the_stop(hall, run):
    write(run, served=6, now_s=at_s(6))
    hall.report(new_report(point=beside(run, 3)), now=moment(at_s(8)))
    assert not StopWord.objects.exists()


def test_a_finished_run_without_an_outcome_is_unknown(run):
    write(run, served=6, now_s=at_s(6))
    plan = plan_for(run)
    finish_run(
        run.pk, plan=plan, view=view_for(run, view_at(at_s(STOPS), served=6)), issued=(), now=moment(at_s(STOPS)),
        by=FOLLOWER,
    )  # fmt: skip
    assert told(run, 9, at_s(STOPS)).answer.known == "unknown"


def test_the_chain_holds(hall, run):
    write(run, served=6, now_s=at_s(6))
    complain(hall, run, 3, at_s(8))
    assert_chain_is_whole(run.city)
