"""Plain sentences for residents: where, when, what is being done, what happened."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_timedelta
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from saat.actions.findings import OVER
from saat.records.queries_public import Office, PublicCase, Step
from saat.terms.case import Ending, State, Voice
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy

_STEPS_M = (50, 100, 200, 500, 1000)


def category_name(policy: CityPolicy, service_code: str, language: str) -> str:
    """Return what a category is called; its code if the city has given it up."""
    known = policy.has_category(service_code)
    return policy.say(policy.category(service_code).name, language) if known else service_code


def place_line(case: PublicCase, policy: CityPolicy, language: str) -> str:
    """Return where a case is, as everybody may know it: the landmark if one is named, then the areas."""
    names = [policy.say(names, language) for names in reversed(case.areas)]
    if case.place:
        names.insert(0, _("near %(place)s") % {"place": policy.say(case.place, language)})
    return ", ".join(name for name in names if name)


def rough_distance(metres: float | None, *, grid_m: float) -> str:
    """Return about how far a case is; never finer than its place is shown."""
    if metres is None:
        return ""
    least = max(metres, grid_m)
    step = next((step for step in _STEPS_M if least <= step), None)
    if step is None:
        return _("about %(km)d km from here") % {"km": math.ceil(least / 1000)}
    return _("less than %(metres)d m from here") % {"metres": step}


def voices_line(voices: int) -> str:
    """Return how many people said so."""
    return ngettext("%(count)d person reported it", "%(count)d people reported it", voices) % {"count": voices}


def when(moment: datetime, language: str) -> str:
    """Return a moment in the city's own time, such as "Monday 2 March, 10:30"."""
    return str(format_datetime(timezone.localtime(moment), "EEEE d MMMM, HH:mm", locale=locale_of(language)))


def ago(moment: datetime, *, now: datetime, language: str) -> str:
    """Return how long ago a moment was, such as "3 hours ago"."""
    span = min(moment - now, timedelta(seconds=-60))
    return str(format_timedelta(span, add_direction=True, threshold=1.2, locale=locale_of(language)))


def span(length: timedelta, language: str) -> str:
    """Return a length of time, such as "3 hours"."""
    return str(format_timedelta(max(length, timedelta(minutes=1)), threshold=1.2, locale=locale_of(language)))


def locale_of(language: str) -> Locale:
    """Return how a language writes dates; English if nobody knows."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def status_line(case: PublicCase) -> str:
    """Return where a case stands, in a few words."""
    if case.state is State.CLOSED:
        return {
            Ending.PROVED: _("Cleaned, with a photo as proof"),
            Ending.CLAIMED: _("Said to be cleaned, without proof"),
            Ending.NO_FIX: _("Closed without being cleaned"),
            Ending.CONFIRMED: _("Gone: a resident confirmed it"),
        }[Ending(case.ending)]
    return {
        State.OPEN: _("Waiting for somebody to take it on"),
        State.TAKEN: _("An official has taken it on"),
        State.ASSIGNED: _("A crew is to go there"),
        State.ON_SITE: _("Somebody is there now"),
        State.MERGED: _("Joined with another case"),
    }[case.state]


def status_detail(case: PublicCase, policy: CityPolicy, language: str) -> str:
    """Return the sentence below the status: what it means, honestly."""
    if case.state is not State.CLOSED:
        return ""
    if case.ending == Ending.NO_FIX:
        for reason in policy.closing_reasons:
            if reason.code == case.reason_code:
                return policy.say(reason.text, language)
        if case.reason_code == OVER:
            return _("The trucks' positions showed a trouble with the collection here; it is over.")
        return _("The office did not say that it was cleaned.")
    if case.ending == Ending.CLAIMED:
        return _("The office says that it is done, but has shown no photo of it.")
    return ""


def deadline_line(case: PublicCase, *, now: datetime, language: str) -> tuple[str, bool]:
    """Return the promise in words, and whether it is broken; nothing where it was closed without being cleaned."""
    if case.ending == Ending.NO_FIX:
        return "", False
    due = when(case.due_at, language)
    if case.closed_at is not None:
        late = case.closed_at - case.due_at
        if late > timedelta(0):
            return _("It was promised by %(due)s and closed %(late)s late.") % {
                "due": due,
                "late": span(late, language),
            }, True
        return _("It was promised by %(due)s and closed in time.") % {"due": due}, False
    late = now - case.due_at
    if late > timedelta(0):
        return _("It was promised by %(due)s. That is %(late)s overdue.") % {
            "due": due,
            "late": span(late, language),
        }, True
    return _("It is promised by %(due)s.") % {"due": due}, False


def told(steps: list[Step], policy: CityPolicy, language: str) -> list[dict[str, Any]]:
    """Return a case's history as sentences, oldest first; residents' voices in a row are counted together."""
    lines: list[dict[str, Any]] = []
    voices = 0
    for step in steps:
        if step.kind == "voice_added":
            voices += 1
            text = ngettext("%(count)d more person sees it.", "%(count)d more people see it.", voices) % {
                "count": voices
            }
            if voices > 1:
                lines.pop()
        else:
            voices = 0
            text = _sentence(step, policy, language)
        if text:
            lines.append({"text": text, "at": step.at, "when": when(step.at, language), "resident": step.resident})
    return lines


def _sentence(step: Step, policy: CityPolicy, language: str) -> str:
    facts = step.facts
    office = office_name(step.office, policy, language)
    if step.kind == "case_closed":
        return _closing(step, policy, language)
    if step.kind == "case_assigned":
        company = facts.get("contractor_name")
        if company:
            return _("%(office)s handed it to %(company)s.") % {"office": office, "company": company}
        if facts.get("crew"):
            return _("%(office)s sent a crew.") % {"office": office}
        return _("%(office)s handed it to an official.") % {"office": office}
    if step.kind == "case_escalated":
        if facts.get("why") == "overdue":
            return _("It was not done in time, so it was passed on to somebody higher.")
        return _("Nobody had taken it on, so it was passed on to somebody higher.")
    if step.kind == "case_reopened":
        if step.resident:
            return _("A resident said that it is still there. It is open again.")
        if facts.get("why") == "finding":
            return _("The trucks' positions show that it is wrong again.")
        return _("%(office)s opened it again.") % {"office": office}
    if step.kind == "case_opened":
        if facts.get("split_from_code"):
            return _("It was made a case of its own, out of %(code)s.") % {"code": spoken(facts["split_from_code"])}
        if "findings" in facts:
            return _("The trucks' positions showed that something is wrong with the collection.")
        return _("It was reported.")
    if step.kind in ("case_joined", "case_merged"):
        code = facts.get("from_code") or facts.get("into_code") or ""
        return _("It was joined with %(code)s, which is the same.") % {"code": spoken(code)}
    return {
        "gone_said": _("A resident said that it is gone."),
        "still_there_said": _("A resident said that it is still there."),
        "case_confirmed": _("A resident confirmed that it is gone."),
        "case_seen": _("%(office)s has seen it."),
        "case_taken": _("%(office)s has taken it on."),
        "case_released": _("%(office)s gave it back; it waits for somebody else."),
        "case_on_site": _("%(office)s is there."),
        "case_changed": _("%(office)s corrected what or where it is."),
        "urgency_set": _("%(office)s changed how urgent it is."),
        "case_split": _("Reports of something else were made a case of their own."),
        "case_left": _("A case that was joined with it was parted from it again."),
        "act_undone": _("%(office)s took back its last step."),
    }.get(step.kind, "") % {"office": office}


def _closing(step: Step, policy: CityPolicy, language: str) -> str:
    office = office_name(step.office, policy, language)
    ending = step.facts.get("ending")
    if ending == Ending.PROVED:
        return _("%(office)s says that it is cleaned, and has shown a photo.") % {"office": office}
    if step.facts.get("by_itself"):
        return _("The trucks' positions show that it is over.")
    if ending == Ending.NO_FIX:
        texts = [reason.text for reason in policy.closing_reasons if reason.code == step.facts.get("reason")]
        why = policy.say(texts[0], language) if texts else ""
        closed = _("%(office)s closed it without having it cleaned.") % {"office": office}
        return f"{closed} {why}".strip()
    return _("%(office)s says that it is cleaned, without showing a photo.") % {"office": office}


def office_name(office: Office, policy: CityPolicy, language: str) -> str:
    """Return who acted: a company, an area's office, or the city hall; never a person."""
    if office.contractor:
        return office.contractor
    if office.area:
        kind = {"khan": _("Khan %(area)s"), "sangkat": _("Sangkat %(area)s")}.get(office.area_kind, "%(area)s")
        return kind % {"area": policy.say(office.area, language)}
    return policy.say(policy.office, language)


def voice_name(voice: str) -> str:
    """Return what a resident said with one voice."""
    return {
        Voice.REPORT: _("You reported it"),
        Voice.ME_TOO: _("You see it too"),
        Voice.STILL_THERE: _("You said that it is still there"),
        Voice.GONE: _("You said that it is gone"),
    }[Voice(voice)]


def script_texts(policy: CityPolicy) -> dict[str, str]:
    """Return the texts that the page's script shows, by the name that it knows them by."""
    return {
        "choose_what": _("Please choose what it is."),
        "choose_where": _("Please say where it is: use your position, tap on the map, or choose the area."),
        "summary": _("Please look at these points:"),
        "locating": _("Looking for your position…"),
        "located": _("Your position is taken (± %(metres)s m)."),
        "located_roughly": _(
            "Your position is known only within %(metres)s m. Please tap on the map or choose the area too."
        ),
        "tapped": _("The place on the map is taken."),
        "in_area": _("That is in %(area)s."),
        "no_position": _("Your phone does not tell its position. Please tap on the map, or choose the area."),
        "position_denied": _("You have not allowed the position. Please tap on the map, or choose the area."),
        "map_loading": _("The map is loading…"),
        "map_failed": _("The map cannot be shown here. Please choose the area instead."),
        "map_offline": _("The map needs a connection. Please choose the area instead."),
        "photo_remove": _("Remove photo %(number)s"),
        "photo_alt": _("Photo %(number)s"),
        "photo_most": ngettext("At most %(most)d photo.", "At most %(most)d photos.", policy.max_photos)
        % {"most": policy.max_photos},
        "looking": _("Looking for the same trouble nearby…"),
        "sending": _("Sending…"),
        "waiting": _("It waits on your phone and goes by itself when there is a connection."),
        "waiting_one": _("Waiting on your phone"),
        "sent_one": _("Sent. Your code is %(code)s"),
        "refused_one": _("It could not be taken in: %(why)s"),
        "said_at": _("written %(time)s"),
        "with_photo": _("1 photo"),
        "with_photos": _("%(count)s photos"),
        "cancel": _("Cancel it"),
        "cancel_sure": _("Remove this report from your phone? It has not been sent."),
        "forget": _("Remove from this list"),
        "open": _("Follow it"),
        "try_now": _("Try now"),
        "too_large": _("The photos are too large."),
        "join": _("It is this one: I see it too"),
        "full": _("Your phone has no room to keep the report. Please send it when you have a connection."),
    }
