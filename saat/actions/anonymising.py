"""Forgetting who reported, when a city's period is over."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from saat.actions import settling
from saat.actions.citymap import city_map
from saat.actions.log import CLOCK, writing
from saat.cases.retention import anonymise_before
from saat.records import photo_store
from saat.records.models import Case, City, Contact, EarlierText, Message, Note, Photo, ServiceRequest
from saat.terms.geo import Point, coarse
from saat.terms.policy import CityPolicy
from saat.triage.nearby import cell_of

# Few at a time: while they are forgotten, nobody else writes in their city.
_BATCH = 25

log = logging.getLogger(__name__)


def anonymise_due(*, now: datetime) -> int:
    """Forget who reported the cases that closed longer ago than each city's period; return how many cases.

    Names, numbers, addresses, the reporters' words, photos and exact places go; the cases, their times, areas and
    counts stay, and so does the log, which never held anything personal.
    """
    done = 0
    for city in City.objects.all():
        try:
            policy = city.policy_terms()
            limit = anonymise_before(policy=policy, now=now)
            while True:
                case_ids = list(_due(city, limit).order_by("closed_at").values_list("pk", flat=True)[:_BATCH])
                if not case_ids:
                    break
                done += _anonymise(city=city, case_ids=case_ids, limit=limit, policy=policy, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("The reporters of %s could not be forgotten; the other cities go on.", city)
    return done


def _due(city: City, limit: datetime) -> QuerySet[Case]:
    return Case.objects.filter(city=city, closed_at__lt=limit, anonymised_at__isnull=True)


def _anonymise(*, city: City, case_ids: list[int], limit: datetime, policy: CityPolicy, now: datetime) -> int:
    with writing(city.pk, now=now, by=CLOCK) as chain:
        # Looked at again under the lock: reopened meanwhile, or forgotten by another clock.
        cases = list(_due(city, limit).filter(pk__in=case_ids).select_related("city"))
        case_ids = [case.pk for case in cases]
        requests = ServiceRequest.objects.filter(case_id__in=case_ids)
        contacts = list(requests.exclude(contact__isnull=True).values_list("contact_id", flat=True))
        Contact.objects.filter(pk__in=contacts).update(name="", phone="", email="", language="", anonymised_at=now)
        requests.update(
            words="",
            address="",
            lat=None,
            lon=None,
            accuracy_m=None,
            attributes={},
            client_id="",
            device_id="",
            media_url="",
            said_at=None,
        )
        Message.objects.filter(case_id__in=case_ids).update(text="")
        Note.objects.filter(case_id__in=case_ids).update(text="")
        EarlierText.objects.filter(case_id__in=case_ids).delete()
        ground = city_map(city)
        for case in cases:
            case.summary = case.address = ""
            if case.lat is not None and case.lon is not None:
                place = coarse(Point(lat=case.lat, lon=case.lon), policy.grid_m(case.service_code))
                case.lat, case.lon, case.cell = place.lat, place.lon, cell_of(place)
            case.anonymised_at = now
            case.save(update_fields=["summary", "address", "lat", "lon", "cell", "anonymised_at"])
            settling.index_words(case, said=[], ground=ground, policy=policy)
            chain.append("reporters_anonymised", case_id=case.pk)
        _remove_photos(case_ids, now=now)
        return len(cases)


def _remove_photos(case_ids: list[int], *, now: datetime) -> None:
    """Take away what reporters sent; proofs stay.

    The files go last, but before the commit: if either fails, the cases are still due and all is done again. A file
    that is gone while its row still names it does no harm then; one that stays for ever would.
    """
    photos = Photo.objects.filter(case_id__in=case_ids, kind="report", removed_at__isnull=True)
    digests = set(photos.values_list("digest", flat=True))
    photos.update(removed_at=now, public=False, lat=None, lon=None, taken_at=None)
    kept = set(Photo.objects.filter(digest__in=digests, removed_at__isnull=True).values_list("digest", flat=True))
    for digest in digests - kept:
        photo_store.remove(digest)
