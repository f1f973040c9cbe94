"""Columns of cases for the map: plain numbers, read in bulk, and what is new since they were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Case as If
from django.db.models import Func, IntegerField, OuterRef, Q, Subquery, Value, When

from saat.records.models import Case, ChainHead, City, Event
from saat.records.queries_worklist import WorkList
from saat.terms.case import State, Urgency

# The columns of one case, in this order; moments in whole seconds since 1970, 0 for a missing id.
COLUMNS = (
    "id", "lat", "lon", "area_id", "contractor_id", "crew_id", "owner_id", "opened_at", "due_at", "state", "urgency",
    "service_code", "reopened", "proof_failed",
)  # fmt: skip
STATES = tuple(State)
URGENCIES = tuple(Urgency)
MOST_CHANGES = 5000
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where a city's log was read.

    hash: the chain's there, so that another log is not taken for this one. event_id: of the event there, 0 if none.
    """

    seq: int
    hash: str
    event_id: int


class _Seconds(Func):
    """A moment in whole seconds since 1970."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS integer)", **extra
        )

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "floor(extract(epoch FROM %(expressions)s))::bigint"
        return self.as_sql(compiler, connection, template=template, **extra)


def mark_of(city: City) -> Mark:
    """Return the end of a city's log; one query."""
    there = Event.objects.filter(city_id=OuterRef("pk"), seq=OuterRef("seq"))
    head = ChainHead.objects.annotate(event_id=Subquery(there.values("pk")[:1])).get(pk=city.pk)
    return Mark(head.seq, head.hash, head.event_id or 0)


def changed_since(city: City, mark: Mark, up_to: Mark) -> set[int] | None:
    """Return the cases that events after one mark and up to another tell of; None if all must be read anew; one query.

    All must be: after many events, after one that concerns the whole city, or where the mark is not of this log.
    """
    if not 0 <= up_to.seq - mark.seq <= MOST_CHANGES:
        return None
    events = Event.objects.filter(city=city, seq__gte=mark.seq, seq__lte=up_to.seq)
    rows = {seq: (case_id, subject, hash_) for seq, case_id, subject, hash_ in events.values_list(
        "seq", "case_id", "subject", "hash"
    )}  # fmt: skip
    first = rows.pop(mark.seq, None)
    if mark.seq == 0 or first is None or first[2] != mark.hash:
        return None
    if any(subject.startswith("city:") for _case_id, subject, _hash in rows.values()):
        return None
    return {case_id for case_id, _subject, _hash in rows.values() if case_id is not None}


def open_rows(city: City, *, ids: Iterable[int] | None = None, after_id: int = 0) -> Iterator[tuple[Any, ...]]:
    """Yield the `COLUMNS` of a city's open cases, of all of them or of some and of those with a higher id.

    state, urgency: their place in `STATES` and `URGENCIES`. lat, lon: None where no point is known.
    """
    cases = Case.objects.filter(city=city, closed_at__isnull=True)
    if ids is not None:
        return _columns(cases.filter(Q(pk__in=list(ids)) | Q(pk__gt=after_id)).order_by("pk"))
    # In the order of acting, although nobody looks: it leads the databases to the index of open cases.
    return _columns(cases.order_by("act_by"))


def open_words(city: City, *, ids: Iterable[int] | None = None) -> Iterator[tuple[int, str]]:
    """Yield id and search words of a city's open cases, of all of them or of some."""
    cases = Case.objects.filter(city=city, closed_at__isnull=True, search__isnull=False)
    cases = cases.order_by("act_by") if ids is None else cases.filter(pk__in=list(ids)).order_by("pk")
    return cases.values_list("pk", "search__words").iterator(_CHUNK)


def first_rows(work: WorkList, most: int) -> Iterator[tuple[Any, ...]]:
    """Yield the `COLUMNS` of the first cases of a list in its order."""
    return _columns(work.ordered().select_related(None).defer(None)[:most])


def _columns(cases: Any) -> Iterator[tuple[Any, ...]]:
    renamed = {
        "opened_s": _Seconds("opened_at"),
        "due_s": _Seconds("due_at"),
        "state_no": _place_in(STATES, "state"),
        "urgency_no": _place_in(URGENCIES, "urgency"),
    }
    names = {"opened_at": "opened_s", "due_at": "due_s", "state": "state_no", "urgency": "urgency_no"}
    return cases.annotate(**renamed).values_list(*(names.get(name, name) for name in COLUMNS)).iterator(_CHUNK)


def _place_in(words: tuple[str, ...], column: str) -> If:
    whens = [When(**{column: word, "then": Value(number)}) for number, word in enumerate(words)]
    return If(*whens, default=Value(-1), output_field=IntegerField())


def single_cases(ids: Iterable[int]) -> list[tuple[int, str, str, str, str]]:
    """Return id, code, category, state and urgency of cases that the caller found for the reader; one query."""
    rows = Case.objects.filter(pk__in=list(ids))
    return list(rows.values_list("pk", "code", "service_code", "state", "urgency").order_by("pk"))
