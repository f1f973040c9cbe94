"""What happens because time passes: escalation, alerts that go on to the next, anonymising.

Each function looks at every city, oldest first, and goes on until nothing is due; a clock that stood still catches up,
and two clocks at once do each thing once, because each case is looked at again under its city's lock.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from saat.actions import settling
from saat.actions.alerts import raise_alert
from saat.actions.citymap import city_map
from saat.actions.log import CLOCK, Log, writing
from saat.actions.outbox import queue
from saat.cases.escalation import next_escalation, role_scope
from saat.cases.retention import anonymise_before
from saat.records.models import (
    Alert,
    Case,
    City,
    Contact,
    EarlierText,
    Membership,
    Message,
    Note,
    Photo,
    ServiceRequest,
)
from saat.records.photo_store import remove
from saat.terms.case import Role, State
from saat.terms.geo import Point, coarse
from saat.terms.policy import CityPolicy

_BATCH = 200


def escalate_due(*, now: datetime) -> int:
    """Climb every rung of the ladder that is reached, in all cities; return how many were climbed.

    A case that nobody has taken is escalated like any other: the ladder asks for the time, not for an owner.
    """
    climbed = 0
    while True:
        due = Case.objects.filter(next_escalation_at__isnull=False, next_escalation_at__lte=now)
        found = list(due.order_by("next_escalation_at").values_list("pk", "city_id")[:_BATCH])
        if not found:
            return climbed
        for case_id, city_id in found:
            climbed += _escalate(case_id=case_id, city_id=city_id, now=now)


def _escalate(*, case_id: int, city_id: int, now: datetime) -> int:
    with writing(city_id, now=now, by=CLOCK) as log:
        case = log.case(case_id, "escalate")
        policy = case.city.policy_terms()
        climbed = 0
        while not State(case.state).is_closed:
            rung = next_escalation(
                policy=policy,
                waiting_since=case.waiting_since,
                due_at=case.due_at,
                taken=State(case.state) is not State.OPEN,
                steps_done=frozenset(case.steps_done),
            )
            if rung is None or rung.at > now:
                break
            case.steps_done = sorted({*case.steps_done, rung.step})
            why = policy.escalation[rung.step].when
            told = _tell_role(log, case=case, role=rung.role, step=rung.step)
            log.append(
                "case_escalated",
                case_id=case.pk,
                facts={"step": rung.step, "role": str(rung.role), "why": why, "reached_at": rung.at, "told": told},
            )
            raise_alert(log, case=case, why=why, policy=policy)
            climbed += 1
        settling.save(case, policy=policy, now=now)
        return climbed


def _tell_role(log: Log, *, case: Case, role: Role, step: int) -> list[int]:
    """Queue a message to everybody who has a role over a case's area; return their user ids."""
    holders = Membership.objects.filter(city_id=case.city_id, role=role, user__is_active=True)
    if role_scope(role) != "city":
        path = case.area.path if case.area_id and case.area else ""
        ancestors = [int(part) for part in path.split("/") if part]
        holders = holders.filter(Q(area__isnull=True) | Q(area_id__in=ancestors))
    told = sorted(set(holders.values_list("user_id", flat=True)))
    for user_id in told:
        queue(
            city_id=case.city_id,
            kind="official.escalated",
            dedupe_key=f"escalated:{case.pk}:{step}:{case.waiting_since.isoformat()}:{user_id}",
            facts={"case": case.pk, "user": user_id, "step": step},
            now=log.now,
        )
    return told


def pass_on_alerts(*, now: datetime) -> int:
    """Hand every alert that nobody acknowledged in time to the next on duty; return how many."""
    passed = 0
    while True:
        waiting = Alert.objects.filter(acknowledged_at__isnull=True, passed_on_at__isnull=True, answer_by__lte=now)
        found = list(waiting.order_by("answer_by").values_list("pk", "city_id", "case_id")[:_BATCH])
        if not found:
            return passed
        for alert_id, city_id, case_id in found:
            with writing(city_id, now=now, by=CLOCK) as log:
                case = log.case(case_id, "escalate")
                open_ = Alert.objects.filter(pk=alert_id, acknowledged_at__isnull=True, passed_on_at__isnull=True)
                if not open_.update(passed_on_at=now):
                    continue
                alert = Alert.objects.get(pk=alert_id)
                log.append(
                    "alert_passed_on",
                    case_id=case_id,
                    facts={"alert": alert_id, "user": alert.user_id, "why": alert.why},
                )
                if not State(case.state).is_closed:
                    raise_alert(log, case=case, why=alert.why, policy=case.city.policy_terms())
                passed += 1


def anonymise_due(*, now: datetime) -> int:
    """Forget who reported the cases that closed longer ago than each city's period; return how many cases.

    Names, numbers, addresses, the reporters' words, photos and exact places go; the cases, their times, areas and
    counts stay, and so does the log, which never held anything personal.
    """
    done = 0
    for city in City.objects.all():
        policy = city.policy_terms()
        limit = anonymise_before(policy=policy, now=now)
        while True:
            old = Case.objects.filter(city=city, closed_at__lt=limit, anonymised_at__isnull=True)
            case_ids = list(old.order_by("closed_at").values_list("pk", flat=True)[:_BATCH])
            if not case_ids:
                break
            removed = _anonymise(city=city, case_ids=case_ids, policy=policy, now=now)
            # Files go after the commit: if that fails, the photos are still whole.
            for digest in removed:
                if not Photo.objects.filter(digest=digest, removed_at__isnull=True).exists():
                    remove(digest)
            done += len(case_ids)
    return done


def _anonymise(*, city: City, case_ids: list[int], policy: CityPolicy, now: datetime) -> list[str]:
    with writing(city.pk, now=now, by=CLOCK) as log:
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
            device_id="",
            media_url="",
            said_at=None,
        )
        photos = Photo.objects.filter(case_id__in=case_ids, kind="report", removed_at__isnull=True)
        digests = list(photos.values_list("digest", flat=True))
        photos.update(removed_at=now, lat=None, lon=None, taken_at=None)
        Message.objects.filter(case_id__in=case_ids).update(text="")
        Note.objects.filter(case_id__in=case_ids).update(text="")
        EarlierText.objects.filter(case_id__in=case_ids).delete()
        ground = city_map(city)
        for case in Case.objects.filter(pk__in=case_ids).select_related("city"):
            case.summary = case.address = ""
            if case.lat is not None and case.lon is not None:
                place = coarse(Point(lat=case.lat, lon=case.lon), policy.grid_m(case.service_code))
                case.lat, case.lon = place.lat, place.lon
            case.anonymised_at = now
            case.save(update_fields=["summary", "address", "lat", "lon", "anonymised_at"])
            settling.index_words(case, said=[], ground=ground, policy=policy)
            log.append("reporters_anonymised", case_id=case.pk)
        return digests
