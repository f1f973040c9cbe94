"""One act for several cases: rehearsed first, then done case by case, each with its own event and its own result.

A rehearsal is the act itself in a transaction that is taken back: what it shows is what would happen, by the very
rules that will judge it. Each case is one transaction, so that a long list never holds up the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from saat.actions import cases, joining
from saat.actions.cases import ActRefused, Assignee
from saat.actions.log import Actor, NotAllowed, NotFound
from saat.actions.texts import filled
from saat.cases.moves import MoveNotAllowed
from saat.cases.permission import may
from saat.records.models import BulkRun, Case, City, Event
from saat.terms.case import State, Urgency
from saat.terms.codes import spoken

MOST = 200
# What each act needs beside the cases.
NEEDS: dict[str, tuple[str, ...]] = {
    "take": (),
    "assign": ("to",),
    "priority": ("urgency",),
    "close_no_fix": ("reason_code",),
    "message": ("text",),
    "arrive": (),
}
IN_BULK = ("take", "assign", "priority", "close_no_fix", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An act with what it needs; see `NEEDS`."""

    act: str
    to: Assignee | None = None
    urgency: Urgency | None = None
    reason_code: str = ""
    text: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What it still needs."""
        return tuple(name for name in NEEDS[self.act] if not getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What becomes, or would become, of one case.

    changes: column to (before, after), as plain values. why: why nothing is done, "" if it is. refused_move: states
    that the case can pass into, where its state stands against the act. event_id: the event by which it is undone.
    """

    case_id: int
    done: bool
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    why: str = ""
    refused_move: tuple[State, tuple[State, ...]] | None = None
    event_id: int | None = None


class _TakenBack(Exception):
    """Ends a rehearsal."""


def do_one(choice: Choice, *, case_id: int, now: datetime, by: Actor) -> Line:
    """Do an act to one case; refusals are told in the line, and nothing was written then."""
    return _tried(choice, case_id=case_id, now=now, by=by, keep=True)


def rehearse(choice: Choice, *, city: City, case_ids: Sequence[int], now: datetime, by: Actor) -> list[Line]:
    """Return what the act would do to each case, in the order given; nothing is kept. At most `MOST` cases.

    :raises ActRefused: if there are more, or something that the act needs is missing.
    :raises NotAllowed: if the person may not change several cases at once.
    """
    _check(choice, city, case_ids, by)
    return [_tried(choice, case_id=case_id, now=now, by=by, keep=False) for case_id in case_ids]


def apply(choice: Choice, *, city: City, key: str, case_ids: Sequence[int], now: datetime, by: Actor) -> BulkRun:
    """Do the act to each case once, however often this is asked for under the same key, and return the run.

    A run that was broken off goes on where it stopped.

    :raises ActRefused: if there are too many cases, or something that the act needs is missing.
    :raises NotAllowed: if the person may not change several cases at once.
    :raises NotFound: if the key is of another person's run.
    """
    _check(choice, city, case_ids, by)
    first = {"city": city, "user_id": by.id, "act": choice.act, "case_ids": list(case_ids), "started_at": now}
    run, _made = BulkRun.objects.get_or_create(key=key, defaults=first)
    if run.user_id != by.id or run.act != choice.act:
        raise NotFound(_("There is no such run for you."))
    for case_id in run.case_ids:
        with transaction.atomic():
            run = BulkRun.objects.select_for_update().get(pk=run.pk)
            if str(case_id) not in run.results:
                line = _tried(choice, case_id=case_id, now=now, by=by, keep=True)
                run.results[str(case_id)] = {"done": line.done, "event": line.event_id, "why": line.why}
                run.save(update_fields=["results"])
    return run


def undo_all(*, event_ids: Sequence[int], now: datetime, by: Actor) -> list[tuple[int, str]]:
    """Undo several acts, each by itself; return the event ids that could not be undone, with why."""
    failed = []
    for event_id in list(event_ids)[:MOST]:
        try:
            joining.undo(event_id=event_id, now=now, by=by)
        except (ActRefused, NotAllowed, NotFound, MoveNotAllowed) as error:
            failed.append((event_id, str(error)))
    return failed


def _check(choice: Choice, city: City, case_ids: Sequence[int], by: Actor) -> None:
    if not may({grant.role for grant in by.reach.grants if grant.city_id == city.pk}, "bulk"):
        raise NotAllowed(_("Your role does not allow changing several cases at once."))
    if len(case_ids) > MOST:
        raise ActRefused(_("At most %(most)d cases can be changed at once.") % {"most": MOST}, field="case")
    if choice.missing:
        raise ActRefused(_("Please fill in what this step needs."), field=choice.missing[0])


def _tried(choice: Choice, *, case_id: int, now: datetime, by: Actor, keep: bool) -> Line:
    line = Line(case_id=case_id, done=False)
    try:
        with transaction.atomic():
            _ACTS[choice.act](choice, {"case_id": case_id, "now": now, "by": by})
            line = _line(choice, case_id=case_id, by=by)
            if not keep or not line.done:
                raise _TakenBack
    except _TakenBack:
        return line
    except MoveNotAllowed as error:
        return Line(case_id=case_id, done=False, why=str(error), refused_move=(error.old, error.allowed))
    except (ActRefused, NotAllowed, NotFound) as error:
        return Line(case_id=case_id, done=False, why=str(error))
    return line


def _line(choice: Choice, *, case_id: int, by: Actor) -> Line:
    """Return what the act that was just done has changed, from its event."""
    event = Event.objects.filter(case_id=case_id, actor=str(by), kind=_KINDS[choice.act]).order_by("-id").first()
    assert event is not None, "every act leaves its event"
    facts = event.facts
    before, after = facts.get("before", {}), facts.get("after", {})
    if not before and choice.act in ("assign", "priority"):
        return Line(case_id=case_id, done=False, why=_("It is so already."))
    changes = {name: (before[name], after[name]) for name in before}
    return Line(case_id=case_id, done=True, changes=changes, event_id=event.pk)


def _take(choice: Choice, usual: dict[str, Any]) -> None:
    cases.take_case(**usual)


def _assign(choice: Choice, usual: dict[str, Any]) -> None:
    assert choice.to is not None
    cases.assign_case(to=choice.to, **usual)


def _priority(choice: Choice, usual: dict[str, Any]) -> None:
    assert choice.urgency is not None
    cases.set_urgency(urgency=choice.urgency, **usual)


def _close_no_fix(choice: Choice, usual: dict[str, Any]) -> None:
    cases.close_without_fix(reason_code=choice.reason_code, note=choice.text, **usual)


def _message(choice: Choice, usual: dict[str, Any]) -> None:
    case = Case.objects.select_related("city").filter(pk=usual["case_id"]).first()
    if case is None:
        raise NotFound(_("There is no case %(number)d for you.") % {"number": usual["case_id"]})
    policy = case.city.policy_terms()
    text = filled(choice.text, case=case, policy=policy, language=get_language() or policy.languages[0])
    cases.message_reporter(text=text, **usual)


def _arrive(choice: Choice, usual: dict[str, Any]) -> None:
    cases.arrive(**usual)


_ACTS: dict[str, Callable[[Choice, dict[str, Any]], None]] = {
    "take": _take,
    "assign": _assign,
    "priority": _priority,
    "close_no_fix": _close_no_fix,
    "message": _message,
    "arrive": _arrive,
}
_KINDS = {
    "take": "case_taken",
    "assign": "case_assigned",
    "priority": "urgency_set",
    "close_no_fix": "case_closed",
    "message": "reporter_told",
    "arrive": "case_on_site",
}
CAN_BE_UNDONE = frozenset(act for act, kind in _KINDS.items() if kind in joining.UNDOABLE)


def names_of(case_ids: Sequence[int]) -> dict[int, str]:
    """Return the short codes of cases as they are spoken; one query."""
    return {pk: spoken(code) for pk, code in Case.objects.filter(pk__in=case_ids).values_list("pk", "code")}
