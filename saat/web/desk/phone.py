"""Writing down what a caller, a visitor or a village chief says: for everybody whose phone cannot, or who has none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from saat.actions import explain
from saat.actions.foresight import Foresight, foresee
from saat.actions.log import NotAllowed
from saat.actions.reports import receipt_of, receive_report
from saat.actions.whereabouts import Whereabout, all_where, area_at, found_where, names_upwards
from saat.records.models import Case, City
from saat.records.queries_phone import cases_to_compare, open_case_called, written_down
from saat.terms.case import PlaceKind, Urgency
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy, Names
from saat.terms.report import NewReport, ReportRefused
from saat.web.contact import NotAPhone, is_complete, phone_number, read_back
from saat.web.desk import words
from saat.web.desk.frame import actor_for, city_for, desk_view, reach_for
from saat.web.desk.lookup import case_called, elsewhere
from saat.web.desk.phone_form import CallForm
from saat.web.desk.phone_words import own_name, read_out
from saat.web.desk.understood import DANGERS, why_texts

_MOST_LANDMARKS = 300
_KEYS = 9  # categories that a key of its own can choose


def _for_writers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let only people through who may write down calls for some part of the city."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        city = city_for(request)
        if not explain.may_anywhere(reach_for(request), city=city, act="report"):
            return render(request, "desk/phone_refused.html", {"section": "phone"}, status=403)
        return view(request, city, *args, **kwargs)

    return desk_view(guarded)


@require_http_methods(["GET", "HEAD", "POST"])
@_for_writers
def page(request: HttpRequest, city: City) -> HttpResponse:
    """Show an empty form, or take in what was written down; ask first if it may be an open case nobody looked at."""
    reach = reach_for(request)
    if request.method != "POST":
        return _form_page(request, city, CallForm(city=city, reach=reach))
    form = CallForm(city=city, reach=reach, data=request.POST)
    join = open_case_called(city, form.join) if form.join else None
    if form.join and join is None:
        form.fault("join", _("This case is closed by now. Please choose again."))
    report = form.read(apart=form.decided and not form.join, join_case_id=join.pk if join else None)
    if report is None:
        return _form_page(request, city, form, status=422)
    known = receipt_of(city=city, client_id=report.client_id)
    if known is None and join is None and not _looked_at(request, city, form, report):
        return _form_page(request, city, form, status=422 if form.errors else 200, ask=True)
    request_id = known.service_request_id if known else _receive(request, city, form, report)
    if request_id is None:
        return _form_page(request, city, form, status=422)
    return HttpResponseRedirect(reverse("desk_phone_done", args=[request_id]), status=303)


def _looked_at(request: HttpRequest, city: City, form: CallForm, report: NewReport) -> bool:
    """Return whether the official has seen every open case that it may be."""
    try:
        alike = foresee(city=city, report=report, now=timezone.now()).alike
    except ReportRefused as error:
        form.refuse(error)
        return False
    cases, _seen = cases_to_compare([like.case_id for like in alike], reach=reach_for(request))
    return {case.code for case in cases} <= form.looked


def _receive(request: HttpRequest, city: City, form: CallForm, report: NewReport) -> int | None:
    try:
        return receive_report(city=city, report=report, now=timezone.now(), by=actor_for(request)).service_request_id
    except ReportRefused as error:
        form.refuse(error)
    except NotAllowed as error:
        form.fault("where", str(error))
    return None


@require_GET
@_for_writers
def by_code(request: HttpRequest, city: City) -> HttpResponse:
    """Lead from what a caller says is their code to the case; to the search of the work list, if there is none."""
    told = request.GET.get("q", "")
    case = case_called(told, reach=reach_for(request))
    if case is not None:
        return HttpResponseRedirect(reverse("desk_case", args=[case.pk]))
    public = elsewhere(told, city=city)
    if public is not None:
        return HttpResponseRedirect(reverse("tracking", args=[spoken(public.code)]))
    return HttpResponseRedirect(f"/desk/?{urlencode({'q': told.strip()[:200]})}")


@require_POST
@_for_writers
def near(request: HttpRequest, city: City) -> HttpResponse:
    """Say what the call would become as far as it is written down: urgency, promise, and cases that it may be."""
    form = CallForm(city=city, reach=reach_for(request), data=request.POST)
    return render(request, "desk/phone_near.html", _near(request, city, form))


@require_GET
@_for_writers
def where(request: HttpRequest, city: City) -> HttpResponse:
    """Answer the areas and landmarks whose names fit what was typed, as JSON, the best first."""
    found = found_where(request.GET.get("q", ""), city=city, reach=reach_for(request))
    return JsonResponse({"found": [_choice(one, city.policy_terms()) for one in found]})


@require_GET
@_for_writers
def done(request: HttpRequest, city: City, request_id: int) -> HttpResponse:
    """Show what to read aloud to the caller: the code, what was promised, in their language first."""
    found = written_down(request_id, reach=reach_for(request))
    if found is None:
        raise Http404
    row, sees_case = found
    case, policy = row.case, row.city.policy_terms()
    own = row.language if row.language in dict(settings.LANGUAGES) else policy.languages[0]
    languages = [own, *(code for code, _name in settings.LANGUAGES if code != own)]
    joined = case.opened_at < row.requested_at
    outs = [
        read_out(
            language=language,
            policy=policy,
            code=case.code,
            due_at=case.due_at,
            now=timezone.now(),
            joined=joined,
            voices=case.voices,
            place=_place_line(case, row.city, language),
        )
        for language in languages
    ]
    context = {
        "section": "phone",
        "case": case,
        "code": spoken(case.code),
        "sees_case": sees_case,
        "joined": joined,
        "urgency": words.URGENCIES[case.urgency],
        "category": words.category_name(case.service_code, policy=policy, language=_language()),
        "outs": outs,
        "public": reverse("tracking", args=[spoken(case.code)]),
    }
    return render(request, "desk/phone_done.html", context)


def _form_page(
    request: HttpRequest, city: City, form: CallForm, *, status: int = 200, ask: bool = False
) -> HttpResponse:
    policy, language, reach = city.policy_terms(), _language(), reach_for(request)
    everything = all_where(city=city, reach=reach)
    areas = [one for one in everything if one.is_area]
    if len(areas) == 1 and form.picked is None and request.method != "POST":
        form.picked = areas[0]
    context = {
        "section": "phone",
        "form": form,
        "ask": ask,
        "cards": [
            {
                "service_code": category.service_code,
                "name": policy.say(category.name, language),
                "about": policy.say(category.description, language),
                "icon": category.icon,
                "key": number if number <= _KEYS else None,
                "chosen": category.service_code == form.values["service_code"],
            }
            for number, category in enumerate(policy.categories, 1)
        ],
        "picked": _choice(form.picked, policy) if form.picked else None,
        "meant": [_choice(one, policy) for one in form.meant],
        "groups": _groups(areas, policy),
        "landmarks": [_choice(one, policy) for one in everything if not one.is_area][:_MOST_LANDMARKS],
        "dangers": [(danger.value, name, danger in form.dangers) for danger, name in DANGERS.items()],
        "caller_languages": [
            (code, own_name(code), code == form.values["language"]) for code, _n in settings.LANGUAGES
        ],
        "retention_days": policy.retention_days,
        "jurisdiction": city.jurisdiction_id,
        "near": _near(request, city, form) if request.method == "POST" else {},
    }
    return render(request, "desk/phone.html", context, status=status)


def _near(request: HttpRequest, city: City, form: CallForm) -> dict[str, Any]:
    """Return what is known of a call that is still being written down, for the side of the page."""
    reach, policy, language, now = reach_for(request), city.policy_terms(), _language(), timezone.now()
    today = now.astimezone(ZoneInfo(policy.hours.zone)).date()
    told = f"{form.data.get('where', '')}\n{form.data.get('address', '')}\n{form.data.get('words', '')}"
    context: dict[str, Any] = {
        "named": _named(told, city=city, form=form, reach=reach),
        "number": _number(form, policy),
    }
    if not policy.has_category(form.values["service_code"]):
        return context
    asked = CallForm(city=city, reach=reach, data=form.data)  # so that nothing is a fault before it is sent
    report = asked.look()
    if asked.errors.get("where") and report.point is None and report.area_id is None:
        return context
    try:
        foresight = foresee(city=city, report=report, now=now)
    except ReportRefused as error:
        return {**context, "refused": str(error)}
    alike = _alike(request, foresight, form=form, policy=policy)
    area_id = area_at(report.point, city=city) if report.point else report.area_id
    return {
        **context,
        "urgency": {
            "code": foresight.urgency.value,
            "name": words.URGENCIES[foresight.urgency],
            "why": why_texts(foresight.why, policy=policy, language=language)
            if foresight.urgency in (Urgency.HIGH, Urgency.DANGER)
            else [],
        },
        "due": words.moment(foresight.due_at, zone=policy.hours.zone, today=today),
        "area": _joined(names_upwards(area_id, city=city), policy) if area_id else "",
        "guess": {
            "service_code": foresight.guess,
            "name": words.category_name(foresight.guess, policy=policy, language=language),
        }
        if foresight.guess
        else None,
        "alike": alike,
        "apart": not any(row["chosen"] for row in alike),
    }


def _alike(request: HttpRequest, foresight: Foresight, *, form: CallForm, policy: CityPolicy) -> list[dict[str, Any]]:
    language, now = _language(), timezone.now()
    likes = {like.case_id: like for like in foresight.alike}
    cases, seen = cases_to_compare(list(likes), reach=reach_for(request))
    chosen = form.join if form.decided else ""
    if not form.decided and foresight.would_join is not None:
        chosen = next((case.code for case in cases if case.pk == foresight.would_join), "")
    rows = []
    for case in cases:
        apart_m = likes[case.pk].distance_m
        rows.append(
            {
                "code": spoken(case.code),
                "chosen": case.code == chosen,
                "category": words.category_name(case.service_code, policy=policy, language=language),
                "state": words.STATES[case.state],
                "far": words.metres(apart_m) if apart_m is not None else "",
                "since": words.span((now - case.opened_at).total_seconds()),
                "voices": case.voices,
                "score": round(likes[case.pk].score * 100),
                # Of a case in another's area nothing is shown but what everybody may know.
                "case_id": case.pk if case.pk in seen else None,
                "where": _place_line(case, case.city, language) if case.pk in seen else "",
                "summary": case.summary if case.pk in seen else "",
            }
        )
    return rows


def _named(told: str, *, city: City, form: CallForm, reach: Any) -> dict[str, Any] | None:
    """Return the case whose code the caller said, wherever it was typed."""
    policy, language = city.policy_terms(), _language()
    case = case_called(told, reach=reach)
    if case is not None:
        return {
            "code": spoken(case.code),
            "address": reverse("desk_case", args=[case.pk]),
            "category": words.category_name(case.service_code, policy=policy, language=language),
            "state": words.STATES[case.state],
            "open": case.closed_at is None and case.city_id == city.pk,
            "chosen": form.join == case.code,
        }
    for text in (form.data.get("where", ""), form.data.get("address", ""), form.data.get("words", "")):
        public = elsewhere(text, city=city)
        if public is not None:
            return {
                "code": spoken(public.code),
                "address": reverse("tracking", args=[spoken(public.code)]),
                "category": words.category_name(public.service_code, policy=policy, language=language),
                "state": words.STATES[public.state],
                "open": False,
                "chosen": False,
            }
    return None


def _number(form: CallForm, policy: CityPolicy) -> dict[str, Any] | None:
    """Return the caller's number as it is read back, and whether a digit may be missing."""
    try:
        number = phone_number(form.values["phone"], country=policy.country)
    except NotAPhone:
        return {"text": form.values["phone"], "complete": False}
    return {"text": read_back(number, country=policy.country), "complete": is_complete(number)} if number else None


def _choice(one: Whereabout, policy: CityPolicy) -> dict[str, Any]:
    """Return an area or landmark as it can be chosen: what it is called here and in another language, and where."""
    name = policy.say(one.names, _language())
    others = [text for text in one.names.values() if text != name]
    point = {"lat": one.point.lat, "lon": one.point.lon} if one.point else {}
    return {
        "value": f"{'area' if one.is_area else 'place'}:{one.id}",
        "name": name,
        "other": others[0] if others else "",
        "about": ", ".join(part for part in (_kind(one), _joined(one.above, policy)) if part),
        **point,
    }


def _groups(areas: list[Whereabout], policy: CityPolicy) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the areas under the names of those that hold them, in the order of the names."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in areas:
        groups.setdefault(_joined(one.above, policy), []).append(_choice(one, policy))
    return [(label, sorted(found, key=lambda each: each["name"])) for label, found in sorted(groups.items())]


def _joined(names: tuple[Names, ...], policy: CityPolicy) -> str:
    language = _language()
    return ", ".join(text for text in (policy.say(each, language) for each in names) if text)


def _kind(one: Whereabout) -> str:
    kinds = {
        "khan": _("Khan"),
        "sangkat": _("Sangkat"),
        PlaceKind.MARKET: _("Market"),
        PlaceKind.SCHOOL: _("School"),
        PlaceKind.PAGODA: _("Pagoda"),
        PlaceKind.HOSPITAL: _("Hospital"),
        PlaceKind.HERITAGE: _("Heritage site"),
        PlaceKind.TOURIST_SITE: _("Tourist site"),
        PlaceKind.INFORMAL_SETTLEMENT: _("Settlement"),
    }
    return kinds.get(one.kind, "")


def _place_line(case: Case, city: City, language: str) -> str:
    """Return where a case lies, from the smallest up: the words, the landmark, the areas."""
    policy = city.policy_terms()
    landmark = policy.say(case.place.names, language) if case.place_id and case.place else ""
    areas = [policy.say(names, language) for names in names_upwards(case.area_id, city=city)]
    return ", ".join(part for part in (case.address, landmark, *areas) if part)


def _language() -> str:
    return get_language() or "en"
