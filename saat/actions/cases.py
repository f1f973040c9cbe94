"""What officials, contractors and crews do with one case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from saat.actions import settling
from saat.actions.citymap import city_map
from saat.actions.links import make_link
from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.actions.outbox import queue, queue_all
from saat.actions.voices import reopen
from saat.cases.deadlines import due_after_change
from saat.cases.escalation import steps_after_return
from saat.cases.moves import check_move
from saat.cases.permission import may
from saat.records import quick
from saat.records.models import Case, Contractor, Crew, EarlierText, Event, Message, Note, ServiceRequest, User
from saat.records.scope import reach_of
from saat.terms.case import Ending, ServiceLevel, State, Urgency
from saat.terms.codes import spoken
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.triage.nearby import cell_of
from saat.triage.words import clean_words


class ActRefused(Exception):
    """What was asked cannot be done as asked; the message says why and what is possible. field: the one at fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


# Events that leave it as right to go on as it was: nobody needs to hear of them before a case is assigned or closed.
_QUIET = ("case_seen", "note_written", "reporter_told", "reporter_asked", "alert_raised", "alert_unheard",
          "alert_acknowledged", "alert_passed_on", "link_made", "link_withdrawn", "case_escalated")  # fmt: skip


class ChangedMeanwhile(Exception):
    """Somebody else did something to the case after the page was read; nothing was written.

    events: what happened, oldest first; the last one's id, sent with the same act again, means "do it all the same".
    """

    def __init__(self, events: list[Event]) -> None:
        super().__init__(_("Something happened to this case while you were reading it."))
        self.events = events


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignee:
    """To whom a case is handed: a person, a crew or a contractor; exactly one."""

    user_id: int | None = None
    crew_id: int | None = None
    contractor_id: int | None = None


def city_of(case_id: int) -> int:
    """Return the city of a case.

    :raises NotFound: if there is no such case.
    """
    city_id = quick.city_of(case_id)
    if city_id is None:
        raise NotFound(_("There is no case %(number)d for you.") % {"number": case_id})
    return city_id


class Change:
    """One act on one case: loads it locked, remembers it as it was, saves and logs it with before and after.

    read_up_to: id of the latest event that the person had read; None where nobody read a page first.

    :raises ActRefused: if the case was merged into another one: then the other one is to be acted on.
    :raises ChangedMeanwhile: if something that matters happened to the case since then.
    """

    def __init__(
        self, log: Log, case_id: int, act: str, *, read_up_to: int | None = None, merged: bool = False
    ) -> None:
        self.log = log
        self.case = log.case(case_id, act)
        if self.case.state == State.MERGED and not merged:
            raise ActRefused(_("This case was merged into another one. Act on that one, or undo the merge."))
        if read_up_to is not None:
            since = Event.objects.filter(case_id=case_id, id__gt=read_up_to).exclude(kind__in=_QUIET)
            events = list(since.exclude(actor=str(log.by)).order_by("id")[:20])
            if events:
                raise ChangedMeanwhile(events)
        self.policy: CityPolicy = self.case.city.policy_terms()
        self.before = settling.snapshot(self.case)

    def move(self, new: State) -> None:
        """Pass the case into another state.

        :raises MoveNotAllowed: if it cannot pass there from where it is.
        """
        check_move(code=spoken(self.case.code), old=State(self.case.state), new=new)
        self.case.state = new

    def done(self, kind: str, *, facts: dict[str, Any] | None = None, also: tuple[str, ...] = ()) -> Case:
        """Save and log."""
        settling.save(self.case, policy=self.policy, now=self.log.now, also=also)
        differing = settling.changed(self.before, settling.snapshot(self.case))
        self.log.append(kind, case_id=self.case.pk, facts={**(facts or {}), **differing})
        return self.case


def mark_seen(*, case_id: int, now: datetime, by: Actor) -> None:
    """Write down that somebody who could take a case opened it for the first time; part of the time to act.

    Nothing happens for others who may see it: an auditor's look helps nobody.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        case = log.case(case_id, "see")
        if by.may("take", case) and Case.objects.filter(pk=case.pk, seen_at__isnull=True).update(seen_at=now):
            log.append("case_seen", case_id=case.pk)


def take_case(*, case_id: int, now: datetime, by: Actor) -> Case:
    """Answer for a case oneself; whoever it was handed to does not have it any more.

    :raises MoveNotAllowed: if it is taken or closed already.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "take")
        change.move(State.TAKEN)
        case = change.case
        case.owner_id = by.id if by.kind == "user" else case.owner_id
        case.contractor = case.crew = None
        case.taken_at = case.taken_at or now
        case.seen_at = case.seen_at or now
        return change.done("case_taken", also=("seen_at",))


def release_case(*, case_id: int, now: datetime, by: Actor, read_up_to: int | None = None) -> Case:
    """Put a case back into the queue; its promise stays, its wait begins anew.

    :raises MoveNotAllowed: if it is not taken or assigned.
    :raises ChangedMeanwhile: if something that matters happened to the case since `read_up_to`.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "take", read_up_to=read_up_to)
        change.move(State.OPEN)
        case = change.case
        case.owner = case.crew = case.contractor = None
        case.waiting_since = now
        case.steps_done = sorted(steps_after_return(policy=change.policy, steps_done=frozenset(case.steps_done)))
        return change.done("case_released")


def assign_case(*, case_id: int, to: Assignee, now: datetime, by: Actor, read_up_to: int | None = None) -> Case:
    """Hand a case to a person, a crew or a contractor, and queue the message that tells them.

    read_up_to: id of the latest event that the person who assigns had read.

    :raises ActRefused: if they are not of this city, or cannot work on this case.
    :raises ChangedMeanwhile: if something that matters happened to the case since then.
    :raises MoveNotAllowed: if the case is closed.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "assign", read_up_to=read_up_to)
        change.move(State.ASSIGNED)
        case = change.case
        if sum(chosen is not None for chosen in (to.user_id, to.crew_id, to.contractor_id)) != 1:
            raise ActRefused(_("Please choose one person, crew or contractor."), field="to")
        if by.kind == "user" and case.contractor_id and not _is_official(by, case):
            # A dispatcher hands work to the own crews only.
            own = Crew.objects.filter(pk=to.crew_id or 0, contractor_id=case.contractor_id).exists()
            if not own:
                raise NotAllowed(_("You can hand this case only to crews of your own company."))
        _hand_over(case, to)
        case.taken_at = case.taken_at or now
        case.seen_at = case.seen_at or now
        facts = {"user": to.user_id, "crew": to.crew_id, "contractor": to.contractor_id}
        done = change.done("case_assigned", facts=facts, also=("seen_at",))
        make_link(log, case=case)
        queue(
            city_id=case.city_id,
            kind="worker.assigned",
            dedupe_key=f"assigned:{case.pk}:{log.now.isoformat()}",
            facts={"case": case.pk, **facts},
            now=now,
        )
        return done


def _is_official(by: Actor, case: Case) -> bool:
    return bool({str(role) for role in by.roles_for(case)} - {"contractor", "crew"})


def _hand_over(case: Case, to: Assignee) -> None:
    if to.user_id is not None:
        user = User.objects.filter(pk=to.user_id, is_active=True).first()
        if user is None or not may(reach_of(user).roles_for(case), "take"):
            raise ActRefused(_("This person does not work in the area of this case."), field="to")
        case.owner_id = user.pk
        case.crew_id = case.contractor_id = None
    elif to.crew_id is not None:
        crew = Crew.objects.filter(pk=to.crew_id, city_id=case.city_id, active=True).first()
        if crew is None:
            raise ActRefused(_("This crew is not of this city any more."), field="to")
        case.crew_id, case.contractor_id = crew.pk, crew.contractor_id
    else:
        contractor = Contractor.objects.filter(pk=to.contractor_id or 0, city_id=case.city_id, active=True).first()
        if contractor is None:
            raise ActRefused(_("This contractor is not of this city any more."), field="to")
        case.contractor_id, case.crew_id = contractor.pk, None


def arrive(*, case_id: int, now: datetime, by: Actor) -> Case:
    """Write down that somebody is at the place."""
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "arrive")
        change.move(State.ON_SITE)
        case = change.case
        case.on_site_at = case.on_site_at or now
        case.taken_at = case.taken_at or now
        return change.done("case_on_site")


def change_case(
    *,
    case_id: int,
    now: datetime,
    by: Actor,
    service_code: str | None = None,
    point: Point | None = None,
    area_id: int | None = None,
    address: str | None = None,
    read_up_to: int | None = None,
) -> Case:
    """Correct a case's category or place. The promise is recomputed from the first report, never from now.

    :raises ActRefused: if the category is unknown, the place is outside the city, or nothing differs.
    :raises ChangedMeanwhile: if something that matters happened to the case since `read_up_to`.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "change", read_up_to=read_up_to)
        case, policy, ground = change.case, change.policy, city_map(change.case.city)
        place_before = settling.place_as_text(case)
        earlier = {}
        if service_code is not None:
            if not policy.has_category(service_code):
                raise ActRefused(_("There is no such category in this city."), field="service_code")
            case.service_code = service_code
        if address is not None:
            earlier["address"] = case.address
            case.address = clean_words(address, limit=300).replace("\n", " ")
        if point is not None:
            inside = ground.index.area_of(point) if ground.index else area_id
            if inside is None and ground.index:
                raise ActRefused(_("This place is outside the city."), field="place")
            landmark = ground.landmark_at(point)
            case.lat, case.lon, case.cell = point.lat, point.lon, cell_of(point)
            case.area_id, case.place_id = inside, landmark.place_id if landmark else None
            case.service_level = landmark.service_level if landmark else ServiceLevel.USUAL
        elif area_id is not None:
            if area_id not in ground.paths:
                raise ActRefused(_("This area is not in the city."), field="area")
            case.area_id, case.place_id, case.service_level = area_id, None, ServiceLevel.USUAL
            case.lat = case.lon = case.cell = None
        _recompute_due(case, policy=policy, now=now)
        if settling.snapshot(case) == change.before:
            raise ActRefused(_("Nothing differs from what is written there already."))
        if settling.place_as_text(case) != place_before:
            earlier["place"] = place_before
        kept = [
            EarlierText.objects.create(city_id=case.city_id, case=case, field=field, text=text).pk
            for field, text in earlier.items()
            if field == "place" or text != case.address
        ]
        reindex(case)
        return change.done("case_changed", facts={"earlier": kept} if kept else {})


def reindex(case: Case) -> None:
    """Write the words by which a case is found anew, after its place, its category or its reports changed."""
    said = [case.summary, *ServiceRequest.objects.filter(case=case).values_list("words", flat=True)[:50]]
    settling.index_words(case, said=said, ground=city_map(case.city), policy=case.city.policy_terms())


def set_urgency(*, case_id: int, urgency: Urgency, now: datetime, by: Actor) -> Case:
    """Set how soon somebody must act; the promise is recomputed from the first report."""
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "priority")
        change.case.urgency = urgency
        _recompute_due(change.case, policy=change.policy, now=now)
        return change.done("urgency_set")


def _recompute_due(case: Case, *, policy: CityPolicy, now: datetime) -> None:
    if policy.has_category(case.service_code):
        case.due_at = due_after_change(
            policy=policy,
            service_code=case.service_code,
            opened_at=case.opened_at,
            service_level=ServiceLevel(case.service_level),
            urgency=Urgency(case.urgency),
            promised_at=case.due_at,
            now=now,
        )


def close_case(*, case_id: int, now: datetime, by: Actor, note: str = "", read_up_to: int | None = None) -> Case:
    """Close a case with the claim that it is fixed, without a photo; the public reads that there is no proof.

    With a photo, use `saat.actions.proof.prove_case`.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "close", read_up_to=read_up_to)
        return close(change.log, change=change, ending=Ending.CLAIMED, note=note)


def close_without_fix(
    *, case_id: int, reason_code: str, now: datetime, by: Actor, note: str = "", read_up_to: int | None = None
) -> Case:
    """Close a case without claiming a fix; the reporter reads the reason.

    :raises ActRefused: if the city's policy has no such reason.
    :raises ChangedMeanwhile: if something that matters happened to the case since `read_up_to`.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "close_no_fix", read_up_to=read_up_to)
        if not any(reason.code == reason_code for reason in change.policy.closing_reasons):
            raise ActRefused(_("Please choose one of the reasons."), field="reason_code")
        change.case.reason_code = reason_code
        return close(change.log, change=change, ending=Ending.NO_FIX, note=note)


def close(log: Log, *, change: Change, ending: Ending, note: str, facts: dict[str, Any] | None = None) -> Case:
    """Close the case of a change, tell its reporters and log it; for actions that close in their own way."""
    change.move(State.CLOSED)
    case = change.case
    case.ending = ending
    case.closed_at = log.now
    case.taken_at = case.taken_at or log.now
    case.seen_at = case.seen_at or log.now
    if ending is Ending.PROVED:
        case.proved_at = log.now
    if clean_words(note):
        _write_note(log, case, note)
    done = change.done(
        "case_closed", facts={"ending": str(ending), "reason": case.reason_code, **(facts or {})}, also=("seen_at",)
    )
    tell_reporters(log, case=case, kind="reporter.closed")
    return done


def tell_reporters(log: Log, *, case: Case, kind: str, message_id: int | None = None, only: int | None = None) -> None:
    """Queue a message to everybody who left an address with a report of this case; two queries.

    only: the one report whose reporter is meant.
    """
    with_address = ServiceRequest.objects.filter(case=case).exclude(contact__isnull=True).exclude(contact__email="")
    if only is not None:
        with_address = with_address.filter(pk=only)
    about = {"case": case.pk} if message_id is None else {"case": case.pk, "message": message_id}
    messages = [
        (f"{kind}:{case.pk}:{request_id}:{message_id or log.now.isoformat()}", {"service_request": request_id, **about})
        for request_id in with_address.values_list("pk", flat=True)
    ]
    queue_all(city_id=case.city_id, kind=kind, messages=messages, now=log.now)


def reopen_case(*, case_id: int, now: datetime, by: Actor, note: str = "") -> Case:
    """Put a closed case back into the queue."""
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "reopen")
        reopen(change.case, policy=change.policy, now=now)
        if clean_words(note):
            _write_note(log, change.case, note)
        return change.done("case_reopened")


def add_note(*, case_id: int, text: str, now: datetime, by: Actor, by_name: str = "") -> Note:
    """Write a private note, for officials and for whom the case was handed to; the public never sees it.

    :raises ActRefused: if it is empty.
    """
    if not clean_words(text):
        raise ActRefused(_("The note is empty."), field="text")
    with writing(city_of(case_id), now=now, by=by) as log:
        case = log.case(case_id, "note")
        note = _write_note(log, case, text, by_name=by_name)
        Case.objects.filter(pk=case.pk).update(updated_at=now)
        return note


def _write_note(log: Log, case: Case, text: str, by_name: str = "") -> Note:
    note = Note.objects.create(
        city_id=case.city_id,
        case=case,
        text=clean_words(text),
        written_at=log.now,
        by_id=log.by.id if log.by.kind == "user" else None,
        by_link_id=log.by.id if log.by.kind == "link" else None,
        by_name=by_name[:120],
    )
    log.append("note_written", case_id=case.pk, facts={"note": note.pk})
    return note


def message_reporter(
    *, case_id: int, text: str, now: datetime, by: Actor, asks: bool = False, service_request_id: int | None = None
) -> Message:
    """Write to the reporters of a case, or to one of them; they read it on their page, and by e-mail if they left one.

    asks: whether an answer is wanted; the reporter's page then shows a box for it.

    :raises ActRefused: if it is empty, or the report is not of this case.
    """
    if not clean_words(text):
        raise ActRefused(_("The message is empty."), field="text")
    with writing(city_of(case_id), now=now, by=by) as log:
        case = Change(log, case_id, "ask" if asks else "message").case
        requests = ServiceRequest.objects.filter(case=case)
        if service_request_id is not None and not requests.filter(pk=service_request_id).exists():
            raise ActRefused(_("This report does not belong to this case any more."), field="to")
        message = Message.objects.create(
            city_id=case.city_id,
            case=case,
            service_request_id=service_request_id,
            to_reporter=True,
            asks=asks,
            text=clean_words(text),
            said_at=now,
            by_id=by.id if by.kind == "user" else None,
        )
        Case.objects.filter(pk=case.pk).update(updated_at=now)
        log.append("reporter_asked" if asks else "reporter_told", case_id=case.pk, facts={"message": message.pk})
        tell_reporters(log, case=case, kind="reporter.message", message_id=message.pk, only=service_request_id)
        return message


def answer_office(*, token: str, text: str, now: datetime, by: Actor) -> Message:
    """Take in what a reporter answers through their own link.

    :raises NotFound: if the link is of no report.
    :raises ActRefused: if it is empty.
    """
    request = ServiceRequest.objects.filter(token=token).first()
    if request is None:
        raise NotFound(_("This link is not valid any more, or was copied only in part."))
    if not clean_words(text):
        raise ActRefused(_("The message is empty."), field="text")
    with writing(request.city_id, now=now, by=by) as log:
        request = ServiceRequest.objects.get(pk=request.pk)  # its case may have changed while we waited for the lock
        message = Message.objects.create(
            city_id=request.city_id,
            case_id=request.case_id,
            service_request=request,
            to_reporter=False,
            text=clean_words(text),
            said_at=now,
        )
        Case.objects.filter(pk=request.case_id).update(updated_at=now)
        log.append("reporter_answered", case_id=request.case_id, facts={"message": message.pk})
        return message
