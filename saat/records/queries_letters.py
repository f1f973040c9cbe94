"""What a letter needs to know, looked up when it is sent, so that it says what is true then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saat.records.models import Alert, Case, Contractor, Crew, Message, ServiceRequest, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who a letter goes to. email: "" if there is none (any more)."""

    email: str
    language: str


def reporter_letter(facts: dict[str, Any]) -> tuple[Addressee, ServiceRequest, Message | None] | None:
    """Return whom to write to about a report, the report with its case and city, and the message if there is one."""
    request = (
        ServiceRequest.objects.select_related("case__city", "contact").filter(pk=facts.get("service_request")).first()
    )
    if request is None or request.contact is None:
        return None
    message = Message.objects.filter(pk=facts["message"]).first() if "message" in facts else None
    language = request.contact.language or request.language
    return Addressee(email=request.contact.email, language=language), request, message


def official_letter(facts: dict[str, Any]) -> tuple[Addressee, Case, Alert | None] | None:
    """Return whom to write to about a case, the case with its city, and the alert if the letter is one."""
    alert = None
    if "alert" in facts:
        alert = Alert.objects.select_related("user", "case__city").filter(pk=facts["alert"]).first()
        if alert is None or alert.acknowledged_at is not None:
            return None
        user, case = alert.user, alert.case
    else:
        user = User.objects.filter(pk=facts.get("user")).first()
        found = Case.objects.select_related("city").filter(pk=facts.get("case")).first()
        if user is None or found is None:
            return None
        case = found
    if not user.is_active:
        return None
    return Addressee(email=user.email, language=user.language), case, alert


def worker_letter(facts: dict[str, Any]) -> tuple[Addressee, Case, Contractor | None] | None:
    """Return whom to write to about work that was handed over, the case, and the contractor if it is one's."""
    case = Case.objects.select_related("city").filter(pk=facts.get("case")).first()
    if case is None:
        return None
    if facts.get("user") is not None:
        user = User.objects.filter(pk=facts["user"], is_active=True).first()
        return None if user is None else (Addressee(email=user.email, language=user.language), case, None)
    contractor_id = facts.get("contractor")
    if contractor_id is None and facts.get("crew") is not None:
        contractor_id = Crew.objects.filter(pk=facts["crew"]).values_list("contractor_id", flat=True).first()
    contractor = Contractor.objects.filter(pk=contractor_id, active=True).first() if contractor_id else None
    if contractor is None:
        return None
    return Addressee(email=contractor.email, language=""), case, contractor
