"""The log of a city: who did what, whether it is as it was written, and to take along."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from saat.actions.checking import check_chain
from saat.actions.filters import note_export
from saat.records import queries_log as queries
from saat.records.models import City
from saat.records.queries_case import names_in
from saat.records.queries_log import LogQuestion
from saat.terms.codes import heard, spoken
from saat.web.admin import words
from saat.web.admin.frame import asked_for, city_view
from saat.web.desk import history
from saat.web.desk.frame import actor_for

_FIELDS = ("case", "actor", "kind", "from", "to")
MOST_ROWS = 200_000
MOST_CHECKED = 200_000  # some seconds; longer logs are checked by the command


@city_view("see_log")
@require_safe
def page(request: HttpRequest, *, city: City) -> HttpResponse:
    """Show what happened, the latest first."""
    asked = {field: asked_for(request, field) for field in _FIELDS}
    before = request.GET.get("before", "")
    found = queries.log_page(city, _question(asked, city), before=int(before) if _is_number(before) else None)
    names, zone = names_in(found.events), ZoneInfo(city.policy_terms().hours.zone)
    speech = words.speech_of(city, names=names, language=get_language() or "en")
    head = queries.head_of(city)
    filters = urlencode({field: value for field, value in asked.items() if value})
    context = {
        "section": "log",
        "asked": asked,
        "steps": [
            {
                "seq": event.seq,
                "at": date_format(event.at.astimezone(zone), "j M Y, H:i:s"),
                "who": history.who(event.actor, names),
                "what": words.what_of(event, speech),
                "case_id": event.case_id,
                "code": spoken(found.codes[event.case_id]) if event.case_id in found.codes else "",
                "facts": event.facts_json if event.facts_json != "{}" else "",
                "hash": event.hash,
            }
            for event in found.events
        ],
        "kinds": [(kind, kind.replace("_", " ")) for kind in queries.kinds_of(city)],
        "zone": zone.key,
        "head_seq": head[0],
        "head_hash": head[1],
        "older": f"{filters}&before={found.before}" if found.before else "",
        "filters": filters,
    }
    return render(request, "people/log.html", context)


@city_view("see_log")
@require_POST
def check(request: HttpRequest, *, city: City) -> HttpResponse:
    """Compute the chain anew, and say whether every event is as it was written."""
    seq, _hash = queries.head_of(city)
    if seq > MOST_CHECKED:
        messages.warning(request, _("The log is too long to be checked here. Ask the operator to run “saat check”."))
        return redirect("log")
    finding = check_chain(city)
    if finding.broken_at is None:
        said = _("All %(n)d events are as they were written. The last has the number %(seq)d and the digest %(hash)s.")
        messages.success(request, said % {"n": finding.events, "seq": finding.head[0], "hash": finding.head[1]})
    else:
        said = _("The log is broken at event %(seq)d: %(why)s")
        messages.error(request, said % {"seq": finding.broken_at, "why": finding.why})
    return redirect("log")


@city_view("see_log")
@require_safe
def as_csv(request: HttpRequest, *, city: City) -> StreamingHttpResponse:
    """Send what was asked for as CSV, oldest first, with everything by which it can be checked elsewhere."""
    asked = {field: asked_for(request, field) for field in _FIELDS}
    note_export(city=city, form="csv", group="log", now=timezone.now(), by=actor_for(request))
    response = StreamingHttpResponse(_lines(city, _question(asked, city)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="saat-log-{city.jurisdiction_id}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(city: City, question: LogQuestion) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("seq", "at", "kind", "subject", "case", "actor", "facts", "hash"))
    for number, (event, code) in enumerate(queries.log_rows(city, question, most=MOST_ROWS), start=1):
        cells: list[Any] = [event.seq, event.at.isoformat(), event.kind, event.subject, spoken(code) if code else ""]
        cells += [event.actor, event.facts_json, event.hash]
        writer.writerow(cells)
        if number % 500 == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _question(asked: dict[str, str], city: City) -> LogQuestion:
    zone = ZoneInfo(city.policy_terms().hours.zone)
    last = _day(asked["to"])
    return LogQuestion(
        case=heard(asked["case"]) or asked["case"],
        actor=asked["actor"],
        kind=asked["kind"],
        since=_begin(_day(asked["from"]), zone),
        until=_begin(last + timedelta(days=1) if last else None, zone),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _begin(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), tzinfo=zone)
