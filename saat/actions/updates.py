"""What another system says of a report that it brought, or that it follows."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotFound, writing
from saat.actions.voices import living_case, voice_on
from saat.records.models import ApiKey, Case, City, Event, Message, Note, PartnerUpdate, ServiceRequest
from saat.terms.case import Channel, State, Voice
from saat.terms.public import PostedUpdate
from saat.triage.words import clean_words

_WORDS = 4000
_OPEN, _REOPEN, _FIXED, _CLOSED = "OPEN", "REOPEN", "FIXED", "CLOSED"


def receive_update(*, city: City, api_key: ApiKey, update: PostedUpdate, now: datetime, by: Actor) -> str:
    """Take in what a partner says of a report, once; return the id by which the partner will meet it again.

    Another system's word never moves a case by itself, save what a resident's own word would do:

    - FIXED is a resident's "it is gone"; it confirms a case that was closed as cleaned.
    - OPEN or REOPEN about a closed case is a resident's "it is still there" and reopens it, unless it was said before
      the case was closed. REOPEN about an open one is one more voice.
    - OPEN about an open case, or CLOSED about a closed one, is what the reporter has to say: a message to the office.
    - Everything else (IN_PROGRESS, DUPLICATE, NOT_COUNCILS_RESPONSIBILITY …) is another office's view: a private note.

    :raises NotFound: if the city has no such report.
    """
    with writing(city.pk, now=now, by=by) as log:
        known = PartnerUpdate.objects.filter(api_key=api_key, update_id=update.update_id).first()
        if known is not None:
            return f"{known.event_id}.{known.service_request_id}"
        request = ServiceRequest.objects.filter(pk=update.service_request_id, city=city, voice=Voice.REPORT).first()
        if request is None:
            raise NotFound(_("There is no service request “%(number)s”.") % {"number": update.service_request_id})
        event = _take_in(log, city=city, api_key=api_key, request=request, update=update)
        log.flush()
        PartnerUpdate.objects.create(
            city=city,
            api_key=api_key,
            update_id=update.update_id,
            service_request=request,
            status=update.status,
            said_at=update.said_at,
            received_at=now,
            event_id=event.pk,
        )
    return f"{event.pk}.{request.pk}"


def _take_in(log: Log, *, city: City, api_key: ApiKey, request: ServiceRequest, update: PostedUpdate) -> Event:
    case = living_case(request.case_id)
    closed = State(case.state) is State.CLOSED
    words = clean_words(update.words, limit=_WORDS)
    if update.media_url:
        words = f"{words}\n{update.media_url}".strip()
    late = closed and update.said_at is not None and case.closed_at is not None and update.said_at < case.closed_at
    voice = None
    if update.status == _FIXED:
        voice = Voice.GONE
    elif update.status == _REOPEN or (update.status == _OPEN and closed):
        voice = None if late else Voice.STILL_THERE
    if voice is not None:
        _receipt, event = voice_on(
            log, case=case, city=city, voice=voice, words=words, channel=Channel.OPEN311, api_key=api_key
        )
        return event
    if words and update.status in (_OPEN, _REOPEN, _CLOSED) and (update.status != _CLOSED or closed):
        return _say(log, case=case, request=request, words=words)
    return _note(log, case=case, partner=api_key.name, status=update.status, words=words)


def _say(log: Log, *, case: Case, request: ServiceRequest, words: str) -> Event:
    message = Message.objects.create(
        city_id=case.city_id, case=case, service_request=request, to_reporter=False, text=words, said_at=log.now
    )
    Case.objects.filter(pk=case.pk).update(updated_at=log.now)
    return log.append("reporter_answered", case_id=case.pk, facts={"message": message.pk})


def _note(log: Log, *, case: Case, partner: str, status: str, words: str) -> Event:
    text = f"{status.replace('_', ' ')}: {words}" if words else status.replace("_", " ")
    note = Note.objects.create(city_id=case.city_id, case=case, text=text, written_at=log.now, by_name=partner[:120])
    Case.objects.filter(pk=case.pk).update(updated_at=log.now)
    return log.append("note_written", case_id=case.pk, facts={"note": note.pk, "status": status})
