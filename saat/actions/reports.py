"""A resident's report comes in: understood, joined to the case it belongs to, or made a case of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from saat.actions import settling
from saat.actions.alerts import raise_alert
from saat.actions.citymap import CityMap, city_map
from saat.actions.judging import guessed, raise_urgency
from saat.actions.log import Actor, NotAllowed, writing
from saat.actions.notcollected import Told, about_collection, case_to_join, keep_word
from saat.actions.outbox import queue
from saat.cases.deadlines import due_at
from saat.records import photo_store, quick
from saat.records.models import ApiKey, Case, City, Contact, Photo, ServiceRequest
from saat.terms.case import ServiceLevel, State, Urgency, Voice
from saat.terms.codes import new_code, new_token
from saat.terms.duplicates import Candidate, Likeness
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.report import NewReport, Receipt, ReportRefused
from saat.triage.likeness import duplicates_of, perceptual_hash
from saat.triage.nearby import cell_of, cells_around
from saat.triage.urgency import urgency_of
from saat.triage.words import clean_words

_MOST_CANDIDATES = 40
_SUMMARY = 200
_WORDS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Understood:
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


def receive_report(
    *,
    city: City,
    report: NewReport,
    now: datetime,
    by: Actor,
    api_key: ApiKey | None = None,
    source: str = "",
    source_id: str = "",
) -> Receipt:
    """Take in one report; it is durable when this returns.

    The same `client_id` again gives the same receipt again and writes nothing. now: aware, the server's clock.

    :raises ReportRefused: if the category is unknown, the place is missing or outside the city, or there is nothing
        to join; the message is in the visitor's language and nothing was written.
    :raises NotAllowed: if an official writes it down whose role does not cover the place.
    """
    policy, ground = city.policy_terms(), city_map(city)
    if report.client_id:
        known = receipt_of(city=city, client_id=report.client_id)
        if known:
            return known
    understood = _understand(report, city=city, policy=policy, ground=ground)
    told = about_collection(
        city, service_code=report.service_code, point=report.point, attributes=report.attributes, now=now
    )
    understood = replace(understood, collection=told)
    for photo in report.photos:
        photo_store.keep(digest=photo.digest, jpeg=photo.jpeg)
    try:
        return _write(
            city=city,
            policy=policy,
            ground=ground,
            understood=understood,
            now=now,
            by=by,
            api_key=api_key,
            source=source,
            source_id=source_id,
        )
    except IntegrityError:
        # Another request with the same client id came in between the look and the writing.
        known = receipt_of(city=city, client_id=report.client_id) if report.client_id else None
        if known is None:
            raise
        return known


def likely_duplicates(*, city: City, report: NewReport, now: datetime) -> list[Likeness]:
    """Return the open cases that a report would perhaps join, best first, so that a resident can choose to.

    :raises ReportRefused: as `receive_report` does.
    """
    policy, ground = city.policy_terms(), city_map(city)
    understood = _understand(report, city=city, policy=policy, ground=ground)
    return _alike(city=city, policy=policy, understood=understood, now=now)


def _understand(report: NewReport, *, city: City, policy: CityPolicy, ground: CityMap) -> _Understood:
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
    return _Understood(
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


def receipt_of(*, city: City, client_id: str) -> Receipt | None:
    """Return the receipt of a report that came in before under the same client id, or None."""
    row = ServiceRequest.objects.filter(city=city, client_id=client_id).select_related("case").first()
    if row is None:
        return None
    return Receipt(
        service_request_id=row.pk,
        case_id=row.case_id,
        token=row.token,
        code=row.case.code,
        again=True,
        due_at=row.case.due_at,
    )


def _alike(*, city: City, policy: CityPolicy, understood: _Understood, now: datetime) -> list[Likeness]:
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


def _write(
    *,
    city: City,
    policy: CityPolicy,
    ground: CityMap,
    understood: _Understood,
    now: datetime,
    by: Actor,
    api_key: ApiKey | None,
    source: str,
    source_id: str,
) -> Receipt:
    report = understood.report
    with writing(city.pk, now=now, by=by) as log:
        case, likeness = _case_to_join(city=city, policy=policy, understood=understood, now=now)
        joined = case is not None
        _check_place_is_theirs(by, city=city, area_id=_area_of(understood, case), ground=ground)
        told: dict[str, Any] = {}
        if case is None:
            case, why = _open_case(city=city, policy=policy, understood=understood, now=now, source=source)
            told = {"urgency": str(case.urgency), "urgency_why": list(why)}
        request = _add_request(
            city=city,
            case=case,
            understood=understood,
            now=now,
            api_key=api_key,
            likeness=likeness,
            source=source,
            source_id=source_id,
        )
        if report.voice is Voice.REPORT:
            keep_word(log, request=request, told=understood.collection)
        _add_photos(city=city, case=case, request=request, understood=understood, policy=policy, now=now)
        said = [understood.words, case.summary]
        if joined:
            told = _add_voice(case=case, understood=understood, policy=policy, now=now)
            said += list(
                ServiceRequest.objects.filter(case=case).exclude(pk=request.pk).values_list("words", flat=True)[:50]
            )
        settling.index_words(case, said=said, ground=ground, policy=policy)
        facts: dict[str, Any] = {
            "service_request": request.pk,
            "voice": str(report.voice),
            "channel": str(report.channel),
            "service_code": report.service_code,
            "photos": len(report.photos),
            **told,
        }
        if likeness is not None:
            facts["likeness"] = round(likeness.score, 3)
        if report.dangers:
            facts["dangers"] = [str(danger) for danger in report.dangers]
        guess = guessed(understood.words, service_code=case.service_code, policy=policy)
        if guess:
            facts["guess"] = guess
        log.append("voice_added" if joined else "case_opened", case_id=case.pk, facts=facts)
        if "urgency_why" in told and case.urgency == Urgency.DANGER:
            raise_alert(log, case=case, why="danger", policy=policy)
        if report.contact.email:
            queue(
                city_id=city.pk,
                kind="reporter.received",
                dedupe_key=f"received:{request.pk}",
                facts={"service_request": request.pk},
                now=now,
            )
    return Receipt(
        service_request_id=request.pk,
        case_id=case.pk,
        token=request.token,
        code=case.code,
        joined=joined,
        due_at=case.due_at,
    )


def _area_of(understood: _Understood, case: Case | None) -> int | None:
    """Return the area that a report is about: where it says that it is, or else that of the case which it names."""
    if case is not None and understood.area_id is None and understood.report.join_case_id is not None:
        return case.area_id
    return understood.area_id


def _check_place_is_theirs(by: Actor, *, city: City, area_id: int | None, ground: CityMap) -> None:
    """Hold officials who write down what callers say to the places that their roles cover; others report anywhere.

    :raises NotAllowed: if no role of theirs covers the place.
    """
    if by.kind != "user" or by.may_in_area("report", city_id=city.pk, area_path=ground.path_of(area_id)):
        return
    if area_id is None:
        raise NotAllowed(_("Please choose the area: without one only the city's own officers can write it down."))
    raise NotAllowed(_("This place is not in your area, so your role does not allow this."))


def _case_to_join(
    *, city: City, policy: CityPolicy, understood: _Understood, now: datetime
) -> tuple[Case | None, Likeness | None]:
    """Return the case to which a report belongs, by the reporter's choice or by likeness."""
    rows = Case.objects.select_for_update(of=("self",)).select_related("area")
    chosen = understood.report.join_case_id
    if chosen is not None:
        case = rows.filter(city=city, pk=chosen).first()
        while case is not None and case.merged_into_id is not None:
            case = rows.filter(pk=case.merged_into_id).first()
        if case is not None and not State(case.state).is_closed:
            return case, None
        if understood.point is None and understood.area_id is None and not understood.address:
            message = _("The case you wanted to join is closed by now. Please say where the rubbish is.")
            raise ReportRefused(message, field="where", code="case_closed")
    if understood.report.voice is not Voice.REPORT or understood.report.apart:
        return None, None
    case = case_to_join(understood.collection)
    if case is not None:
        return case, None
    for likeness in _alike(city=city, policy=policy, understood=understood, now=now):
        if likeness.score < policy.duplicates.join:
            break
        case = rows.filter(pk=likeness.case_id, closed_at__isnull=True).first()
        if case is not None:
            return case, likeness
    return None, None


def _open_case(
    *, city: City, policy: CityPolicy, understood: _Understood, now: datetime, source: str
) -> tuple[Case, tuple[str, ...]]:
    """Write a case of its own; return it with the codes of what made it as urgent as it is."""
    report = understood.report
    urgency, why = urgency_of(
        category=policy.category(report.service_code),
        words=understood.words,
        service_level=understood.service_level,
        voices=1,
        policy=policy,
        told=report.dangers,
    )
    case = Case(
        city=city,
        code=new_code(),
        service_code=report.service_code,
        urgency=urgency,
        service_level=understood.service_level,
        area_id=understood.area_id,
        place_id=understood.place_id,
        lat=understood.point.lat if understood.point else None,
        lon=understood.point.lon if understood.point else None,
        cell=cell_of(understood.point) if understood.point else None,
        address=understood.address,
        summary=shortened(understood.words),
        has_photo=bool(report.photos),
        opened_at=now,
        last_voice_at=now,
        waiting_since=now,
        due_at=due_at(
            policy=policy,
            service_code=report.service_code,
            opened_at=now,
            service_level=understood.service_level,
            urgency=urgency,
        ),
        source=source,
    )
    settling.settle(case, policy=policy, now=now)
    quick.insert(case)
    return case, why


def _add_request(
    *,
    city: City,
    case: Case,
    understood: _Understood,
    now: datetime,
    api_key: ApiKey | None,
    likeness: Likeness | None,
    source: str,
    source_id: str,
) -> ServiceRequest:
    report = understood.report
    contact = None
    if report.contact:
        contact = Contact.objects.create(
            city=city,
            name=clean_words(report.contact.name, limit=120),
            phone=report.contact.phone[:32],
            email=report.contact.email[:254],
            language=report.language[:12],
        )
    request = ServiceRequest(
        city=city,
        case=case,
        voice=report.voice,
        channel=report.channel,
        service_code=report.service_code,
        requested_at=now,
        said_at=report.said_at,
        lat=understood.point.lat if understood.point else None,
        lon=understood.point.lon if understood.point else None,
        accuracy_m=report.accuracy_m,
        area_id=understood.area_id,
        place_id=understood.place_id,
        address=understood.address,
        words=understood.words,
        language=report.language[:12],
        contact=contact,
        client_id=report.client_id[:64],
        token=new_token(),
        attributes=dict(report.attributes),
        media_url=report.media_url[:500],
        device_id=report.device_id[:120],
        source=source,
        source_id=source_id,
        api_key=api_key,
    )
    if likeness is not None:
        request.likeness = {
            "score": round(likeness.score, 3),
            "distance_m": None if likeness.distance_m is None else round(likeness.distance_m, 1),
            "parts": {name: round(share, 3) for name, share in likeness.parts},
        }
    quick.insert(request)
    return request


def _add_photos(
    *, city: City, case: Case, request: ServiceRequest, understood: _Understood, policy: CityPolicy, now: datetime
) -> None:
    photos = [
        Photo(
            city=city,
            case=case,
            service_request=request,
            kind="report",
            digest=photo.digest,
            phash=signed(phash),
            width=photo.width,
            height=photo.height,
            taken_at=photo.taken_at,
            lat=photo.point.lat if photo.point else None,
            lon=photo.point.lon if photo.point else None,
            added_at=now,
            public=policy.photos_public,
        )
        for photo, phash in zip(understood.report.photos, understood.hashes, strict=True)
    ]
    if photos:
        Photo.objects.bulk_create(photos)


def _add_voice(*, case: Case, understood: _Understood, policy: CityPolicy, now: datetime) -> dict[str, Any]:
    """Count one more voice; it may make a case more urgent, never less. Return what that is to be told of it."""
    case.voices += 1
    case.last_voice_at = max(case.last_voice_at, now)
    case.has_photo = case.has_photo or bool(understood.report.photos)
    if not case.summary:
        case.summary = shortened(understood.words)
    told = raise_urgency(case, words=understood.words, policy=policy, told=understood.report.dangers)
    settling.save(case, policy=policy, now=now, also=("last_voice_at", "has_photo", "summary"))
    return told


def shortened(words: str) -> str:
    """Return what residents said as one line that fits a list."""
    line = " ".join(words.split())
    return line if len(line) <= _SUMMARY else clean_words(line, limit=_SUMMARY - 1) + "…"


def signed(bits: int) -> int:
    """Return 64 unsigned bits as the signed number that databases keep."""
    return bits - (1 << 64) if bits >= 1 << 63 else bits


def unsigned(number: int) -> int:
    """Return a database's signed number as 64 unsigned bits."""
    return number + (1 << 64) if number < 0 else number
