"""Texts that the office uses again and again when it writes to residents."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from saat.actions.cases import ActRefused
from saat.actions.log import Actor, NotAllowed, writing
from saat.cases.permission import may
from saat.records.models import Case, Template
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy
from saat.triage.words import clean_words

PLACEHOLDERS = ("code", "office", "due")
_NAME, _TEXT = 80, 2000
_BRACES = re.compile(r"\{([^{}]*)\}")


def save_text(
    *, city_id: int, name: str, texts: dict[str, str], now: datetime, by: Actor, text_id: int | None = None
) -> Template:
    """Write a text under a name, in one or several languages; `text_id` says which one is changed.

    texts: language code to text; {code}, {office} and {due} stand for the case's own.

    :raises ActRefused: if the name is empty or used already, there is no text, or a placeholder is unknown.
    :raises NotAllowed: if the person may not change the office's texts.
    """
    name = clean_words(name, limit=_NAME).replace("\n", " ")
    kept = {language: clean_words(text, limit=_TEXT) for language, text in texts.items() if clean_words(text)}
    if not name:
        raise ActRefused(_("Please give the text a name."), field="name")
    if not kept:
        raise ActRefused(_("Please write the text in at least one language."), field="texts")
    for language, text in kept.items():
        unknown = [found for found in _BRACES.findall(text) if found not in PLACEHOLDERS]
        if unknown:
            message = _("{%(unknown)s} cannot be filled in. You can use {code}, {office} and {due}.")
            raise ActRefused(message % {"unknown": unknown[0]}, field=f"text_{language}")
    with writing(city_id, now=now, by=by) as log:
        _check(by, city_id)
        if Template.objects.filter(city_id=city_id, name=name).exclude(pk=text_id or 0).exists():
            raise ActRefused(_("There is a text with this name already."), field="name")
        if text_id is None:
            row = Template.objects.create(city_id=city_id, name=name, texts=kept)
        else:
            found = Template.objects.filter(pk=text_id, city_id=city_id).first()
            if found is None:
                raise ActRefused(_("This text was deleted meanwhile."))
            row = found
            row.name, row.texts = name, kept
            row.save()
        log.append("text_saved", subject=f"text:{row.pk}", facts={"languages": sorted(kept)})
        return row


def delete_text(*, city_id: int, text_id: int, now: datetime, by: Actor) -> None:
    """Delete a text; nothing happens if it is gone already.

    :raises NotAllowed: if the person may not change the office's texts.
    """
    with writing(city_id, now=now, by=by) as log:
        _check(by, city_id)
        if Template.objects.filter(pk=text_id, city_id=city_id).delete()[0]:
            log.append("text_deleted", subject=f"text:{text_id}")


def filled(text: str, *, case: Case, policy: CityPolicy, language: str) -> str:
    """Return a text with the case's code, the office's name and the promised moment put in.

    >>> from types import SimpleNamespace
    >>> from saat.terms.policy import example_policy
    >>> from datetime import UTC
    >>> case = SimpleNamespace(code="K7Q29M4X", due_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    >>> filled("{office}: {code} by {due}", case=case, policy=example_policy(), language="en")
    'City Hall: K7Q2-9M4X by 02/03/2026 16:30'
    """
    due = case.due_at.astimezone(ZoneInfo(policy.hours.zone))
    values = {"code": spoken(case.code), "office": policy.say(policy.office, language), "due": f"{due:%d/%m/%Y %H:%M}"}
    return _BRACES.sub(lambda found: values.get(found[1], found[0]), text)


def example_filled(text: str, *, policy: CityPolicy, language: str, now: datetime) -> str:
    """Return a text as it would read for a case with an example's code, promised for the next working hour."""
    due = policy.hours.add(now, timedelta(hours=1))
    return filled(text, case=Case(code="K7Q29M4X", due_at=due), policy=policy, language=language)


def may_manage_texts(by: Actor, city_id: int) -> bool:
    """Return whether a person may change the office's texts: whoever supervises some part of the city."""
    return by.kind == "command" or may(
        (grant.role for grant in by.reach.grants if grant.city_id == city_id), "manage_texts"
    )


def _check(by: Actor, city_id: int) -> None:
    if not may_manage_texts(by, city_id):
        raise NotAllowed(_("Your role does not allow this."))
