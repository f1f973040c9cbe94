"""The history of a case in plain words: who did what, when, and what was there before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from saat.records.models import Event
from saat.records.queries_case import Names
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy
from saat.terms.run import FindingKind
from saat.web.desk import words
from saat.web.desk.trucks_words import FINDINGS

_ALERTS = frozenset({"alert_raised", "alert_passed_on", "alert_unheard", "case_escalated"})
_FOLDED_FROM = 4  # so many lines in a row, or more, are folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the history. kind: of the event, for its drawing. details: what changed, "before → after"."""

    event_id: int
    kind: str
    at: datetime
    who: str
    what: str
    details: tuple[str, ...] = ()
    undone: bool = False
    can_undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Several lines of the clock in a row, shown as one that opens. steps: the latest first."""

    steps: tuple[Step, ...]

    @property
    def first(self) -> Step:
        """The earliest of them."""
        return self.steps[-1]

    @property
    def last(self) -> Step:
        """The latest of them."""
        return self.steps[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """In whose words events are told. areas: area id to what it is called; zone: of the city's clock."""

    policy: CityPolicy
    language: str
    names: Names
    areas: Callable[[int | None], str]

    @property
    def zone(self) -> str:
        """The city's time zone."""
        return self.policy.hours.zone


def steps_of(events: list[Event], *, speech: Speech, can_undo: set[int]) -> list[Step]:
    """Return the history, the latest first."""
    gone = {event.facts["undoes"] for event in events if event.kind == "act_undone"}
    found = []
    for event in events:
        facts = event.facts
        found.append(
            Step(
                event_id=event.pk,
                kind=event.kind,
                at=event.at,
                who=who(event.actor, speech.names),
                what=what_of(event, speech),
                details=tuple(_details(facts, speech)),
                undone=event.pk in gone,
                can_undo=event.pk in can_undo,
            )
        )
    return found[::-1]


def folded(steps: list[Step]) -> list[Step | Fold]:
    """Return the history with each row of alerts as one line, so that what people did stands out."""
    lines: list[Step | Fold] = []
    for by_itself, some in groupby(steps, key=lambda step: step.kind in _ALERTS):
        row = tuple(some)
        lines += [Fold(steps=row)] if by_itself and len(row) >= _FOLDED_FROM else row
    return lines


def who(actor: str, names: Names) -> str:
    """Return who an actor is, in words."""
    kind, _sign, number = actor.partition(":")
    if kind == "user":
        return names.people.get(int(number)) or _("Somebody whose account was deleted")
    if kind == "link":
        return names.links.get(int(number)) or _("A contractor")
    return {
        "resident": _("A resident"),
        "clock": _("The clock"),
        "partner": _("A partner"),
        "command": _("The administrator"),
        "follower": _("The follower of trucks"),
    }.get(kind, kind)


def sentence(event: Event, speech: Speech) -> str:
    """Return one event as a short sentence, for messages: "Sokha: took the case"."""
    return f"{who(event.actor, speech.names)}: {what_of(event, speech)}"


def what_of(event: Event, speech: Speech) -> str:
    """Return what happened, as the rest of a sentence that begins with who did it."""
    tell = _TOLD.get(event.kind)
    return tell(event.facts, speech) if tell else event.kind.replace("_", " ")


def _opened(facts: dict[str, Any], speech: Speech) -> str:
    if "split_from_code" in facts:
        return _("split off from case %(code)s") % {"code": spoken(facts["split_from_code"])}
    if "findings" in facts:
        return _("found it in the trucks' positions: %(kinds)s") % {"kinds": _kinds(facts["findings"])}
    if facts.get("channel") == "phone":
        return _("wrote down a call")
    channel = words.CHANNELS.get(facts.get("channel", ""), facts.get("channel", ""))
    return _("reported it through %(channel)s") % {"channel": channel}


def _kinds(kinds: list[str]) -> str:
    return ", ".join(str(FINDINGS[FindingKind(kind)]) for kind in kinds)


def _finding(text: str) -> Callable[[dict[str, Any], Speech], str]:
    def tell(facts: dict[str, Any], speech: Speech) -> str:
        stops = len(facts.get("stops") or [])
        what = _kinds([facts["kind"]]) if "kind" in facts else ""
        counted = ngettext("%(n)d stop", "%(n)d stops", stops) % {"n": stops}
        return _(text) % {"what": what, "stops": counted}

    return tell


def _voice(facts: dict[str, Any], speech: Speech) -> str:
    if facts.get("channel") == "phone":
        return _("wrote down another call about it")
    if facts.get("voice") == "report" and "likeness" in facts:
        score = number_format(facts["likeness"], 2)
        return _("reported it as well; joined by itself, likeness %(score)s") % {"score": score}
    if facts.get("voice") == "report":
        return _("reported it as well and chose this case")
    return _("sees it too")


def _assigned(facts: dict[str, Any], speech: Speech) -> str:
    names = speech.names
    if facts.get("user") is not None:
        return _("assigned it to %(name)s") % {"name": names.people.get(facts["user"], "?")}
    if facts.get("crew") is not None:
        return _("assigned it to the crew %(name)s") % {"name": names.crews.get(facts["crew"], "?")}
    return _("assigned it to %(name)s") % {"name": names.contractors.get(facts.get("contractor") or 0, "?")}


def _closed(facts: dict[str, Any], speech: Speech) -> str:
    if facts.get("by_itself"):
        return _("closed the case: the trucks' positions show that it is over, and nobody had touched it")
    if facts.get("ending") == "no_fix":
        reason = words.reason_text(facts.get("reason", ""), policy=speech.policy, language=speech.language)
        return _("closed it without cleaning: %(reason)s") % {"reason": reason}
    if facts.get("ending") == "proved":
        failed = sum(1 for check in facts.get("checks", ()) if check.get("passed") is False)
        return _("proved it with a photo; a check failed") if failed else _("proved it with a photo")
    return _("closed it as cleaned, without a photo")


def _escalated(facts: dict[str, Any], speech: Speech) -> str:
    role = words.ROLES.get(facts.get("role", ""), "")
    told = ", ".join(speech.names.people[number] for number in facts.get("told") or [] if number in speech.names.people)
    why = _("nobody has taken it") if facts.get("why") == "untaken" else _("the promise is broken")
    return _("escalated it to the %(role)s (%(told)s), because %(why)s") % {
        "role": role, "told": told or _("nobody has this role here"), "why": why,
    }  # fmt: skip


def _alerted(text: str) -> Callable[[dict[str, Any], Speech], str]:
    def tell(facts: dict[str, Any], speech: Speech) -> str:
        name = speech.names.people.get(facts.get("user") or 0, "")
        return _(text) % {"name": name, "why": words.WHYS.get(facts.get("why", ""), "")}

    return tell


def _code(text: str, key: str) -> Callable[[dict[str, Any], Speech], str]:
    return lambda facts, speech: _(text) % {"code": spoken(facts.get(key, ""))}


def _undone(facts: dict[str, Any], speech: Speech) -> str:
    what = {
        "case_taken": _("undid the taking"),
        "case_released": _("undid the giving back"),
        "case_assigned": _("undid the assignment"),
        "case_on_site": _("undid “on site”"),
        "case_changed": _("undid the correction"),
        "urgency_set": _("undid the urgency"),
        "case_closed": _("undid the closing"),
        "case_reopened": _("undid the reopening"),
        "case_merged": _("undid the merge"),
        "case_split": _("undid the split"),
        "proof_accepted": _("took back that the proof holds"),
    }
    return what.get(facts.get("what", ""), _("undid a step"))


def _redacted(facts: dict[str, Any], speech: Speech) -> str:
    return _("covered parts of a photo")


def _declined(facts: dict[str, Any], speech: Speech) -> str:
    return _("cannot do it: %(reason)s") % {"reason": words.DECLINED.get(facts.get("reason", ""), "")}


def _plain(text: str) -> Callable[[dict[str, Any], Speech], str]:
    return lambda facts, speech: _(text)


_TOLD: dict[str, Callable[[dict[str, Any], Speech], str]] = {
    "case_opened": _opened,
    "case_imported": _plain(gettext_noop("brought the case in from another system")),
    "case_import_renewed": _plain(gettext_noop("brought the case up to date from another system")),
    "voice_added": _voice,
    "gone_said": _plain(gettext_noop("says that it is gone")),
    "still_there_said": _plain(gettext_noop("says that it is still there")),
    "case_confirmed": _plain(gettext_noop("confirms that it is gone")),
    "case_seen": _plain(gettext_noop("saw the case for the first time")),
    "case_taken": _plain(gettext_noop("took the case")),
    "case_released": _plain(gettext_noop("gave the case back into the queue")),
    "case_assigned": _assigned,
    "case_declined": _declined,
    "case_on_site": _plain(gettext_noop("is on site")),
    "case_changed": _plain(gettext_noop("corrected the case")),
    "urgency_set": _plain(gettext_noop("changed the urgency")),
    "case_closed": _closed,
    "case_reopened": _plain(gettext_noop("opened the case again")),
    "case_merged": _code(gettext_noop("merged this case into %(code)s"), "into_code"),
    "case_joined": _code(gettext_noop("merged case %(code)s into this one"), "from_code"),
    "case_left": _code(gettext_noop("undid the merge; case %(code)s stands by itself again"), "to_code"),
    "case_split": _code(gettext_noop("split off case %(code)s"), "new_code"),
    "case_rejoined": _code(gettext_noop("undid the split; the reports are back in %(code)s"), "into_code"),
    "case_escalated": _escalated,
    "alert_raised": _alerted(gettext_noop("alerted %(name)s, because %(why)s")),
    "alert_passed_on": _alerted(gettext_noop("%(name)s did not answer; the alert went on")),
    "alert_unheard": _alerted(gettext_noop("found nobody on duty to alert, although %(why)s")),
    "alert_acknowledged": _plain(gettext_noop("answered the alert")),
    "note_written": _plain(gettext_noop("wrote a note")),
    "reporter_told": _plain(gettext_noop("wrote to the reporters")),
    "reporter_asked": _plain(gettext_noop("asked the reporters")),
    "reporter_answered": _plain(gettext_noop("answered the office")),
    "reporters_anonymised": _plain(gettext_noop("forgot who reported it, as the city's period is over")),
    "proof_accepted": _plain(gettext_noop("looked at the photo and accepts it as proof")),
    "photo_redacted": _redacted,
    "photo_removed": _plain(gettext_noop("took a photo away")),
    "photo_published": _plain(gettext_noop("let everybody see a photo")),
    "photo_hidden": _plain(gettext_noop("hid a photo from the public")),
    "link_made": _plain(gettext_noop("made a link to answer without an account")),
    "link_withdrawn": _plain(gettext_noop("ended a link to answer without an account")),
    "act_undone": _undone,
    "finding_opened": _finding(gettext_noop("found: %(what)s, %(stops)s")),
    "finding_grew": _finding(gettext_noop("found more: %(what)s, %(stops)s by now")),
    "run.stalled": _finding(gettext_noop("found: %(what)s, %(stops)s")),
    "stop_run.at_risk": _finding(gettext_noop("found: %(what)s, %(stops)s")),
    "feed.down": _finding(gettext_noop("found: %(what)s")),
    "finding_over": _finding(gettext_noop("found that it is over: %(what)s")),
    "finding_withdrawn": _finding(gettext_noop("took back: %(what)s; it turned out not to be so")),
    "findings_over": _plain(gettext_noop("finds nothing wrong there any more")),
    "stop_disputed": _plain(gettext_noop("says that the stop was not collected")),
}


def _details(facts: dict[str, Any], speech: Speech) -> list[str]:
    """Return what an event changed, as "what: before → after", for the columns that people know by a name."""
    before, after = facts.get("before") or {}, facts.get("after") or {}
    lines = []
    for column, (name, say) in _columns(speech).items():
        if column in before and before[column] != after.get(column):
            lines.append(f"{name}: {say(before[column])} → {say(after.get(column))}")
    if "address" in after and before.get("address") != after["address"]:
        lines.append(_("The address in words was changed."))
    if ("lat" in after) and "area_id" not in after:
        lines.append(_("The place on the map was changed."))
    return lines


def _columns(speech: Speech) -> dict[str, tuple[str, Callable[[Any], str]]]:
    def person(number: Any) -> str:
        return speech.names.people.get(number, _("nobody")) if number else _("nobody")

    def crew(number: Any) -> str:
        return speech.names.crews.get(number, _("none")) if number else _("none")

    def company(number: Any) -> str:
        return speech.names.contractors.get(number, _("none")) if number else _("none")

    def category(code: Any) -> str:
        return words.category_name(str(code), policy=speech.policy, language=speech.language)

    def due(text: Any) -> str:
        return words.moment(datetime.fromisoformat(text), zone=speech.zone) if text else "–"

    return {
        "state": (_("State"), lambda state: str(words.STATES.get(state, state))),
        "service_code": (_("Category"), category),
        "urgency": (_("Urgency"), lambda urgency: str(words.URGENCIES.get(urgency, urgency))),
        "area_id": (_("Area"), lambda number: speech.areas(number)),
        "owner_id": (_("Answers for it"), person),
        "contractor_id": (_("Contractor"), company),
        "crew_id": (_("Crew"), crew),
        "due_at": (_("Promised by"), due),
    }
