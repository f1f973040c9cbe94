"""Following a report: by the reporter's own link, or by the short code that everybody may know."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from saat.actions.cases import ActRefused, answer_office
from saat.actions.log import RESIDENT, NotFound
from saat.actions.notcollected import collection_of_report
from saat.actions.voices import add_voice, add_voice_by_code
from saat.records import queries_public
from saat.records.queries_public import OwnReport, PublicCase
from saat.terms.case import Ending, State, Voice
from saat.terms.codes import heard, spoken
from saat.terms.report import ReportRefused
from saat.web.limits import Limit
from saat.web.resident import wording
from saat.web.resident.collection import Said, said_of
from saat.web.resident.frame import CityRequest, in_city, show

# Only codes and links that lead nowhere are counted: who has a right one may look as often as they like.
GUESSING = Limit(name="guess", most=40, within_s=600)
SAYING = Limit(name="voice", most=120, within_s=600)
_VOICES = {"gone": Voice.GONE, "still": Voice.STILL_THERE, "too": Voice.ME_TOO}
_TOKEN_LENGTH = 26


@require_safe
@in_city
def look_up(request: CityRequest) -> HttpResponseBase:
    """Show a form for a code; a code that was typed leads on."""
    typed = request.GET.get("code", "").strip()
    code = heard(typed)
    if code:
        return redirect("tracking", spoken(code))
    error = _("A code has eight letters and digits, such as K7Q2-9M4X. Please look at it again.") if typed else ""
    page = show(request, "resident/look_up.html", {"typed": typed[:40], "error": error}, status=422 if error else 200)
    return _hidden(page)


@require_safe
@in_city
def tracking(request: CityRequest, key: str) -> HttpResponseBase:
    """Show what was done: to the holder of the link everything of theirs, to who has the code what is public."""
    if GUESSING.used_up(request):
        return too_often(request)
    own, case = _found(request, key)
    if case is None:
        GUESSING.count(request)
        return missing(request, key)
    return _page(request, key=key, own=own, case=case)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@in_city
def act(request: CityRequest, key: str, what: str) -> HttpResponseBase:
    """Take in what a resident says of a case.

    The unguessable link needs no further token against forged forms: whoever could forge one would have to know it.
    The short code is public, so a form that comes with it is checked as usual.
    """
    if request.method != "POST":  # somebody reloads, or changes the language of, what a form has answered
        return redirect("tracking", key)
    if GUESSING.used_up(request) or not SAYING.count(request):
        return too_often(request)
    own, case = _found(request, key)
    if case is None:
        GUESSING.count(request)
        return missing(request, key)
    if own is not None:
        return _by_link(request, own, what)
    return _by_code(request, key=key, case=case, what=what)


def _by_link(request: CityRequest, own: OwnReport, what: str) -> HttpResponseBase:
    words = request.POST.get("words", "").replace("\x00", "")
    try:
        if what == "answer":
            answer_office(token=own.token, text=words, now=timezone.now(), by=RESIDENT)
        elif what in _VOICES:
            add_voice(
                token=own.token,
                voice=_VOICES[what],
                words=words,
                now=timezone.now(),
                by=RESIDENT,
                client_id=request.POST.get("client_id", "")[:64].replace("\x00", ""),
            )
        else:
            return missing(request, own.token)
    except (ActRefused, ReportRefused, NotFound) as error:
        return _page(request, key=own.token, own=own, case=own.case, error=str(error), typed=words, status=422)
    return _back(own.token, what)


@csrf_protect
def _by_code(request: CityRequest, *, key: str, case: PublicCase, what: str) -> HttpResponseBase:
    if what != "too":
        return _page(
            request, key=key, own=None, case=case, error=_("Only the reporter's own link can say this."), status=403
        )
    try:
        add_voice_by_code(
            city=case.city,
            code=case.code,
            words="",
            now=timezone.now(),
            by=RESIDENT,
            client_id=request.POST.get("client_id", "")[:64].replace("\x00", ""),
        )
    except ReportRefused as error:
        return _page(request, key=key, own=None, case=case, error=str(error), status=422)
    return _back(spoken(case.code), what)


def _back(key: str, what: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('tracking', args=[key])}?said={what}", status=303)


def _found(request: CityRequest, key: str) -> tuple[OwnReport | None, PublicCase | None]:
    if len(key) == _TOKEN_LENGTH:
        own = queries_public.report_of(key.lower())
        return own, own.case if own else None
    code = heard(key)
    return None, queries_public.case_with_code(code) if code else None


def _page(
    request: CityRequest,
    *,
    key: str,
    own: OwnReport | None,
    case: PublicCase,
    error: str = "",
    typed: str = "",
    status: int = 200,
) -> HttpResponse:
    now, language = timezone.now(), request.language
    # The link may be of another city than the one that this visitor saw last.
    request.city, request.policy = case.city, case.city.policy_terms()
    promise, late = wording.deadline_line(case, now=now, language=language)
    asked_for = heard(key) or case.code
    said = request.GET.get("said", "")
    context: dict[str, Any] = {
        "case": case,
        "own": own,
        "key": key,
        "code": spoken(case.code),
        "groups": (case.code[:4], case.code[4:]),
        "link": f"{settings.PUBLIC_URL}{reverse('tracking', args=[own.token])}" if own else "",
        "joined_from": spoken(asked_for) if own is None and asked_for != case.code else "",
        "what": wording.category_name(request.policy, case.service_code, language),
        "icon": request.policy.category(case.service_code).icon
        if request.policy.has_category(case.service_code)
        else "other",
        "where": wording.place_line(case, request.policy, language),
        "since": wording.when(case.opened_at, language),
        "ago": wording.ago(case.opened_at, now=now, language=language),
        "voices": wording.voices_line(case.voices),
        "status_line": wording.status_line(case),
        "status_detail": wording.status_detail(case, request.policy, language),
        "tone": _tone(case, late=late),
        "is_closed": case.state is State.CLOSED,
        "is_confirmed": case.ending == Ending.CONFIRMED,
        "no_fix": case.ending == Ending.NO_FIX,
        "promise": promise,
        "late": late,
        "history": wording.told(queries_public.history_of(case.case_id), request.policy, language),
        "sent": request.GET.get("sent") == "1" and own is not None,
        "said": _thanks(said),
        "error": error,
        "typed": typed,
        "client_id": str(uuid.uuid4()),
    }
    if own is not None:
        context |= {
            "own_when": wording.when(own.requested_at, language),
            "voice_name": wording.voice_name(own.voice),
            "messages": [
                {"text": said.text, "when": wording.when(said.said_at, language), "mine": not said.to_reporter}
                for said in own.messages
            ],
            "collection": _collection(own, language=language, now=now),
            "is_asked": bool(own.messages) and own.messages[-1].to_reporter and own.messages[-1].asks,
        }
    return _hidden(show(request, "resident/tracking.html", context, status=status), secret=own is not None)


def _collection(own: OwnReport, *, language: str, now: datetime) -> Said | None:
    """Return what is known by now of the collection that somebody missed; None once their case is closed."""
    told = None if own.case.state.is_closed else collection_of_report(token=own.token, now=now)
    return said_of(told, city_id=own.case.city.pk, language=language, now=now) if told is not None else None


def _tone(case: PublicCase, *, late: bool) -> str:
    """Return the colour of the status; words say the same."""
    if case.state is State.CLOSED:
        return {Ending.PROVED: "good", Ending.CONFIRMED: "good", Ending.CLAIMED: "mixed"}.get(
            Ending(case.ending), "plain"
        )
    return "late" if late else "plain"


def _thanks(said: str) -> str:
    return {
        "gone": _("Thank you. It is written down that it is gone."),
        "still": _("Thank you. It is written down that it is still there, and the office sees it at once."),
        "too": _("Thank you. Your voice is counted, with its time."),
        "answer": _("Your answer is with the office."),
    }.get(said, "")


def missing(request: CityRequest, key: str) -> HttpResponse:
    """Say kindly that a link or a code leads nowhere, and what to do."""
    context = {"typed": key[:40] if len(key) < _TOKEN_LENGTH else "", "error": ""}
    return _hidden(show(request, "resident/missing.html", context, status=404))


def too_often(request: CityRequest) -> HttpResponse:
    """Ask for patience."""
    page = show(request, "resident/too_often.html", {}, status=429)
    page.headers["Retry-After"] = "600"
    return _hidden(page)


def _hidden(page: HttpResponse, *, secret: bool = False) -> HttpResponse:
    """Keep a page out of search engines; and its address, if that is a secret, out of everybody's logs."""
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    if secret:
        page.headers["Referrer-Policy"] = "no-referrer"
        page.headers["Cache-Control"] = "private, no-store"
    return page
