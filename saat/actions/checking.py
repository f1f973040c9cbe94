"""Whether what is written still is what was written: the log's chain, its guards, the rows and the photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection

from saat.actions.log import chained
from saat.records import photo_store
from saat.records.models import ChainHead, City, Event, Photo

START = "0" * 64  # what the first event of a city is chained to
_BATCH = 5000
_GUARDS = {
    "sqlite": (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        ("event_is_not_changed", "event_is_not_deleted"),
    ),
    "postgresql": (
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'records_event'::regclass AND tgenabled <> 'D'",
        ("event_is_kept",),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFinding:
    """What was found in one city's log.

    events: how many were looked at. broken_at: the number of the first event that is not as it was written, None if all
    are. why: one sentence, "" if nothing is wrong. head: the number and hash of the last event, to be noted elsewhere.
    """

    jurisdiction_id: str
    events: int
    head: tuple[int, str]
    broken_at: int | None = None
    why: str = ""


def check_chain(
    city: City, *, noted: dict[int, str] | None = None, tell: Callable[[int], None] = lambda done: None
) -> ChainFinding:
    """Compute a city's chain anew, from its first event to its head, and return where it breaks first, if it does.

    The hash of an event covers its columns and the hash of the one before, so no event can be changed, left out or put
    in without a break, unless everything after it and the head are computed anew; against that, note heads elsewhere.

    noted: numbers and hashes that were noted before. tell: called with how many more events were looked at.
    """
    head = ChainHead.objects.get(city=city)
    before, seq, last = START, 0, None

    def broken(at: int, why: str) -> ChainFinding:
        return ChainFinding(
            jurisdiction_id=city.jurisdiction_id, events=seq, head=(head.seq, head.hash), broken_at=at, why=why
        )

    for event in _events(city):
        if event.seq != seq + 1:
            missing = f"event {seq + 1}" if event.seq == seq + 2 else f"events {seq + 1} to {event.seq - 1}"
            return broken(seq + 1, f"{missing} missing; the next one is event {event.seq} ({event.kind}).")
        if event.hash != _hash_of(event, before):
            return broken(
                event.seq,
                f"event {event.seq} ({event.kind}, {event.at:%F %T} UTC) is not as it was written, or does not follow "
                "the one before it.",
            )
        if noted and noted.get(event.seq, event.hash) != event.hash:
            return broken(event.seq, f"event {event.seq} is not the one that was noted: the log was written anew.")
        before, seq, last = event.hash, event.seq, event
        if seq % _BATCH == 0:
            tell(_BATCH)
    if seq < head.seq:
        return broken(seq + 1, f"the log ends with event {seq}, but {head.seq} were written: the last are missing.")
    if seq > head.seq:
        return broken(head.seq + 1, f"event {head.seq + 1} was put in: only {head.seq} were written.")
    if before != head.hash:
        at = last.seq if last else 0
        return broken(at, "the head of the log does not hold the hash of its last event.")
    beyond = sorted(number for number in noted or () if number > seq)
    if beyond:
        return broken(seq + 1, f"event {beyond[0]} was noted, but the log ends with event {seq}.")
    return ChainFinding(jurisdiction_id=city.jurisdiction_id, events=seq, head=(head.seq, head.hash))


def _events(city: City) -> Iterator[Event]:
    """Yield a city's events by number, some thousand at a time, so that a long log needs no more memory."""
    after = -1
    while True:
        rows = list(Event.objects.filter(city=city, seq__gt=after).order_by("seq")[:_BATCH])
        if not rows:
            return
        yield from rows
        after = rows[-1].seq


def _hash_of(event: Event, before: str) -> str:
    return chained(
        before=before,
        city_id=event.city_id,
        seq=event.seq,
        at=event.at,
        kind=event.kind,
        subject=event.subject,
        case_id=event.case_id,
        actor=event.actor,
        facts_json=event.facts_json,
    )


def missing_guards() -> list[str]:
    """Return the triggers that keep the log append-only and that are not there, or not switched on."""
    query, wanted = _GUARDS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {row[0] for row in cursor.fetchall()}
    return [name for name in wanted if name not in there]


def broken_rows() -> list[str]:
    """Return what the database itself finds wrong: damaged pages, and rows that point to rows which are not there.

    PostgreSQL keeps its references at all times and looks after its own pages, so only SQLite is asked.
    """
    if connection.vendor != "sqlite":
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(20)")
        found = [row[0] for row in cursor.fetchall() if row[0] != "ok"]
        cursor.execute("PRAGMA foreign_key_check")
        found += [f"{table}, row {rowid}: points to a row of {parent} that is missing" for table, rowid, parent, _ in
                  cursor.fetchmany(20)]  # fmt: skip
    return found


def missing_photos(*, deep: bool = False) -> tuple[int, list[str]]:
    """Return how many photos there should be, and those whose file is missing or, looked at deeply, another one.

    deep: read every file and compute its digest anew.
    """
    digests = sorted(set(Photo.objects.filter(removed_at__isnull=True).values_list("digest", flat=True)))
    wrong = []
    for digest in digests:
        path = photo_store.path_of(digest)
        if not path.exists():
            wrong.append(f"photo {digest[:12]}… has no file")
        elif deep and sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(f"photo {digest[:12]}… is another picture than the one that came in")
    return len(digests), wrong
