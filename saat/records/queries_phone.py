"""What an official reads while a caller is on the line: cases near the place, and what was written down."""

from __future__ import annotations

from collections.abc import Sequence

from saat.records.models import Case, City, ServiceRequest
from saat.records.scope import Reach, visible
from saat.terms.case import Channel


def cases_to_compare(case_ids: Sequence[int], *, reach: Reach) -> tuple[list[Case], frozenset[int]]:
    """Return cases in the order of their ids given, and the ids of those that the person may see; two queries.

    Of the others nothing may be shown but what everybody may know of them.
    """
    rows = {
        case.pk: case
        for case in Case.objects.filter(pk__in=list(case_ids)).select_related("city", "area", "place")
    }  # fmt: skip
    seen = Case.objects.filter(visible(reach), pk__in=list(rows)).values_list("pk", flat=True)
    return [rows[case_id] for case_id in case_ids if case_id in rows], frozenset(seen)


def cases_called(codes: Sequence[str], *, reach: Reach) -> list[Case]:
    """Return the cases with these short codes that the person may see, in the order of the codes.

    For a case that was merged into another one, the other.
    """
    rows = Case.objects.filter(visible(reach)).select_related("city", "area", "place")
    found = {case.code: case for case in rows.filter(code__in=list(codes))}
    for code, case in found.items():
        living: Case | None = case
        while living is not None and living.merged_into_id is not None:
            living = rows.filter(pk=living.merged_into_id).first()
        found[code] = living or case
    return list(dict.fromkeys(found[code] for code in codes if code in found))


def open_case_called(city: City, code: str) -> Case | None:
    """Return the open case of a city that a short code leads to: the case itself, or that into which it was merged."""
    case = Case.objects.filter(city=city, code=code).first()
    while case is not None and case.merged_into_id is not None:
        case = Case.objects.filter(pk=case.merged_into_id).first()
    return case if case is not None and case.closed_at is None else None


def written_down(request_id: int, *, reach: Reach) -> tuple[ServiceRequest, bool] | None:
    """Return a call that was written down with its case, and whether the person may see the case; None if not theirs.

    Theirs is a call about a place that their roles cover, or of a case that they may see. The two differ where a call
    from this side of a border joined a case on the other.
    """
    rows = ServiceRequest.objects.select_related("city", "case", "case__area", "case__place", "area", "contact")
    row = rows.filter(pk=request_id, channel=Channel.PHONE).first()
    if row is None:
        return None
    sees_case = bool(reach.roles_for(row.case))
    path = row.area.path if row.area else ""
    covers = reach.roles_in(city_id=row.city_id, area_path=path, contractor_id=None, crew_id=None)
    return (row, sees_case) if sees_case or covers else None
