"""Writing: one transaction, one city at a time, and everything that happens goes into that city's chain.

    with writing(city_id, now=now, by=by) as log:
        case = log.case(case_id, "take")      # locked, and `by` may do it
        ...
        log.append("case_taken", case_id=case.pk, facts={...})

The chain's head is locked first, so two writers of one city never wait for each other in a circle, and its events are
committed in the order of their numbers. Readers and other cities are not held up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from saat.cases.permission import may
from saat.records import quick
from saat.records.models import Case, Event, SignedLink, User
from saat.records.scope import Reach, reach_of
from saat.terms.case import Role

# Called after each commit that appended events; the live desk of this process puts its alarm clock here.
on_written: list[Callable[[], None]] = []

# What those may do who are not people with an account. The keys are actor kinds.
_MAY_WITHOUT_ACCOUNT: dict[str, frozenset[str]] = {
    "resident": frozenset(),
    "clock": frozenset({"escalate", "anonymise", "plan_runs"}),
    "link": frozenset({"see", "note", "arrive", "prove"}),
    "command": frozenset({"*"}),
    "partner": frozenset({"see"}),
    "device": frozenset(),
    "follower": frozenset({"see"}),
}


class NotAllowed(Exception):
    """Somebody asked for what is not theirs to do; the message may be shown to them."""


class NotFound(Exception):
    """There is no such row, or not for this person: the two are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something.

    kind: "user", "resident", "clock" (the deadline clock), "link" (a contractor's signed link), "command" (an
    operator at the machine), "partner" (an API key) or "device" (a crew's phone). reach: what a user may see.
    """

    kind: str
    id: int | None = None
    user: User | None = None
    reach: Reach = field(default_factory=lambda: Reach(user_id=0))

    @classmethod
    def of(cls, user: User) -> Actor:
        """Return a signed-in person as an actor; one query for what they may see."""
        return cls(kind="user", id=user.pk, user=user, reach=reach_of(user))

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    def roles_for(self, case: Case) -> set[Role]:
        """Return as what this actor sees a case."""
        return self.reach.roles_for(case)

    def may(self, act: str, case: Case) -> bool:
        """Return whether this actor may do something to a case."""
        if self.kind == "user":
            return may(self.roles_for(case), act)
        allowed = _MAY_WITHOUT_ACCOUNT[self.kind]
        return act in allowed or "*" in allowed

    def may_in_area(self, act: str, *, city_id: int, area_path: str) -> bool:
        """Return whether a person may do something that concerns a place; area_path is an `Area.path`, "" for none."""
        return may(self.reach.roles_in(city_id=city_id, area_path=area_path, contractor_id=None, crew_id=None), act)

    def may_in_city(self, act: str, city_id: int) -> bool:
        """Return whether this actor may do something that concerns a whole city."""
        if self.kind == "user":
            roles = {grant.role for grant in self.reach.grants if grant.city_id == city_id and not grant.area_path}
            return may(roles, act)
        return "*" in _MAY_WITHOUT_ACCOUNT[self.kind] or act in _MAY_WITHOUT_ACCOUNT[self.kind]


RESIDENT = Actor(kind="resident")
CLOCK = Actor(kind="clock")
COMMAND = Actor(kind="command")
FOLLOWER = Actor(kind="follower")


class Log:
    """The open end of one city's chain within one transaction."""

    def __init__(self, *, city_id: int, now: datetime, by: Actor) -> None:
        self.city_id, self.now, self.by = city_id, now, by
        head = quick.head_of(city_id)
        if head is None:
            raise NotFound(f"There is no city {city_id}.")
        self._head = head
        self._new: list[Event] = []

    def case(self, case_id: int, act: str) -> Case:
        """Return a case of this city, locked, if the actor may see it and do this to it.

        :raises NotFound: if there is no such case for this actor.
        :raises NotAllowed: if the actor sees it but may not do this.
        """
        case = quick.case_of(case_id, city_id=self.city_id)
        if case is None or not self._sees(case):
            raise NotFound(_("There is no case %(number)d for you.") % {"number": case_id})
        if not self.by.may(act, case):
            raise NotAllowed(_("Your role does not allow this."))
        return case

    def _sees(self, case: Case) -> bool:
        if self.by.kind == "user":
            return bool(self.by.roles_for(case))
        if self.by.kind == "link":
            return live_links(now=self.now).filter(pk=self.by.id or 0, case=case).exists()
        return True

    def append(
        self, kind: str, *, case_id: int | None = None, subject: str = "", facts: dict[str, Any] | None = None
    ) -> Event:
        """Add what happened to the chain; it is written when the transaction ends.

        kind: a past participle such as `case_taken`. subject: what it happened to, unless it is the case.
        facts: plain values without personal data; they are kept for ever.
        """
        facts_json = canonical(facts or {})
        seq = self._head.seq + 1
        subject = subject or f"case:{case_id}"
        event = Event(
            city_id=self.city_id,
            seq=seq,
            at=self.now,
            kind=kind,
            subject=subject,
            case_id=case_id,
            actor=str(self.by),
            facts_json=facts_json,
            hash=chained(
                before=self._head.hash,
                city_id=self.city_id,
                seq=seq,
                at=self.now,
                kind=kind,
                subject=subject,
                case_id=case_id,
                actor=str(self.by),
                facts_json=facts_json,
            ),
        )
        self._head.seq, self._head.hash = seq, event.hash
        self._new.append(event)
        return event

    def flush(self) -> None:
        """Write what was appended so far, for an action that needs an event's id before it ends."""
        if self._new:
            for event in self._new:
                quick.insert(event)
            quick.move_head(self._head)
            self._new = []
            transaction.on_commit(_tell)


@contextmanager
def writing(city_id: int, *, now: datetime, by: Actor) -> Iterator[Log]:
    """Open one transaction on one city; commit what was written and logged, or nothing of it.

    now: aware.

    :raises NotFound: if there is no such city.
    """
    if now.tzinfo is None:
        raise ValueError("`now` must be aware.")
    with transaction.atomic():
        log = Log(city_id=city_id, now=now, by=by)
        yield log
        log.flush()


def live_links(*, now: datetime) -> QuerySet[SignedLink]:
    """Return the signed links that open a case now: neither expired nor revoked, and the case is still with them."""
    still_theirs = Q(contractor__isnull=True, crew=F("case__crew")) | Q(contractor=F("case__contractor"))
    return SignedLink.objects.filter(still_theirs, expires_at__gt=now, revoked_at__isnull=True)


def canonical(facts: dict[str, Any]) -> str:
    """Return facts as JSON text that is the same for the same facts."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


def chained(*, before: str, city_id: int, at: datetime, facts_json: str, **columns: Any) -> str:
    """Return the SHA-256 that ties an event to the one before it, in hexadecimal.

    before: the hash of the event before. at: aware. columns: seq, kind, subject, case_id and actor of the event.
    """
    whole = canonical({**columns, "at": at.astimezone(UTC).isoformat(), "city_id": city_id, "facts": facts_json})
    return hashlib.sha256(f"{before}\n{whole}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    raise TypeError(f"An event cannot hold a {type(value).__name__}.")


def _tell() -> None:
    for tell in on_written:
        tell()
