"""What residents say of a case after it exists: I see it too, it is gone, it is still there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from saat.actions import settling
from saat.actions.alerts import raise_alert
from saat.actions.citymap import city_map
from saat.actions.judging import raise_urgency
from saat.actions.log import Actor, Log, writing
from saat.actions.reports import receipt_of
from saat.cases.escalation import steps_after_return
from saat.cases.moves import check_move
from saat.records.models import ApiKey, Case, City, Event, ServiceRequest
from saat.terms.case import Channel, State, Urgency, Voice
from saat.terms.codes import new_token, spoken
from saat.terms.policy import CityPolicy
from saat.terms.report import Receipt, ReportRefused
from saat.triage.words import clean_words


def add_voice(*, token: str, voice: Voice, words: str, now: datetime, by: Actor, client_id: str = "") -> Receipt:
    """Take in what a reporter says of their case through their own link: it is gone, still there, or more words.

    "gone" confirms a closed case (and proves nothing about an open one, but is shown to the officials);
    "still there" reopens a closed case.

    :raises ReportRefused: if the link is of no report.
    """
    request = ServiceRequest.objects.select_related("case", "city").filter(token=token).first()
    if request is None:
        raise ReportRefused(_("This link is not valid any more, or was copied only in part."), code="unknown_link")
    city = request.city
    with writing(city.pk, now=now, by=by) as log:
        known = receipt_of(city=city, client_id=client_id) if client_id else None
        if known:
            return known
        case = living_case(request.case_id)
        return voice_on(log, case=case, city=city, voice=voice, words=words, client_id=client_id)[0]


def add_voice_by_code(*, city: City, code: str, words: str, now: datetime, by: Actor, client_id: str = "") -> Receipt:
    """Take in "I see it too" from somebody who knows only a case's short code; it never closes or reopens a case.

    :raises ReportRefused: if there is no such case.
    """
    with writing(city.pk, now=now, by=by) as log:
        known = receipt_of(city=city, client_id=client_id) if client_id else None
        if known:
            return known
        case_id = Case.objects.filter(city=city, code=code).values_list("pk", flat=True).first()
        if case_id is None:
            raise ReportRefused(_("There is no case with this code."), field="code", code="unknown_code")
        case = living_case(case_id)
        return voice_on(log, case=case, city=city, voice=Voice.ME_TOO, words=words, client_id=client_id)[0]


def living_case(case_id: int) -> Case:
    """Return a case, or the one into which it was merged, locked."""
    rows = Case.objects.select_for_update(of=("self",)).select_related("area")
    case = rows.get(pk=case_id)
    while case.merged_into_id is not None:
        case = rows.get(pk=case.merged_into_id)
    return case


def voice_on(
    log: Log,
    *,
    case: Case,
    city: City,
    voice: Voice,
    words: str,
    client_id: str = "",
    channel: Channel = Channel.WEB,
    api_key: ApiKey | None = None,
) -> tuple[Receipt, Event]:
    """Add a voice to a case that the caller has locked, for actions in other modules; return the event with it."""
    policy, ground, now = city.policy_terms(), city_map(city), log.now
    before = settling.snapshot(case)
    words = clean_words(words)
    request = ServiceRequest.objects.create(
        city=city,
        case=case,
        voice=voice,
        channel=channel,
        service_code=case.service_code,
        requested_at=now,
        area_id=case.area_id,
        words=words,
        client_id=client_id[:64],
        token=new_token(),
        api_key=api_key,
    )
    closed = State(case.state) is State.CLOSED
    kind = {Voice.GONE: "gone_said", Voice.STILL_THERE: "still_there_said"}.get(voice, "voice_added")
    if voice in (Voice.ME_TOO, Voice.REPORT, Voice.STILL_THERE):
        case.voices += 1
        case.last_voice_at = now
    if voice is Voice.STILL_THERE and closed:
        reopen(case, policy=policy, now=now)
        kind = "case_reopened"
    elif voice is Voice.GONE and closed and case.ending != "no_fix":
        case.ending = "confirmed"
        kind = "case_confirmed"
    why: list[str] = []
    if voice is not Voice.GONE and not State(case.state).is_closed:
        why = raise_urgency(case, words=words, policy=policy).get("urgency_why", [])
    settling.save(case, policy=policy, now=now, also=("last_voice_at",))
    said = list(ServiceRequest.objects.filter(case=case).values_list("words", flat=True)[:50])
    settling.index_words(case, said=said, ground=ground, policy=policy)
    facts: dict[str, Any] = {"service_request": request.pk, "voice": str(voice)}
    facts |= settling.changed(before, settling.snapshot(case))
    if why:
        facts["urgency_why"] = why
    event = log.append(kind, case_id=case.pk, facts=facts)
    if kind == "case_reopened":
        raise_alert(log, case=case, why="reopened", policy=policy)
    if why and case.urgency == Urgency.DANGER:
        raise_alert(log, case=case, why="danger", policy=policy)
    receipt = Receipt(service_request_id=request.pk, case_id=case.pk, token=request.token, code=case.code, joined=True)
    return receipt, event


def reopen(case: Case, *, policy: CityPolicy, now: datetime) -> None:
    """Put a closed case back into the queue, without saving it: its promise stays the old one, its wait begins anew."""
    check_move(code=spoken(case.code), old=State(case.state), new=State.OPEN)
    case.state, case.ending, case.reason_code = State.OPEN, "", ""
    case.closed_at = case.on_site_at = case.proved_at = None
    case.waiting_since = now
    case.owner = case.contractor = case.crew = None
    case.reopened += 1
    case.proof_failed = False
    case.steps_done = sorted(steps_after_return(policy=policy, steps_done=frozenset(case.steps_done)))
