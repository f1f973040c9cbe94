"""`saat demo`: a city to look at."""

from __future__ import annotations

import argparse
from pathlib import Path

from saat.config.commands.base import Refused, city_file, common, migrate, now, progress, read_text, say, set_up

HELP = "make a demo city: a schematic Phnom Penh with a week of cases"
DESCRIPTION = """Make a demo city: the real names of Phnom Penh's khans and sangkats on a drawn map, landmarks,
contractors, people for every role, and a week of cases in Khmer and English. The map is marked as schematic."""
EPILOG = """examples:
  saat demo                    make it; then: saat serve
  saat demo --areas khans.geojson --areas sangkats.geojson --area-name en=shapeName --streets streets.geojson
  saat serve --demo            make it if there is no city yet, and serve it"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--areas", action="append", default=[], metavar="FILE", help="GeoJSON with outlines to use instead of drawn "
        "ones, the khans first, then the sangkats; they are joined by name",
    )  # fmt: skip
    parser.add_argument(
        "--area-name", action="append", default=[], metavar="LANGUAGE=PROPERTY", help="their names (default: en=name)"
    )
    parser.add_argument("--bbox", default="", metavar="W,S,E,N", help="only areas whose middle lies in this box")
    parser.add_argument("--streets", metavar="FILE", help="GeoJSON with streets to use instead of drawn ones")
    parser.add_argument(
        "--street-name", action="append", default=[], metavar="LANGUAGE=PROPERTY", help="their names (default: en=name)"
    )
    common(parser)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    text = read_text(city_file("phnom-penh"))
    set_up(chosen)
    from django.conf import settings

    from saat.config.demo import REPORTS, DemoRefused, make_demo
    from saat.config.importing.areas import Fields, bounding_box, read_outlines
    from saat.config.importing.places import read_streets
    from saat.records.models import City
    from saat.terms.policy import read_policy

    migrate()
    policy = read_policy(text)
    jurisdiction_id = policy.jurisdiction_id
    if City.objects.filter(jurisdiction_id=jurisdiction_id).exists():
        raise Refused(f"There is a city {jurisdiction_id} in {settings.VAR} already; choose another folder with --var.")
    names = dict(pair.partition("=")[::2] for pair in chosen.area_name or ["en=name"])
    box = bounding_box(chosen.bbox)
    areas = [
        read_outlines(Path(name), Fields(names, fixed_level=level), box=box, centre=policy.centre).entries
        for level, name in enumerate(chosen.areas, start=1)
    ]
    streets = read_streets(Path(chosen.streets), chosen.street_name or ["en=name"]) if chosen.streets else []
    try:
        with progress("Reports", REPORTS) as tell:
            make_demo(
                policy_text=text, var=settings.VAR, url=settings.PUBLIC_URL, now=now(), areas=areas, streets=streets,
                tell=tell,
            )  # fmt: skip
    except DemoRefused as error:
        raise Refused(str(error)) from error
    say(f"Made a demo of {jurisdiction_id}. Its logins are in {settings.VAR / 'demo.json'}; now run `saat serve`.")
    return 0
