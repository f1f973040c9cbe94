"""Small parts of the pages about one case."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from saat.web.desk import words

register = template.Library()


@register.simple_tag(takes_context=True)
def act_form(context: dict[str, Any], name: str) -> SafeString:
    """Open the form of an act on the page's case; the template closes it.

    It carries the protection against forged requests, and up to which event the page has been read.
    """
    file = context.get("file")
    return format_html(
        '<form method="post" action="{}" class="act-form">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="read_up_to" value="{}">',
        reverse("desk_act", args=[context["case"].pk, name]),
        get_token(context["request"]),
        file.last_event_id if file is not None else "",
    )


@register.filter
def city_time(at: datetime | None, zone: str) -> str:
    """Return a moment on the city's clock, shortly; nothing for nothing."""
    if at is None:
        return ""
    return words.moment(at, zone=zone, today=timezone.now().astimezone(ZoneInfo(zone)).date())


@register.simple_tag
def fit_chosen(fit: Any, failed: Any) -> str:
    """Return "selected" for the one who was chosen when the form was sent last."""
    return "selected" if failed and failed.values.get("to") == f"{fit.kind}:{fit.id}" else ""


@register.filter
def some_elsewhere(ways: list[Any]) -> bool:
    """Return whether somebody in a list serves other areas only."""
    return any(not fit.serves for fit in ways)
