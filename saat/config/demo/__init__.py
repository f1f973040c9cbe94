"""The demo: a schematic Phnom Penh with real names, invented people, and a believable week of cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import translation

from saat.actions.access import make_key
from saat.actions.areas import import_areas
from saat.actions.cities import open_city
from saat.actions.log import COMMAND
from saat.config.demo.facts import write_facts
from saat.config.demo.ground import CODE_LIST, draw_ground
from saat.config.demo.people import settle_people
from saat.links.holidays import country_holidays
from saat.records.models import City
from saat.terms.policy import read_policy

DAYS = 8


def make_demo(*, policy_text: str, var: Path, url: str, now: datetime) -> City:
    """Write the demo city, all or nothing, and demo.json beside it. now: the end of its week."""
    policy = read_policy(policy_text)
    since = now - timedelta(days=DAYS)
    days = country_holidays(policy.country, years=range(now.year - 1, now.year + 4))
    ground = draw_ground()
    with translation.override("en"), transaction.atomic():
        city = open_city(policy_text=policy_text, country_holidays=days, is_demo=True, now=since, by=COMMAND)
        import_areas(city=city, entries=ground.entries, code_list=CODE_LIST, schematic=True, now=since, by=COMMAND)
        people = settle_people(city, code_list=CODE_LIST, since=since)
        key = make_key(city=city, name="Demo partner", trusted=True, now=since, by=COMMAND)
    write_facts(var, url=url, jurisdiction_id=city.jurisdiction_id, api_key=key.secret, logins=people.logins)
    return city
