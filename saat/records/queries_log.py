"""The log as auditors and administrators read it: latest first, filtered, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from saat.records.models import Case, ChainHead, City, Event, Outbox, User

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuestion:
    """What of a city's log is asked for; "" and None ask for nothing in particular.

    case: a short code. actor: a user name, or one of resident, clock, command, partner and link. kind: of the event.
    since, until: aware; from the one up to, but not with, the other.
    """

    case: str = ""
    actor: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Some events, the latest first, with the short codes of their cases. before: to read on with, None at the end."""

    events: list[Event]
    codes: dict[int, str]
    before: int | None


def log_page(city: City, question: LogQuestion, *, before: int | None = None) -> LogPage:
    """Return the latest events that were asked for, or those before a number in the chain; at most four queries."""
    rows = _asked(city, question)
    if before is not None:
        rows = rows.filter(seq__lt=before)
    events = list(rows.order_by("-seq")[: PAGE + 1])
    more = len(events) > PAGE
    events = events[:PAGE]
    return LogPage(events=events, codes=_codes(events), before=events[-1].seq if more else None)


def log_rows(city: City, question: LogQuestion, *, most: int) -> Iterator[tuple[Event, str]]:
    """Yield at most so many of the events that were asked for, oldest first, with the short code of their case."""
    after, left = -1, most
    while left > 0:
        events = list(_asked(city, question).filter(seq__gt=after).order_by("seq")[: min(left, 1000)])
        if not events:
            return
        codes = _codes(events)
        for event in events:
            yield event, codes.get(event.case_id or 0, "")
        after, left = events[-1].seq, left - len(events)


def head_of(city: City) -> tuple[int, str]:
    """Return the number and hash of a city's latest event."""
    head = ChainHead.objects.get(city=city)
    return head.seq, head.hash


def kinds_of(city: City) -> list[str]:
    """Return the kinds of events among the city's latest ten thousand, by name."""
    latest = Event.objects.filter(city=city).order_by("-seq").values("kind")[:10_000]
    return sorted({row["kind"] for row in latest})


def dead_messages(city: City, *, most: int = 200) -> list[tuple[Outbox, str]]:
    """Return the messages of a city that were given up, the latest first, with the short code of their case."""
    rows = list(Outbox.objects.filter(city=city, dead_at__isnull=False).order_by("-dead_at")[:most])
    ids = {row.facts.get("case") for row in rows} - {None}
    codes = dict(Case.objects.filter(city=city, pk__in=ids).values_list("pk", "code"))
    return [(row, codes.get(row.facts.get("case"), "")) for row in rows]


def _asked(city: City, question: LogQuestion) -> QuerySet[Event]:
    rows = Event.objects.filter(city=city)
    if question.case:
        case_id = Case.objects.filter(city=city, code=question.case).values_list("pk", flat=True).first()
        rows = rows.filter(case_id=case_id if case_id is not None else 0)
    if question.actor:
        rows = rows.filter(_by(question.actor))
    if question.kind:
        rows = rows.filter(kind=question.kind)
    if question.since is not None:
        rows = rows.filter(at__gte=question.since)
    if question.until is not None:
        rows = rows.filter(at__lt=question.until)
    return rows


def _by(actor: str) -> Q:
    if actor in ("resident", "clock", "command"):
        return Q(actor=actor)
    if actor in ("partner", "link"):
        return Q(actor__startswith=f"{actor}:")
    user_id = User.objects.filter(username__iexact=actor).values_list("pk", flat=True).first()
    return Q(actor=f"user:{user_id or 0}")


def _codes(events: list[Event]) -> dict[int, str]:
    ids = {event.case_id for event in events if event.case_id is not None}
    return dict(Case.objects.filter(pk__in=ids).values_list("pk", "code")) if ids else {}
