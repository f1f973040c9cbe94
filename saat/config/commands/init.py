"""`saat init`: make the tables and the city."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from saat.config.commands.base import (
    Refused,
    city_file,
    common,
    migrate,
    now,
    pending_migrations,
    read_text,
    say,
    set_up,
)

if TYPE_CHECKING:
    from datetime import date

HELP = "make the tables and a city from its policy file; run again after the policy was edited"
DESCRIPTION = """Make the tables, and a city from its policy file: its categories, working hours, promises and so on.
The public holidays of the city's country are looked up (no network is needed).

Run it again after editing the policy file: the new policy takes the place of the old one, nothing else changes.
Several cities can live in one installation: run it once for each."""
EPILOG = """examples:
  saat init                               a city like Phnom Penh
  saat init --city my-city.toml           your own policy file; copy cities/phnom-penh.toml to begin
  saat init --city my-city.toml --dry-run say what would change"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--city", default="phnom-penh", metavar="FILE", help="policy file, or the name of one that comes with Saat "
        "(default: phnom-penh)",
    )  # fmt: skip
    common(parser, dry_run=True)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    path = city_file(chosen.city)
    text = read_text(path)
    set_up(chosen)
    from django.conf import settings

    from saat.actions.cities import change_policy, open_city
    from saat.actions.log import COMMAND
    from saat.records.models import City
    from saat.terms.policy import read_policy

    policy = read_policy(text)
    days = holidays_of(policy.country)
    pending = pending_migrations()
    name = policy.name.get("en") or next(iter(policy.name.values()))
    if chosen.dry_run:
        city = None if pending else City.objects.filter(jurisdiction_id=policy.jurisdiction_id).first()
        say(f"Would apply {len(pending)} changes to the tables.")
        if city is None:
            say(f"Would make the city {policy.jurisdiction_id} ({name}) with {len(policy.categories)} categories.")
        else:
            differs = change_policy(
                city=city, policy_text=text, country_holidays=days, now=now(), by=COMMAND, dry_run=True
            )
            say(f"Would {'change' if differs else 'not change'} the policy of {policy.jurisdiction_id}.")
        return 0
    applied = migrate()
    city = City.objects.filter(jurisdiction_id=policy.jurisdiction_id).first()
    if city is None:
        open_city(policy_text=text, country_holidays=days, now=now(), by=COMMAND)
        say(
            f"Made the city {policy.jurisdiction_id} ({name}) in {settings.VAR}: {len(policy.categories)} categories, "
            f"{len(days)} public holidays."
        )
        say("Next: `saat import areas`, `saat user add`, `saat serve`.")
    elif change_policy(city=city, policy_text=text, country_holidays=days, now=now(), by=COMMAND):
        say(f"Changed the policy of {policy.jurisdiction_id}; a server that runs uses it at once.")
    else:
        say(f"The policy of {policy.jurisdiction_id} is up to date.")
    if applied and city is not None:
        say(f"Applied {applied} changes to the tables.")
    return 0


def holidays_of(country: str) -> tuple[date, ...]:
    """Return the public holidays of a country from last year to three years ahead.

    :raises Refused: if the country is unknown.
    """
    from saat.links.holidays import UnknownCountry, country_holidays

    year = now().year
    try:
        return country_holidays(country, years=range(year - 1, year + 4))
    except UnknownCountry as error:
        raise Refused(str(error)) from error
