"""A city begins, and its policy changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from saat.actions.areas import set_names
from saat.actions.log import Actor, NotAllowed, writing
from saat.records.models import Area, ChainHead, City
from saat.terms.policy import CityPolicy, PolicyError, read_policy

CITY_LEVEL = 0


def open_city(
    *, policy_text: str, country_holidays: Iterable[date], now: datetime, by: Actor, is_demo: bool = False
) -> City:
    """Write down a new city with its policy, the start of its log and the area that is the whole city.

    :raises PolicyError: if the policy cannot be used, or a city with its jurisdiction_id is there already.
    :raises NotAllowed: if it is not an operator at the machine who asks.
    """
    if by.kind != "command":
        raise NotAllowed(_("Only an operator at the machine can open a city."))
    policy = read_policy(policy_text)
    if City.objects.filter(jurisdiction_id=policy.jurisdiction_id).exists():
        raise PolicyError(f"There is a city {policy.jurisdiction_id} already.")
    days = iso_days(country_holidays)
    with transaction.atomic():
        city = City.objects.create(
            jurisdiction_id=policy.jurisdiction_id,
            policy_text=policy_text,
            country_holidays=days,
            is_demo=is_demo,
            created_at=now,
        )
        ChainHead.objects.create(city=city)
        with writing(city.pk, now=now, by=by) as log:
            whole = Area.objects.create(city=city, level=CITY_LEVEL, kind="city", schematic=is_demo)
            Area.objects.filter(pk=whole.pk).update(path=f"/{whole.pk}/")
            set_names(area=whole, names=policy.name)
            facts = {"policy_sha256": digest_of(policy_text), "holidays": len(days), "demo": is_demo, "area": whole.pk}
            log.append("city_opened", subject=f"city:{city.pk}", facts=facts)
    return city


def change_policy(
    *, city: City, policy_text: str, country_holidays: Iterable[date], now: datetime, by: Actor, dry_run: bool = False
) -> bool:
    """Put another policy, or newly known holidays, in the place of a city's own; return whether anything differs.

    Promises already made stay; new reports and changed cases follow the new policy.

    :raises PolicyError: if the policy cannot be used, is of another city, or lacks a category that open cases have.
    :raises NotAllowed: if it is not for this actor to do.
    """
    policy = read_policy(policy_text)
    if policy.jurisdiction_id != city.jurisdiction_id:
        raise PolicyError(f"This is the policy of {policy.jurisdiction_id}, not of {city.jurisdiction_id}.")
    _keeps_its_open_cases(city, policy)
    days = iso_days(country_holidays)
    with writing(city.pk, now=now, by=by) as log:
        if not by.may_in_city("import_data", city.pk):
            raise NotAllowed(_("Only an administrator of the city can change its policy."))
        row = City.objects.get(pk=city.pk)
        if row.policy_text == policy_text and row.country_holidays == days:
            return False
        if dry_run:
            return True
        City.objects.filter(pk=city.pk).update(policy_text=policy_text, country_holidays=days, policy_changed_at=now)
        facts = {
            "policy_sha256": digest_of(policy_text),
            "before_sha256": digest_of(row.policy_text),
            "holidays": len(days),
        }
        log.append("policy_changed", subject=f"city:{city.pk}", facts=facts)
    city.policy_text, city.country_holidays = policy_text, days
    return True


def _keeps_its_open_cases(city: City, policy: CityPolicy) -> None:
    codes = city.cases.filter(closed_at__isnull=True).values_list("service_code", flat=True).distinct()
    missing = sorted(code for code in codes if not policy.has_category(code))
    if missing:
        raise PolicyError(
            f"Open cases have the categories {', '.join(missing)}, which this policy lacks. "
            "Keep those categories, or close or change those cases first."
        )


def iso_days(days: Iterable[date]) -> list[str]:
    """Return dates as a city's row keeps them."""
    return sorted(day.isoformat() for day in days)


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return sha256(text.encode()).hexdigest()
