"""What is known of a collection that did not come, in plain sentences for the resident who misses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from babel.dates import format_date, format_time
from django.utils import timezone
from django.utils.translation import gettext as _

from saat.actions.finding_text import crew_reason
from saat.actions.notcollected import Told
from saat.records.truck_clock import truck_now
from saat.terms.codes import spoken
from saat.terms.collection import Answer, Instance, Known
from saat.web.resident import wording

# These leave nothing to wait for: somebody has to act, or to be asked.
_WORTH_SENDING = frozenset(
    {Known.COLLECTED, Known.PARTLY, Known.MISSED, Known.UNKNOWN, Known.NOTHING_OUT, Known.COULD_NOT, Known.AT_RISK}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as it is shown. worth: whether a report adds to it; it can be sent in either case."""

    known: Known
    title: str
    lines: tuple[str, ...]
    worth: bool

    @property
    def text(self) -> str:
        """All lines as one paragraph."""
        return " ".join(self.lines)


def said_of(told: Told, *, city_id: int, language: str, now: datetime) -> Said:
    """Return what is known about a stop in words. now: the wall clock."""
    answer = told.answer
    today = truck_now(city_id, now)
    lines = [_sentence(answer, language=language, today=today)]
    if told.step is not None:
        facts = {"code": spoken(told.step.code), "due": wording.when(told.step.due_at, language)}
        lines.append(_("The office knows of it (case %(code)s) and promises to act by %(due)s.") % facts)
    elif answer.known in (Known.MISSED, Known.COULD_NOT, Known.PARTLY):
        lines.append(_("If you report it, the office sends somebody or says why not."))
    if answer.asks:
        lines.append(_("If it is otherwise, please report it: your word counts, and the crew is asked."))
    if answer.next is not None and answer.known not in (Known.NOT_TODAY, Known.LATER_TODAY):
        when = _span(answer.next, language=language, today=today)
        lines.append(_("The next collection is planned for %(when)s.") % {"when": when})
    return Said(
        known=answer.known,
        title=_("Stop %(number)s") % {"number": told.stop.number},
        lines=tuple(lines),
        worth=answer.known in _WORTH_SENDING,
    )


def _sentence(answer: Answer, *, language: str, today: datetime) -> str:
    known, judged = answer.known, answer.judged
    if known is Known.NOT_TODAY and answer.next is not None:
        when = _span(answer.next, language=language, today=today)
        return _("Today is not the collection day here. The next one is %(when)s.") % {"when": when}
    if known is Known.LATER_TODAY and answer.next is not None:
        when = _span(answer.next, language=language, today=today)
        return _("The collection is still to come: %(when)s.") % {"when": when}
    assert judged is not None
    facts = {
        "day": _day(judged.opens_s, language=language, today=today),
        "from": _clock(answer.from_s, language),
        "to": _clock(answer.to_s, language),
        "at": _clock(judged.at_s, language),
        "reason": crew_reason(judged.reason or ""),
        "since": _clock(judged.silent_from_s, language),
    }
    return _TEXTS[_variant(known, judged)]() % facts


def _variant(known: Known, judged: Instance) -> str:
    if known is Known.COLLECTED and judged.at_s is None:
        return "collected_sometime"
    if known is Known.UNKNOWN and judged.silent_from_s is None:
        return "unknown_at_all"
    return str(known)


_TEXTS = {
    "on_its_way": lambda: _("The truck is on its way. It is expected between %(from)s and %(to)s."),
    "at_risk": lambda: _(
        "The truck is late and will perhaps not come in time. It is expected between %(from)s and %(to)s."
    ),
    "collected": lambda: _("As far as we can see, the truck collected here %(day)s at %(at)s."),
    "collected_sometime": lambda: _("As far as we can see, the truck collected here %(day)s."),
    "partly": lambda: _("Only a part of this street was collected %(day)s."),
    "could_not": lambda: _("The crew could not collect here %(day)s: %(reason)s."),
    "nothing_out": lambda: _("The crew was here %(day)s and says that nothing was put out."),
    "called_off": lambda: _("The collection of %(day)s was called off."),
    "missed": lambda: _("It is recorded that this stop was missed %(day)s."),
    "unknown": lambda: _("Nobody can tell: the truck's tracker has been silent since %(since)s."),
    "unknown_at_all": lambda: _("Nobody can tell whether the truck collected here %(day)s."),
}


def _clock(moment_s: float | None, language: str) -> str:
    if moment_s is None:
        return ""
    at = timezone.localtime(datetime.fromtimestamp(moment_s, UTC))
    return str(format_time(at, "HH:mm", locale=wording.locale_of(language)))


def _day(moment_s: float, *, language: str, today: datetime) -> str:
    at = timezone.localtime(datetime.fromtimestamp(moment_s, UTC))
    days = (at.date() - timezone.localtime(today).date()).days
    known = {0: _("today"), -1: _("yesterday"), 1: _("tomorrow")}
    return known.get(days) or str(format_date(at, "EEEE d MMMM", locale=wording.locale_of(language)))


def _span(one: Instance, *, language: str, today: datetime) -> str:
    facts = {
        "day": _day(one.opens_s, language=language, today=today),
        "from": _clock(one.opens_s, language),
        "to": _clock(one.closes_s, language),
    }
    return _("%(day)s between %(from)s and %(to)s") % facts
