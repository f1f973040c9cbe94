"""Letters in the reader's own language, written when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from saat.links.email.client import Letter
from saat.records import queries_letters as queries
from saat.records.models import Case, Outbox
from saat.terms.case import Ending, State
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the city can be reached. url: the public address without a slash at the end.

    answer_link: given (case id, contractor id), returns a link through which the contractor answers without an account.
    """

    url: str
    answer_link: Callable[[int, int], str]


def letter_of(row: Outbox, *, desk: Desk) -> Letter | None:
    """Return the letter for an outbox row, or None if there is nobody to write to any more."""
    kind = row.kind.split(".")[0]
    make = {"reporter": _to_reporter, "official": _to_official, "worker": _to_worker}[kind]
    return make(row, desk)


def _to_reporter(row: Outbox, desk: Desk) -> Letter | None:
    found = queries.reporter_letter(row.facts)
    if found is None or not found[0].email:
        return None
    reader, request, message = found
    case = request.case
    policy = case.city.policy_terms()
    language = _language(reader.language, policy)
    with translation.override(language):
        facts = _facts(case, policy, language)
        if row.kind == "reporter.received":
            subject = _("We have your report %(code)s") % facts
            body = (
                _("Thank you. %(office)s has received your report (%(category)s). We promise to act by %(due)s.")
                % facts
            )
        elif row.kind == "reporter.closed":
            if State(case.state) is not State.CLOSED:
                return None  # it was opened again meanwhile: this is not true any more
            subject = _("Your report %(code)s: what was done") % facts
            body = _closing(case, policy, language) + "\n\n" + _("Is it true? Please tell us on the page below.")
        elif message is None:
            return None  # it was forgotten with its reporter
        else:
            subject = _("A message about your report %(code)s") % facts
            body = message.text
        follow = _("Follow your report, answer, or say that it is gone or still there:")
        link = f"{desk.url}/r/{request.token}"
        return _letter(row, reader.email, subject, f"{body}\n\n{follow}\n{link}", policy, language)


def _closing(case: Case, policy: CityPolicy, language: str) -> str:
    office = policy.say(policy.office, language)
    if case.ending == Ending.NO_FIX:
        reason = next((r for r in policy.closing_reasons if r.code == case.reason_code), None)
        said = policy.say(reason.text, language) if reason else case.reason_code
        return _("%(office)s closed it without fixing it: %(reason)s.") % {"office": office, "reason": said}
    if case.ending == Ending.CLAIMED:
        return _("%(office)s says that it was cleaned. There is no photo to prove it.") % {"office": office}
    if case.ending == Ending.CONFIRMED:
        return _("%(office)s says that it was cleaned, and a resident says so too.") % {"office": office}
    return _("%(office)s says that it was cleaned, and shows a photo.") % {"office": office}


def _to_official(row: Outbox, desk: Desk) -> Letter | None:
    found = queries.official_letter(row.facts)
    if found is None or not found[0].email:
        return None
    reader, case, alert = found
    if State(case.state).is_closed:
        return None
    policy = case.city.policy_terms()
    language = _language(reader.language, policy)
    with translation.override(language):
        facts = _facts(case, policy, language)
        why = {
            "danger": _("It may be dangerous."),
            "reopened": _("A resident says that it is still there."),
            "untaken": _("Nobody has taken it."),
            "overdue": _("The promised time is over."),
            "declined": _("Whoever it was handed to cannot do it."),
        }.get(alert.why if alert else "", _("It waits too long."))
        subject = (_("Act now: %(code)s, %(category)s") if alert else _("Escalated: %(code)s, %(category)s")) % facts
        lines = [why, _("Promised by: %(due)s") % facts, *_place(case, language)]
        link = f"{desk.url}/desk/cases/{case.pk}"
        return _letter(row, reader.email, subject, "\n".join(lines) + f"\n\n{link}", policy, language)


def _to_worker(row: Outbox, desk: Desk) -> Letter | None:
    found = queries.worker_letter(row.facts)
    if found is None or not found[0].email:
        return None
    reader, case, contractor = found
    if State(case.state).is_closed:
        return None
    policy = case.city.policy_terms()
    language = _language(reader.language, policy)
    with translation.override(language):
        facts = _facts(case, policy, language)
        subject = _("Work for you: %(code)s, %(category)s") % facts
        lines = [_("%(office)s asks you to go there. Promised by: %(due)s") % facts, *_place(case, language)]
        link = desk.answer_link(case.pk, contractor.pk) if contractor else f"{desk.url}/desk/cases/{case.pk}"
        return _letter(row, reader.email, subject, "\n".join(lines) + f"\n\n{link}", policy, language)


def _place(case: Case, language: str) -> list[str]:
    words = queries.place_in_words(case, language)
    return [_("Place: %(place)s") % {"place": words}] if words else []


def _language(wanted: str, policy: CityPolicy) -> str:
    return wanted if wanted in policy.languages else policy.languages[0]


def _facts(case: Case, policy: CityPolicy, language: str) -> dict[str, str]:
    category = policy.category(case.service_code).name if policy.has_category(case.service_code) else {}
    due = localtime(case.due_at, ZoneInfo(policy.hours.zone))
    return {
        "code": spoken(case.code),
        "category": policy.say(category, language) if category else case.service_code,
        "office": policy.say(policy.office, language),
        "due": f"{date_format(due, 'j F Y')}, {due:%H:%M}",
    }


def _letter(row: Outbox, to: str, subject: str, text: str, policy: CityPolicy, language: str) -> Letter:
    sign = policy.say(policy.office, language)
    return Letter(
        to=to,
        subject=subject,
        text=f"{text}\n\n{sign}\n",
        letter_id=f"saat-{row.pk}-{row.city_id}",
        written_at=row.queued_at,
    )
