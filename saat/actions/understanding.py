"""A report is understood before anything is written: its place, its words, its photos, and what it may repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from saat.actions.citymap import CityMap, city_map
from saat.actions.notcollected import Told
from saat.records import quick
from saat.records.models import Case, City, Photo
from saat.records.photo_store import unsigned
from saat.terms.case import ServiceLevel
from saat.terms.duplicates import Candidate, Likeness
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.report import NewReport, ReportRefused
from saat.triage.likeness import duplicates_of, perceptual_hash
from saat.triage.nearby import cells_around
from saat.triage.words import clean_words

_MOST_CANDIDATES = 40
_WORDS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A report with everything that was found out about it before anything is written.

    collection: what is known about the stop that a missed collection is about, None if it is about something else.
    """

    report: NewReport
    words: str
    address: str
    point: Point | None
    area_id: int | None
    place_id: int | None
    service_level: ServiceLevel
    hashes: tuple[int, ...]
    collection: Told | None = None


def likely_duplicates(*, city: City, report: NewReport, now: datetime) -> list[Likeness]:
    """Return the open cases that a report would perhaps join, best first, so that a resident can choose to.

    :raises ReportRefused: as `saat.actions.reports.receive_report` does.
    """
    policy, ground = city.policy_terms(), city_map(city)
    understood = understand(report, city=city, policy=policy, ground=ground)
    return alike(city=city, policy=policy, understood=understood, now=now)


def understand(report: NewReport, *, city: City, policy: CityPolicy, ground: CityMap) -> Understood:
    """Return a report with what can be found out about it; nothing is written.

    :raises ReportRefused: if the category is unknown, there are too many photos, or the place is missing or outside.
    """
    if not policy.has_category(report.service_code):
        known = ", ".join(category.service_code for category in policy.categories)
        message = _("There is no category “%(code)s” here. The categories are: %(known)s.")
        raise ReportRefused(
            message % {"code": report.service_code[:60], "known": known}, field="service_code", code="unknown_category"
        )
    words = clean_words(report.words, limit=_WORDS)
    address = clean_words(report.address, limit=300).replace("\n", " ")
    if len(report.photos) > policy.max_photos:
        message = _("At most %(most)d photos can be sent with one report.")
        raise ReportRefused(message % {"most": policy.max_photos}, field="photos", code="too_many_photos")
    point, area_id, place_id = report.point, report.area_id, report.place_id
    if area_id is not None and area_id not in ground.paths:
        raise ReportRefused(_("This area is not in the city. Please choose one from the list."), field="area_id")
    landmark = ground.by_place.get(place_id) if place_id is not None else None
    if place_id is not None and landmark is None:
        raise ReportRefused(_("This landmark is not in the city. Please choose one from the list."), field="place_id")
    if point is not None:
        area_id = _area_at(point, city=city, policy=policy, ground=ground) if ground.index else area_id
        landmark = landmark or ground.landmark_at(point)
    elif area_id is None and landmark is not None:
        area_id = landmark.area_id
    if point is None and area_id is None and landmark is None and not address and report.join_case_id is None:
        message = _(
            "Please say where it is: use your position, tap on the map, or choose the area and write what is near."
        )
        raise ReportRefused(message, field="where", code="place_missing")
    return Understood(
        report=report,
        words=words,
        address=address,
        point=point,
        area_id=area_id,
        place_id=landmark.place_id if landmark else None,
        service_level=landmark.service_level if landmark else ServiceLevel.USUAL,
        hashes=tuple(perceptual_hash(photo.grey) for photo in report.photos),
    )


def _area_at(point: Point, *, city: City, policy: CityPolicy, ground: CityMap) -> int:
    assert ground.index is not None
    area_id = ground.index.area_of(point)
    if area_id is not None:
        return area_id
    language = get_language() or policy.languages[0]
    neighbour = _neighbour_at(point, city=city, language=language)
    if neighbour:
        message = _("This place is outside %(city)s; it belongs to %(neighbour)s. Please report it there.")
        facts = {"city": policy.say(policy.name, language), "neighbour": neighbour}
        raise ReportRefused(message % facts, field="where", code="outside_city")
    nearest = ground.index.nearest(point)
    facts = {"city": policy.say(policy.name, language)}
    if nearest is None:
        message = _("This place is outside %(city)s.")
    else:
        names = ground.names.get(nearest[0], {})
        facts |= {"area": policy.say(names, language), "km": f"{nearest[1] / 1000:.1f}"}
        message = _("This place is outside %(city)s. The nearest part of the city is %(area)s, %(km)s km away.")
    raise ReportRefused(message % facts, field="where", code="outside_city")


def _neighbour_at(point: Point, *, city: City, language: str) -> str:
    """Return the name of another city of this installation that holds a place, or ""."""
    for other in City.objects.exclude(pk=city.pk):
        ground = city_map(other)
        if ground.index is not None and ground.index.area_of(point) is not None:
            policy = other.policy_terms()
            return policy.say(policy.name, language)
    return ""


def alike(*, city: City, policy: CityPolicy, understood: Understood, now: datetime) -> list[Likeness]:
    """Return the open cases that may be the same trouble, best first; at most three queries."""
    rule = policy.duplicates
    since = now - timedelta(hours=rule.window_h)
    if understood.point is not None:
        cells = cells_around(understood.point, rule.radius_m)
        rows = quick.open_cases_near(city_id=city.pk, cells=cells, since=since, most=_MOST_CANDIDATES)
    elif understood.place_id is not None or understood.area_id is not None:
        nearby = Case.objects.filter(city=city, closed_at__isnull=True, last_voice_at__gte=since)
        if understood.place_id is not None:
            nearby = nearby.filter(place_id=understood.place_id)
        elif understood.area_id is not None:
            nearby = nearby.filter(area_id=understood.area_id)
        rows = list(nearby.order_by("-last_voice_at").values_list(*quick.NEAR_COLUMNS)[:_MOST_CANDIDATES])
    else:
        return []
    if not rows:
        return []
    hashes: dict[int, list[int]] = {}
    with_photo = [row[0] for row in rows if row[9]]
    if understood.hashes and with_photo:
        photos = Photo.objects.filter(case_id__in=with_photo, kind="report").values_list("case_id", "phash")
        for case_id, phash in photos:
            hashes.setdefault(case_id, []).append(unsigned(phash))
    groups = {category.service_code: category.group for category in policy.categories}
    others = [
        Candidate(
            case_id=pk,
            service_code=code,
            group=groups.get(code, ""),
            point=Point(lat=lat, lon=lon) if lat is not None else None,
            area_id=area_id,
            first_at=opened_at,
            last_at=last_at,
            words=summary,
            photo_hashes=tuple(hashes.get(pk, ())),
            place_id=place_id,
        )
        for pk, code, lat, lon, area_id, opened_at, last_at, summary, place_id, _photo in rows
    ]
    report = understood.report
    new = Candidate(
        case_id=0,
        service_code=report.service_code,
        group=groups[report.service_code],
        point=understood.point,
        area_id=understood.area_id,
        first_at=now,
        last_at=now,
        words=understood.words,
        photo_hashes=understood.hashes,
        place_id=understood.place_id,
    )
    return duplicates_of(new, others, rule)
