"""Rounds and their plans: the list, the editor with what it would change, and what imports left to be settled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from saat.actions.log import NotAllowed, NotFound
from saat.actions.plan_changes import HOLIDAYS, STREAMS, changes_of, days_sentence
from saat.actions.plan_questions import settle_question
from saat.actions.plan_words import say_fault
from saat.actions.plans import PlanRefused, may_plan, retire_round, save_plan
from saat.actions.runs import service_day_of
from saat.records import queries_plans as queries
from saat.records.models import City, Round, RoundPlan
from saat.records.truck_clock import truck_now
from saat.terms.plan import StopKind
from saat.terms.planning import RoundDraft
from saat.terms.servicedays import clock_text
from saat.web.admin.frame import asked_for
from saat.web.desk import rounds_form as forms
from saat.web.desk.frame import actor_for, city_for, desk_view, reach_for

_MOST_ROWS = 500
_MOST_SETTLED = 50


@desk_view
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """List the rounds with their days, their version and how many stops they have."""
    city, reach = city_for(request), reach_for(request)
    today = _today(city)
    asked = asked_for(request, "q")
    lines = queries.round_list(reach, city, today=today, text=asked)
    names = forms.weekday_names(get_language() or "en")
    rows = [
        {
            "line": line,
            "days": _days_of(line.plan or line.next_plan, names),
            "time": _span_of(line.plan or line.next_plan),
        }
        for line in lines[:_MOST_ROWS]
    ]
    context = {
        **_frame(request, city, "list"),
        "asked": asked,
        "rows": rows,
        "more": max(0, len(lines) - _MOST_ROWS),
        "any": bool(rows) or bool(asked),
    }
    return render(request, "rounds/list.html", context)


@desk_view
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Make a new round."""
    city = city_for(request)
    if not _may_anywhere(request, city):
        raise PermissionDenied
    return _edit(request, city, None)


@desk_view
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, round_id: int) -> HttpResponse:
    """Show one round; who may plan it can change it from a day on, having seen what that changes."""
    row = _found(request, round_id)
    if not _may(request, row):
        if request.method == "POST":
            raise PermissionDenied
        return _shown(request, row)
    return _edit(request, row.city, row)


@desk_view
@require_POST
def retire(request: HttpRequest, round_id: int) -> HttpResponse:
    """Take a round out of use, or back into it."""
    row = _found(request, round_id)
    active = request.POST.get("active") == "yes"
    try:
        retire_round(round_id=row.pk, active=active, now=truck_now(row.city_id, timezone.now()), by=actor_for(request))
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    said = _("The round is in use again.") if active else _("The round is out of use; what happened on it stays.")
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk_round", args=[row.pk]))


@desk_view
@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    """List what imported plans left for a person to settle."""
    return _questions(request)


@desk_view
@require_POST
def settle(request: HttpRequest, question_id: int) -> HttpResponse:
    """Write down what a person decided about a question."""
    city = city_for(request)
    if not queries.questions_seen(reach_for(request), city).filter(pk=question_id).exists():
        raise Http404
    answer = request.POST.get("answer", "").strip()
    if not answer:
        return _questions(request, error=_("Please say in a few words what is right."), about=question_id, status=422)
    try:
        settle_question(question_id=question_id, answer=answer, now=timezone.now(), by=actor_for(request))
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    except NotFound as error:
        raise Http404 from error
    messages.success(request, _("The question is settled. Change the round if the answer asks for it."))
    return HttpResponseRedirect(f"{reverse('desk_round_questions')}#list")


def _questions(request: HttpRequest, *, error: str = "", about: int = 0, status: int = 200) -> HttpResponse:
    city, reach = city_for(request), reach_for(request)
    rows = list(queries.questions_seen(reach, city)[:_MOST_ROWS])
    context = {
        **_frame(request, city, "questions"),
        "rows": [(row, _why(row.why)) for row in rows],
        "settled": [(row, _why(row.why)) for row in queries.questions_seen(reach, city, settled=True)[:_MOST_SETTLED]],
        "error": error,
        "about": about,
        "typed": request.POST.get("answer", ""),
    }
    return render(request, "rounds/questions.html", context, status=status)


def _edit(request: HttpRequest, city: City, row: Round | None) -> HttpResponse:
    today = _today(city)
    plan = queries.plan_on(row, _last_day(row, today)) if row is not None else None
    present = queries.draft_of(plan) if plan is not None else None
    choices = queries.choices_for(city)
    languages = city.policy_terms().languages
    if request.method != "POST":
        fields = forms.fields_of(present, ids=_ids_of(row, plan))
        fields["from_day"] = (today + timedelta(days=1)).isoformat()
        lines = forms.lines_of(present, languages=languages)
        return _page(request, city, row, plan, {"fields": fields, "lines": lines})
    typed = forms.read_form(request.POST, choices=choices, code=row.code if row is not None else "")
    context: dict[str, Any] = {
        "fields": forms.typed_fields(request.POST),
        "lines": request.POST.get("stops", ""),
    }
    if typed.draft is None or typed.from_day is None:
        return _page(request, city, row, plan, {**context, "faults": typed.faults}, status=422)
    saving = request.POST.get("do") == "save"
    try:
        saved = save_plan(
            city_id=city.pk,
            draft=typed.draft,
            from_day=typed.from_day,
            now=truck_now(city.pk, timezone.now()),
            by=actor_for(request),
            round_id=row.pk if row is not None else None,
            new=row is None,
            contractor_id=typed.ids["contractor"],
            vehicle_id=typed.ids["vehicle"],
            depot_id=typed.ids["depot"],
            disposal_site_id=typed.ids["disposal_site"],
            accept_warnings=not saving or request.POST.get("accept") == "on",
            dry_run=not saving,
        )
    except PlanRefused as error:
        told = [(f"row {fault.row}" if fault.row else "round", say_fault(fault)) for fault in error.faults]
        warnings = told if error.may_accept else []
        context |= {"faults": [] if warnings else told, "warnings": warnings, "checked": bool(warnings)}
        context["changes"] = _changes(present, typed.draft) if warnings else None
        return _page(request, city, row, plan, context, status=422)
    except NotAllowed as error:
        return _page(request, city, row, plan, {**context, "faults": [("round", str(error))]}, status=403)
    except NotFound as error:
        raise Http404 from error
    if saving:
        day = typed.from_day.isoformat()
        said = (
            _("Version %(version)d is saved and holds from %(day)s on.") if saved.changed else _("Nothing was changed.")
        )
        messages.success(request, said % {"version": saved.version, "day": day} if saved.changed else said)
        return HttpResponseRedirect(reverse("desk_round", args=[saved.round_id]))
    context |= {
        "checked": True,
        "changes": _changes(present, typed.draft),
        "warnings": [(f"row {fault.row}", say_fault(fault)) for fault in saved.warnings],
    }
    return _page(request, city, row, plan, context)


def _changes(present: RoundDraft | None, draft: RoundDraft) -> list[Any] | None:
    if present is None:
        return None
    names = forms.weekday_names(get_language() or "en")
    return changes_of(present, draft, say_days=lambda days: days_sentence(days, names=names))


def _page(
    request: HttpRequest,
    city: City,
    row: Round | None,
    plan: RoundPlan | None,
    context: Mapping[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    languages = city.policy_terms().languages
    whole = {
        **_frame(request, city, "list"),
        "round": row,
        "plan": plan,
        "versions": queries.versions_of(row) if row is not None else [],
        "choices": queries.choices_for(city),
        "weekdays": forms.weekday_names(get_language() or "en").items(),
        "nths": [(nth, _("last") if nth < 0 else str(nth)) for nth in forms.NTHS],
        "holidays": [(rule, say()) for rule, say in HOLIDAYS.items()],
        "columns": ", ".join(forms.columns_for(languages)),
        "texts": _texts(languages),
        "questions": queries.questions_seen(reach_for(request), city).filter(round=row) if row is not None else [],
        **context,
    }
    return render(request, "rounds/round.html", whole, status=status)


def _shown(request: HttpRequest, row: Round) -> HttpResponse:
    """Show a round to somebody who may not change it."""
    plan = queries.plan_on(row, _today(row.city))
    draft = queries.draft_of(plan) if plan is not None else None
    names = forms.weekday_names(get_language() or "en")
    language = get_language() or "en"
    policy = row.city.policy_terms()
    context = {
        **_frame(request, row.city, "list"),
        "round": row,
        "plan": plan,
        "days": _days_of(plan, names),
        "time": _span_of(plan),
        "stops": [
            {
                "stop": stop,
                "name": policy.say(dict(stop.names), language) or stop.number,
                "kind": _KINDS[stop.kind](),
                "time": clock_text(stop.planned_s),
                "window": f"{clock_text(stop.opens_s)}–{clock_text(stop.closes_s)}",
                "what": ", ".join(STREAMS[stream]() for stream in stop.streams),
            }
            for stop in (draft.stops if draft else ())
        ],
        "lines": forms.lines_of(draft, languages=policy.languages),
        "texts": _texts(policy.languages),
        "versions": queries.versions_of(row),
    }
    return render(request, "rounds/shown.html", context)


_KINDS = {
    StopKind.POINT: lambda: _("stop or container"),
    StopKind.KERB: lambda: _("along the kerb"),
    StopKind.TRANSFER: lambda: _("meeting point of pushcarts"),
}


def _texts(languages: tuple[str, ...]) -> dict[str, Any]:
    """Return what the script says; it knows no words of its own."""
    return {
        "languages": list(languages),
        "kinds": {str(kind): say() for kind, say in _KINDS.items()},
        "streams": {str(stream): say() for stream, say in STREAMS.items()},
        "columns": {
            "order": _("Order"),
            "name": _("Name"),
            "kind": _("Kind"),
            "time": _("Planned"),
            "opens": _("Window opens"),
            "closes": _("Window closes"),
            "place": _("Latitude and longitude"),
            "line": _("Line"),
            "days": _("What on which days"),
            "more": _("More"),
            "lane": _("No truck enters this lane"),
            "served_by": _("Number of its meeting point"),
            "dwell_s": _("Seconds standing there"),
            "load_kg": _("Load in kilograms"),
        },
        "all": _("all or mon,thu; empty: not here"),
        "up": _("Earlier: row {n}"),
        "down": _("Later: row {n}"),
        "remove": _("Take row {n} off the round"),
        "show": _("Show row {n} on the map"),
        "moved": _("Row {n} is now row {to}."),
        "removed": _("Row {n} is off the round."),
        "added": _("A stop was added as row {n}."),
        "placed": _("Row {n} was moved on the map."),
        "draw": _("Draw the line of row {n}"),
        "drawing": _("Click along the street; press Enter or this button when the line is done, Escape to give up."),
        "done": _("The line is done"),
        "click": _("Click where the new stop is."),
        "no_map": _("The map cannot be shown; the table below does everything."),
        "new": _("New stop"),
    }


def _why(why: str) -> str:
    return {
        "free_text": _("An exception in free text"),
        "time_goes_back": _("A time contradicts the order"),
    }.get(why, why)


def _frame(request: HttpRequest, city: City, part: str) -> dict[str, Any]:
    return {
        "section": "rounds",
        "part": part,
        "city": city,
        "open_questions": queries.questions_seen(reach_for(request), city).count(),
        "may_add": _may_anywhere(request, city),
    }


def _may(request: HttpRequest, row: Round) -> bool:
    return may_plan(actor_for(request), city_id=row.city_id, area_path=row.area.path if row.area else "")


def _may_anywhere(request: HttpRequest, city: City) -> bool:
    """Return whether somebody plans rounds in any part of the city."""
    paths = {grant.area_path for grant in reach_for(request).grants if grant.city_id == city.pk}
    return any(may_plan(actor_for(request), city_id=city.pk, area_path=path) for path in paths)


def _found(request: HttpRequest, round_id: int) -> Round:
    try:
        return queries.round_file(reach_for(request), round_id)
    except Round.DoesNotExist as error:
        raise Http404 from error


def _today(city: City) -> date:
    return service_day_of(city, truck_now(city.pk, timezone.now()))


def _last_day(row: Round, today: date) -> date:
    """Return the day on which the newest version of a round holds: what is edited is what was planned last."""
    versions = queries.versions_of(row)
    return max(today, versions[0].from_day) if versions else today


def _ids_of(row: Round | None, plan: RoundPlan | None) -> dict[str, int | None]:
    return {
        "contractor": row.contractor_id if row is not None else None,
        "vehicle": plan.vehicle_id if plan is not None else None,
        "depot": plan.depot_id if plan is not None else None,
        "disposal_site": plan.disposal_site_id if plan is not None else None,
    }


def _days_of(plan: RoundPlan | None, names: Mapping[int, str]) -> str:
    return days_sentence(queries.days_from_json(plan.days), names=names) if plan is not None else ""


def _span_of(plan: RoundPlan | None) -> str:
    return f"{clock_text(plan.starts_s)}–{clock_text(plan.ends_s)}" if plan is not None else ""
