"""One run with all of its stops, one stop of it with its evidence, and the contests of a contractor."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from saat.actions.cases import ActRefused
from saat.actions.contests import FOUND, answer_contest, contest_stop, may_contest_now, may_on
from saat.actions.log import NotAllowed, NotFound
from saat.records import queries_trucks
from saat.records.models import Contest, CrewNote, PlannedStop, Run, StopRun
from saat.records.queries_trucks import RunFile, StopFile
from saat.terms.run import CrewReason, Outcome
from saat.web.desk import trucks_words, words
from saat.web.desk.casefile import Failed
from saat.web.desk.frame import actor_for, city_for, desk_view, reach_for
from saat.web.desk.trucks_chart import Dot, chart
from saat.web.desk.trucks_ready import ready_plan
from saat.web.desk.trucks_rows import Clock, RunRows, clock_for, counts_of, is_inside
from saat.web.desk.trucks_words import LETTER_OF, MARK_OF, MARKS


@desk_view
@require_GET
def page(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show one run: what is wrong, its time line, each stop with outcome and evidence, and what the crew said."""
    reach = reach_for(request)
    try:
        file = queries_trucks.run_file(reach, run_id)
    except Run.DoesNotExist as error:
        raise Http404 from error
    run = file.run
    clock = clock_for(run.city, timezone.now())
    rows = RunRows(reach, run.city, [run], clock=clock)
    stops = stops_of(file, clock=clock)
    context = {
        "section": "trucks",
        "run": run,
        "name": str(run.round),
        "clock": clock,
        "day": run.service_day,
        "span": f"{clock.say(run.starts_at)}\u2013{clock.say(run.ends_at)}",
        "state": trucks_words.RUN_STATES[run.state],
        "counts": counts_of(run),
        "troubles": rows.troubles(run, rows.findings_of(run)),
        "ready": ready_plan(run, clock=clock),
        "vehicles": _vehicles(file, rows),
        "phones": _phones(file, inside=is_inside(reach, run), now=clock.now),
        "chart": chart([stop["dot"] for stop in stops], now_s=_now_s(run, clock), zone=clock.zone),
        "stops": stops,
        "notes": [_note(note, file, clock=clock) for note in file.notes if note.stop_id is None],
        "as_of": clock.say(run.followed_at) if run.followed_at else "",
        "freeze": _freeze(run, clock=clock),
        "marks": MARKS.items(),
    }
    return render(request, "trucks/run.html", context)


def _now_s(run: Run, clock: Clock) -> float | None:
    return clock.now.timestamp() if run.state in ("planned", "running") else None


def stops_of(file: RunFile, *, clock: Clock) -> list[dict[str, Any]]:
    """Return each stop of a run as its table and its chart show it."""
    forecasts = {row[0]: row[1:] for row in file.run.view.get("stops", ())}
    risk_from = file.run.view.get("risk_from", 1.0)
    midnight = file.run.starts_at - timedelta(seconds=file.run.plan.starts_s)
    said: dict[int, list[CrewNote]] = {}
    for note in file.notes:
        said.setdefault(note.stop_id or 0, []).append(note)
    return [
        _stop(
            row,
            file.outcomes.get(row.sequence),
            place=place,
            forecast=forecasts.get(row.sequence),
            risk_from=risk_from,
            midnight=midnight,
            clock=clock,
            notes=[_note(note, file, clock=clock) for note in said.get(row.stop_id, ())],
            contest=file.contests.get(file.outcomes[row.sequence].pk) if row.sequence in file.outcomes else None,
        )
        for place, row in enumerate(file.planned, start=1)
    ]


def _stop(
    row: PlannedStop,
    outcome: StopRun | None,
    *,
    forecast: Any,
    risk_from: float,
    midnight: datetime,
    clock: Clock,
    notes: list[dict[str, Any]],
    contest: Contest | None,
    place: int = 0,
) -> dict[str, Any]:
    def at(seconds: float) -> str:
        return clock.say(midnight + timedelta(seconds=seconds))

    if outcome is not None and outcome.outcome == Outcome.EXPECTED:
        outcome = None  # it was decided once, and is open again
    decided = outcome is not None
    low, middle, high, p_miss = forecast if forecast and not decided else (None, None, None, 0.0)
    mark = MARK_OF[LETTER_OF[Outcome(outcome.outcome)]] if outcome is not None else "expected"
    if not decided and forecast and p_miss >= risk_from:
        mark = "risk"
    arrived = outcome.arrived_at if outcome is not None else None
    return {
        "sequence": row.sequence,
        "place": place,
        "number": row.stop.number,
        "name": row.stop.names.get(get_language() or "en") or next(iter(row.stop.names.values()), ""),
        "planned": at(row.planned_s),
        "window": f"{at(row.opens_s)}\u2013{at(row.closes_s)}",
        "mark": mark,
        "outcome": _("At risk") if mark == "risk" else trucks_words.outcome_words(outcome),
        "p_served": trucks_words.percent(outcome.p_served)
        if outcome is not None and outcome.p_served is not None
        else "",
        "arrived": clock.say(arrived) if arrived else "",
        "expected": _time(middle, clock),
        "band": f"{_time(low, clock)}\u2013{_time(high, clock)}" if low is not None else "",
        "p_miss": trucks_words.percent(p_miss) if mark == "risk" else "",
        "evidence": trucks_words.evidence_words(outcome.evidence)[:4] if outcome is not None else [],
        "settle": trucks_words.SETTLED_BY.get(outcome.settle_by, "") if outcome is not None else "",
        "revised": outcome.revision if outcome is not None else 0,
        "notes": notes,
        "contest": _contest_state(contest),
        "dot": Dot(
            place=place,
            mark=mark,
            planned_s=(midnight + timedelta(seconds=row.planned_s)).timestamp(),
            actual_s=arrived.timestamp() if arrived else None,
            low_s=low,
            middle_s=middle,
            high_s=high,
        ),
    }


def _time(moment_s: float | None, clock: Clock) -> str:
    return clock.say(datetime.fromtimestamp(moment_s, clock.now.tzinfo)) if moment_s is not None else ""


def _contest_state(contest: Contest | None) -> str:
    if contest is None:
        return ""
    if contest.answered_at is None:
        return _("contested, waits for an answer")
    return _("contested, and accepted") if contest.accepted else _("contested, and not accepted")


def _note(note: CrewNote, file: RunFile | StopFile, *, clock: Clock) -> dict[str, Any]:
    return {
        "id": note.pk,
        "at": clock.say(note.said_at),
        "reason": trucks_words.REASONS[CrewReason(note.reason)],
        "truck": note.vehicle.label if note.vehicle else "",
        "photo": bool(note.photo_digest),
        "whole_run": note.stop_id is None,
        "run": file.run.pk,
    }


def _vehicles(file: RunFile, rows: RunRows) -> list[dict[str, Any]]:
    """Return what each vehicle of a run does, was seen last, and what is wrong with its tracker."""
    clock = rows.clock
    known = {vehicle["id"]: vehicle for vehicle in file.run.view.get("vehicles", ())}
    labels = {vehicle.pk: vehicle.label for vehicle in file.vehicles} | {pk: rows.label(pk) for pk in known}
    told = []
    for pk, label in sorted(labels.items(), key=lambda item: item[1]):
        vehicle = known.get(pk, {}) if file.run.state == "running" else {}
        told.append(
            {
                "text": trucks_words.vehicle_words(vehicle, label=label, now=clock.now) if vehicle else label,
                "seen": _time(vehicle.get("seen"), clock),
                "faults": [str(trucks_words.FAULTS.get(fault, fault)) for fault in vehicle.get("faults", ())],
                "battery": trucks_words.percent(vehicle["battery"]) if vehicle.get("battery") is not None else "",
                "inferred": bool(vehicle.get("inferred")),
            }
        )
    return told


def _phones(file: RunFile, *, inside: bool, now: datetime) -> list[tuple[str, str]]:
    """Return (who, telephone) of those who can help: the company's dispatcher, and for the company its own crews."""
    company = file.run.contractor
    phones = [(company.name, company.phone)] if company and company.phone and not inside else []
    if inside and file.run.state == "running":
        phones += queries_trucks.crew_phones(file.run, [vehicle.pk for vehicle in file.vehicles], at=now)
    return phones


def _freeze(run: Run, *, clock: Clock) -> str:
    """Return whether outcomes of a run can still be corrected, in words."""
    if run.frozen_at is not None:
        at = words.moment(run.frozen_at, zone=clock.zone, today=clock.today)
        return _("The outcomes are final since %(time)s; later corrections are noted and change no penalty.") % {
            "time": at
        }
    until = run.ends_at + timedelta(hours=run.city.policy_terms().rounds.correction_h)
    at = words.moment(until, zone=clock.zone, today=clock.today)
    return _("Outcomes can be corrected and contested until %(time)s.") % {"time": at}


@desk_view
@require_GET
def stop(request: HttpRequest, run_id: int, sequence: int) -> HttpResponse:
    """Show one stop of a run: what was planned, seen and said, how the outcome changed, and its contests."""
    return _show_stop(request, run_id, sequence)


def _show_stop(
    request: HttpRequest, run_id: int, sequence: int, *, failed: Failed | None = None, status: int = 200
) -> HttpResponse:
    reach = reach_for(request)
    try:
        file = queries_trucks.stop_file(reach, run_id, sequence)
    except (Run.DoesNotExist, PlannedStop.DoesNotExist) as error:
        raise Http404 from error
    run, row, outcome = file.run, file.planned, file.outcome
    clock = clock_for(run.city, timezone.now())
    midnight = run.starts_at - timedelta(seconds=run.plan.starts_s)
    by = actor_for(request)
    forecast = next((each[1:] for each in run.view.get("stops", ()) if each[0] == sequence), None)
    told = _stop(
        row,
        outcome,
        forecast=forecast,
        risk_from=run.view.get("risk_from", 1.0),
        midnight=midnight,
        clock=clock,
        notes=[_note(note, file, clock=clock) for note in file.notes],
        contest=None,
    )
    if outcome is not None:
        told["evidence"] = trucks_words.evidence_words(outcome.evidence)
        outcome.run, outcome.stop = run, row.stop
    waiting = [contest for contest in file.contests if contest.answered_at is None]
    context = {
        "section": "trucks",
        "run": run,
        "name": str(run.round),
        "stop": told,
        "row": row,
        "outcome": outcome,
        "clock": clock,
        "stood": _stood(outcome),
        "blind": _blind(outcome, clock),
        "cover": trucks_words.percent(outcome.share) if outcome and outcome.share is not None else "",
        "revisions": [_revision(each, clock=clock) for each in file.revisions],
        "contests": [_contest(each, clock=clock) for each in file.contests],
        "freeze": _freeze(run, clock=clock),
        "may_contest": outcome is not None
        and not waiting
        and may_contest_now(outcome)
        and may_on(outcome, by=by, act="contest"),
        "waiting": waiting[0]
        if waiting and outcome is not None and may_on(outcome, by=by, act="judge_contest")
        else None,
        "found": [(str(each), trucks_words.OUTCOMES[each]) for each in FOUND],
        "failed": failed,
    }
    return render(request, "trucks/stop.html", context, status=status)


def _stood(outcome: StopRun | None) -> str:
    if outcome is None or outcome.arrived_at is None or outcome.left_at is None:
        return ""
    return _("%(n)d s") % {"n": round((outcome.left_at - outcome.arrived_at).total_seconds())}


def _blind(outcome: StopRun | None, clock: Clock) -> str:
    if outcome is None or outcome.blind_from_at is None or outcome.blind_until_at is None:
        return ""
    return f"{clock.say(outcome.blind_from_at)}\u2013{clock.say(outcome.blind_until_at)}"


def _revision(revision: Any, *, clock: Clock) -> dict[str, Any]:
    return {
        "at": words.moment(revision.at, zone=clock.zone, today=clock.today),
        "before": trucks_words.OUTCOMES.get(revision.before, "") if revision.before else "",
        "after": trucks_words.OUTCOMES.get(revision.after, revision.after),
        "why": trucks_words.WHYS.get(revision.why, revision.why),
        "p_served": trucks_words.percent(revision.p_served) if revision.p_served is not None else "",
        "after_freeze": revision.after_freeze,
    }


def _contest(contest: Contest, *, clock: Clock) -> dict[str, Any]:
    return {
        "id": contest.pk,
        "words": contest.words,
        "at": words.moment(contest.said_at, zone=clock.zone, today=clock.today),
        "answered": words.moment(contest.answered_at, zone=clock.zone, today=clock.today)
        if contest.answered_at
        else "",
        "accepted": contest.accepted,
        "answer": contest.answer,
    }


@desk_view
@require_POST
def contest(request: HttpRequest, run_id: int, sequence: int) -> HttpResponse:
    """Write down that the contractor holds the outcome for wrong."""
    given = request.POST.get("words", "")
    try:
        contest_stop(run_id=run_id, sequence=sequence, words=given, now=timezone.now(), by=actor_for(request))
    except NotFound as error:
        raise Http404 from error
    except (ActRefused, NotAllowed) as error:
        return _refused(request, run_id, sequence, act="contest", error=error)
    messages.success(request, _("The contest is written down. An official of the city answers it."))
    return HttpResponseRedirect(reverse("desk_trucks_stop", args=[run_id, sequence]))


@desk_view
@require_POST
def answer(request: HttpRequest, run_id: int, sequence: int, contest_id: int) -> HttpResponse:
    """Answer a contest: it is right, and what really happened; or it is not, and why."""
    found = request.POST.get("found", "")
    try:
        answer_contest(
            contest_id=contest_id,
            accepted=request.POST.get("accepted") == "yes",
            answer=request.POST.get("answer", ""),
            found=Outcome(found) if found in FOUND else Outcome.COLLECTED,
            now=timezone.now(),
            by=actor_for(request),
        )
    except NotFound as error:
        raise Http404 from error
    except (ActRefused, NotAllowed) as error:
        return _refused(request, run_id, sequence, act="answer", error=error)
    messages.success(request, _("Your answer is written down, and the contractor can read it."))
    return HttpResponseRedirect(reverse("desk_trucks_stop", args=[run_id, sequence]))


def _refused(request: HttpRequest, run_id: int, sequence: int, *, act: str, error: Exception) -> HttpResponse:
    values = {key: str(value) for key, value in request.POST.items() if key != "csrfmiddlewaretoken"}
    failed = Failed(act=act, error=str(error), at=getattr(error, "field", ""), values=values)
    return _show_stop(request, run_id, sequence, failed=failed, status=403 if isinstance(error, NotAllowed) else 422)


@desk_view
@require_GET
def contests(request: HttpRequest) -> HttpResponse:
    """Show the contests that wait for an answer, the oldest first."""
    city, reach = city_for(request), reach_for(request)
    clock = clock_for(city, timezone.now())
    waiting = [
        {
            **_contest(row, clock=clock),
            "run": row.stop_run.run_id,
            "sequence": row.stop_run.sequence,
            "round": str(row.stop_run.run.round),
            "day": row.stop_run.run.service_day,
            "stop": row.stop_run.stop.number,
            "contractor": row.contractor.name,
            "outcome": trucks_words.outcome_words(row.stop_run),
        }
        for row in queries_trucks.contest_list(reach, city)
    ]
    return render(request, "trucks/contests.html", {"section": "trucks", "clock": clock, "waiting": waiting})
