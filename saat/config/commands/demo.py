"""`saat demo`: a city to look at."""

from __future__ import annotations

import argparse

from saat.config.commands.base import Refused, city_file, common, migrate, now, progress, read_text, say, set_up

HELP = "make a demo city: a schematic Phnom Penh with a week of cases"
DESCRIPTION = """Make a demo city: the real names of Phnom Penh's khans and sangkats on a drawn map, landmarks,
contractors, people for every role, and a week of cases in Khmer and English. The map is marked as schematic."""
EPILOG = """examples:
  saat demo                    make it; then: saat serve
  saat serve --demo            make it if there is no city yet, and serve it"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    common(parser)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    text = read_text(city_file("phnom-penh"))
    set_up(chosen)
    from django.conf import settings

    from saat.config.demo import REPORTS, make_demo
    from saat.records.models import City
    from saat.terms.policy import read_policy

    migrate()
    jurisdiction_id = read_policy(text).jurisdiction_id
    if City.objects.filter(jurisdiction_id=jurisdiction_id).exists():
        raise Refused(f"There is a city {jurisdiction_id} in {settings.VAR} already; choose another folder with --var.")
    with progress("Reports", REPORTS) as tell:
        make_demo(policy_text=text, var=settings.VAR, url=settings.PUBLIC_URL, now=now(), tell=tell)
    say(f"Made a demo of {jurisdiction_id}. Its logins are in {settings.VAR / 'demo.json'}; now run `saat serve`.")
    return 0
