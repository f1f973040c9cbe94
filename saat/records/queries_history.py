"""What happened to cases, as far as everybody may know it, read from the event log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from saat.records.models import City, Event, Message, Photo, ServiceRequest
from saat.terms.case import Ending, State, Voice
from saat.terms.public import PublicNote, PublicUpdate

# Events after which the public sees a case differently, with the state in which they leave it.
_STATES = {
    "case_opened": State.OPEN,
    "case_taken": State.TAKEN,
    "case_released": State.OPEN,
    "case_assigned": State.ASSIGNED,
    "case_on_site": State.ON_SITE,
    "case_closed": State.CLOSED,
    "case_confirmed": State.CLOSED,
    "case_reopened": State.OPEN,
}
_UNDONE = "act_undone"
# After these a report lives in another case: it stands where that case stands.
_MOVED = ("case_merged", "case_split")
_TOLD = ("reporter_told", "reporter_asked")
# What came in from another system stands where its case stands.
_IMPORTED = ("case_imported", "case_import_renewed")
_MOST_NOTES = 20_000


def notes_of_cases(case_ids: Iterable[int]) -> dict[int, list[PublicNote]]:
    """Return the public history of each case, the oldest first; two queries."""
    kinds = [*_STATES, _UNDONE]
    events = list(Event.objects.filter(case_id__in=set(case_ids), kind__in=kinds).order_by("pk")[:_MOST_NOTES])
    undone = _undone(events)
    notes: dict[int, list[PublicNote]] = {}
    for event in events:
        note = _note(event, undone)
        if note is not None and event.case_id is not None:
            notes.setdefault(event.case_id, []).append(note)
    return notes


def updates(
    *,
    city: City,
    start: datetime | None,
    end: datetime | None,
    page: int,
    page_size: int,
    api_key_id: int | None,
    cases: Any,
) -> list[PublicUpdate]:
    """Return what happened to a city's reports between two moments, the oldest first, a page of events at a time.

    api_key_id: whose key asks; messages of the office are given to whoever brought the report. cases: given case ids,
    returns the columns of the cases they live on as. At most eight queries, whatever the number of events.
    """
    kinds = [*(kind for kind in _STATES if kind != "case_opened"), _UNDONE, *_MOVED, *_TOLD, *_IMPORTED]
    rows = Event.objects.filter(city=city, kind__in=kinds, case_id__isnull=False)
    if start is not None:
        rows = rows.filter(at__gte=start)
    if end is not None:
        rows = rows.filter(at__lte=end)
    first = (page - 1) * page_size
    events = list(rows.order_by("at", "pk")[first : first + page_size])
    if not events:
        return []
    of_case, of_event = _requests(city, events)
    living = cases({row["case_id"] for found in (*of_case.values(), *of_event.values()) for row in found})
    undone, texts, proofs = _undone(events), _texts(events), _proofs(events)
    found = []
    for event in events:
        moved, imported = event.kind in _MOVED, event.kind in _IMPORTED
        for row in of_event.get(event.pk, ()) if moved else of_case.get(event.case_id, ()):
            if row["requested_at"] > event.at or (imported and row["pk"] != event.facts["service_request"]):
                continue
            text, note = "", None
            if event.kind in _TOLD:
                said = texts.get(event.facts.get("message", 0))
                mine = api_key_id is not None and row["api_key_id"] == api_key_id
                if said is None or not mine or said[0] not in (None, row["pk"]):
                    continue
                text = said[1]
            else:
                note = None if moved or imported else _note(event, undone)
            if note is None:
                if not (moved or imported or text):
                    continue
                note = _stands(event, living[row["case_id"]])
            proof = proofs.get(event.case_id) if note.ending is Ending.PROVED else None
            found.append(
                PublicUpdate(
                    update_id=f"{event.pk}.{row['pk']}",
                    service_request_id=row["pk"],
                    note=note,
                    text=text,
                    photo_id=proof,
                )
            )
    return found


def _requests(
    city: City, events: Sequence[Event]
) -> tuple[dict[int | None, list[dict[str, Any]]], dict[int, list[dict[str, Any]]]]:
    """Return the reports by the case they are in now, and those that an event moved by that event."""
    columns = ("pk", "case_id", "requested_at", "api_key_id")
    reports = ServiceRequest.objects.filter(city=city, voice=Voice.REPORT)
    case_ids = {event.case_id for event in events if event.case_id is not None and event.kind not in _MOVED}
    of_case: dict[int | None, list[dict[str, Any]]] = {}
    for row in reports.filter(case_id__in=case_ids).order_by("pk").values(*columns):
        of_case.setdefault(row["case_id"], []).append(row)
    moved = {event.pk: event.facts["moved"]["requests"] for event in events if event.kind in _MOVED}
    ids = {pk for some in moved.values() for pk in some}
    by_id = {row["pk"]: row for row in reports.filter(pk__in=ids).values(*columns)} if ids else {}
    return of_case, {event_id: [by_id[pk] for pk in some if pk in by_id] for event_id, some in moved.items()}


def _undone(events: Sequence[Event]) -> dict[int, Event]:
    ids = [event.facts["undoes"] for event in events if event.kind == _UNDONE]
    return Event.objects.in_bulk(ids) if ids else {}


def _texts(events: Sequence[Event]) -> dict[int, tuple[int | None, str]]:
    ids = [event.facts["message"] for event in events if event.kind in _TOLD]
    rows = Message.objects.filter(pk__in=ids).values_list("pk", "service_request_id", "text") if ids else ()
    return {pk: (request_id, text) for pk, request_id, text in rows}


def _proofs(events: Sequence[Event]) -> dict[int | None, int]:
    """Return the latest public proof photo of each case that was closed."""
    case_ids = {event.case_id for event in events if event.case_id is not None and event.kind == "case_closed"}
    shown = Photo.objects.filter(case_id__in=case_ids, kind="proof", public=True, removed_at__isnull=True)
    return dict(shown.order_by("added_at", "pk").values_list("case_id", "pk")) if case_ids else {}


def _note(event: Event, undone: dict[int, Event]) -> PublicNote | None:
    """Return an event as a step that everybody may know; None where it left the case as the public saw it."""
    facts = event.facts
    if event.kind == _UNDONE:
        undid = undone.get(facts["undoes"])
        values = undid.facts.get("before", {}) if undid else {}
        if "state" not in values:
            return None
    else:
        values = {"ending": facts.get("ending", ""), "reason_code": facts.get("reason", "")} | facts.get("after", {})
    state = State(values.get("state") or _STATES[event.kind])
    if event.kind == "case_confirmed":
        values["ending"] = Ending.CONFIRMED
    closed = state is State.CLOSED
    ending = values.get("ending") if closed else ""
    return PublicNote(
        at=event.at,
        kind=event.kind,
        state=state,
        ending=Ending(ending) if ending else None,
        reason_code=(values.get("reason_code") or "") if closed else "",
    )


def _stands(event: Event, case: dict[str, Any]) -> PublicNote:
    """Return where a case stands now, as a step at the moment of an event."""
    return PublicNote(
        at=event.at,
        kind=event.kind,
        state=State(case["state"]),
        ending=Ending(case["ending"]) if case["ending"] else None,
        reason_code=case["reason_code"],
    )
