"""What officials, dispatchers and crews do from the page of a case: plain forms that work without a script.

Each act is one POST to `…/act/<name>`; it ends with a redirect and a message that has an Undo, or with the page again,
the form open, what was typed still in it, and the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from saat.actions import cases, declining, joining, links, proof
from saat.actions.advice import MoveNotAllowed
from saat.actions.cases import ActRefused, Assignee, ChangedMeanwhile
from saat.actions.log import Actor, NotAllowed, NotFound
from saat.actions.redaction import publish_photo
from saat.actions.texts import filled
from saat.records.models import Case
from saat.records.queries_case import CaseFile, case_file, case_id_of, events_between
from saat.records.scope import Reach
from saat.terms.case import Declined, Urgency
from saat.terms.codes import heard, spoken
from saat.terms.geo import Point
from saat.web.desk import words
from saat.web.desk.casefile import Failed, reporter_language, sentence, speech_of, whole_page
from saat.web.desk.frame import desk_view, reach_for


class Ask:
    """One act as it was asked for: who, on which case, with what."""

    def __init__(self, request: HttpRequest, file: CaseFile, *, now: datetime) -> None:
        self.request, self.file, self.now = request, file, now
        self.by = actor_of(request)
        self.case_id = file.case.pk

    def text(self, name: str) -> str:
        """Return what was typed into a field."""
        return self.request.POST.get(name, "").strip()

    def number(self, name: str) -> int | None:
        """Return a whole number from a field; None for nothing, and for what is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    @property
    def usual(self) -> dict[str, Any]:
        """What every action needs."""
        return {"case_id": self.case_id, "now": self.now, "by": self.by}

    @property
    def read(self) -> dict[str, Any]:
        """The same, and up to which event the page had been read."""
        return {**self.usual, "read_up_to": self.number("read_up_to")}


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person as an actor, with the reach that was read for this request already."""
    reach = reach_for(request)
    return Actor(kind="user", id=reach.user_id, user=request.user, reach=reach)  # type: ignore[arg-type]


def _take(ask: Ask) -> str:
    cases.take_case(**ask.usual)
    return _("You answer for the case now.")


def _release(ask: Ask) -> str:
    cases.release_case(**ask.read)
    return _("The case is back in the queue.")


def _assign(ask: Ask) -> str:
    kind, _sign, number = ask.text("to").partition(":")
    chosen = int(number) if number.isascii() and number.isdigit() else None
    to = {
        "user": Assignee(user_id=chosen),
        "crew": Assignee(crew_id=chosen),
        "contractor": Assignee(contractor_id=chosen),
    }
    cases.assign_case(to=to.get(kind, Assignee()), **ask.read)
    after = case_file(ask.case_id, reach=ask.by.reach)
    who = (after.case.crew or after.case.contractor or after.case.owner) if after else None
    return _("The case was given to %(name)s.") % {"name": who or ""}


def _arrive(ask: Ask) -> str:
    cases.arrive(**ask.usual)
    return _("Written down: somebody is on site.")


def _decline(ask: Ask) -> str:
    try:
        reason = Declined(ask.text("reason"))
    except ValueError as error:
        raise ActRefused(_("Please choose one of the reasons."), field="reason") from error
    declining.decline_case(reason=reason, text=ask.text("text"), by_name=str(ask.request.user), **ask.usual)
    return _("The case went back to the office.")


def _close(ask: Ask) -> str:
    cases.close_case(note=ask.text("note"), **ask.read)
    return _("Closed as cleaned, without a photo. The reporters are told so.")


def _close_no_fix(ask: Ask) -> str:
    cases.close_without_fix(reason_code=ask.text("reason_code"), note=ask.text("note"), **ask.read)
    return _("Closed without cleaning. The reporters read the reason.")


def _reopen(ask: Ask) -> str:
    cases.reopen_case(note=ask.text("note"), **ask.usual)
    return _("The case is open again.")


def _accept_proof(ask: Ask) -> str:
    proof.accept_proof(**ask.usual)
    return _("The proof is accepted.")


def _as_read(ask: Ask) -> str:
    """Return a message as the reporter will read it."""
    policy, language = ask.file.case.city.policy_terms(), reporter_language(ask.file, ask.number("to"))
    return filled(ask.text("text"), case=ask.file.case, policy=policy, language=language)


def _message(ask: Ask) -> str:
    asks = ask.text("asks") == "1"
    cases.message_reporter(text=_as_read(ask), asks=asks, service_request_id=ask.number("to"), **ask.usual)
    return _("The question was sent.") if asks else _("The message was sent.")


def _note(ask: Ask) -> str:
    cases.add_note(text=ask.text("text"), by_name=str(ask.request.user), **ask.usual)
    return _("The note is written.")


def _change(ask: Ask) -> str:
    case = ask.file.case
    changes: dict[str, Any] = {}
    if ask.text("service_code") not in ("", case.service_code):
        changes["service_code"] = ask.text("service_code")
    if "address" in ask.request.POST and ask.text("address") != case.address:
        changes["address"] = ask.text("address")
    point = _point(ask)
    area_id = ask.number("area_id")
    if point is not None and (point.lat, point.lon) != (case.lat, case.lon):
        changes["point"] = point
    elif area_id is not None and area_id != case.area_id:
        changes["area_id"] = area_id
    cases.change_case(**changes, **ask.read)
    return _("The case is corrected. Its promise is counted from the first report, as before.")


def _point(ask: Ask) -> Point | None:
    lat, lon = ask.text("lat"), ask.text("lon")
    if not lat and not lon:
        return None
    try:
        return Point(lat=float(lat), lon=float(lon))
    except ValueError as error:
        message = _("Please give the place as two numbers, latitude and longitude, such as 11.5564 and 104.9282.")
        raise ActRefused(message, field="place") from error


def _priority(ask: Ask) -> str:
    try:
        urgency = Urgency(ask.text("urgency"))
    except ValueError as error:
        raise ActRefused(_("Please choose how urgent it is."), field="urgency") from error
    cases.set_urgency(urgency=urgency, **ask.usual)
    return _("The urgency is %(urgency)s now.") % {"urgency": words.URGENCIES[urgency]}


def _merge(ask: Ask) -> str:
    into = ask.number("into") or _by_code(ask, "code")
    joining.merge_cases(into_id=into, **ask.read)
    return _("The two cases are one now. Every report keeps its own time.")


def _by_code(ask: Ask, name: str) -> int:
    code = heard(ask.text(name))
    found = case_id_of(code, reach=ask.by.reach) if code else None
    if found is None:
        raise ActRefused(_("There is no case with this code that you may see."), field="code")
    return found


def _split(ask: Ask) -> str:
    new = joining.split_case(service_request_ids=numbers(ask.request.POST.getlist("reports")), **ask.read)
    return _("The reports stand by themselves now, as case %(code)s.") % {"code": spoken(new.code)}


def _undo(ask: Ask) -> str:
    joining.undo(event_id=ask.number("event") or 0, now=ask.now, by=ask.by)
    return _("The step is undone.")


def _link(ask: Ask) -> str:
    token = links.renew_link(**ask.usual)
    address = ask.request.build_absolute_uri(f"/c/{token}")
    return _("The link to answer without an account, shown only now: %(address)s") % {"address": address}


def _publish(ask: Ask) -> str:
    public = ask.text("public") == "1"
    photo = next((photo.pk for photo in ask.file.photos if photo.pk == ask.number("photo")), None)
    if photo is None:
        raise ActRefused(_("There is no such photo for you."))
    publish_photo(photo_id=photo, public=public, now=ask.now, by=ask.by)
    return _("Everybody can see the photo now.") if public else _("Only the office and the sender see the photo now.")


ACTS: dict[str, Callable[[Ask], str]] = {
    "take": _take,
    "release": _release,
    "assign": _assign,
    "arrive": _arrive,
    "decline": _decline,
    "close": _close,
    "close_no_fix": _close_no_fix,
    "reopen": _reopen,
    "accept_proof": _accept_proof,
    "message": _message,
    "note": _note,
    "change": _change,
    "priority": _priority,
    "merge": _merge,
    "split": _split,
    "undo": _undo,
    "link": _link,
    "publish": _publish,
}


@desk_view
@require_POST
def act(request: HttpRequest, case_id: int, name: str) -> HttpResponse:
    """Do one act to one case."""
    reach, now = reach_for(request), timezone.now()
    file = case_file(case_id, reach=reach)
    if file is None or name not in ACTS:
        raise Http404
    ask = Ask(request, file, now=now)
    if name == "message" and "preview" in request.POST:
        begun = Failed(act=name, error="", values=dict(request.POST.items()), preview=_as_read(ask))
        return render(request, "desk/case.html", whole_page(file, reach=reach, now=now, failed=begun))
    try:
        done = ACTS[name](ask)
    except NotFound as error:
        raise Http404 from error
    except (ActRefused, NotAllowed, MoveNotAllowed, ChangedMeanwhile) as error:
        return refused(request, case_id, name, error, now=now)
    messages.success(request, f"{spoken(file.case.code)}: {done}", extra_tags=undo_tag(file, reach=reach))
    return HttpResponseRedirect(_next(request, case_id, name, ask))


def refused(request: HttpRequest, case_id: int, name: str, error: Exception, *, now: datetime) -> HttpResponse:
    """Show the page of a case again, with the form of the act open and the reason in it."""
    reach = reach_for(request)
    file = case_file(case_id, reach=reach)
    if file is None:
        raise Http404
    failed, status = failure(name, error, file=file, request=request)
    return render(request, "desk/case.html", whole_page(file, reach=reach, now=now, failed=failed), status=status)


def failure(name: str, error: Exception, *, file: CaseFile, request: HttpRequest) -> tuple[Failed, int]:
    """Return why an act was refused, in the reader's words, and the status of the answer."""
    sent: dict[str, Any] = {
        "values": {key: value for key, value in request.POST.items() if key not in ("csrfmiddlewaretoken", "reports")},
        "reports": numbers(request.POST.getlist("reports")),
    }
    if isinstance(error, ChangedMeanwhile):
        speech = speech_of(file)
        happened = tuple(sentence(event, speech) for event in error.events)
        return Failed(act=name, error=str(error), happened=happened, **sent), 409
    if isinstance(error, MoveNotAllowed):
        return Failed(act=name, error=_move_text(error), **sent), 409
    status = 403 if isinstance(error, NotAllowed) else 422
    return Failed(act=name, error=str(error), at=getattr(error, "field", ""), **sent), status


def numbers(texts: list[str]) -> tuple[int, ...]:
    """Return the whole numbers among some texts."""
    return tuple(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19)


def _move_text(error: MoveNotAllowed) -> str:
    allowed = ", ".join(str(words.STATES[state]) for state in error.allowed)
    return _("The case is “%(old)s” by now and cannot become “%(new)s”. It can become: %(allowed)s.") % {
        "old": words.STATES[error.old],
        "new": words.STATES[error.new],
        "allowed": allowed,
    }


def undo_tag(file: CaseFile, *, reach: Reach) -> str:
    """Return the tag that gives a message its Undo: what this person did since the file was read; "" for nothing."""
    mine = f"user:{reach.user_id}"
    for event in reversed(events_between(file.case.pk, file.last_event_id)):
        if event.actor == mine and event.kind in joining.UNDOABLE:
            return f"undo-{event.pk}"
    return ""


def _next(request: HttpRequest, case_id: int, name: str, ask: Ask) -> str:
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    if name == "merge":
        case_id = ask.number("into") or _by_code(ask, "code")
    return reverse("desk_case", args=[case_id])


def shown_before(case: Case, other: Case) -> bool:
    """Return whether a case was reported before another one: then it is the one that a merge keeps."""
    return (case.opened_at, case.pk) <= (other.opened_at, other.pk)
