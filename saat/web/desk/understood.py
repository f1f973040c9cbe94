"""What Saat understood of a report, in words: why it is as urgent as it is, and of which category it may speak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from saat.records.models import Case, Event
from saat.terms.case import Danger
from saat.terms.policy import CityPolicy
from saat.web.desk.words import URGENCIES, category_name

DANGERS = {
    Danger.FIRE: gettext_lazy("fire"),
    Danger.SMOKE: gettext_lazy("smoke"),
    Danger.NEEDLE: gettext_lazy("needles"),
    Danger.MEDICAL: gettext_lazy("medical waste"),
    Danger.CHEMICAL: gettext_lazy("chemicals"),
    Danger.WIRE: gettext_lazy("an electric wire"),
    Danger.INJURED: gettext_lazy("somebody hurt"),
    Danger.AMBULANCE: gettext_lazy("an ambulance that cannot pass"),
    Danger.BLOCKED: gettext_lazy("a blocked road"),
    Danger.FLOOD: gettext_lazy("rising water"),
    Danger.GLASS: gettext_lazy("broken glass"),
    Danger.DEAD_ANIMAL: gettext_lazy("a dead animal"),
}


def why_text(code: str, *, policy: CityPolicy, language: str) -> str:
    """Return a code of `urgency_why` in words, such as "the words speak of fire"."""
    kind, _sign, what = code.partition(":")
    if kind in ("words", "told"):
        known = what in set(Danger)
        named = str(DANGERS[Danger(what)]) if known else category_name(what, policy=policy, language=language)
        said = _("the words speak of %(what)s") if kind == "words" else _("the caller tells of %(what)s")
        return said % {"what": named}
    return {
        "category": _("the category says so"),
        "place:highest": _("the place asks for most care"),
        "place:raised": _("the place asks for care"),
        "voices": _("many people say so"),
    }.get(code, code)


def why_texts(codes: Iterable[str], *, policy: CityPolicy, language: str) -> list[str]:
    """Return the reasons in words, each once; that of the category alone only where nothing else says it."""
    listed = list(dict.fromkeys(codes))
    others = [code for code in listed if code != "category"]
    return [why_text(code, policy=policy, language=language) for code in others or listed]


def understood_of(case: Case, *, events: Iterable[Event], policy: CityPolicy, acts: frozenset[str]) -> dict[str, Any]:
    """Return what the case page shows of it, for `desk/_suggestion.html`: {"why_urgent", "told", "guess"}.

    events: of the case, oldest first. why_urgent: the urgency in words and its reasons, None where an official has set
    it since or it was never out of the usual. guess: {"service_code", "name"} of the category of which the words
    speak, None if the case was filed by its name, or the reader may not change it.
    """
    language = get_language() or "en"
    urgency, why, guess, told = "", list[str](), "", list[str]()
    for event in events:
        facts = event.facts
        if "urgency_why" in facts:
            raised = facts.get("after", {}).get("urgency", facts.get("urgency", ""))
            urgency, why = raised, facts["urgency_why"]
        guess = facts.get("guess", guess)
        told += [danger for danger in facts.get("dangers", []) if danger not in told and danger in set(Danger)]
    holds = urgency == case.urgency and urgency in ("high", "danger")
    vague = policy.has_category(case.service_code) and not policy.category(case.service_code).words
    return {
        "why_urgent": {
            "urgency": URGENCIES[urgency],
            "reasons": why_texts(why, policy=policy, language=language),
        }
        if holds
        else None,
        "told": [DANGERS[Danger(danger)] for danger in told],
        "guess": {"service_code": guess, "name": category_name(guess, policy=policy, language=language)}
        if guess and vague and policy.has_category(guess) and "change" in acts and case.closed_at is None
        else None,
    }
