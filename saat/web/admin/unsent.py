"""Messages that could not be sent: why, and another try."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from saat.actions.log import NotFound
from saat.actions.outbox import send_again
from saat.records import queries_log as queries
from saat.records.models import City
from saat.terms.codes import spoken
from saat.web.admin import words
from saat.web.admin.frame import city_view
from saat.web.desk.frame import actor_for


@city_view("manage_links")
@require_safe
def page(request: HttpRequest, *, city: City) -> HttpResponse:
    """List the messages of a city that were given up."""
    zone = city.policy_terms().hours.zone
    rows = [
        {
            "id": row.pk,
            "what": words.MESSAGES.get(row.kind, row.kind),
            "case_id": row.facts.get("case"),
            "code": spoken(code) if code else "",
            "tries": row.attempts,
            "at": words.moment(row.dead_at, zone=zone) if row.dead_at else "",
            "why": row.last_error,
        }
        for row, code in queries.dead_messages(city)
    ]
    return render(request, "people/unsent.html", {"section": "unsent", "rows": rows})


@city_view("manage_links")
@require_POST
def again(request: HttpRequest, *, city: City, outbox_id: int) -> HttpResponse:
    """Try a message again."""
    try:
        send_again(outbox_id=outbox_id, now=timezone.now(), by=actor_for(request))
    except NotFound as error:
        raise Http404 from error
    messages.success(request, _("It is being sent again."))
    return redirect("unsent")
