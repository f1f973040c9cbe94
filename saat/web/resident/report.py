"""Saying that rubbish lies somewhere: the page, what is open nearby, and sending."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from saat.actions.citymap import city_map
from saat.actions.log import RESIDENT
from saat.actions.notcollected import about_collection
from saat.actions.reports import receipt_of, receive_report
from saat.actions.understanding import likely_duplicates
from saat.records import queries_public
from saat.records.queries_public import PublicCase
from saat.terms.codes import heard, spoken
from saat.terms.report import NewReport, Receipt, ReportRefused
from saat.web.limits import Limit
from saat.web.resident import wording
from saat.web.resident.choices import area_groups, landmark_names
from saat.web.resident.collection import Said, said_of
from saat.web.resident.forms import ReportForm
from saat.web.resident.frame import CityRequest, in_city, say, show

SENDING = Limit(name="send", most=240, within_s=600)
LOOKING = Limit(name="near", most=600, within_s=600)
_MOST_NEARBY = 3


@require_http_methods(["GET", "HEAD", "POST"])
@in_city
def page(request: CityRequest) -> HttpResponseBase:
    """Show the report form, or take in what was filled in without scripts."""
    if request.method != "POST":
        return _form_page(request, _form_of(request))
    form = _form_of(request)
    if not SENDING.count(request):
        form.fault(
            "form", _("Too many reports came from your network just now. Please wait ten minutes and try again.")
        )
        return _form_page(request, form, status=429)
    join = _case_to_join(request, form)
    decided = request.POST.get("decided", "")
    report = form.read(apart=decided == "apart", join_case_id=join.case_id if join else None)
    if report is None:
        return _form_page(request, form, status=422)
    # Who clicks twice must not be asked whether it is what they have just reported.
    receipt = receipt_of(city=request.city, client_id=report.client_id)
    if receipt is None and join is None and not decided:
        nearby, collection = _nearby(request, form, report), _collection(request, report)
        asks = bool(nearby or collection)
        receipt = receipt_of(city=request.city, client_id=report.client_id) if asks else None
        if asks and receipt is None:
            form.keep_photos()
            return show(request, "resident/nearby.html", {"form": form, "nearby": nearby, "collection": collection})
    if receipt is None and not form.errors:
        receipt = _receive(request, form, report)
    if receipt is None:
        return _form_page(request, form, status=422)
    return HttpResponseRedirect(f"{reverse('tracking', args=[receipt.token])}?sent=1", status=303)


@csrf_exempt
@require_POST
@in_city
def send(request: CityRequest) -> HttpResponseBase:
    """Take in a report that a script sends, perhaps hours after it was written; the same `client_id` is taken in once.

    Answers 201 with the code and the link, 422 with the faults, 429 with `Retry-After`.
    """
    if not _from_here(request):
        return JsonResponse(
            {"errors": [{"field": "form", "message": _("Please send this from our own page.")}]}, status=403
        )
    form = _form_of(request)
    known = receipt_of(city=request.city, client_id=form.values["client_id"])
    if known is not None:
        return _receipt(known)
    if not SENDING.count(request):
        return JsonResponse({"errors": []}, status=429, headers={"Retry-After": "120"})
    join = _case_to_join(request, form)
    report = form.read(
        client_id=form.values["client_id"],
        apart=request.POST.get("decided") == "apart",
        join_case_id=join.case_id if join else None,
    )
    receipt = None if report is None else _receive(request, form, report)
    if receipt is None:
        faults = [{"field": anchor, "message": message} for anchor, message in form.faults]
        return JsonResponse({"errors": faults}, status=422)
    return _receipt(receipt)


@csrf_exempt
@require_POST
@in_city
def near(request: CityRequest) -> HttpResponseBase:
    """Say which area a place lies in and which open cases are perhaps the same trouble; nothing is written.

    Answers {"area": name, "cases": [...]}, with "collection": {"title", "text"} where the report is about a collection
    of which something is known; or {"error": message} where the place is outside the city.
    """
    if not _from_here(request) or not LOOKING.count(request):
        return JsonResponse({"area": "", "cases": []}, status=429)
    form = _form_of(request)
    chosen = form.values["service_code"]
    known = request.policy.has_category(chosen)
    report = form.look(chosen if known else request.policy.categories[0].service_code)
    nearby = _nearby(request, form, report) if report else []
    if form.errors or report is None:
        return JsonResponse({"error": " ".join(form.errors.values()), "area": "", "cases": []})
    answer: dict[str, Any] = {"area": _area_name(request, report), "cases": nearby if known else []}
    collection = _collection(request, report) if known else None
    if collection is not None:
        answer["collection"] = {"title": collection.title, "text": collection.text}
    return JsonResponse(answer)


def _form_of(request: CityRequest) -> ReportForm:
    data: QueryDict = request.POST
    if request.method != "POST" and "stop" in request.GET:  # a stop's own page leads here
        data = QueryDict(mutable=True)
        data.update({"stop": request.GET["stop"], "service_code": request.policy.missed_code})
    return ReportForm(city=request.city, language=request.language, data=data, files=request.FILES.getlist("photos"))


def _form_page(request: CityRequest, form: ReportForm, *, status: int = 200) -> HttpResponse:
    if form.photos:
        form.keep_photos()
    context: dict[str, Any] = {
        "form": form,
        "groups": area_groups(request.city, request.language),
        "landmarks": landmark_names(request.city, request.language),
        "texts": wording.script_texts(request.policy),
        "kept": ngettext("%(count)d photo is kept.", "%(count)d photos are kept.", len(form.photos))
        % {"count": len(form.photos)},
    }
    return show(request, "resident/report.html", context, status=status)


def _receive(request: CityRequest, form: ReportForm, report: NewReport) -> Receipt | None:
    try:
        receipt = receive_report(city=request.city, report=report, now=timezone.now(), by=RESIDENT)
    except ReportRefused as error:
        form.refuse(error)
        return None
    form.forget_photos()
    return receipt


def _receipt(receipt: Receipt) -> JsonResponse:
    facts = {"code": spoken(receipt.code), "url": reverse("tracking", args=[receipt.token]), "joined": receipt.joined}
    return JsonResponse(facts, status=200 if receipt.again else 201)


def _case_to_join(request: CityRequest, form: ReportForm) -> PublicCase | None:
    """Return the case that the resident says it is; none, without a fault, if it was closed in the meantime."""
    code = heard(request.POST.get("join", ""))
    case = queries_public.case_with_code(code) if code else None
    return case if case is not None and not case.state.is_closed else None


def _nearby(request: CityRequest, form: ReportForm, report: NewReport) -> list[dict[str, Any]]:
    try:
        alike = likely_duplicates(city=request.city, report=report, now=timezone.now())[:_MOST_NEARBY]
    except ReportRefused as error:
        form.refuse(error)
        return []
    metres = {likeness.case_id: likeness.distance_m for likeness in alike}
    cases = queries_public.cases_with_ids([likeness.case_id for likeness in alike])
    return [
        {
            "code": spoken(case.code),
            "service_code": case.service_code,
            "icon": _icon_of(request, case),
            "what": wording.category_name(request.policy, case.service_code, request.language),
            "where": wording.place_line(case, request.policy, request.language),
            "distance": wording.rough_distance(metres[case.case_id], grid_m=request.policy.grid_m(case.service_code)),
            "since": wording.ago(case.opened_at, now=timezone.now(), language=request.language),
            "voices": wording.voices_line(case.voices),
            "status": wording.status_line(case),
        }
        for case in cases
    ]


def _collection(request: CityRequest, report: NewReport) -> Said | None:
    """Return what is known of the collection that a report misses; None if it is about something else."""
    now = timezone.now()
    told = about_collection(
        request.city, service_code=report.service_code, point=report.point, attributes=report.attributes, now=now
    )
    return said_of(told, city_id=request.city.pk, language=request.language, now=now) if told else None


def _icon_of(request: CityRequest, case: PublicCase) -> str:
    known = request.policy.has_category(case.service_code)
    return request.policy.category(case.service_code).icon if known else "other"


def _area_name(request: CityRequest, report: NewReport) -> str:
    ground = city_map(request.city)
    area_id = report.area_id
    if report.point is not None and ground.index is not None:
        area_id = ground.index.area_of(report.point)
    path = [int(part) for part in ground.path_of(area_id).split("/") if part]
    names = [say(request, ground.names[each]) for each in path[1:] or path if each in ground.names]
    return ", ".join(reversed(names))


def _from_here(request: HttpRequest) -> bool:
    """Return whether a page of this site sent the request: no cookie and no token is needed to know."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()
