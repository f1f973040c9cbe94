"""The page of one case, and the preview of a merge."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from saat.actions.cases import mark_seen
from saat.actions.texts import filled
from saat.records.queries_case import CaseFile, case_file, case_id_of, texts_of
from saat.terms.case import State
from saat.terms.codes import heard, spoken
from saat.web.desk.acts import actor_of, shown_before
from saat.web.desk.casefile import Failed, head, reporter_language, whole_page
from saat.web.desk.frame import desk_view, reach_for


@desk_view
@require_GET
def page(request: HttpRequest, case_id: int) -> HttpResponse:
    """Show a case; the first look of somebody who could take it is written down."""
    reach, now = reach_for(request), timezone.now()
    file = case_file(case_id, reach=reach)
    if file is None:
        raise Http404
    if file.case.seen_at is None and file.as_office and not State(file.case.state).is_closed:
        mark_seen(case_id=case_id, now=now, by=actor_of(request))
        file = case_file(case_id, reach=reach) or file
    context = whole_page(file, reach=reach, now=now)
    if request.GET.get("text") and "message" in context["acts"]:
        context["failed"] = _begun(request, file)
    return render(request, "desk/case.html", context)


def _begun(request: HttpRequest, file: CaseFile) -> Failed | None:
    """Return the form for a message with one of the office's texts in it, in the reporter's language."""
    row = next((row for row in texts_of(file.case.city_id) if str(row.pk) == request.GET["text"]), None)
    if row is None:
        return None
    policy = file.case.city.policy_terms()
    language = reporter_language(file)
    text = filled(policy.say(row.texts, language), case=file.case, policy=policy, language=language)
    return Failed(act="message", error="", values={"text": text})


@desk_view
@require_GET
def by_code(request: HttpRequest, code: str) -> HttpResponse:
    """Lead from a case's short code to its page."""
    known = heard(code)
    case_id = case_id_of(known, reach=reach_for(request)) if known else None
    if case_id is None:
        raise Http404
    return HttpResponseRedirect(reverse("desk_case", args=[case_id]))


@desk_view
@require_GET
def merge_preview(request: HttpRequest, case_id: int) -> HttpResponse:
    """Show two cases side by side, and what becomes of them if they are merged."""
    reach, now = reach_for(request), timezone.now()
    file = case_file(case_id, reach=reach)
    if file is None:
        raise Http404
    code = heard(request.GET.get("with", ""))
    other_id = case_id_of(code, reach=reach) if code else None
    other = case_file(other_id, reach=reach) if other_id is not None and other_id != case_id else None
    if other is None:
        failed = Failed(
            act="merge",
            error=_("There is no other case with this code that you may see."),
            at="code",
            values={"code": request.GET.get("with", "")},
        )
        return render(request, "desk/case.html", whole_page(file, reach=reach, now=now, failed=failed), status=422)
    kept, gone = (file, other) if shown_before(file.case, other.case) else (other, file)
    if State(kept.case.state).is_closed and not State(gone.case.state).is_closed:
        kept, gone = gone, kept
    return render(
        request,
        "desk/case_merge.html",
        {
            "kept": _side(kept, now=now),
            "gone": _side(gone, now=now),
            "back": file.case.pk,
            "possible": not State(kept.case.state).is_closed and not State(gone.case.state).is_closed,
            "reports": len(kept.requests) + len(gone.requests),
            "section": "list",
        },
    )


def _side(file: CaseFile, *, now: Any) -> dict[str, Any]:
    return {
        **head(file.case, policy=file.case.city.policy_terms(), now=now),
        "code": spoken(file.case.code),
        "last_event_id": file.last_event_id,
        "requests": file.requests,
        "photos": [photo for photo in file.photos if photo.kind == "report" and photo.removed_at is None],
    }
