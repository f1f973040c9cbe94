"""What is done through the API: bring a report, act on a case."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Status

from saat.actions import cases, joining
from saat.actions.cases import Assignee
from saat.actions.log import NotAllowed
from saat.actions.reports import receive_report
from saat.records import queries_case
from saat.terms.case import Channel
from saat.terms.codes import spoken
from saat.terms.geo import Point
from saat.terms.report import Contact, NewReport, ReportRefused
from saat.web.api import shapes
from saat.web.api.caller import Caller, caller_of
from saat.web.api.problems import PROBLEMS
from saat.web.api.reading import case_shown

router = Router()
Made = {200: shapes.ActDone, **PROBLEMS}


@router.post("/reports", response={201: shapes.ReceiptShown, **PROBLEMS}, operation_id="bring_report")
def bring_report(request: HttpRequest, report: shapes.NewReportIn) -> Any:
    """Bring a report: with a key as another system, signed in as an official who writes down what a caller says."""
    caller = caller_of(request)
    city = caller.city(report.city)
    if caller.user is not None and not caller.reach.grants:
        raise NotAllowed(_("Your role does not allow this."))
    point = None
    if report.lat is not None or report.lon is not None:
        if report.lat is None or report.lon is None:
            message = _("lat and lon belong together; one of them is missing.")
            raise ReportRefused(message, field="lat", code="place_missing")
        point = Point(lat=report.lat, lon=report.lon)
    new = NewReport(
        service_code=report.service_code,
        words=report.words,
        point=point,
        area_id=report.area_id,
        place_id=report.place_id,
        address=report.address,
        contact=Contact(name=report.contact.name, phone=report.contact.phone, email=report.contact.email),
        language=report.language,
        client_id=_client_id(caller, report.client_id),
        channel=Channel.PHONE if caller.user else Channel.API,
        attributes=tuple(report.attributes.items()),
    )
    receipt = receive_report(city=city, report=new, now=caller.now, by=caller.actor, api_key=caller.key)
    return Status(
        201,
        {
            "service_request_id": receipt.service_request_id,
            "case_id": receipt.case_id if caller.user else None,
            "code": spoken(receipt.code),
            "tracking_url": f"{settings.PUBLIC_URL}/r/{receipt.token}",
            "due_at": receipt.due_at,
            "again": receipt.again,
            "joined": receipt.joined,
        },
    )


@router.post("/cases/{case_id}/take", response=Made, operation_id="take")
def take(request: HttpRequest, case_id: shapes.Id) -> dict[str, Any]:
    """Answer for a case oneself."""
    return _done(request, case_id, lambda usual: cases.take_case(**usual))


@router.post("/cases/{case_id}/release", response=Made, operation_id="release")
def release(request: HttpRequest, case_id: shapes.Id, act: shapes.ActIn) -> dict[str, Any]:
    """Put a case back into the queue."""
    return _done(request, case_id, lambda usual: cases.release_case(read_up_to=act.read_up_to, **usual))


@router.post("/cases/{case_id}/assign", response=Made, operation_id="assign")
def assign(request: HttpRequest, case_id: shapes.Id, act: shapes.AssignIn) -> dict[str, Any]:
    """Hand a case to a person, a crew or a contractor."""
    to = Assignee(user_id=act.user_id, crew_id=act.crew_id, contractor_id=act.contractor_id)
    return _done(request, case_id, lambda usual: cases.assign_case(to=to, read_up_to=act.read_up_to, **usual))


@router.post("/cases/{case_id}/arrive", response=Made, operation_id="arrive")
def arrive(request: HttpRequest, case_id: shapes.Id) -> dict[str, Any]:
    """Write down that somebody is at the place."""
    return _done(request, case_id, lambda usual: cases.arrive(**usual))


@router.post("/cases/{case_id}/close", response=Made, operation_id="close")
def close(request: HttpRequest, case_id: shapes.Id, act: shapes.CloseIn) -> dict[str, Any]:
    """Close a case with the claim that it is fixed, without a photo; the public reads that there is no proof."""
    return _done(request, case_id, lambda usual: cases.close_case(note=act.note, read_up_to=act.read_up_to, **usual))


@router.post("/cases/{case_id}/close-without-fix", response=Made, operation_id="close_without_fix")
def close_without_fix(request: HttpRequest, case_id: shapes.Id, act: shapes.CloseWithoutFixIn) -> dict[str, Any]:
    """Close a case without claiming a fix; the reporter reads the reason."""
    return _done(
        request,
        case_id,
        lambda usual: cases.close_without_fix(
            reason_code=act.reason_code, note=act.note, read_up_to=act.read_up_to, **usual
        ),
    )


@router.post("/cases/{case_id}/reopen", response=Made, operation_id="reopen")
def reopen(request: HttpRequest, case_id: shapes.Id, act: shapes.CloseIn) -> dict[str, Any]:
    """Put a closed case back into the queue."""
    return _done(request, case_id, lambda usual: cases.reopen_case(note=act.note, **usual))


@router.post("/cases/{case_id}/urgency", response=Made, operation_id="set_urgency")
def set_urgency(request: HttpRequest, case_id: shapes.Id, act: shapes.UrgencyIn) -> dict[str, Any]:
    """Set how soon somebody must act."""
    return _done(request, case_id, lambda usual: cases.set_urgency(urgency=act.urgency, **usual))


@router.post("/cases/{case_id}/change", response=Made, operation_id="change")
def change(request: HttpRequest, case_id: shapes.Id, act: shapes.ChangeIn) -> dict[str, Any]:
    """Correct a case's category or place; the promise is counted from the first report, never from now."""
    if (act.lat is None) != (act.lon is None):
        message = _("lat and lon belong together; one of them is missing.")
        raise cases.ActRefused(message, field="lat")
    point = Point(lat=act.lat, lon=act.lon) if act.lat is not None and act.lon is not None else None
    return _done(
        request,
        case_id,
        lambda usual: cases.change_case(
            service_code=act.service_code,
            point=point,
            area_id=act.area_id,
            address=act.address,
            read_up_to=act.read_up_to,
            **usual,
        ),
    )


@router.post("/cases/{case_id}/notes", response=Made, operation_id="add_note")
def add_note(request: HttpRequest, case_id: shapes.Id, act: shapes.NoteIn) -> dict[str, Any]:
    """Write a private note."""
    return _done(request, case_id, lambda usual: cases.add_note(text=act.text, **usual))


@router.post("/cases/{case_id}/messages", response=Made, operation_id="message_reporter")
def message_reporter(request: HttpRequest, case_id: shapes.Id, act: shapes.MessageIn) -> dict[str, Any]:
    """Write to the reporters of a case, or to one of them."""
    return _done(
        request,
        case_id,
        lambda usual: cases.message_reporter(
            text=act.text, asks=act.asks, service_request_id=act.service_request_id, **usual
        ),
    )


@router.post("/cases/{case_id}/merge", response=Made, operation_id="merge")
def merge(request: HttpRequest, case_id: shapes.Id, act: shapes.MergeIn) -> dict[str, Any]:
    """Make one case of two that are the same trouble; answers with the case that goes on."""
    return _done(
        request,
        case_id,
        lambda usual: joining.merge_cases(into_id=act.into, read_up_to=act.read_up_to, **usual),
        shown=act.into,
    )


@router.post("/cases/{case_id}/split", response=Made, operation_id="split")
def split(request: HttpRequest, case_id: shapes.Id, act: shapes.SplitIn) -> dict[str, Any]:
    """Make a case of its own of some reports; answers with the case that they left."""
    return _done(
        request,
        case_id,
        lambda usual: joining.split_case(
            service_request_ids=act.service_request_ids, read_up_to=act.read_up_to, **usual
        ),
    )


@router.post("/cases/{case_id}/undo", response=Made, operation_id="undo")
def undo(request: HttpRequest, case_id: shapes.Id, act: shapes.UndoIn) -> dict[str, Any]:
    """Undo one step of a case, if nothing has changed since what it changed."""
    caller = caller_of(request)
    caller.person()
    if act.event_id not in queries_case.event_ids_of(case_id, reach=caller.reach):
        raise cases.ActRefused(_("This step cannot be undone."), field="event_id")
    joining.undo(event_id=act.event_id, now=caller.now, by=caller.actor)
    return _shown(case_id)


def _done(
    request: HttpRequest, case_id: int, act: Callable[[dict[str, Any]], Any], *, shown: int | None = None
) -> dict[str, Any]:
    """Do one act to a case as the signed-in person, and return the case as it is then."""
    caller = caller_of(request)
    caller.person()
    act({"case_id": case_id, "now": caller.now, "by": caller.actor})
    return _shown(shown or case_id)


def _shown(case_id: int) -> dict[str, Any]:
    """Return a case that the caller has just acted on, even if the act took it out of their sight."""
    case, last_event_id = queries_case.case_after_act(case_id)
    return {"case": case_shown(case), "last_event_id": last_event_id}


def _client_id(caller: Caller, given: str) -> str:
    """Return the sender's own id for a report, such that no other sender's can be the same."""
    if not given:
        return ""
    return f"api{caller.actor.id}-{hashlib.sha256(f'{caller.actor}:{given}'.encode()).hexdigest()[:40]}"
