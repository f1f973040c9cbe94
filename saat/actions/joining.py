"""Merging cases that are one trouble, splitting a case that is two, and undoing what was done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, Min
from django.utils.translation import gettext as _

from saat.actions import settling
from saat.actions.cases import ActRefused, Change, city_of, reindex
from saat.actions.citymap import city_map
from saat.actions.log import Actor, Log, NotAllowed, writing
from saat.actions.outbox import withdraw
from saat.actions.reports import shortened
from saat.cases.deadlines import due_at
from saat.cases.mends import undo_conflicts
from saat.records.models import Case, EarlierText, Event, Message, Photo, ServiceRequest
from saat.terms.case import ServiceLevel, State, Urgency, Voice
from saat.terms.codes import new_code
from saat.terms.geo import Point
from saat.triage.nearby import cell_of

_COUNTED = (Voice.REPORT, Voice.ME_TOO, Voice.STILL_THERE)
# Acts that can be undone, with the permission that undoing them asks for (that of the act itself).
UNDOABLE = {
    "case_taken": "take",
    "case_released": "take",
    "case_assigned": "assign",
    "case_on_site": "arrive",
    "case_changed": "change",
    "urgency_set": "priority",
    "case_closed": "close",
    "case_reopened": "reopen",
    "case_merged": "merge",
    "case_split": "split",
    "proof_accepted": "judge_proof",
}


def merge_cases(*, case_id: int, into_id: int, now: datetime, by: Actor, read_up_to: int | None = None) -> Case:
    """Make one case of two that are the same trouble; every report keeps its own time and moves to the case `into_id`.

    The clock of the earlier one goes on: neither report date nor promise moves later by a merge.

    :raises ActRefused: if the two are the same, or one of them is closed.
    :raises NotFound: if one of them is not this person's to see, or they are of different cities.
    :raises ChangedMeanwhile: if something that matters happened to the case since `read_up_to`.
    """
    if case_id == into_id:
        raise ActRefused(_("A case cannot be merged with itself."), field="into")
    city_id = city_of(case_id)
    with writing(city_id, now=now, by=by) as log:
        source = Change(log, case_id, "merge", read_up_to=read_up_to)
        target = Change(log, into_id, "merge")
        if State(target.case.state).is_closed:
            raise ActRefused(_("The other case is closed; reopen it first."), field="into")
        if State(source.case.state).is_closed:
            raise ActRefused(_("A closed case cannot be merged; reopen it first."))
        source.move(State.MERGED)
        source.case.closed_at = now
        return join(log, source=source, target=target)


def join(log: Log, *, source: Change, target: Change) -> Case:
    """Move everything of one case to another, whose clock becomes the earlier one, and write it down.

    For actions that have asked whether the two may become one; the source has its moment of closing.
    """
    goal = target.case
    source.case.state, source.case.merged_into = State.MERGED, goal
    moved = _move_rows(source.case.pk, goal.pk)
    goal.opened_at = min(goal.opened_at, source.case.opened_at)
    goal.due_at = min(goal.due_at, source.case.due_at)
    if Urgency(source.case.urgency).level > Urgency(goal.urgency).level:
        goal.urgency = source.case.urgency
    _recount(goal)
    for change in (source, target):
        settling.save(change.case, policy=change.policy, now=log.now, also=("last_voice_at", "has_photo", "summary"))
    reindex(goal)
    facts: dict[str, Any] = {
        "into": goal.pk,
        "into_code": goal.code,
        "moved": moved,
        "source": settling.changed(source.before, settling.snapshot(source.case)),
        "target": settling.changed(target.before, settling.snapshot(goal)),
    }
    log.append("case_merged", case_id=source.case.pk, facts=facts)
    log.append("case_joined", case_id=goal.pk, facts={"from": source.case.pk, "from_code": source.case.code})
    return goal


def split_case(
    *, case_id: int, service_request_ids: Sequence[int], now: datetime, by: Actor, read_up_to: int | None = None
) -> Case:
    """Make a case of its own of some reports of a case, with the clock that those reports have.

    :raises ActRefused: if none, or all, of its reports are chosen.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "split", read_up_to=read_up_to)
        old = change.case
        if State(old.state).is_closed:
            raise ActRefused(_("A closed case cannot be split; reopen it first."))
        requests = list(ServiceRequest.objects.filter(case=old, pk__in=service_request_ids).order_by("requested_at"))
        if not requests or not ServiceRequest.objects.filter(case=old).exclude(pk__in=service_request_ids).exists():
            raise ActRefused(_("Choose some of the reports, not all of them."), field="reports")
        new = _split_off(old, first=requests[0], policy_due=change)
        settling.settle(new, policy=change.policy, now=now)
        new.save(force_insert=True)
        moved = _move_rows(old.pk, new.pk, only=[request.pk for request in requests])
        for case in (old, new):
            _recount(case)
            settling.save(case, policy=change.policy, now=now, also=("last_voice_at", "has_photo", "summary"))
            reindex(case)
        facts = {
            "new": new.pk,
            "new_code": new.code,
            "moved": moved,
            "target": settling.changed(change.before, settling.snapshot(old)),
        }
        log.append("case_split", case_id=old.pk, facts=facts)
        log.append("case_opened", case_id=new.pk, facts={"split_from": old.pk, "split_from_code": old.code})
        return new


def _split_off(old: Case, *, first: ServiceRequest, policy_due: Any) -> Case:
    policy, ground = policy_due.policy, city_map(old.city)
    point = Point(lat=first.lat, lon=first.lon) if first.lat is not None and first.lon is not None else None
    landmark = ground.landmark_at(point) if point else None
    level = landmark.service_level if landmark else ServiceLevel.USUAL
    code = first.service_code if policy.has_category(first.service_code) else old.service_code
    return Case(
        city=old.city,
        code=new_code(),
        service_code=code,
        urgency=old.urgency,
        service_level=level,
        area_id=first.area_id or old.area_id,
        place_id=landmark.place_id if landmark else first.place_id,
        lat=point.lat if point else None,
        lon=point.lon if point else None,
        cell=cell_of(point) if point else None,
        address=first.address,
        opened_at=first.requested_at,
        last_voice_at=first.requested_at,
        waiting_since=first.requested_at,
        due_at=due_at(
            policy=policy,
            service_code=code,
            opened_at=first.requested_at,
            service_level=level,
            urgency=Urgency(old.urgency),
        ),
    )


def _move_rows(from_id: int, to_id: int, *, only: Sequence[int] | None = None) -> dict[str, list[int]]:
    """Move reports, with their photos and messages, to another case; return the ids moved, by table."""
    requests = ServiceRequest.objects.filter(case_id=from_id)
    photos = Photo.objects.filter(case_id=from_id)
    messages = Message.objects.filter(case_id=from_id)
    if only is not None:
        requests = requests.filter(pk__in=only)
        photos = photos.filter(service_request_id__in=only)
        messages = messages.filter(service_request_id__in=only)
    moved = {}
    for name, rows in (("requests", requests), ("photos", photos), ("messages", messages)):
        moved[name] = sorted(rows.values_list("pk", flat=True))
        rows.model.objects.filter(pk__in=moved[name]).update(case_id=to_id)
    return moved


def _move_back(moved: dict[str, list[int]], *, from_id: int, to_id: int) -> None:
    for name, model in (("requests", ServiceRequest), ("photos", Photo), ("messages", Message)):
        model.objects.filter(pk__in=moved[name], case_id=from_id).update(case_id=to_id)  # type: ignore[attr-defined]


def _recount(case: Case) -> None:
    """Count a case's voices again, and take its summary from its first report that has words."""
    voices = ServiceRequest.objects.filter(case=case, voice__in=_COUNTED)
    span = voices.aggregate(first=Min("requested_at"), last=Max("requested_at"))
    case.voices = voices.count()
    case.last_voice_at = span["last"] or case.last_voice_at
    case.has_photo = Photo.objects.filter(case=case, kind="report").exists()
    first = voices.exclude(words="").order_by("requested_at").values_list("words", flat=True).first()
    if first or case.voices:  # a case of the trucks alone keeps the line that its findings gave it
        case.summary = shortened(first or "")


def undo(*, event_id: int, now: datetime, by: Actor) -> Case:
    """Undo one act on a case: put back what it changed, if nothing has changed it again since.

    What a resident said is not undone: their "still there" can only be answered by closing the case again.

    :raises ActRefused: if the act cannot be undone, was undone already, or something it changed was changed since.
    """
    event = Event.objects.filter(pk=event_id, kind__in=UNDOABLE).first()
    if event is None or event.case_id is None or event.actor == "resident":
        raise ActRefused(_("This step cannot be undone."))
    with writing(event.city_id, now=now, by=by) as log:
        change = Change(log, event.case_id, "undo", merged=event.kind == "case_merged")
        if not by.may(UNDOABLE[event.kind], change.case):
            raise NotAllowed(_("Your role does not allow this."))
        if event.pk in undone(event.case_id):
            raise ActRefused(_("This step was undone already."))
        facts = event.facts
        if event.kind == "case_merged":
            case = _unmerge(log, change, facts)
        elif event.kind == "case_split":
            case = _unsplit(log, change, facts)
        else:
            case = _put_back(change, facts)
        if event.kind == "case_closed":
            withdraw(city_id=event.city_id, kind="reporter.closed", case_id=case.pk, now=now)
        log.append("act_undone", case_id=event.case_id, facts={"undoes": event.pk, "what": event.kind})
        return case


def undone(case_id: int) -> set[int]:
    """Return the ids of the events of a case that were undone."""
    rows = Event.objects.filter(case_id=case_id, kind="act_undone")
    return {row.facts["undoes"] for row in rows}


def _put_back(change: Change, facts: dict[str, Any]) -> Case:
    case, before = change.case, facts["before"]
    if undo_conflicts(before=before, after=facts["after"], current=settling.snapshot(case)):
        raise ActRefused(_("Something was changed since then, so this step cannot be undone by itself."))
    settling.put(case, before)
    for row in EarlierText.objects.filter(pk__in=facts.get("earlier", []), case=case):
        settling.put_earlier(case, field=row.field, text=row.text)
    settling.save(case, policy=change.policy, now=change.log.now)
    if {"area_id", "service_code", "address"} & set(before):
        reindex(case)
    return case


def _unmerge(log: Log, change: Change, facts: dict[str, Any]) -> Case:
    target = Change(log, facts["into"], "merge", merged=True)
    source = change.case
    if target.case.state == State.MERGED:
        raise ActRefused(_("The other case was merged again since then; undo that merge first."))
    if source.state != State.MERGED or source.merged_into_id != target.case.pk:
        raise ActRefused(_("Something was changed since then, so this step cannot be undone by itself."))
    _move_back(facts["moved"], from_id=target.case.pk, to_id=source.pk)
    settling.put(source, facts["source"]["before"])
    _put_back_if_unchanged(target.case, facts["target"])
    for case in (source, target.case):
        _recount(case)
        settling.save(case, policy=change.policy, now=log.now, also=("last_voice_at", "has_photo", "summary"))
        reindex(case)
    log.append("case_left", case_id=target.case.pk, facts={"to": source.pk, "to_code": source.code})
    return source


def _unsplit(log: Log, change: Change, facts: dict[str, Any]) -> Case:
    old = change.case
    new = Change(log, facts["new"], "split", merged=True).case
    if State(old.state).is_closed or new.state != State.OPEN:
        raise ActRefused(_("One of the two cases was worked on since then. Merge them instead."))
    _move_rows(new.pk, old.pk)  # with what came to the new case since then
    new.state, new.merged_into, new.closed_at = State.MERGED, old, log.now
    _put_back_if_unchanged(old, facts["target"])
    for case in (old, new):
        _recount(case)
        settling.save(case, policy=change.policy, now=log.now, also=("last_voice_at", "has_photo", "summary"))
        reindex(case)
    log.append("case_rejoined", case_id=new.pk, facts={"into": old.pk, "into_code": old.code})
    return old


def _put_back_if_unchanged(case: Case, differing: dict[str, dict[str, Any]]) -> None:
    """Put back each column that is still as the act left it; what was changed since stays."""
    current = settling.snapshot(case)
    values = {f: old for f, old in differing["before"].items() if current[f] == differing["after"][f]}
    settling.put(case, values)
