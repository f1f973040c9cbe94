"""A resident's report comes in: understood, joined to the case it belongs to, or made a case of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _

from saat.actions import settling
from saat.actions.alerts import raise_alert
from saat.actions.citymap import CityMap, city_map
from saat.actions.judging import guessed, raise_urgency
from saat.actions.log import Actor, NotAllowed, writing
from saat.actions.notcollected import about_collection, case_to_join, keep_word
from saat.actions.outbox import queue
from saat.actions.understanding import Understood, alike, understand
from saat.cases.deadlines import due_at
from saat.records import photo_store, quick
from saat.records.models import ApiKey, Case, City, Contact, Photo, ServiceRequest
from saat.terms.case import State, Urgency, Voice
from saat.terms.codes import new_code, new_token
from saat.terms.duplicates import Likeness
from saat.terms.policy import CityPolicy
from saat.terms.report import NewReport, Receipt, ReportRefused
from saat.triage.nearby import cell_of
from saat.triage.urgency import urgency_of
from saat.triage.words import clean_words

_SUMMARY = 200


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
    understood = understand(report, city=city, policy=policy, ground=ground)
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


def _write(
    *,
    city: City,
    policy: CityPolicy,
    ground: CityMap,
    understood: Understood,
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


def _area_of(understood: Understood, case: Case | None) -> int | None:
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
    *, city: City, policy: CityPolicy, understood: Understood, now: datetime
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
    for likeness in alike(city=city, policy=policy, understood=understood, now=now):
        if likeness.score < policy.duplicates.join:
            break
        case = rows.filter(pk=likeness.case_id, closed_at__isnull=True).first()
        if case is not None:
            return case, likeness
    return None, None


def _open_case(
    *, city: City, policy: CityPolicy, understood: Understood, now: datetime, source: str
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
    understood: Understood,
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
    *, city: City, case: Case, request: ServiceRequest, understood: Understood, policy: CityPolicy, now: datetime
) -> None:
    photos = [
        Photo(
            city=city,
            case=case,
            service_request=request,
            kind="report",
            digest=photo.digest,
            phash=photo_store.signed(phash),
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


def _add_voice(*, case: Case, understood: Understood, policy: CityPolicy, now: datetime) -> dict[str, Any]:
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
