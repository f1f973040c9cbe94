"""Which service requests, or updates of them, a client asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from saat.links.open311.decode import Fields, one, read_number
from saat.links.open311.errors import Open311Error
from saat.links.open311.moments import read_moment
from saat.terms.geo import Point
from saat.terms.public import RequestFilter

WIDEST = timedelta(days=90)
MOST = 1000
_LAST_PAGE = 1_000_000
_WIDEST_RADIUS_M = 50_000


def read_filter(fields: Fields, *, now: datetime, zone: ZoneInfo) -> RequestFilter:
    """Return what the arguments of `GET requests` ask for.

    :raises Open311Error: 400, if an argument cannot be read, or the span is wider than 90 days.
    """
    ids = listed(fields, "service_request_id")
    page, page_size = _paging(fields)
    extended = one(fields, "extensions", 20).lower() in ("true", "1", "yes", "citysdk")
    if ids:
        numbers = tuple(int(text) for text in ids if text.isascii() and text.isdigit() and len(text) < 19)
        return RequestFilter(ids=numbers[:MOST], page=page, page_size=page_size, extended=extended)
    after, before = _moment(fields, "updated_after", zone), _moment(fields, "updated_before", zone)
    start, end = read_window(fields, now=now, zone=zone, default=after is None and before is None)
    centre, radius_m = _circle(fields)
    return RequestFilter(
        service_codes=tuple(listed(fields, "service_code")),
        start=start,
        end=end,
        is_closed=_status(fields),
        updated_after=after,
        updated_before=before,
        box=_box(fields),
        centre=centre,
        radius_m=radius_m,
        page=page,
        page_size=page_size,
        extended=extended,
    )


def read_window(
    fields: Fields, *, now: datetime, zone: ZoneInfo, default: bool = True
) -> tuple[datetime | None, datetime | None]:
    """Return start and end of the span asked for: at most 90 days, the latest 90 if neither is given.

    default: False leaves a span that is not asked for without bounds.

    :raises Open311Error: 400, if the span ends before it starts or is wider than 90 days.
    """
    start, end = _moment(fields, "start_date", zone), _moment(fields, "end_date", zone)
    if start is None and end is None:
        return (now - WIDEST, None) if default else (None, None)
    if start is None:
        assert end is not None
        return end - WIDEST, end
    if end is None:
        return start, start + WIDEST
    if end < start:
        raise Open311Error(400, _("end_date lies before start_date."))
    if end - start > WIDEST:
        message = _("The span from start_date to end_date is %(days)d days; at most 90 are possible.")
        raise Open311Error(400, message % {"days": (end - start).days})
    return start, end


def read_page(fields: Fields) -> tuple[int, int]:
    """Return page and page_size, as `GET requests` understands them."""
    return _paging(fields)


def listed(fields: Fields, name: str) -> list[str]:
    """Return the values of an argument that may be given several times, or once with commas."""
    return [part.strip() for value in fields.get(name, ()) for part in value.split(",") if part.strip()][:MOST]


def _moment(fields: Fields, name: str, zone: ZoneInfo) -> datetime | None:
    text = one(fields, name, 60)
    return read_moment(text, field=name, zone=zone) if text else None


def _status(fields: Fields) -> bool | None:
    wanted = {text.lower() for text in listed(fields, "status")}
    if strange := sorted(wanted - {"open", "closed"}):
        message = _("status is open or closed, not “%(status)s”.")
        raise Open311Error(400, message % {"status": strange[0][:40]})
    return None if len(wanted) != 1 else wanted == {"closed"}


def _paging(fields: Fields) -> tuple[int, int]:
    page, size = one(fields, "page", 20), one(fields, "page_size", 20)
    number = int(read_number(page, field="page", least=1, most=_LAST_PAGE)) if page else 1
    return number, int(read_number(size, field="page_size", least=1, most=MOST)) if size else MOST


def _box(fields: Fields) -> tuple[float, float, float, float] | None:
    text = one(fields, "bbox", 200)
    if not text:
        return None
    parts = text.split(",")
    if len(parts) != 4:
        raise Open311Error(400, _("bbox is four numbers: west, south, east, north."))
    west, east = (read_number(part, field="bbox", least=-180, most=180) for part in parts[0::2])
    south, north = (read_number(part, field="bbox", least=-90, most=90) for part in parts[1::2])
    return south, west, north, east


def _circle(fields: Fields) -> tuple[Point | None, float]:
    lat, lon, radius = one(fields, "lat", 60), one(fields, "long", 60), one(fields, "radius", 60)
    if not (lat or lon or radius):
        return None, 0.0
    if not (lat and lon):
        raise Open311Error(400, _("lat and long belong together; one of them is missing."))
    point = Point(
        lat=read_number(lat, field="lat", least=-90, most=90), lon=read_number(lon, field="long", least=-180, most=180)
    )
    return point, read_number(radius, field="radius", least=1, most=_WIDEST_RADIUS_M) if radius else 500.0
