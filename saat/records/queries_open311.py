"""Reports as outsiders may read them. Public: what a reader may know beyond that depends on the key alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from saat.records.models import ApiKey, Case, City, Photo, ServiceRequest
from saat.records.queries_grounds import Grounds, grounds_of
from saat.records.queries_history import notes_of_cases
from saat.terms.case import Ending, State, Voice
from saat.terms.geo import Point, coarse, degrees_around, distance_m
from saat.terms.policy import CityPolicy
from saat.terms.public import PublicNote, PublicPhoto, PublicRequest, RequestFilter, without_contacts

_CHUNK = 2000
_FEW_CHANGED = 5000
_MOST_LOOKED_AT = 50_000  # places compared one by one for a question about a part of the map

_COLUMNS = (
    "pk", "case_id", "service_code", "channel", "words", "address", "area_id", "place_id", "lat", "lon", "media_url",
    "requested_at", "attributes", "api_key_id",
)  # fmt: skip
_CASE_COLUMNS = (
    "pk", "code", "service_code", "state", "ending", "reason_code", "updated_at", "closed_at", "due_at", "voices",
    "reopened", "merged_into_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who asks. key: None for the public, or a valid key; keys of other cities count for nothing here."""

    key: ApiKey | None = None

    def exact(self, city: City) -> bool:
        """Return whether this reader may see the exact places of a city's reports."""
        return self.key is not None and self.key.trusted and self.key.city_id == city.pk

    def brought(self, api_key_id: int | None) -> bool:
        """Return whether this reader brought the report itself."""
        return self.key is not None and self.key.pk == api_key_id


def requests(*, city: City, wanted: RequestFilter, reader: Reader) -> list[PublicRequest]:
    """Return one page of a city's reports, the newest first; at most eight queries, whatever the number of reports."""
    rows = ServiceRequest.objects.filter(city=city, voice=Voice.REPORT)
    rows = rows.filter(pk__in=wanted.ids) if wanted.ids is not None else _narrowed(rows, wanted, city=city)
    rows = rows.order_by("-requested_at", "-pk")
    first = (wanted.page - 1) * wanted.page_size
    if wanted.ids is None and (wanted.box or wanted.centre):
        inside = _inside(rows, wanted, city=city, reader=reader, enough=first + wanted.page_size)
        rows = rows.filter(pk__in=inside[first : first + wanted.page_size])
    else:
        rows = rows[first : first + wanted.page_size]
    return _public(list(rows.values(*_COLUMNS)), city=city, reader=reader, extended=wanted.extended)


def request_of_token(*, city: City, token: str) -> int | None:
    """Return the id of the report whose unguessable token this is, or None."""
    return ServiceRequest.objects.filter(city=city, token=token).values_list("pk", flat=True).first()


def _narrowed(rows: QuerySet[ServiceRequest], wanted: RequestFilter, *, city: City) -> QuerySet[ServiceRequest]:
    if wanted.service_codes:
        rows = rows.filter(service_code__in=wanted.service_codes)
    if wanted.start is not None:
        rows = rows.filter(requested_at__gte=wanted.start)
    if wanted.end is not None:
        rows = rows.filter(requested_at__lte=wanted.end)
    if wanted.is_closed is not None:
        rows = rows.filter(case__closed_at__isnull=not wanted.is_closed)
    if wanted.updated_after is None and wanted.updated_before is None:
        return rows
    changed = Case.objects.filter(city=city)
    if wanted.updated_after is not None:
        changed = changed.filter(updated_at__gte=wanted.updated_after)
    if wanted.updated_before is not None:
        changed = changed.filter(updated_at__lte=wanted.updated_before)
    # Few cases have changed since a partner last asked: found first, they save reading all reports by their own time.
    ids = list(changed.values_list("pk", flat=True)[: _FEW_CHANGED + 1])
    if len(ids) <= _FEW_CHANGED:
        return rows.filter(case_id__in=ids)
    return rows.filter(case_id__in=changed.values("pk"))


def _inside(
    rows: QuerySet[ServiceRequest], wanted: RequestFilter, *, city: City, reader: Reader, enough: int
) -> list[int]:
    """Return the reports in a part of the map, in their order, judged by the places that this reader may see.

    Were they judged by their exact places, anybody could find those by asking about ever smaller parts.
    """
    policy = city.policy_terms()
    widest_m = max(policy.home_grid_m, policy.public_grid_m) * 2
    rows = rows.filter(lat__isnull=False, lon__isnull=False)
    if wanted.centre is not None:
        high, wide = degrees_around(wanted.centre, wanted.radius_m + widest_m)
        rows = _in_box(
            rows, wanted.centre.lat - high, wanted.centre.lon - wide, wanted.centre.lat + high, wanted.centre.lon + wide
        )
    if wanted.box is not None:
        south, west, north, east = wanted.box
        high, wide = degrees_around(Point(lat=(south + north) / 2, lon=west), widest_m)
        rows = _in_box(rows, south - high, west - wide, north + high, east + wide)
    found: list[int] = []
    exact = reader.exact(city)
    columns = rows.values_list("pk", "lat", "lon", "service_code", "api_key_id")[:_MOST_LOOKED_AT]
    for pk, lat, lon, service_code, api_key_id in columns.iterator(chunk_size=_CHUNK):
        point = Point(lat=float(lat or 0), lon=float(lon or 0))  # never None: the rows were narrowed to those with one
        if not exact and not reader.brought(api_key_id):
            point = coarse(point, policy.grid_m(service_code))
        if _holds(wanted, point):
            found.append(pk)
            if len(found) >= enough:
                break
    return found


def _in_box(
    rows: QuerySet[ServiceRequest], south: float, west: float, north: float, east: float
) -> QuerySet[ServiceRequest]:
    rows = rows.filter(lat__gte=south, lat__lte=north)
    if west <= east:
        return rows.filter(lon__gte=west, lon__lte=east)
    return rows.filter(Q(lon__gte=west) | Q(lon__lte=east))  # across the line where the day begins


def _holds(wanted: RequestFilter, point: Point) -> bool:
    if wanted.centre is not None and distance_m(wanted.centre, point) > wanted.radius_m:
        return False
    if wanted.box is None:
        return True
    south, west, north, east = wanted.box
    across = west <= point.lon <= east if west <= east else (point.lon >= west or point.lon <= east)
    return across and south <= point.lat <= north


def _public(rows: Sequence[dict[str, Any]], *, city: City, reader: Reader, extended: bool) -> list[PublicRequest]:
    if not rows:
        return []
    policy = city.policy_terms()
    cases = living_cases({row["case_id"] for row in rows})
    grounds = grounds_of(area_ids={row["area_id"] for row in rows}, place_ids={row["place_id"] for row in rows})
    photos = _photos(rows, cases, proofs=extended)
    notes = notes_of_cases({case["pk"] for case in cases.values()}) if extended else {}
    return [
        _one(row, cases[row["case_id"]], city, policy, reader, grounds, photos.get(row["pk"], ()), notes)
        for row in rows
    ]


def _one(
    row: dict[str, Any],
    case: dict[str, Any],
    city: City,
    policy: CityPolicy,
    reader: Reader,
    grounds: Grounds,
    photos: Iterable[PublicPhoto],
    notes: dict[int, list[PublicNote]],
) -> PublicRequest:
    whole = reader.exact(city) or reader.brought(row["api_key_id"])
    code = row["service_code"]
    at_home = policy.has_category(code) and policy.category(code).at_home
    address = row["address"] if whole else "" if at_home else without_contacts(row["address"])
    point, grain = grounds.point_of(row)
    if point is not None and grain == "point" and not whole:
        point = coarse(point, policy.grid_m(code))
    place, area = row["place_id"], row["area_id"]
    return PublicRequest(
        service_request_id=row["pk"],
        service_code=code,
        case_code=case["code"],
        case_service_code=case["service_code"],
        state=State(case["state"]),
        ending=Ending(case["ending"]) if case["ending"] else None,
        reason_code=case["reason_code"],
        channel=row["channel"],
        words=row["words"] if whole else without_contacts(row["words"]),
        address=address,
        address_id=f"place-{place}" if place else f"area-{area}" if area else "",
        names=grounds.names_of(row),
        point=point,
        grain=grain,
        media_url=row["media_url"] if whole or policy.photos_public else "",
        requested_at=row["requested_at"],
        updated_at=case["closed_at"] or case["updated_at"],
        due_at=case["due_at"],
        voices=case["voices"],
        reopened=case["reopened"],
        attributes=tuple(row["attributes"].items()),
        photos=tuple(photos),
        notes=tuple(notes.get(case["pk"], ())),
    )


def living_cases(case_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return for each case id the columns of that case, or of the one into which it was merged in the end."""
    columns = {row["pk"]: row for row in Case.objects.filter(pk__in=set(case_ids)).values(*_CASE_COLUMNS)}
    ends = dict.fromkeys(columns)
    wanted = {row["merged_into_id"] for row in columns.values()} - {None} - columns.keys()
    while wanted:
        columns |= {row["pk"]: row for row in Case.objects.filter(pk__in=wanted).values(*_CASE_COLUMNS)}
        wanted = {row["merged_into_id"] for row in columns.values()} - {None} - columns.keys()
    return {case_id: _end_of(case_id, columns) for case_id in ends}


def _end_of(case_id: int, columns: dict[int, dict[str, Any]]) -> dict[str, Any]:
    row = columns[case_id]
    while row["merged_into_id"] is not None:
        row = columns[row["merged_into_id"]]
    return row


def _photos(
    rows: Sequence[dict[str, Any]], cases: dict[int, dict[str, Any]], *, proofs: bool
) -> dict[int, list[PublicPhoto]]:
    """Return the public photos of each report: its own, and those that prove what was done."""
    shown = Photo.objects.filter(public=True, removed_at__isnull=True)
    asked = Q(kind="report", service_request_id__in=[row["pk"] for row in rows])
    if proofs:
        asked |= Q(kind="proof", case_id__in={case["pk"] for case in cases.values()})
    columns = ("pk", "service_request_id", "case_id", "kind", "width", "height", "added_at")
    own: dict[int, list[PublicPhoto]] = {}
    of_case: dict[int, list[PublicPhoto]] = {}
    for pk, request_id, case_id, kind, width, height, added_at in (
        shown.filter(asked).order_by("added_at", "pk").values_list(*columns)
    ):
        photo = PublicPhoto(photo_id=pk, kind=kind, width=width, height=height, added_at=added_at)
        if kind == "proof":
            of_case.setdefault(case_id, []).append(photo)
        else:
            own.setdefault(request_id, []).append(photo)
    return {
        row["pk"]: [*own.get(row["pk"], ()), *of_case.get(cases[row["case_id"]]["pk"], ())]
        for row in rows
        if row["pk"] in own or cases[row["case_id"]]["pk"] in of_case
    }
