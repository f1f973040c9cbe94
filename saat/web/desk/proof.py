"""Proving a case with the camera, and the proofs that a supervisor should look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from saat.actions.advice import MoveNotAllowed
from saat.actions.cases import ActRefused
from saat.actions.explain import acts_on
from saat.actions.log import NotAllowed, NotFound
from saat.actions.proof import draw_proof_code, prove_case
from saat.records.queries_case import CaseFile, case_file, doubtful_proofs
from saat.terms.codes import heard, spoken
from saat.terms.report import ReportRefused
from saat.web.desk.acts import actor_of, failure, undo_tag
from saat.web.desk.casefile import Failed, check_text, head, trail
from saat.web.desk.frame import city_for, desk_view, reach_for
from saat.web.proving import proof_of

COUNTED = timedelta(days=90)


@desk_view
@require_http_methods(["GET", "POST"])
def prove(request: HttpRequest, case_id: int) -> HttpResponse:
    """Draw the one-time code (POST with `start`), show the camera (GET with it), take in the photo (POST with it)."""
    reach, now = reach_for(request), timezone.now()
    file = case_file(case_id, reach=reach)
    if file is None:
        raise Http404
    by = actor_of(request)
    try:
        if request.method == "POST" and "start" in request.POST:
            code = draw_proof_code(case_id=case_id, now=now, by=by)
            return HttpResponseRedirect(f"{reverse('desk_prove', args=[case_id])}?{urlencode({'code': code})}")
        if request.method == "POST":
            facts = proof_of(request, policy=file.case.city.policy_terms())
            case = prove_case(case_id=case_id, now=now, by=by, **facts)
            text = _("Closed with a photo.")
            if case.proof_failed:
                text += " " + _("A check of the photo failed; a supervisor will look at it.")
            messages.success(request, f"{spoken(case.code)}: {text}", extra_tags=undo_tag(file, reach=reach))
            return HttpResponseRedirect(reverse("desk_case", args=[case_id]))
    except NotFound as error:
        raise Http404 from error
    except ReportRefused as error:
        failed = Failed(act="prove", error=str(error), at=error.field, values={"note": request.POST.get("note", "")})
        return _camera(request, file, status=422, failed=failed)
    except (ActRefused, NotAllowed, MoveNotAllowed) as error:
        failed, status = failure("prove", error, file=file, request=request)
        return _camera(request, file, status=status, failed=failed)
    return _camera(request, file)


def _camera(request: HttpRequest, file: CaseFile, *, status: int = 200, failed: Failed | None = None) -> HttpResponse:
    case, policy = file.case, file.case.city.policy_terms()
    code = heard(request.GET.get("code", "") or request.POST.get("code", ""))
    context: dict[str, Any] = {
        **head(case, policy=policy, now=timezone.now()),
        "may_prove": "prove" in acts_on(case, city=case.city, reach=reach_for(request)),
        "proof_code": spoken(code) if code else "",
        "before": [photo for photo in file.photos if photo.kind == "report" and photo.removed_at is None],
        "near_m": round(policy.proof_near_m),
        "fresh_min": round(policy.proof_fresh_min),
        "failed": failed,
        "section": "list",
    }
    return render(request, "desk/case_prove.html", context, status=status)


@desk_view
@require_GET
def doubtful(request: HttpRequest) -> HttpResponse:
    """Show the proofs of which a check failed, and whose they were."""
    city, now = city_for(request), timezone.now()
    if city is None:
        raise Http404
    found = doubtful_proofs(city, reach=reach_for(request), since=now - COUNTED)
    rows = [
        {
            "photo": photo,
            "case": photo.case,
            "code": spoken(photo.case.code),
            "where": trail(photo.case),
            "checks": [check_text(check) for check in photo.proof_checks if check.get("passed") is False],
        }
        for photo in found.latest
    ]
    context = {"rows": rows, "counts": found.counts, "days": COUNTED.days, "zone": city.policy_terms().hours.zone}
    return render(request, "desk/case_proofs.html", {**context, "section": "proofs"})
