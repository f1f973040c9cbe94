"""The texts that the office uses again and again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from saat.actions.cases import ActRefused
from saat.actions.log import NotAllowed
from saat.actions.texts import delete_text, example_filled, may_manage_texts, save_text
from saat.records.models import City
from saat.records.queries_case import texts_of
from saat.web.desk.acts import actor_of
from saat.web.desk.casefile import Failed
from saat.web.desk.frame import city_for, desk_view


@desk_view
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, text_id: int | None = None) -> HttpResponse:
    """List the texts; show one to change, or an empty one to write; preview or save what was typed."""
    city = _city(request)
    if request.method == "GET":
        return _show(request, city, text_id=text_id)
    languages = city.policy_terms().languages
    texts = {language: request.POST.get(f"text_{language}", "") for language in languages}
    if "preview" in request.POST:
        return _show(request, city, text_id=text_id, typed=texts)
    try:
        save_text(
            city_id=city.pk,
            name=request.POST.get("name", ""),
            texts=texts,
            text_id=text_id,
            now=timezone.now(),
            by=actor_of(request),
        )
    except (ActRefused, NotAllowed) as error:
        failed = Failed(act="save", error=str(error), at=getattr(error, "field", ""))
        status = 403 if isinstance(error, NotAllowed) else 422
        return _show(request, city, text_id=text_id, typed=texts, failed=failed, status=status)
    messages.success(request, _("The text is saved."))
    return HttpResponseRedirect(reverse("desk_texts"))


@desk_view
@require_POST
def delete(request: HttpRequest, text_id: int) -> HttpResponse:
    """Delete a text."""
    city = _city(request)
    try:
        delete_text(city_id=city.pk, text_id=text_id, now=timezone.now(), by=actor_of(request))
    except NotAllowed as error:
        return _show(request, city, failed=Failed(act="delete", error=str(error)), status=403)
    messages.success(request, _("The text is deleted."))
    return HttpResponseRedirect(reverse("desk_texts"))


def _show(
    request: HttpRequest,
    city: City,
    *,
    text_id: int | None = None,
    typed: dict[str, str] | None = None,
    failed: Failed | None = None,
    status: int = 200,
) -> HttpResponse:
    policy = city.policy_terms()
    rows = texts_of(city.pk)
    chosen = next((row for row in rows if row.pk == text_id), None)
    if text_id is not None and chosen is None:
        raise Http404
    known = dict(settings.LANGUAGES)
    written = typed if typed is not None else (chosen.texts if chosen else {})
    fields = [
        {
            "language": language,
            "label": known.get(language, language),
            "text": written.get(language, ""),
            "preview": example_filled(written.get(language, ""), policy=policy, language=language, now=timezone.now()),
        }
        for language in policy.languages
    ]
    context: dict[str, Any] = {
        "rows": [(row, policy.say(row.texts, policy.languages[0])) for row in rows],
        "chosen": chosen,
        "name": request.POST.get("name", chosen.name if chosen else ""),
        "fields": fields,
        "previewed": typed is not None or chosen is not None,
        "may_manage": may_manage_texts(actor_of(request), city.pk),
        "failed": failed,
        "section": "texts",
    }
    return render(request, "desk/texts.html", context, status=status)


def _city(request: HttpRequest) -> City:
    city = city_for(request)
    if city is None:
        raise Http404
    return city
