"""What a phone keeps of the page, so that it opens without a connection; and what a map without tiles shows."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from saat.actions.drawing import outlines_of
from saat.records import queries_areas
from saat.web.resident.frame import CityRequest, in_city, say, show
from saat.web.templatetags.assets import asset_path

_MOST_LANDMARKS = 400


@require_safe
def worker(request: HttpRequest) -> HttpResponseBase:
    """Hand out the service worker from the root, which it then may serve; browsers ask for it again each day."""
    response = FileResponse(asset_path("worker.js").open("rb"), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Service-Worker-Allowed"] = "/"
    return response


@require_safe
@in_city
def manifest(request: CityRequest) -> HttpResponse:
    """Describe the page to a phone's home screen."""
    name = _("Report rubbish")
    return JsonResponse(
        {
            "name": f"{name}: {say(request, request.policy.name)}",
            "short_name": name,
            "lang": request.language,
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#0a6249",
            "icons": [{"src": static("saat/icons/saat.svg"), "sizes": "any", "type": "image/svg+xml"}],
        },
        content_type="application/manifest+json",
        headers={"Cache-Control": "public, max-age=3600", "Vary": "Accept-Language, Cookie"},
    )


@require_safe
@in_city
def ground(request: CityRequest) -> HttpResponseBase:
    """Answer the city's areas and landmarks as GeoJSON, longitude first as it wants; kept until they change."""
    tag = f'"{request.city.pk}-{request.city.areas_version}-{request.language}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    key = f"ground:{tag}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        known = _ground(request)
        cache.set(key, known, timeout=3600)
    return JsonResponse(
        known,
        content_type="application/geo+json",
        headers={"ETag": tag, "Cache-Control": "private, max-age=300", "Vary": "Accept-Language, Cookie"},
    )


def _ground(request: CityRequest) -> dict[str, Any]:
    options = {option.area_id: option for option in queries_areas.area_options(request.city)}
    features = []
    for area_id, polygons in outlines_of(request.city).items():
        option = options.get(area_id)
        if option is None:
            continue
        lines = [[[[lon, lat] for lat, lon in ring] for ring in polygon] for polygon in polygons]
        features.append(
            {
                "type": "Feature",
                "id": area_id,
                "properties": {"is": "area", "level": option.level, "name": say(request, option.names)},
                "geometry": {"type": "MultiPolygon", "coordinates": lines},
            }
        )
    for pk, kind, names, lat, lon, _area in queries_areas.landmarks(request.city, most=_MOST_LANDMARKS):
        features.append(
            {
                "type": "Feature",
                "properties": {"is": "place", "place": pk, "kind": kind, "name": say(request, names)},
                "geometry": {"type": "Point", "coordinates": [lon, lat]},
            }
        )
    centre = request.policy.centre
    return {"type": "FeatureCollection", "centre": [centre.lon, centre.lat], "features": features}


@csrf_exempt
@in_city
def too_large(request: CityRequest) -> HttpResponse:
    """Say that what was sent is too large; the server shows this in place of a page that cannot read its request."""
    return show(request, "resident/too_large.html", {"most": request.policy.max_photo_mb}, status=413)
