"""The very list that the desk shows, to take along: as CSV for a spreadsheet, as GeoJSON for a map.

Who reported is never in it. Whoever may not export sees no export; where a person is several things, only those cases
are in it that they see as somebody who may.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from saat.actions import explain
from saat.actions.filters import note_export
from saat.records import queries_worklist
from saat.records.models import Case
from saat.records.queries_worklist import WorkList
from saat.terms.codes import spoken
from saat.web.desk import words
from saat.web.desk.filters import Asked, read_filters
from saat.web.desk.frame import actor_for, city_for, desk_view, reach_for
from saat.web.desk.rows import RowMaker, work_list

_CHUNK_ROWS = 500
# A spreadsheet takes what begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@desk_view
@require_GET
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the list as CSV in UTF-8, with the mark by which spreadsheets know it."""
    work, asked = _asked(request, form="csv")
    return _download(_in_language(_csv(work)), name=_name(work, asked, "csv"), kind="text/csv; charset=utf-8")


@desk_view
@require_GET
def as_geojson(request: HttpRequest) -> StreamingHttpResponse:
    """Send the list as GeoJSON; cases without a point have no geometry."""
    work, asked = _asked(request, form="geojson")
    return _download(_in_language(_geojson(work)), name=_name(work, asked, "geojson"), kind="application/geo+json")


def _asked(request: HttpRequest, *, form: str) -> tuple[WorkList, Asked]:
    city, reach, now = city_for(request), reach_for(request), timezone.now()
    if not explain.may_anywhere(reach, city=city, act="export"):
        raise PermissionDenied(_("Your role does not allow taking lists out of the house."))
    asked = read_filters(request.GET, city=city, contractors=queries_worklist.contractors(city))
    note_export(city=city, form=form, group=str(asked.wanted.group), now=now, by=actor_for(request))
    return work_list(explain.held_to(reach, act="export"), city=city, wanted=asked.wanted, now=now), asked


def _name(work: WorkList, asked: Asked, ending: str) -> str:
    local = work.now.astimezone(ZoneInfo(work.city.policy_terms().hours.zone))
    return f"saat-{asked.wanted.group}-{local:%Y-%m-%d-%H%M}.{ending}"


def _download(parts: Iterator[str], *, name: str, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse((part.encode() for part in parts), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _in_language(parts: Iterator[str]) -> Iterator[str]:
    """Keep the reader's language while the answer is being sent, which is after the request has ended."""
    language = translation.get_language() or "en"
    iterator = iter(parts)

    def told() -> Iterator[str]:
        while True:
            with translation.override(language):
                part = next(iterator, None)
            if part is None:
                return
            yield part

    return told()


def _cases(work: WorkList) -> Iterator[Case]:
    return work.ordered().iterator(chunk_size=_CHUNK_ROWS)


def _columns(work: WorkList) -> dict[str, tuple[str, Callable[[Case], Any]]]:
    """Return the columns of an export: key to (heading in the reader's language, what stands in it)."""
    maker = RowMaker(work)
    zone = ZoneInfo(maker.zone)

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""

    category, reason = words.category_name, words.reason_text
    spoken_by: dict[str, Any] = {"policy": maker.policy, "language": maker.language}
    return {
        "code": (_("Code"), lambda case: spoken(case.code)),
        "category": (_("Category"), lambda case: category(case.service_code, **spoken_by)),
        "state": (_("State"), lambda case: str(words.STATES[case.state])),
        "ending": (_("How it ended"), lambda case: str(words.ENDINGS.get(case.ending, ""))),
        "reason": (_("Reason"), lambda case: reason(case.reason_code, **spoken_by)),
        "urgency": (_("Urgency"), lambda case: str(words.URGENCIES[case.urgency])),
        "area": (_("Area"), lambda case: maker.area(case.area_id)),
        "place": (_("Place"), maker.where),
        "latitude": (_("Latitude"), lambda case: case.lat),
        "longitude": (_("Longitude"), lambda case: case.lon),
        "summary": (_("What was said"), lambda case: case.summary),
        "voices": (_("Voices"), lambda case: case.voices),
        "opened": (_("Opened"), lambda case: local(case.opened_at)),
        "promised_by": (_("Promised by"), lambda case: local(case.due_at)),
        "seen": (_("Seen"), lambda case: local(case.seen_at)),
        "taken": (_("Taken"), lambda case: local(case.taken_at)),
        "on_site": (_("On site"), lambda case: local(case.on_site_at)),
        "proved": (_("Proved"), lambda case: local(case.proved_at)),
        "closed": (_("Closed"), lambda case: local(case.closed_at)),
        "reopened": (_("Times opened again"), lambda case: case.reopened),
        "proof_in_doubt": (_("Proof in doubt"), lambda case: _("yes") if case.proof_failed else ""),
        "answers_for_it": (_("Answers for it"), lambda case: str(case.owner or "")),
        "contractor": (_("Contractor"), lambda case: str(case.contractor or "")),
        "crew": (_("Crew"), lambda case: str(case.crew or "")),
    }


def _csv(work: WorkList) -> Iterator[str]:
    columns = _columns(work)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([harmless(heading) for heading, _value in columns.values()])
    for number, case in enumerate(_cases(work), start=1):
        writer.writerow([harmless(value(case)) for _heading, value in columns.values()])
        if number % _CHUNK_ROWS == 0:
            yield _emptied(buffer)
    yield _emptied(buffer)


def _emptied(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def harmless(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers.

    >>> harmless("=1+1"), harmless(" @SUM(A1)"), harmless(-11.5), harmless("K7Q2-9M4X"), harmless(None)
    ("'=1+1", "' @SUM(A1)", -11.5, 'K7Q2-9M4X', '')
    """
    if value is None:
        return ""
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(_FORMULA):
        return f"'{value}"
    return value


def _geojson(work: WorkList) -> Iterator[str]:
    columns = _columns(work)
    buffer = io.StringIO()
    buffer.write('{"type":"FeatureCollection","features":[')
    for number, case in enumerate(_cases(work), start=1):
        point = {"type": "Point", "coordinates": [case.lon, case.lat]} if case.lat is not None else None
        feature = {
            "type": "Feature",
            "id": case.pk,
            "geometry": point,
            "properties": {key: value(case) for key, (_heading, value) in columns.items()},
        }
        buffer.write(("," if number > 1 else "") + json.dumps(feature, ensure_ascii=False, default=str))
        if number % _CHUNK_ROWS == 0:
            yield _emptied(buffer)
    buffer.write("]}")
    yield _emptied(buffer)
