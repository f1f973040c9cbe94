"""What happens to accounts, cities and messages, in words that people read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from saat.records.models import City, Event
from saat.records.queries_areas import names_by_area
from saat.records.queries_case import Names
from saat.web.desk import history
from saat.web.desk.history import Speech
from saat.web.desk.words import ROLES, moment

__all__ = ["MESSAGES", "moment", "speech_of", "what_of"]

MESSAGES = {
    "reporter.received": gettext_lazy("To the reporter: we have your report"),
    "reporter.closed": gettext_lazy("To the reporter: what was done"),
    "reporter.message": gettext_lazy("To the reporter: a message"),
    "official.alert": gettext_lazy("To whoever is on duty: an alert"),
    "official.escalated": gettext_lazy("To an official: a case waits too long"),
    "worker.assigned": gettext_lazy("To whoever it was handed to: work"),
    "webhook": gettext_lazy("To a partner's system"),
}

_KEYS = {
    "password": gettext_lazy("password"),
    "webauthn": gettext_lazy("passkey"),
    "totp": gettext_lazy("code of an app"),
    "recovery_codes": gettext_lazy("recovery code"),
    "socialaccount": gettext_lazy("the city's own sign-in"),
}
_TOLD = {
    "signed_in": gettext_noop("signed in (%(how)s)"),
    "sign_ins_ended": gettext_noop("ended %(count)s sign-ins of %(person)s"),
    "password_chosen": gettext_noop("chose a new password"),
    "password_set": gettext_noop("set another password for %(person)s"),
    "password_reset": gettext_noop("took the password of %(person)s away and gave a link for a new one"),
    "second_factor_added": gettext_noop("added a second key (%(type)s)"),
    "second_factor_removed": gettext_noop("removed a second key (%(type)s)"),
    "second_factors_removed": gettext_noop("removed all second keys of %(person)s"),
    "identity_linked": gettext_noop("linked the account with %(provider)s"),
    "user_added": gettext_noop("added %(person)s"),
    "person_changed": gettext_noop("corrected how %(person)s is called and reached"),
    "role_given": gettext_noop("gave %(person)s the role %(role)s"),
    "role_removed": gettext_noop("took the role %(role)s from %(person)s"),
    "user_deactivated": gettext_noop("closed the account of %(person)s"),
    "user_activated": gettext_noop("opened the account of %(person)s again"),
    "contractor_added": gettext_noop("added a contractor"),
    "crew_added": gettext_noop("added a crew"),
    "duty_planned": gettext_noop("planned a turn of duty for %(person)s"),
    "duty_ended": gettext_noop("ended a turn of duty of %(person)s"),
    "duty_handed_over": gettext_noop("handed a turn of duty over"),
    "list_exported": gettext_noop("took a list out of the house"),
    "text_saved": gettext_noop("saved a text of the office"),
    "text_deleted": gettext_noop("deleted a text of the office"),
    "message_revived": gettext_noop("had a message sent again"),
    "key_made": gettext_noop("made a key for a partner"),
    "key_revoked": gettext_noop("withdrew a partner's key"),
    "webhook_added": gettext_noop("added an address that is told of events"),
    "webhook_removed": gettext_noop("removed an address that is told of events"),
    "city_opened": gettext_noop("opened the city"),
    "policy_changed": gettext_noop("changed the city's policy"),
    "areas_imported": gettext_noop("imported areas"),
    "places_imported": gettext_noop("imported landmarks"),
    "streets_imported": gettext_noop("imported streets"),
}


def what_of(event: Event, speech: Speech) -> str:
    """Return what happened, as the rest of a sentence that begins with who did it."""
    text = _TOLD.get(event.kind)
    if text is None:
        return history.what_of(event, speech)
    facts = event.facts
    said = {
        "person": speech.names.people.get(facts.get("user") or 0, "?"),
        "role": ROLES.get(facts.get("role", ""), ""),
        "how": ", ".join(str(_KEYS.get(key, key)) for key in str(facts.get("how", "")).split("+")),
        "type": _KEYS.get(facts.get("type", ""), facts.get("type", "")),
        **{name: facts.get(name, "") for name in ("count", "provider")},
    }
    return _(text) % said


def speech_of(city: City, *, names: Names, language: str) -> Speech:
    """Return in whose words a city's events are told."""
    policy = city.policy_terms()

    def area(area_id: int | None) -> str:
        return policy.say(names_by_area([area_id]).get(area_id, {}), language) if area_id else _("none")

    areas: Callable[[Any], str] = area
    return Speech(policy=policy, language=language, names=names, areas=areas)
