"""The demo: a schematic Phnom Penh with real names, invented people, and a believable week of cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import translation

from saat.actions.access import make_key
from saat.actions.areas import import_areas
from saat.actions.cities import open_city
from saat.actions.log import COMMAND
from saat.actions.outbox import forget_waiting
from saat.actions.places import import_places
from saat.actions.streets import import_streets
from saat.actions.texts import save_text
from saat.config.demo.facts import write_facts
from saat.config.demo.ground import CODE_LIST, draw_ground
from saat.config.demo.people import settle_people
from saat.config.demo.places import SOURCE, demo_places
from saat.config.demo.streets import draw_streets
from saat.config.demo.week import REPORTS, Week
from saat.config.demo.words import TEXTS
from saat.links.holidays import country_holidays
from saat.records.models import City
from saat.terms.policy import read_policy

DAYS = 7
__all__ = ["REPORTS", "make_demo"]


def make_demo(
    *, policy_text: str, var: Path, url: str, now: datetime, tell: Callable[[int], None] = lambda done: None
) -> City:
    """Write the demo city, all or nothing, and demo.json beside it.

    now: the end of its week. tell: called with how many reports were taken in since the last call.
    """
    policy = read_policy(policy_text)
    since = now - timedelta(days=DAYS + 1)
    days = country_holidays(policy.country, years=range(now.year - 1, now.year + 4))
    ground = draw_ground()
    with translation.override("en"), transaction.atomic():
        city = open_city(policy_text=policy_text, country_holidays=days, is_demo=True, now=since, by=COMMAND)
        import_areas(city=city, entries=ground.entries, code_list=CODE_LIST, schematic=True, now=since, by=COMMAND)
        names = {entry.code: entry.names for entry in ground.entries if entry.level == 2}
        places = demo_places(names, ground.outlines)
        import_places(city=city, entries=places, source=SOURCE, schematic=True, now=since, by=COMMAND)
        khans = {entry.code: entry.names for entry in ground.entries if entry.level == 1}
        streets = draw_streets({code: ground.outlines[code] for code in khans}, khans)
        import_streets(city=city, streets=streets, schematic=True, now=since, by=COMMAND)
        people = settle_people(city, code_list=CODE_LIST, since=since)
        for name, texts in TEXTS:
            save_text(city_id=city.pk, name=name, texts=texts, now=since, by=COMMAND)
        key = make_key(city=city, name="Demo partner", trusted=True, now=since, by=COMMAND)
        Week(city=city, people=people, outlines=ground.outlines, now=now, days=DAYS, tell=tell).run()
        # Its people are invented: nobody waits for their letters.
        forget_waiting(city_id=city.pk, now=now)
    write_facts(var, url=url, jurisdiction_id=city.jurisdiction_id, api_key=key.secret, logins=people.logins)
    return city
