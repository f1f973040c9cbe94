"""The work list: the page, further rows of it, and the one-click steps that start from it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from saat.actions import bulk, explain, openings
from saat.actions.bulk import IN_BULK, Choice
from saat.records import queries_map, queries_worklist
from saat.records.models import City
from saat.records.queries_worklist import Cursor, Group, Page, WorkList
from saat.terms.case import Urgency
from saat.web.desk import words
from saat.web.desk.filters import Asked, area_options, read_filters
from saat.web.desk.frame import actor_for, back_to, city_for, desk_view, reach_for
from saat.web.desk.lookup import case_called
from saat.web.desk.rows import RowMaker, clock_words, work_list

GROUPS = {
    Group.ACTION: gettext_lazy("Needs action"),
    Group.OPEN: gettext_lazy("Open"),
    Group.MINE: gettext_lazy("Mine"),
    Group.OVERDUE: gettext_lazy("Overdue"),
    Group.CLOSED: gettext_lazy("Closed"),
    Group.ALL: gettext_lazy("All"),
}
BULK_NAMES = {
    "take": gettext_lazy("Take"),
    "assign": gettext_lazy("Assign"),
    "priority": gettext_lazy("Set the urgency"),
    "close_no_fix": gettext_lazy("Close without cleaning"),
    "message": gettext_lazy("Write to the reporters"),
}
_STEPS = ("take", "arrive")
_NOT_ASKED = {"lang", "city", "after"}


@desk_view
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the work list with the map beside it; with `?part=rows` only further rows."""
    city, reach, now = city_for(request), reach_for(request), timezone.now()
    saved = queries_worklist.saved_filters(reach, city)
    if not set(request.GET) - _NOT_ASKED:
        chosen = next((row for row in saved if row.is_default), None)
        if chosen is not None:
            return redirect(f"/desk/?{chosen.query}")
    contractors = queries_worklist.contractors(city)
    asked = read_filters(request.GET, city=city, contractors=contractors)
    # Read before the list, so that the stream tells of everything that the list does not know yet.
    mark = queries_map.mark_of(city)
    work = work_list(reach, city=city, wanted=asked.wanted, now=now)
    found = work.page(_cursor(request.GET.get("after", "")))
    # A caller's code finds its case, whatever the list is narrowed to.
    called = case_called(asked.text, reach=reach) if asked.text and not found.cases else None
    if called is not None:
        return redirect("desk_case", called.pk)
    context = {**_list(request, work=work, asked=asked, found=found)}
    if request.GET.get("part") == "rows":
        return render(request, "desk/worklist_rows.html", context)
    counts = openings.counts(work, mark=mark)
    context |= {
        "section": "list",
        "city": city,
        "policy_name": city.policy_terms().say(city.policy_terms().name, context["language"]),
        "groups": [(group, name, counts.get(group), asked.with_group(group)) for group, name in GROUPS.items()],
        "saved": saved,
        "saved_now": next((row for row in saved if row.query == asked.query), None),
        "options": _options(city, asked=asked, contractors=contractors, language=context["language"]),
        "bulk_acts": [(act, BULK_NAMES[act]) for act in IN_BULK],
        "may_bulk": explain.may_anywhere(reach, city=city, act="bulk"),
        "may_export": explain.may_anywhere(reach, city=city, act="export"),
        "known_events": mark.event_id,
        "texts": _texts(),
        "ground": f"{city.pk}-{city.areas_version}",
    }
    return render(request, "desk/worklist.html", context)


def _list(request: HttpRequest, *, work: WorkList, asked: Asked, found: Page) -> dict[str, Any]:
    maker = RowMaker(work)
    after = f"{found.after.key}.{found.after.id}" if found.after else ""
    return {
        "rows": maker.rows(found.cases),
        "asked": asked,
        "wanted": asked.wanted,
        "after": after,
        "later_page": bool(request.GET.get("after")),
        "list_address": f"/desk/?{asked.query}",
        "language": maker.language,
    }


def _cursor(text: str) -> Cursor | None:
    key, _dot, case_id = text.partition(".")
    if not (key.removeprefix("-").isdigit() and case_id.isdigit() and len(text) < 40):
        return None
    cursor = Cursor(key=int(key), id=int(case_id))
    return cursor if cursor.is_sane else None


def _options(city: City, *, asked: Asked, contractors: list[Any], language: str) -> dict[str, Any]:
    policy = city.policy_terms()
    return {
        "categories": [
            (row.service_code, policy.say(row.name, language), row.service_code in asked.wanted.service_codes)
            for row in policy.categories
        ],
        "areas": area_options(city, language),
        "contractors": [(row.pk, row.name) for row in contractors],
        "urgencies": [(code, words.URGENCIES[code], code in asked.wanted.urgencies) for code in reversed(Urgency)],
    }


def _texts() -> dict[str, Any]:
    """Return what the desk's script says, in the reader's language."""
    return {
        "clock": clock_words(),
        "new_case": _("New case: {what}, {where}"),
        "changed": _("Changed: {code}"),
        "left": _("Case {code} left this list"),
        "new_hidden": _("{n} new, hidden by the filter"),
        "new_below": _("{n} new further down"),
        "connected": _("Live"),
        "lost": _("The connection is lost. The list shows what was known until {time}."),
        "selected": _("{n} chosen"),
        "cluster": _("{n} cases here, {late} late, {danger} dangerous"),
        "schematic": _("Schematic map, not to scale"),
        "no_map": _("The map could not be loaded. The list shows the same cases."),
        "placeless": _("{n} cases have no point on the map"),
        "cut": _("The map shows the first cases of the list only"),
        "failed": _("That did not work. Please try again."),
        "sound_on": _("Sound for new cases: on"),
        "sound_off": _("Sound for new cases: off"),
        "zoom": {"in": _("Zoom in"), "out": _("Zoom out")},
        "marks": {
            "danger": _("dangerous"),
            "overdue": _("late"),
            "untaken": _("nobody has taken it"),
            "taken": _("somebody is on it"),
            "closed": _("closed"),
        },
    }


@desk_view
@require_GET
def rows(request: HttpRequest) -> JsonResponse:
    """Answer how some cases stand in the list now: their rows, or that the filter hides them, or that they are gone."""
    city, reach, now = city_for(request), reach_for(request), timezone.now()
    asked = read_filters(request.GET, city=city, contractors=queries_worklist.contractors(city))
    ids = [int(text) for text in request.GET.get("ids", "").split(",") if text.isascii() and text.isdigit()]
    work = work_list(reach, city=city, wanted=asked.wanted, now=now)
    shown, hidden = work.these(case_id for case_id in ids if case_id < 2**63)
    counts = openings.counts(work)
    alerts = queries_worklist.unanswered_alerts(reach)
    return JsonResponse(
        {
            "rows": [_fragment(request, row, query=asked.query) for row in RowMaker(work).rows(shown)],
            "hidden": hidden,
            "counts": {str(group): count for group, count in counts.items()},
            "alerts": alerts,
            "alerts_said": ngettext("alert waits for your answer", "alerts wait for your answer", alerts),
        },
        headers={"Cache-Control": "no-store"},
    )


def _fragment(request: HttpRequest, row: dict[str, Any], *, query: str) -> dict[str, Any]:
    context = {"row": row, "list_address": f"/desk/?{query}"}
    html = render_to_string("desk/worklist_row.html", context, request=request)
    said = {"what": row["category"], "where": row["where"] or row["area"], "code": row["code"]}
    return {"id": row["id"], "key": row["key"], "html": html, **said}


@desk_view
@require_POST
def step(request: HttpRequest) -> HttpResponse:
    """Do a case's next step from the list: take it, or write down that one is there."""
    act, case_id = request.POST.get("step", ""), request.POST.get("case", "")
    if act not in _STEPS or not (case_id.isascii() and case_id.isdigit()) or len(case_id) > 18:
        messages.error(request, _("This step is unknown."))
        return redirect(back_to(request))
    line = bulk.do_one(Choice(act=act), case_id=int(case_id), now=timezone.now(), by=actor_for(request))
    code = bulk.names_of([int(case_id)]).get(int(case_id), "") if line.done or line.refused_move else ""
    if not line.done:
        text, tags = refusal(line), ""
    else:
        done = _("You have taken %(code)s.") if act == "take" else _("You are on site for %(code)s.")
        text, tags = done % {"code": code}, f"undo-{line.event_id}"
    return _answer(request, text=text, tags=tags, ok=line.done)


def refusal(line: bulk.Line) -> str:
    """Return why nothing was done to a case, in the reader's words."""
    if line.refused_move is None:
        return line.why
    old, allowed = line.refused_move
    return _("The case is “%(old)s” by now. It can become: %(allowed)s.") % {
        "old": words.STATES[old],
        "allowed": ", ".join(str(words.STATES[state]) for state in allowed),
    }


@desk_view
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Undo one or several steps; each stands or falls by itself."""
    texts = request.POST.get("events", "").split(",")
    events = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]
    failed = bulk.undo_all(event_ids=events, now=timezone.now(), by=actor_for(request))
    if not failed:
        text = _("Undone.")
    elif len(events) == 1:
        text = failed[0][1]
    else:
        text = _("%(done)d of %(all)d were undone. The others were changed since: %(why)s") % {
            "done": len(events) - len(failed),
            "all": len(events),
            "why": failed[0][1],
        }
    return _answer(request, text=text, tags="", ok=not failed)


def _answer(request: HttpRequest, *, text: str, tags: str, ok: bool) -> HttpResponse:
    """Answer a script with the message, a form with the page it came from and the message on it."""
    if request.headers.get("X-Saat-Script") == "1":
        tone = "success" if ok else "error"
        html = render_to_string(
            "desk/worklist_message.html", {"text": text, "tone": tone, "tags": tags, "next": back_to(request)}, request
        )
        return JsonResponse({"ok": ok, "message": html}, headers={"Cache-Control": "no-store"})
    if ok:
        messages.success(request, text, extra_tags=tags)
    else:
        messages.error(request, text)
    return redirect(back_to(request))
