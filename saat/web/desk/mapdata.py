"""The work list on the map: the very same cases, as GeoJSON for the script that draws them; and the city's streets."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from saat.actions import openings
from saat.actions.openings import Cluster, Single
from saat.records import queries_worklist, streets_store
from saat.records.queries_worklist import Box
from saat.terms.case import State, Urgency
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy
from saat.web.desk import words
from saat.web.desk.filters import box_of, read_filters
from saat.web.desk.frame import city_for, desk_view, reach_for
from saat.web.desk.rows import work_list

WORLD = Box(south=-90.0, west=-180.0, north=90.0, east=180.0)


@desk_view
@require_GET
def cases(request: HttpRequest) -> JsonResponse:
    """Answer the cases of the list within `bbox` (west,south,east,north), gathered as the `zoom` asks for."""
    try:
        box = box_of(request.GET["bbox"]) if request.GET.get("bbox") else WORLD
        zoom = float(request.GET.get("zoom", "11"))
        if not 0 <= zoom <= 24:
            raise ValueError(zoom)
    except ValueError:
        fault = _("A part of the map is bbox=west,south,east,north in degrees and a zoom from 0 to 24.")
        return JsonResponse({"error": fault}, status=400)
    city = city_for(request)
    asked = read_filters(request.GET, city=city, contractors=queries_worklist.contractors(city))
    work = work_list(reach_for(request), city=city, wanted=asked.wanted, now=timezone.now())
    view = openings.map_view(work, box=box, zoom=zoom)
    policy = city.policy_terms()
    language = get_language() or policy.languages[0]
    features = [_cluster(cluster) for cluster in view.clusters]
    features += [_single(single, policy=policy, language=language) for single in view.singles]
    return JsonResponse(
        {
            "type": "FeatureCollection",
            "features": features,
            "total": view.total,
            "placeless": view.placeless,
            "cut": view.cut,
        },
        headers={"Cache-Control": "no-store"},
    )


def _cluster(cluster: Cluster) -> dict[str, Any]:
    mark = "danger" if cluster.danger else "overdue" if cluster.overdue else "untaken" if cluster.untaken else "taken"
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(cluster.lon, 6), round(cluster.lat, 6)]},
        "properties": {
            "count": cluster.count,
            "danger": cluster.danger,
            "overdue": cluster.overdue,
            "untaken": cluster.untaken,
            "mark": mark,
        },
    }


def _single(single: Single, *, policy: CityPolicy, language: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": single.case_id,
        "geometry": {"type": "Point", "coordinates": [round(single.lon, 6), round(single.lat, 6)]},
        "properties": {
            "case": single.case_id,
            "code": spoken(single.code),
            "category": words.category_name(single.service_code, policy=policy, language=language),
            "state": words.STATES[single.state],
            "mark": _mark(single),
        },
    }


def _mark(single: Single) -> str:
    """Return by which shape and colour a case is drawn: what presses most."""
    if single.state.is_closed:
        return "closed"
    if single.urgency is Urgency.DANGER:
        return "danger"
    if single.overdue:
        return "overdue"
    return "untaken" if single.state is State.OPEN else "taken"


@desk_view
@require_GET
def streets(request: HttpRequest) -> HttpResponseBase:
    """Answer the city's streets as they were imported or drawn for the demo; an empty collection if there are none."""
    path = streets_store.path_of(city_for(request).jurisdiction_id)
    if not path.exists():
        return JsonResponse({"type": "FeatureCollection", "schematic": False, "attribution": "", "features": []})
    kept = path.stat()
    tag = f'"{kept.st_mtime_ns:x}-{kept.st_size:x}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=300", "Vary": "Cookie"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers=headers)
    response: HttpResponse | FileResponse = FileResponse(path.open("rb"), content_type="application/geo+json")
    for name, value in headers.items():
        response.headers[name] = value
    return response
