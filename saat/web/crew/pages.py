"""The crew's page: the same for everybody, so that a phone can keep it; what is a crew's own comes by its token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from saat.web.cities import NoCity, the_city
from saat.web.crew import wording
from saat.web.crew.caller import crew_language
from saat.web.templatetags.assets import asset_path

_OWN_NAMES = {"km": "ខ្មែរ", "en": "English"}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the page. `/crew/start#<token>` is the same: what stands behind # never leaves the phone."""
    try:
        policy = the_city(request).policy_terms()
    except NoCity:
        return render(request, "resident/no_city.html", status=503)
    language = crew_language(request, policy)
    with translation.override(language):
        context: dict[str, Any] = {
            "language": language,
            "others": [(code, _OWN_NAMES.get(code, name)) for code, name in settings.LANGUAGES if code != language],
            "office": policy.say(policy.office, language),
            "phone": policy.phone,
            "reasons": wording.reasons(),
            "texts": wording.texts(),
        }
        response = render(request, "crew/page.html", context)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def worker(request: HttpRequest) -> HttpResponseBase:
    """Hand out the service worker of the crew's page; browsers ask for it again each day."""
    response = FileResponse(asset_path("crewworker.js").open("rb"), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = "/crew/"
    return response


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Describe the page to a phone's home screen."""
    try:
        language = crew_language(request, the_city(request).policy_terms())
    except NoCity:
        language = settings.LANGUAGE_CODE
    with translation.override(language):
        name = _("Collection round")
    return JsonResponse(
        {
            "name": name,
            "short_name": name,
            "lang": language,
            "start_url": "/crew/",
            "scope": "/crew/",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#0d3b2e",
            "icons": [{"src": static("saat/icons/saat.svg"), "sizes": "any", "type": "image/svg+xml"}],
        },
        content_type="application/manifest+json",
        headers={"Cache-Control": "private, max-age=3600"},
    )
