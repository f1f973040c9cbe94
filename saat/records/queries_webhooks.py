"""What a webhook says, looked up when it is sent."""

from __future__ import annotations

from typing import Any

from saat.records.models import Case, Event, Run, Stop, WebhookEndpoint
from saat.terms.codes import spoken
from saat.terms.webhook import WebhookDelivery

# Facts that leave the house. Not among them: exact places, and who of the staff did or was given something.
_TOLD = frozenset({
    "service_request", "voice", "channel", "service_code", "photos", "likeness", "ending", "reason", "reason_code",
    "state", "urgency", "service_level", "area_id", "voices", "reopened", "due_at", "opened_at", "taken_at",
    "on_site_at", "proved_at", "closed_at", "waiting_since", "proof_failed", "contractor", "contractor_id", "crew",
    "crew_id", "step", "role", "why", "into", "into_code", "from", "from_code", "new", "new_code", "undoes", "what",
    "merged_into_id", "split_from", "split_from_code", "to", "to_code",
})  # fmt: skip


# Events about collections, of kinds such as `stop_run.missed`, `run.stalled` and `feed.down`.
_ROUND_EVENTS = ("stop_run.", "run.", "feed.")


def delivery_of(facts: dict[str, Any]) -> WebhookDelivery | None:
    """Return what to send for an outbox row, or None if the endpoint wants nothing any more."""
    endpoint = WebhookEndpoint.objects.select_related("city").filter(pk=facts.get("endpoint", 0), active=True).first()
    event = Event.objects.filter(pk=facts.get("event", 0)).first()
    if endpoint is None or event is None or event.city_id != endpoint.city_id:
        return None
    code = Case.objects.filter(pk=event.case_id).values_list("code", flat=True).first() if event.case_id else None
    data: dict[str, Any] = {"kind": event.kind, "number": event.seq, "facts": _told(event.facts) | _of_rounds(event)}
    if code:
        data |= {"case": event.case_id, "case_code": spoken(code)}
    return WebhookDelivery(
        url=endpoint.url,
        secret=endpoint.secret,
        event_id=f"{endpoint.city.jurisdiction_id}-{event.seq}",
        jurisdiction_id=endpoint.city.jurisdiction_id,
        kind=event.kind,
        subject=event.subject,
        at=event.at,
        actor=event.actor.split(":")[0],
        data=data,
    )


def _of_rounds(event: Event) -> dict[str, Any]:
    """Return what an event about a collection round tells: round and stops as the public calls them, and the day.

    Which vehicle it was, and how sure anybody is, stays in the house.
    """
    facts = event.facts
    run_id = facts.get("run")
    if not event.kind.startswith(_ROUND_EVENTS):
        return {}
    stop_ids = facts.get("stops") or []
    numbers = dict(Stop.objects.filter(city_id=event.city_id, pk__in=stop_ids).values_list("pk", "number"))
    told: dict[str, Any] = {"stops": [numbers[pk] for pk in stop_ids if pk in numbers]}
    if run_id is not None:
        code = Run.objects.filter(city_id=event.city_id, pk=run_id).values_list("round__code", flat=True).first()
        told |= {"run": run_id, "round": code, "service_day": facts.get("service_day")}
    for name in ("since", "before", "after"):
        if isinstance(facts.get(name), str | list):
            told[name] = facts[name]
    return told


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in facts.items() if name in _TOLD and not isinstance(value, dict)}
    for name in ("before", "after"):
        if isinstance(facts.get(name), dict):
            told[name] = {column: value for column, value in facts[name].items() if column in _TOLD}
    return told
