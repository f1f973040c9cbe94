"""What a letter needs to know, looked up when it is sent, so that it says what is true then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from saat.records.models import Alert, AreaName, Case, Contractor, Crew, Message, ServiceRequest, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who a letter goes to. email: "" if there is none (any more)."""

    email: str
    language: str


def reporter_letter(facts: dict[str, Any]) -> tuple[Addressee, ServiceRequest, Message | None] | None:
    """Return whom to write to about a report, the report with its case and city, and the message if there is one."""
    request = (
        ServiceRequest.objects.select_related("case__city", "contact")
        .filter(pk=facts.get("service_request") or 0)
        .first()
    )
    if request is None or request.contact is None:
        return None
    message = None
    if "message" in facts:
        message = Message.objects.filter(pk=facts["message"]).exclude(text="").first()
        if message is None or message.service_request_id not in (None, request.pk):
            return None
    language = request.contact.language or request.language
    return Addressee(email=request.contact.email, language=language), request, message


def official_letter(facts: dict[str, Any]) -> tuple[Addressee, Case, Alert | None] | None:
    """Return whom to write to about a case, the case with its city, and the alert if the letter is one."""
    alert = None
    if "alert" in facts:
        rows = Alert.objects.select_related("user", "case__city", "case__area", "case__place")
        alert = rows.filter(pk=facts["alert"]).first()
        if alert is None or alert.acknowledged_at is not None:
            return None
        user, case = alert.user, alert.case
    else:
        told = User.objects.filter(pk=facts.get("user") or 0).first()
        found = _cases().filter(pk=facts.get("case") or 0).first()
        if told is None or found is None:
            return None
        user, case = told, found
    if not user.is_active:
        return None
    return Addressee(email=user.email, language=user.language), case, alert


def worker_letter(facts: dict[str, Any]) -> tuple[Addressee, Case, Contractor | None] | None:
    """Return whom to write to about work that was handed over, the case, and the contractor if it is one's.

    None where the case was handed to somebody else meanwhile: the letter would lead nowhere.
    """
    case = _cases().filter(pk=facts.get("case") or 0).first()
    if case is None:
        return None
    if facts.get("user") is not None:
        user = User.objects.filter(pk=facts["user"], is_active=True).first()
        if user is None or case.owner_id != user.pk:
            return None
        return Addressee(email=user.email, language=user.language), case, None
    contractor_id = facts.get("contractor")
    if contractor_id is None and facts.get("crew") is not None:
        contractor_id = Crew.objects.filter(pk=facts["crew"]).values_list("contractor_id", flat=True).first()
    contractor = Contractor.objects.filter(pk=contractor_id, active=True).first() if contractor_id else None
    if contractor is None or case.contractor_id != contractor.pk:
        return None
    return Addressee(email=contractor.email, language=""), case, contractor


def place_in_words(case: Case, language: str) -> str:
    """Return where a case is: address, landmark and areas, smallest first; "" if nothing is known. One query.

    The case's area and landmark must be loaded with it.
    """
    named = [case.address]
    if case.place is not None:
        names = case.place.names
        named.append(names.get(language) or next(iter(names.values()), ""))
    if case.area is not None:
        ids = [int(part) for part in case.area.path.split("/") if part]
        names_of: dict[int, dict[str, str]] = {}
        rows = AreaName.objects.filter(area_id__in=ids).values_list("area_id", "language", "text")
        for area_id, said_in, text in rows:
            names_of.setdefault(area_id, {})[said_in] = text
        for area_id in reversed(ids[1:] or ids):
            own = names_of.get(area_id, {})
            named.append(own.get(language) or next(iter(own.values()), ""))
    return ", ".join(text for text in named if text)


def _cases() -> QuerySet[Case]:
    return Case.objects.select_related("city", "area", "place")
