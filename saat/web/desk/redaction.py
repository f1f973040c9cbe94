"""Covering faces and plates in a photo, or taking it away."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from saat.actions.cases import ActRefused
from saat.actions.explain import acts_on
from saat.actions.log import NotAllowed, NotFound
from saat.actions.redaction import redact_photo, remove_photo
from saat.records.models import Photo
from saat.records.queries_case import photo_of
from saat.terms.codes import spoken
from saat.web.covering import Part, covered
from saat.web.desk.acts import actor_of
from saat.web.desk.casefile import Failed
from saat.web.desk.frame import desk_view, reach_for

_MOST_PARTS = 40


@desk_view
@require_http_methods(["GET", "POST"])
def redact(request: HttpRequest, photo_id: int) -> HttpResponse:
    """Show a photo to draw on; take in which parts are to be covered, or that it is to go."""
    photo = photo_of(photo_id, reach=reach_for(request))
    if photo is None or "redact" not in acts_on(photo.case, city=photo.case.city, reach=reach_for(request)):
        raise Http404
    if request.method == "GET":
        return _show(request, photo)
    now, by = timezone.now(), actor_of(request)
    try:
        if "remove" in request.POST:
            remove_photo(photo_id=photo_id, now=now, by=by)
            messages.success(request, _("The photo is gone. That there was one stays written down."))
        else:
            parts = _parts(request.POST.get("parts", ""))
            redact_photo(photo_id=photo_id, redacted=covered(photo, parts), parts=len(parts), now=now, by=by)
            messages.success(request, _("The parts are covered, and the original is deleted."))
    except NotFound as error:
        raise Http404 from error
    except (ActRefused, NotAllowed) as error:
        return _show(request, photo, failed=Failed(act="redact", error=str(error)), status=422)
    return HttpResponseRedirect(reverse("desk_case", args=[photo.case_id]))


def _parts(text: str) -> list[Part]:
    """Return the parts to cover, as the page wrote them: [[x, y, width, height], …], each a share of the picture.

    :raises ActRefused: if there is none, or one that is no part of a picture.
    """
    try:
        rows = json.loads(text or "[]")
        parts = [Part(*(float(number) for number in row)) for row in rows]
    except (ValueError, TypeError, RecursionError) as error:
        raise ActRefused(_("The parts to cover did not arrive whole. Please draw them again.")) from error
    if not parts:
        raise ActRefused(_("Please draw over what is to be covered first."))
    if len(parts) > _MOST_PARTS:
        raise ActRefused(_("Please cover at most %(most)d parts.") % {"most": _MOST_PARTS})
    return parts


def _show(request: HttpRequest, photo: Photo, *, failed: Failed | None = None, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "photo": photo,
        "case": photo.case,
        "code": spoken(photo.case.code),
        "failed": failed,
        "section": "list",
    }
    return render(request, "desk/case_redact.html", context, status=status)
