"""The city that is measured: the demo's ground with a few people, contractors and a partner's key, and no cases.

python -m bench.ground make       write tables, city, people and a partner's key into an empty installation
python -m bench.ground facts      print, as JSON, fresh sessions of its people, and what else a load needs to know
python -m bench.ground events     print, as JSON, which event told of which service request
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import shapely

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.middleware.csrf import _get_new_csrf_string  # noqa: E402
from django.utils import timezone  # noqa: E402
from shapely.geometry.base import BaseGeometry  # noqa: E402

from bench.serving import API_KEY  # noqa: E402
from saat.actions.areas import import_areas  # noqa: E402
from saat.actions.cities import open_city  # noqa: E402
from saat.actions.log import COMMAND  # noqa: E402
from saat.config.demo.ground import CODE_LIST, draw_ground, points_in  # noqa: E402
from saat.records.models import (  # noqa: E402
    ApiKey,
    Area,
    Case,
    City,
    Contractor,
    Crew,
    Event,
    Membership,
    Place,
    ServiceRequest,
    User,
)
from saat.terms.case import PlaceKind, Role, ServiceLevel  # noqa: E402

POLICY = Path(__file__).resolve().parent.parent / "cities" / "phnom-penh.toml"
# Nobody is forgotten while we measure, so that every case keeps its words and is found by them.
RETENTION_DAYS = 3650
CONTRACTORS = ("North Clean", "South Waste", "River Sanitation", "West Collection")
_LANDMARKS = (
    (PlaceKind.MARKET, ServiceLevel.RAISED, "ផ្សារ", "Market"),
    (PlaceKind.SCHOOL, ServiceLevel.RAISED, "សាលា", "School"),
    (PlaceKind.PAGODA, ServiceLevel.USUAL, "វត្ត", "Wat"),
    (PlaceKind.HOSPITAL, ServiceLevel.HIGHEST, "មន្ទីរពេទ្យ", "Hospital"),
)


def make() -> None:
    """Write tables, city, areas, people and the partner's key into an empty installation."""
    call_command("migrate", verbosity=0, interactive=False)
    now = timezone.now()
    policy = POLICY.read_text(encoding="utf-8").replace("retention_days = 365", f"retention_days = {RETENTION_DAYS}")
    city = open_city(policy_text=policy, country_holidays=(), now=now, by=COMMAND, is_demo=True)
    import_areas(city=city, entries=draw_ground().entries, now=now, by=COMMAND, code_list=CODE_LIST, schematic=True)
    khans = list(Area.objects.filter(city=city, level=1).order_by("pk"))
    sangkats = list(Area.objects.filter(city=city, level=2).order_by("pk"))
    chance = random.Random(7)
    for sangkat in sangkats:
        outline = shapely.from_wkb(bytes(sangkat.wkb))
        for (kind, level, km, en), point in zip(_LANDMARKS, points_in(outline, len(_LANDMARKS), chance), strict=True):
            Place.objects.create(
                city=city, area=sangkat, kind=kind, service_level=level, lat=point.y, lon=point.x, schematic=True,
                names={"km": f"{km} {sangkat.pk}", "en": f"{en} {sangkat.pk}"},
            )  # fmt: skip
    for number, name in enumerate(CONTRACTORS):
        contractor = Contractor.objects.create(city=city, name=name)
        contractor.areas.set(khans[number :: len(CONTRACTORS)])
        Crew.objects.create(city=city, contractor=contractor, name=f"{name} 1")
    _person(city, "duty", Role.CITY_DUTY)
    _person(city, "admin", Role.ADMINISTRATOR)
    _person(city, "director", Role.DIRECTOR)
    for khan in khans:
        _person(city, f"khan{khan.pk}", Role.KHAN_OFFICER, area=khan)
    for sangkat in sangkats:
        _person(city, f"sangkat{sangkat.pk}", Role.SANGKAT_OFFICER, area=sangkat)
    for contractor in Contractor.objects.filter(city=city):
        _person(city, f"contractor{contractor.pk}", Role.CONTRACTOR, contractor=contractor)
    ApiKey.objects.create(
        city=city, name="bench", key_sha256=hashlib.sha256(API_KEY.encode()).hexdigest(),
        per_minute=1_000_000, per_day=1_000_000_000, trusted=True, created_at=now,
    )  # fmt: skip


def _person(city: City, username: str, role: Role, **where: Any) -> User:
    user = User(username=username, language="en")
    user.set_unusable_password()
    user.save()
    Membership.objects.create(city=city, user=user, role=role, **where)
    return user


def facts() -> dict[str, Any]:
    """Return what a load needs to know.

    cookies: kind of person to the Cookie header of a fresh session, for the first of each kind. places: points within
    the city. cases, open, requests: how many there are. open_ids: those to act on first. some_case: a closed one with
    several voices, None if there is none. durable: what the database says of its promise to keep a commit.
    """
    wanted: dict[str, str] = {}
    for name in User.objects.order_by("pk").values_list("username", flat=True):
        wanted.setdefault(name.rstrip("0123456789"), name)
    chance = random.Random(11)
    outlines = [bytes(wkb) for wkb in Area.objects.filter(level=2).order_by("pk").values_list("wkb", flat=True)]
    places = [point for wkb in outlines for point in _inside(shapely.from_wkb(wkb), 200, chance)]
    contractor = Contractor.objects.order_by("pk").first()
    open_cases = Case.objects.filter(closed_at__isnull=True).order_by("act_by")
    case = Case.objects.filter(voices__gt=2, state="closed").order_by("-closed_at").first()
    return {
        "cookies": {kind: cookie_of(User.objects.get(username=name)) for kind, name in wanted.items()},
        "places": places,
        "contractor": contractor.pk if contractor else None,
        "cases": Case.objects.count(),
        "open": open_cases.count(),
        "open_ids": list(open_cases.values_list("pk", flat=True)[:20]),
        "some_case": {"id": case.pk, "code": case.code, "request": case.service_requests.order_by("pk").first().pk}
        if case
        else None,
        "requests": ServiceRequest.objects.count(),
        "durable": _durable(),
    }


def reported() -> dict[int, int]:
    """Return the event that told of each service request."""
    kinds = ("case_opened", "voice_added")
    return {event.pk: event.facts["service_request"] for event in Event.objects.filter(kind__in=kinds)}


def _inside(outline: BaseGeometry, count: int, chance: random.Random) -> list[tuple[float, float]]:
    """Return points in an area as latitude and longitude, a little away from its edge."""
    return [(point.y, point.x) for point in points_in(outline.buffer(-0.0005), count, chance)]


def _durable() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            return {0: "synchronous=OFF", 1: "synchronous=NORMAL", 2: "synchronous=FULL"}[cursor.fetchone()[0]]
        found = []
        for setting in ("fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {setting}")
            found.append(f"{setting}={cursor.fetchone()[0]}")
        return ", ".join(found)


def cookie_of(user: User) -> str:
    """Sign somebody in and return their Cookie header."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.set_expiry(timedelta(days=7))
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={_get_new_csrf_string()}"


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1:] == ["make"]:
        make()
    elif sys.argv[1:] == ["events"]:
        json.dump(reported(), sys.stdout)
    elif sys.argv[1:] == ["facts"]:
        json.dump(facts(), sys.stdout)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
