"""One case as a contractor or a crew answers for it through a signed link, without an account.

The page shows what is to be done and nothing of who reported it. Whatever is done here is written down as done by the
link, which stands for the company that the office gave it to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from saat.actions.advice import MoveNotAllowed
from saat.actions.cases import ActRefused, add_note, arrive
from saat.actions.declining import decline_case
from saat.actions.links import LinkClosed, link_of
from saat.actions.log import Actor, NotAllowed, NotFound
from saat.actions.proof import draw_proof_code, prove_case
from saat.records.models import SignedLink
from saat.records.queries_case import CaseFile, file_of
from saat.terms.case import Declined, State
from saat.terms.codes import heard, spoken
from saat.terms.report import ReportRefused
from saat.web.desk import words
from saat.web.desk.casefile import head, language_now
from saat.web.photos import send_photo
from saat.web.proving import proof_of

View = Callable[..., HttpResponseBase]


class Opened:
    """An open link: the case with what belongs to it, and who holds the link."""

    def __init__(self, link: SignedLink, by: Actor, token: str, now: datetime) -> None:
        self.link, self.by, self.token, self.now = link, by, token, now
        self.file: CaseFile = file_of(link.case, link_id=link.pk)

    @property
    def name(self) -> str:
        """Who the link was given to."""
        return str(self.link.contractor or self.link.crew)


def with_link(view: View) -> View:
    """Open the link in the address, or show why it opens nothing; nobody else keeps the page."""

    @wraps(view)
    def opened(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        now = timezone.now()
        try:
            link, by = link_of(token=token, now=now)
        except LinkClosed as error:
            status = 404 if error.code == "unknown" else 410
            response: HttpResponseBase = render(
                request, "contractor/closed.html", {"why": str(error), "code": error.code}, status=status
            )
        else:
            response = view(request, Opened(link, by, token, now), **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return opened


@with_link
@require_GET
def page(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Show the case and what can be answered."""
    return _show(request, opened)


def _show(request: HttpRequest, opened: Opened, *, act: str = "", error: str = "", status: int = 200) -> HttpResponse:
    case = opened.link.case
    policy = case.city.policy_terms()
    photos = [photo for photo in opened.file.photos if photo.removed_at is None]
    context: dict[str, Any] = {
        **head(case, policy=policy, now=opened.now),
        "token": opened.token,
        "name": opened.name,
        "office": policy.say(policy.office, language_now()),
        "phone": policy.phone,
        "said": [row for row in opened.file.requests if row.words],
        "before": [photo for photo in photos if photo.kind == "report"],
        "after": [photo for photo in photos if photo.kind == "proof"],
        "notes": opened.file.notes,
        "open": not State(case.state).is_closed,
        "on_site": case.state == State.ON_SITE,
        "reasons_not": [(reason, words.DECLINED[reason]) for reason in Declined],
        "zone": policy.hours.zone,
        "expires": words.moment(opened.link.expires_at, zone=policy.hours.zone),
        "act": act,
        "error": error,
        "typed": request.POST,
    }
    return render(request, "contractor/case.html", context, status=status)


def _arrive(request: HttpRequest, opened: Opened) -> str:
    arrive(case_id=opened.link.case_id, now=opened.now, by=opened.by)
    return _("Thank you. The office sees that you are there.")


def _note(request: HttpRequest, opened: Opened) -> str:
    text = request.POST.get("text", "")
    add_note(case_id=opened.link.case_id, text=text, now=opened.now, by=opened.by, by_name=opened.name)
    return _("The office has your note.")


def _decline(request: HttpRequest, opened: Opened) -> str:
    try:
        reason = Declined(request.POST.get("reason", ""))
    except ValueError as error:
        raise ActRefused(_("Please choose one of the reasons."), field="reason") from error
    decline_case(
        case_id=opened.link.case_id,
        reason=reason,
        text=request.POST.get("text", ""),
        by_name=opened.name,
        now=opened.now,
        by=opened.by,
    )
    return ""


_ACTS: dict[str, Callable[[HttpRequest, Opened], str]] = {"arrive": _arrive, "note": _note, "decline": _decline}


@with_link
@require_POST
def act(request: HttpRequest, opened: Opened, name: str) -> HttpResponse:
    """Take in one answer."""
    if name not in _ACTS:
        raise Http404
    try:
        done = _ACTS[name](request, opened)
    except NotFound as error:
        raise Http404 from error
    except (ActRefused, NotAllowed) as error:
        return _show(request, opened, act=name, error=str(error), status=422)
    except MoveNotAllowed:
        text = _("This was done already, or the case is closed by now.")
        return _show(request, opened, act=name, error=text, status=409)
    if name == "decline":
        return render(request, "contractor/thanks.html", {"code": spoken(opened.link.case.code)})
    messages.success(request, done)
    return HttpResponseRedirect(reverse("contractor_case", args=[opened.token]))


@with_link
@require_http_methods(["GET", "POST"])
def prove(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Draw the one-time code, show the camera, take in the photo."""
    case = opened.link.case
    here = reverse("contractor_prove", args=[opened.token])
    try:
        if request.method == "POST" and "start" in request.POST:
            code = draw_proof_code(case_id=case.pk, now=opened.now, by=opened.by)
            return HttpResponseRedirect(f"{here}?{urlencode({'code': code})}")
        if request.method == "POST":
            facts = proof_of(request, policy=case.city.policy_terms())
            prove_case(case_id=case.pk, now=opened.now, by=opened.by, **facts)
            messages.success(request, _("Thank you. The case is closed, with your photo."))
            return HttpResponseRedirect(reverse("contractor_case", args=[opened.token]))
    except NotFound as error:
        raise Http404 from error
    except (ReportRefused, ActRefused) as error:
        return _camera(request, opened, error=str(error), status=422)
    except MoveNotAllowed:
        return _camera(request, opened, error=_("This case is closed already."), status=409)
    return _camera(request, opened)


def _camera(request: HttpRequest, opened: Opened, *, error: str = "", status: int = 200) -> HttpResponse:
    case = opened.link.case
    policy = case.city.policy_terms()
    code = heard(request.GET.get("code", "") or request.POST.get("code", ""))
    context: dict[str, Any] = {
        **head(case, policy=policy, now=opened.now),
        "token": opened.token,
        "action": reverse("contractor_prove", args=[opened.token]),
        "proof_code": spoken(code) if code else "",
        "near_m": round(policy.proof_near_m),
        "fresh_min": round(policy.proof_fresh_min),
        "failed": {"error": error, "values": {"note": request.POST.get("note", "")}},
        "open": not State(case.state).is_closed,
    }
    return render(request, "contractor/prove.html", context, status=status)


@with_link
@require_GET
def photo(request: HttpRequest, opened: Opened, photo_id: int, size: str) -> HttpResponseBase:
    """Show a photo of the link's case."""
    row = next((row for row in opened.file.photos if row.pk == photo_id and row.removed_at is None), None)
    if row is None:
        raise Http404
    return send_photo(request, row, size=size)
