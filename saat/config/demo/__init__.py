"""The demo: a schematic Phnom Penh with real names, invented people, and a believable week of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import shapely
from django.db import transaction
from django.utils import translation
from shapely.geometry.base import BaseGeometry

from saat.actions.access import make_key
from saat.actions.areas import AreaEntry, import_areas
from saat.actions.cities import open_city
from saat.actions.log import COMMAND
from saat.actions.outbox import forget_waiting
from saat.actions.places import import_places
from saat.actions.streets import Street, import_streets
from saat.actions.texts import save_text
from saat.config.demo.ground import CODE_LIST, draw_ground
from saat.config.demo.people import settle_people
from saat.config.demo.places import SOURCE, demo_places
from saat.config.demo.streets import draw_streets
from saat.config.demo.trucks import make_trucks
from saat.config.demo.week import REPORTS, Week
from saat.config.demo.words import TEXTS
from saat.config.demo_facts import write_facts
from saat.links.holidays import country_holidays
from saat.records.models import AreaCode, City
from saat.terms.policy import read_policy

DAYS = 7
__all__ = ["REPORTS", "DemoRefused", "make_demo"]


class DemoRefused(Exception):
    """A demo cannot be made of the operator's files; the message says why."""


def make_demo(
    *,
    policy_text: str,
    var: Path,
    url: str,
    now: datetime,
    areas: Sequence[Sequence[AreaEntry]] = (),
    streets: Sequence[Street] = (),
    tell: Callable[[int], None] = lambda done: None,
) -> City:
    """Write the demo city, all or nothing, and demo.json beside it.

    now: the end of its week. areas: outlines of khans and of sangkats to use instead of drawn ones; those that join no
    khan or sangkat by name are left out. streets: to use instead of drawn ones. tell: called with how many reports were
    taken in since the last call.

    :raises DemoRefused: if no outline joins a sangkat.
    """
    policy = read_policy(policy_text)
    since = now - timedelta(days=DAYS + 1)
    days = country_holidays(policy.country, years=range(now.year - 1, now.year + 4))
    with translation.override("en"), transaction.atomic():
        city = open_city(policy_text=policy_text, country_holidays=days, is_demo=True, now=since, by=COMMAND)
        names, outlines = _lay_ground(city, areas, now=since)
        khans, sangkats = ({code: of for code, of in names.items() if len(code) == digits} for digits in (4, 6))
        places = demo_places(sangkats, outlines)
        import_places(city=city, entries=places, source=SOURCE, schematic=True, now=since, by=COMMAND)
        shown = streets or draw_streets({code: outlines[code] for code in khans}, khans)
        import_streets(city=city, streets=shown, schematic=not streets, now=since, by=COMMAND)
        people = settle_people(city, code_list=CODE_LIST, since=since)
        for name, texts in TEXTS:
            save_text(city_id=city.pk, name=name, texts=texts, now=since, by=COMMAND)
        key = make_key(city=city, name="Demo partner", trusted=True, now=since, by=COMMAND)
        devices = make_trucks(city, people, outlines, since=since, now=now)
        Week(city=city, people=people, outlines=outlines, now=now, days=DAYS, tell=tell).run()
        # Its people are invented: nobody waits for their letters.
        forget_waiting(city_id=city.pk, now=now)
    write_facts(
        var, url=url, jurisdiction_id=city.jurisdiction_id, api_key=key.secret, logins=people.logins, devices=devices
    )
    return city


def _lay_ground(
    city: City, areas: Sequence[Sequence[AreaEntry]], *, now: datetime
) -> tuple[dict[str, Mapping[str, str]], dict[str, BaseGeometry]]:
    """Write the areas; return the names and outlines of those that have one, by their codes in the list."""
    ground = draw_ground()
    entries = [replace(entry, wkb=b"") for entry in ground.entries] if areas else ground.entries
    import_areas(city=city, entries=entries, code_list=CODE_LIST, schematic=not areas, now=now, by=COMMAND)
    for of_one_file in areas:
        import_areas(city=city, entries=of_one_file, create=False, now=now, by=COMMAND)
    rows = AreaCode.objects.filter(city=city, code_list=CODE_LIST).exclude(area__wkb=b"").select_related("area")
    outlines = {row.code: shapely.from_wkb(bytes(row.area.wkb)) for row in rows}
    if not any(len(code) == 6 for code in outlines):
        raise DemoRefused("None of the outlines joins a sangkat of Phnom Penh by its name.")
    return {entry.code: entry.names for entry in ground.entries if entry.code in outlines}, outlines
