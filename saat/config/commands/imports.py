"""`saat import`: areas, names, landmarks, streets, collection plans and another system's cases."""

from __future__ import annotations

import argparse
import importlib

from saat.config.commands.base import chosen_city, common, set_up_with_tables

HELP = "bring in areas, names, landmarks, streets, collection plans, positions, and the cases of another system"
DESCRIPTION = """Bring an operator's own files into a city. Every import can be run again: the same file changes
nothing, a newer one changes what differs. With --dry-run nothing is written."""
EPILOG = """examples (docs/operate.md has them in full):
  saat import names districts.csv --list mef --create --level 1 --code district_code
        --name km=district_kh --name en=district_en --where province_code=12
  saat import areas districts.geojson --level 1 --name en=shapeName --only-known
  saat import places markets.csv --lat lat --lon lon --name km=name_kh --all-are market
  saat import streets streets.geojson --name en=name --attribution "© OpenStreetMap contributors"
  saat import rounds plan.csv
  saat import rounds gtfs.zip --window-before-min 5 --window-after-min 15
  saat import positions night.csv --speed-unit kmh --claim
  saat import reports cases.csv --mapping cases.mapping.toml"""

# Which function carries each out; imported when Django is set up.
_CARRY_OUT = {
    "areas": ("saat.config.importing.areas", "areas_from_map"),
    "names": ("saat.config.importing.areas", "names_from_list"),
    "places": ("saat.config.importing.places", "places_from_file"),
    "streets": ("saat.config.importing.places", "streets_from_map"),
    "reports": ("saat.config.importing.reports", "reports_from_files"),
    "rounds": ("saat.config.importing.rounds", "rounds_from_file"),
    "positions": ("saat.config.importing.positions", "positions_from_file"),
}


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    what = parser.add_subparsers(metavar="WHAT", required=True, title="what")
    for name, add in (
        ("areas", _areas), ("names", _names), ("places", _places), ("streets", _streets), ("reports", _reports),
        ("rounds", _rounds), ("positions", _positions),
    ):  # fmt: skip
        added = what.add_parser(name, help=_HELPS[name], description=_HELPS[name].capitalize() + ".")
        add(added)
        common(added, city=True, dry_run=True)
        added.set_defaults(what=name)


_HELPS = {
    "areas": "outlines of areas of any depth from GeoJSON",
    "names": "names and codes of areas from an official list (CSV, XLSX, YAML)",
    "places": "landmarks from GeoJSON, CSV or XLSX",
    "streets": "streets from GeoJSON, shown on maps",
    "reports": "the cases of another system from CSV or XLSX",
    "rounds": "collection plans from CSV, XLSX, GeoJSON, GTFS or a city's own files",
    "positions": "where vehicles were, from NDJSON, CSV, GPX or Parquet",
}


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    set_up_with_tables(chosen)
    from django.conf import settings

    module, function = _CARRY_OUT[chosen.what]
    carry_out = getattr(importlib.import_module(module), function)
    return int(carry_out(chosen, chosen_city(chosen), var=settings.VAR))


def _areas(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="GeoJSON file")
    _entry_options(parser, of="property")
    parser.add_argument(
        "--bbox", default="", metavar="W,S,E,N", help="only areas whose middle lies in this box (degrees)"
    )
    parser.add_argument(
        "--only-known", action="store_true", help="give outlines to areas that are known, and make no new ones"
    )
    parser.add_argument("--schematic", action="store_true", help="the outlines are drawn, not surveyed")


def _names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="CSV, XLSX or YAML file")
    _entry_options(parser, of="column")
    _table_options(parser)
    parser.add_argument("--header-row", type=int, default=0, help="row that names the columns (default: the first)")
    parser.add_argument("--create", action="store_true", help="make the areas that the city does not have yet")


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="GeoJSON, CSV or XLSX file")
    parser.add_argument(
        "--name", action="append", default=[], metavar="LANGUAGE=COLUMN", required=True, help="names in one language"
    )
    parser.add_argument("--id", default="", metavar="COLUMN", help="the file's own id (default: the first name)")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--kind", default="", metavar="COLUMN", help="what each is: market, school, pagoda, hospital, "
                      "heritage, tourist_site, informal_settlement, other")  # fmt: skip
    kind.add_argument("--all-are", default="", metavar="KIND", help="all are of this kind")
    parser.add_argument(
        "--kind-values", action="append", default=[], metavar="VALUE=KIND", help="what the file's own words mean"
    )
    parser.add_argument(
        "--service-level",
        default="",
        metavar="COLUMN",
        help="usual, raised or highest (default: by its kind)",
    )
    parser.add_argument("--lat", default="", metavar="COLUMN", help="latitude, for tables")
    parser.add_argument("--lon", default="", metavar="COLUMN", help="longitude, for tables")
    parser.add_argument("--radius-m", type=float, default=60.0, help="how far their surroundings reach (default: 60)")
    parser.add_argument("--source", default="", help="what the file is called, by which its places are known again")
    parser.add_argument("--schematic", action="store_true", help="the positions are drawn, not surveyed")
    _table_options(parser)


def _streets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="GeoJSON file with lines")
    parser.add_argument(
        "--name", action="append", default=[], metavar="LANGUAGE=PROPERTY", help="names in one language"
    )
    parser.add_argument(
        "--class-property", default="highway", help="property that tells through streets, as in OpenStreetMap"
    )
    parser.add_argument("--attribution", default="", help="whom to name on the map")
    parser.add_argument("--schematic", action="store_true", help="the streets are drawn, not surveyed")


def _reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="+", help="CSV or XLSX files, all with the same columns")
    parser.add_argument("--mapping", required=True, metavar="FILE", help="TOML file: what their columns and words mean")
    parser.add_argument(
        "--errors",
        metavar="FOLDER",
        help="where rows that cannot be taken are written (default: VAR/imports)",
    )
    _table_options(parser)


def _rounds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", help="a table, a GeoJSON file, a GTFS folder or zip, or a folder of another city's plan"
    )
    parser.add_argument(
        "--kind", default="", choices=["table", "geojson", "gtfs", "tainan-garbage", "montevideo-containers"],
        help="what the file is, where it cannot be told from its look",
    )  # fmt: skip
    parser.add_argument("--mapping", default="", metavar="FILE", help="what the columns mean (TOML): a file, or the "
                        "name of one that comes with Saat (default: our own columns)")  # fmt: skip
    parser.add_argument("--source", default="", help="what the file is called, by which its stops are known again")
    parser.add_argument("--language", default="", help="language of the stops' names (default: the city's own)")
    parser.add_argument("--from", dest="from_day", default="", metavar="DATE", help="the first day on which it holds "
                        "(default: today for new rounds, tomorrow for changes)")  # fmt: skip
    parser.add_argument("--days", default="", metavar="DAYS", help="weekdays of rounds that name none, such as mon-sat")
    parser.add_argument(
        "--holidays", default="collect", choices=["collect", "skip", "shift"],
        help="what a public holiday does where the file does not say (default: collect)",
    )  # fmt: skip
    parser.add_argument(
        "--window-before-min", type=float, default=5.0, help="where the file has times but no windows: promised so "
        "many minutes before (default: 5)",
    )  # fmt: skip
    parser.add_argument("--window-after-min", type=float, default=15.0, help="and so many after (default: 15)")
    parser.add_argument("--merge", action="store_true", help="put these stops into the rounds' present plans, as for "
                        "rows that were mended")  # fmt: skip
    parser.add_argument(
        "--replace-edited", action="store_true", help="also change rounds that people have changed here since"
    )
    parser.add_argument("--shift-starts", default="", metavar="HH:MM", help="of montevideo-containers: begin of shift")
    parser.add_argument(
        "--kg-per-litre", type=float, default=0.12, help="of montevideo-containers: weight of a litre (default: 0.12)"
    )
    parser.add_argument(
        "--errors", metavar="FOLDER", help="where rows that cannot be taken are written (default: VAR/imports)"
    )
    _table_options(parser)


def _positions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="NDJSON, CSV, GPX or Parquet file; docs/positions.md has the columns")
    parser.add_argument("--device", default="", metavar="ID", help="of which device rows are that do not say so")
    parser.add_argument("--speed-unit", default="", choices=("mps", "kmh", "knots"), help="of a column called speed")
    parser.add_argument("--claim", action="store_true", help="devices that nobody knows become the city's")


def _entry_options(parser: argparse.ArgumentParser, *, of: str) -> None:
    """Add the options that say where an area's parts stand in a file. of: "column" or "property"."""
    say_where = parser.add_argument_group(f"where things stand in the file (each names a {of})")
    say_where.add_argument(
        "--name", action="append", default=[], metavar=f"LANGUAGE={of.upper()}", required=True,
        help="names in one language, such as km=name_kh; give it once for each language",
    )  # fmt: skip
    say_where.add_argument("--code", default="", metavar=of.upper(), help="the code in the official list")
    say_where.add_argument("--parent-code", default="", metavar=of.upper(), help="the code of the area above")
    say_where.add_argument(
        "--parent-name", action="append", default=[], metavar=of.upper(), help="a name of the area above"
    )
    depth = parser.add_argument_group("how deep each area lies below the city (1, 2, …)")
    one = depth.add_mutually_exclusive_group()
    one.add_argument("--level", type=int, default=1, help="the same for the whole file (default: 1)")
    one.add_argument("--level-property", default="", metavar=of.upper(), help=f"a {of} that says it")
    one.add_argument(
        "--code-digits", default="", metavar="N,N", help="lengths of the codes of level 1, 2, …, such as 4,6; "
        "the area above is the one whose code a code begins with",
    )  # fmt: skip
    depth.add_argument(
        "--level-values", default="", metavar="VALUE=N,…", help="what the values of --level-property mean; others are "
        "left out, for example ខណ្ឌ=1,សង្កាត់=2",
    )  # fmt: skip
    depth.add_argument("--kinds", default="khan,sangkat", help="what level 1, 2, … are called (default: khan,sangkat)")
    only = parser.add_argument_group("which entries are taken")
    only.add_argument("--where", action="append", default=[], metavar=f"{of.upper()}=VALUE", help="only these")
    only.add_argument("--code-prefix", default="", help="only codes that begin so")
    parser.add_argument("--list", default="", metavar="NAME", help="what the official list is called, such as mef; "
                        "codes are kept with it, because two lists may give one code to different areas")  # fmt: skip
    parser.add_argument("--unjoined", metavar="FILE", help="where what could not be joined is written (CSV)")


def _table_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--encoding", default="", help="of a CSV file, if it is not UTF-8, such as cp1252")
    parser.add_argument("--sheet", default="", help="of an XLSX file (default: the first)")
