"""What the frame of every desk page needs, whichever view made the page."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from saat.actions import explain
from saat.records import queries_worklist
from saat.web.desk.frame import actor_for, cities_of, city_for, reach_for

register = template.Library()


@register.inclusion_tag("desk/bar.html", takes_context=True)
def desk_bar(context: dict[str, Any], section: str = "") -> dict[str, Any]:
    """Draw the top bar: the city, the sections, the alerts that wait, languages and the account."""
    request: HttpRequest = context["request"]
    city = city_for(request) if cities_of(request) else None
    language = get_language() or "en"
    policy = city.policy_terms() if city else None
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "section": section,
        "city_name": policy.say(policy.name, language) if policy else "",
        "office": policy.say(policy.office, language) if policy else "",
        "cities": [
            (each.jurisdiction_id, each.policy_terms().say(each.policy_terms().name, language), each == city)
            for each in cities_of(request)
        ],
        "may_report": city is not None and explain.may_anywhere(reach_for(request), city=city, act="report"),
        "alerts": queries_worklist.unanswered_alerts(reach_for(request)),
        "person": str(request.user),
        "offices": _offices(request),
        "languages": context.get("LANGUAGES", ()),
        "language": language,
    }


def _offices(request: HttpRequest) -> list[tuple[str, str]]:
    """Return (address, name) of the pages for administrators and auditors that are this person's to open."""
    actor = actor_for(request)
    pages = (
        ("manage_users", reverse("people"), _("People")),
        ("see_log", reverse("log"), _("Log")),
        ("manage_links", reverse("unsent"), _("Unsent messages")),
        ("manage_fleet", reverse("desk_devices"), _("Devices and vehicles")),
    )
    cities = cities_of(request)
    return [(url, name) for act, url, name in pages if any(actor.may_in_city(act, city.pk) for city in cities)]


@register.filter
def undo_of(tags: str) -> str:
    """Return the event ids in a message's tags, such as "undo-17-18": what its Undo button undoes, comma-separated."""
    for tag in tags.split():
        if tag.startswith("undo-"):
            return ",".join(part for part in tag.removeprefix("undo-").split("-") if part.isdigit())
    return ""
