"""A contractor contests an outcome, an official answers, and every change stays visible."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from saat.actions.cases import ActRefused
from saat.actions.contests import answer_contest, contest_stop
from saat.actions.log import NotAllowed, NotFound
from saat.cases.permission import MAY
from saat.records.models import Contest, Event, Run, StopRun
from saat.terms.case import Role
from saat.terms.run import Outcome
from tests.hall import Hall, make_hall
from tests.trucks import Trucks, make_trucks

NOW = timezone.now()
MISSED = 5  # the sequence of the missed stop


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def trucks(hall) -> Trucks:
    made = make_trucks(hall, begin=NOW - timedelta(hours=1))
    made.followed("North", "ccccmuslpe", now=NOW)
    made.followed("South", "ccccmeeeee", now=NOW)
    return made


def contest(
    trucks: Trucks, *, by: str = "north", name: str = "North", sequence: int = MISSED, words: str = "Served."
) -> Contest:
    return contest_stop(run_id=trucks.runs[name].pk, sequence=sequence, words=words, now=NOW, by=trucks.hall.by(by))


def answer(made: Contest, trucks: Trucks, *, by: str = "duty", accepted: bool = True, **more) -> Contest:
    told = {"answer": "The photo shows it.", **more}
    return answer_contest(
        contest_id=made.pk, accepted=accepted, now=NOW + timedelta(hours=1), by=trucks.hall.by(by), **told
    )


def test_an_accepted_contest_corrects_the_outcome_the_counters_and_the_map_and_keeps_what_stood_before(trucks):
    made = contest(trucks, words="  Served at 20:14,\x00 see the photo. ")
    assert made.words == "Served at 20:14, see the photo."
    before = Run.objects.get(round__name="North")
    answer(made, trucks, found=Outcome.LATE)
    row = StopRun.objects.get(run__round__name="North", sequence=MISSED)
    assert (row.outcome, row.decided_by, row.revision) == (Outcome.LATE, "contest", 1)
    last = row.revisions.latest("pk")
    assert (last.before, last.after, last.why, last.after_freeze) == ("missed", "late", "contest", False)
    run = Run.objects.get(pk=before.pk)
    assert (run.missed, run.late, run.served) == (before.missed - 1, before.late + 1, before.served + 1)
    assert run.view["marks"] == "cccclusl" + "pe"
    kinds = list(Event.objects.filter(subject=f"run:{run.pk}").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["stop_contested", "contest_answered"]
    assert "photo" not in "".join(Event.objects.values_list("facts_json", flat=True))


def test_a_contest_that_is_not_accepted_changes_nothing_but_is_kept_with_its_answer(trucks):
    made = answer(contest(trucks), trucks, accepted=False, answer="The track shows the next street.")
    assert made.accepted is False
    assert StopRun.objects.get(run__round__name="North", sequence=MISSED).outcome == Outcome.MISSED
    with pytest.raises(ActRefused, match="answered already"):
        answer(made, trucks)
    assert contest(trucks, words="Once more, with a photo.").pk != made.pk


@pytest.mark.parametrize(
    ("sequence", "word"), [(1, "Nothing stands against"), (MISSED, None), (6, None), (7, None), (8, None)]
)
def test_only_what_speaks_against_the_contractor_can_be_contested(trucks, sequence, word):
    if word is None:
        assert contest(trucks, sequence=sequence).pk
    else:
        with pytest.raises(ActRefused, match=word):
            contest(trucks, sequence=sequence)


def test_a_stop_is_contested_once_at_a_time_with_words_and_before_the_outcomes_are_final(trucks):
    with pytest.raises(ActRefused, match="what really happened"):
        contest(trucks, words=" \n ")
    made = contest(trucks)
    with pytest.raises(ActRefused, match="contested already"):
        contest(trucks)
    Run.objects.update(frozen_at=NOW + timedelta(minutes=1))
    with pytest.raises(ActRefused, match="time for corrections of this run is over"):
        contest(trucks, sequence=6)
    answer(made, trucks)
    assert StopRun.objects.get(pk=made.stop_run_id).revisions.latest("pk").after_freeze is False, (
        "it was raised in time"
    )


def test_the_database_keeps_two_open_contests_of_one_stop_apart(trucks):
    made = contest(trucks)
    with pytest.raises(IntegrityError), transaction.atomic():
        Contest.objects.create(
            city=made.city, stop_run=made.stop_run, contractor=made.contractor, words="x", said_at=NOW
        )


def test_an_answer_needs_reasons_and_a_finding(trucks):
    made = contest(trucks)
    with pytest.raises(ActRefused, match="reasons"):
        answer(made, trucks, answer="  ")
    with pytest.raises(ActRefused, match="what happened"):
        answer(made, trucks, found=Outcome.MISSED)


def test_everybody_may_contest_and_judge_what_the_table_says_and_no_more(trucks):
    people = {
        "kandal": Role.SANGKAT_OFFICER, "daun penh": Role.KHAN_OFFICER, "duty": Role.CITY_DUTY,
        "director": Role.DIRECTOR, "auditor": Role.AUDITOR, "admin": Role.ADMINISTRATOR, "north": Role.CONTRACTOR,
    }  # fmt: skip
    for who, role in people.items():
        for act, name in ((lambda who=who: contest(trucks, by=who), "contest"),
                          (lambda who=who: answer(contest(trucks), trucks, by=who), "judge_contest")):  # fmt: skip
            point = transaction.savepoint()
            if name in MAY[role]:
                act()
            else:
                with pytest.raises(NotAllowed):
                    act()
            transaction.savepoint_rollback(point)


@pytest.mark.parametrize("who", ["south", "bassac", "north crew"])
def test_whoever_does_not_see_a_stop_finds_nothing_to_contest_or_judge(trucks, who):
    made = contest(trucks)
    with pytest.raises(NotFound):
        contest(trucks, by=who, sequence=6)
    with pytest.raises(NotFound):
        answer(made, trucks, by=who)
    with pytest.raises(NotFound):
        contest_stop(run_id=10**9, sequence=1, words="x", now=NOW, by=trucks.hall.by("north"))
