"""A contractor says that the outcome of a stop is wrong, and an official answers; both are kept with the outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from saat.actions.cases import ActRefused
from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.cases.permission import may
from saat.records.models import Contest, Run, StopRun, StopRunRevision
from saat.records.plan_values import run_plan
from saat.terms.case import Role
from saat.terms.run import Outcome
from saat.triage.words import clean_words

# What an official may find instead, when the contractor is right.
FOUND = (Outcome.COLLECTED, Outcome.LATE, Outcome.PARTIAL, Outcome.SKIPPED, Outcome.NOT_PRESENTED, Outcome.EXCUSED,
         Outcome.UNKNOWN)  # fmt: skip
# Nothing speaks against the contractor there.
_NOTHING_TO_CONTEST = frozenset({Outcome.COLLECTED, Outcome.EXPECTED, Outcome.EXCUSED})
_COUNTERS: dict[str, frozenset[Outcome]] = {
    "served": frozenset({Outcome.COLLECTED, Outcome.LATE}),
    "late": frozenset({Outcome.LATE}),
    "missed": frozenset({Outcome.MISSED}),
    "skipped": frozenset({Outcome.SKIPPED}),
    "unknown": frozenset({Outcome.UNKNOWN}),
}
MARKS: dict[Outcome, str] = {
    Outcome.COLLECTED: "c", Outcome.LATE: "l", Outcome.PARTIAL: "p", Outcome.MISSED: "m", Outcome.SKIPPED: "s",
    Outcome.NOT_PRESENTED: "n", Outcome.EXCUSED: "x", Outcome.UNKNOWN: "u", Outcome.EXPECTED: "e",
}  # fmt: skip


def may_on(outcome: StopRun, *, by: Actor, act: str) -> bool:
    """Return whether somebody may contest or judge the outcome of a stop. Its run, stop and area must be loaded."""
    return may(_roles(outcome, by), act)


def may_contest_now(outcome: StopRun) -> bool:
    """Return whether an outcome can still be contested, whoever asks: it speaks against somebody, and is not frozen."""
    return outcome.run.frozen_at is None and Outcome(outcome.outcome) not in _NOTHING_TO_CONTEST


def contest_stop(*, run_id: int, sequence: int, words: str, now: datetime, by: Actor) -> Contest:
    """Write down that a contractor holds an outcome for wrong, and why.

    :raises NotFound: if there is no such outcome for this person.
    :raises NotAllowed: if the person is not the contractor's.
    :raises ActRefused: if nothing can be contested here any more, if somebody did already, or without words.
    """
    with writing(_city_of_run(run_id), now=now, by=by) as log:
        outcome = _locked(by, act="contest", run_id=run_id, sequence=sequence)
        said = clean_words(words)[:1000]
        if outcome.run.frozen_at is not None:
            raise ActRefused(_("The time for corrections of this run is over."))
        if not may_contest_now(outcome):
            raise ActRefused(_("Nothing stands against the contractor at this stop."))
        if not said:
            raise ActRefused(_("Please say what really happened at this stop."), field="words")
        if outcome.contests.filter(answered_at__isnull=True).exists():
            raise ActRefused(_("This stop is contested already; the answer is being awaited."))
        contractor_id = outcome.run.contractor_id
        if contractor_id is None:
            raise ActRefused(_("This run belongs to no contractor."))
        contest = Contest.objects.create(
            city_id=outcome.city_id,
            stop_run=outcome,
            contractor_id=contractor_id,
            words=said,
            said_at=now,
            by_id=by.id if by.kind == "user" else None,
        )
        _tell(log, "stop_contested", outcome, facts={"contest": contest.pk, "outcome": outcome.outcome})
        return contest


def answer_contest(
    *, contest_id: int, accepted: bool, answer: str, now: datetime, by: Actor, found: Outcome = Outcome.COLLECTED
) -> Contest:
    """Answer a contest; if it is right, the stop's outcome becomes what was found, as one more revision.

    A contest that was raised in time counts whenever it is answered.

    :raises NotFound: if there is no such contest for this person.
    :raises NotAllowed: if the person's role does not judge contests of this area.
    :raises ActRefused: if it was answered already, without words, or with an outcome that is no finding.
    """
    known = Contest.objects.filter(pk=contest_id).values_list("city_id", "stop_run__run_id", "stop_run__sequence")
    row = known.first()
    if row is None:
        raise NotFound(_("There is no such contest for you."))
    city_id, run_id, sequence = row
    with writing(city_id, now=now, by=by) as log:
        outcome = _locked(by, act="judge_contest", run_id=run_id, sequence=sequence)
        contest = Contest.objects.select_for_update().get(pk=contest_id)
        said = clean_words(answer)[:1000]
        if contest.answered_at is not None:
            raise ActRefused(_("This contest was answered already."))
        if not said:
            raise ActRefused(_("Please give the contractor your reasons."), field="answer")
        if accepted and found not in FOUND:
            raise ActRefused(_("Please say what happened at this stop instead."), field="found")
        contest.answered_at, contest.accepted, contest.answer = now, accepted, said
        contest.answered_by_id = by.id if by.kind == "user" else None
        contest.save(update_fields=["answered_at", "accepted", "answer", "answered_by"])
        before = outcome.outcome
        if accepted:
            _revise(outcome, contest, found=found, now=now, by=by)
        facts = {"contest": contest.pk, "accepted": accepted, "before": before, "after": outcome.outcome}
        _tell(log, "contest_answered", outcome, facts=facts)
        return contest


def _revise(outcome: StopRun, contest: Contest, *, found: Outcome, now: datetime, by: Actor) -> None:
    run = Run.objects.select_for_update().get(pk=outcome.run_id)
    before = outcome.outcome
    outcome.outcome, outcome.decided_by, outcome.decided_at = found, "contest", now
    outcome.revision += 1
    outcome.settle_by = ""
    outcome.save(update_fields=["outcome", "decided_by", "decided_at", "revision", "settle_by"])
    StopRunRevision.objects.create(
        city_id=outcome.city_id,
        stop_run=outcome,
        at=now,
        before=before,
        after=found,
        p_served=outcome.p_served,
        why="contest",
        actor=str(by),
        after_freeze=run.frozen_at is not None and contest.said_at > run.frozen_at,
        evidence=outcome.evidence,
    )
    rows = StopRun.objects.filter(run=run).values_list("outcome").annotate(n=Count("pk"))
    counted: dict[str, int] = dict(rows.order_by())
    for name, outcomes in _COUNTERS.items():
        setattr(run, name, sum(counted.get(each, 0) for each in outcomes))
    run.view = _remarked(run, outcome.sequence, found)
    run.save(update_fields=[*_COUNTERS, "view"])


def _remarked(run: Run, sequence: int, found: Outcome) -> dict[str, Any]:
    """Return the run's view with the letter of one stop changed."""
    marks = run.view.get("marks", "")
    # As the follower counts them: without the stops at which nothing is collected on that day.
    sequences = [stop.sequence for stop in run_plan(run).stops]
    if sequence not in sequences or len(sequences) != len(marks):
        return run.view
    before = sequences.index(sequence)
    return {**run.view, "marks": f"{marks[:before]}{MARKS[found]}{marks[before + 1 :]}"}


def _city_of_run(run_id: int) -> int:
    city_id = Run.objects.filter(pk=run_id).values_list("city_id", flat=True).first()
    if city_id is None:
        raise NotFound(_("There is no such run for you."))
    return city_id


def _locked(by: Actor, *, act: str, run_id: int, sequence: int) -> StopRun:
    rows = StopRun.objects.select_for_update(of=("self",)).select_related("run", "stop__area")
    outcome = rows.filter(run_id=run_id, sequence=sequence).first()
    if outcome is None or not _roles(outcome, by):
        raise NotFound(_("There is no such stop for you."))
    if not may_on(outcome, by=by, act=act):
        raise NotAllowed(_("Your role does not allow this."))
    return outcome


def _roles(outcome: StopRun, by: Actor) -> set[Role]:
    area = outcome.stop.area
    return by.reach.roles_in(
        city_id=outcome.city_id,
        area_path=area.path if area else "",
        contractor_id=outcome.run.contractor_id,
        crew_id=None,
    )


def _tell(log: Log, kind: str, outcome: StopRun, *, facts: dict[str, Any]) -> None:
    facts = {"run": outcome.run_id, "stop": outcome.stop_id, "sequence": outcome.sequence, **facts}
    log.append(kind, subject=f"run:{outcome.run_id}", facts=facts)
