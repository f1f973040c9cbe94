"""A small city for tests: two khans of two square sangkats each, side by side on the Tonle Sap's west bank.

        104.90          104.92          104.94
11.58     ┌───────────────┬───────────────┐
          │   Wat Phnom   │ Boeng Trabaek │
11.56     ├───────────────┼───────────────┤
          │  Phsar Kandal │ Tonle Bassac  │
11.54     └───────────────┴───────────────┘
           khan Daun Penh   khan Chamkar Mon
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import shapely

from saat.records.models import Area, AreaName, ChainHead, City, Contractor, Crew, Membership, Place, User
from saat.terms.case import PlaceKind, Role, ServiceLevel
from saat.terms.geo import Point
from saat.terms.report import Contact, NewPhoto, NewReport

POLICY = Path(__file__).resolve().parent.parent / "cities" / "phnom-penh.toml"
# A Monday, 10:00 in Phnom Penh: within working hours, with three more of them before the evening.
MONDAY_MORNING = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)

AT_MARKET = Point(lat=11.5480, lon=104.9100)  # in Phsar Kandal
NEXT_TO_MARKET = Point(lat=11.5481, lon=104.9101)  # 16 m away
AT_HOSPITAL = Point(lat=11.5700, lon=104.9080)  # in Wat Phnom
AT_RIVER = Point(lat=11.5450, lon=104.9350)  # in Tonle Bassac, near no landmark
OUTSIDE = Point(lat=11.5500, lon=104.9500)  # 1.1 km east of Tonle Bassac

_usernames = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCity:
    """A city with its rows by their English names."""

    __test__ = False  # not a class of tests

    city: City
    root: Area
    khans: dict[str, Area]
    sangkats: dict[str, Area]
    places: dict[str, Place]


def make_city(*, jurisdiction_id: str = "phnompenh.kh", policy_text: str | None = None) -> TestCity:
    """Write a city and return it. policy_text: Phnom Penh's own policy if None."""
    text = policy_text if policy_text is not None else POLICY.read_text(encoding="utf-8")
    city = City.objects.create(jurisdiction_id=jurisdiction_id, policy_text=text, created_at=MONDAY_MORNING)
    ChainHead.objects.create(city=city)
    root = _area(city, None, "city", {"km": "រាជធានីភ្នំពេញ", "en": "Phnom Penh"}, (11.54, 104.90, 11.58, 104.94))
    khans = {
        "Daun Penh": _area(city, root, "khan", {"km": "ដូនពេញ", "en": "Daun Penh"}, (11.54, 104.90, 11.58, 104.92)),
        "Chamkar Mon": _area(city, root, "khan", {"km": "ចំការមន", "en": "Chamkar Mon"}, (11.54, 104.92, 11.58, 104.94)),
    }
    west, east = khans.values()
    sangkats = {
        "Phsar Kandal": _area(
            city, west, "sangkat", {"km": "ផ្សារកណ្ដាល", "en": "Phsar Kandal"}, (11.54, 104.90, 11.56, 104.92)
        ),
        "Wat Phnom": _area(city, west, "sangkat", {"km": "វត្តភ្នំ", "en": "Wat Phnom"}, (11.56, 104.90, 11.58, 104.92)),
        "Tonle Bassac": _area(
            city, east, "sangkat", {"km": "ទន្លេបាសាក់", "en": "Tonle Bassac"}, (11.54, 104.92, 11.56, 104.94)
        ),
        "Boeng Trabaek": _area(
            city, east, "sangkat", {"km": "បឹងត្របែក", "en": "Boeng Trabaek"}, (11.56, 104.92, 11.58, 104.94)
        ),
    }
    places = {
        "Kandal Market": _place(
            city, sangkats["Phsar Kandal"], PlaceKind.MARKET, ServiceLevel.RAISED, AT_MARKET,
            {"km": "ផ្សារកណ្ដាល", "en": "Kandal Market"},
        ),
        "Calmette Hospital": _place(
            city, sangkats["Wat Phnom"], PlaceKind.HOSPITAL, ServiceLevel.HIGHEST, AT_HOSPITAL,
            {"km": "មន្ទីរពេទ្យកាល់ម៉ែត", "en": "Calmette Hospital"},
        ),
        "Wat Langka": _place(
            city, sangkats["Boeng Trabaek"], PlaceKind.PAGODA, ServiceLevel.USUAL, Point(lat=11.5650, lon=104.9250),
            {"km": "វត្តលង្កា", "en": "Wat Langka"},
        ),
    }  # fmt: skip
    return TestCity(city=city, root=root, khans=khans, sangkats=sangkats, places=places)


def _area(
    city: City, parent: Area | None, kind: str, names: dict[str, str], edges: tuple[float, float, float, float]
) -> Area:
    south, west, north, east = edges
    area = Area.objects.create(
        city=city,
        parent=parent,
        level=parent.level + 1 if parent else 0,
        kind=kind,
        wkb=shapely.to_wkb(shapely.box(west, south, east, north)),
        min_lat=south,
        min_lon=west,
        max_lat=north,
        max_lon=east,
        schematic=True,
    )
    area.path = f"{parent.path if parent else '/'}{area.pk}/"
    area.save(update_fields=["path"])
    AreaName.objects.bulk_create(
        AreaName(city=city, area=area, language=language, text=text, plain=text.lower().replace(" ", ""))
        for language, text in names.items()
    )
    return area


def _place(city: City, area: Area, kind: PlaceKind, level: ServiceLevel, point: Point, names: dict[str, str]) -> Place:
    return Place.objects.create(
        city=city, area=area, kind=kind, service_level=level, names=names, lat=point.lat, lon=point.lon
    )


def make_user(
    city: City,
    role: Role,
    *,
    area: Area | None = None,
    contractor: Contractor | None = None,
    crew: Crew | None = None,
    username: str = "",
    password: str | None = None,
) -> User:
    """Write a person with one role; without an area, for the whole city."""
    user = User.objects.create_user(username or f"{role}{next(_usernames)}", password=password)
    Membership.objects.create(city=city, user=user, role=role, area=area, contractor=contractor, crew=crew)
    return user


def new_report(
    *,
    service_code: str = "pile",
    point: Point | None = AT_MARKET,
    words: str = "Three bags beside the stairs",
    address: str = "",
    photos: tuple[NewPhoto, ...] = (),
    contact: Contact | None = None,
    client_id: str = "",
) -> NewReport:
    """Return a report as it comes from a door."""
    return NewReport(
        service_code=service_code,
        point=point,
        words=words,
        address=address,
        photos=photos,
        contact=contact or Contact(),
        client_id=client_id,
        language="en",
    )
