"""`saat simulate`: a night of trucks whose truth is known."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from saat.config.commands.base import Refused, chosen_city, common, now, progress, say, set_up_with_tables, table

if TYPE_CHECKING:
    from saat.rounds.simulation import Night, Streets, Troubles
    from saat.terms.plan import RunPlan

HELP = "simulate a night of trucks, with troubles whose truth is known"
DESCRIPTION = """Simulate a night: trucks drive their rounds on streets, their trackers tell of it as badly as real
ones do, and what really became of each stop is kept. Everything is labelled as simulated. The same seed gives the same
night. Without --log the rounds are made up too; with --log the city's own planned runs of that day are driven."""
EPILOG = """what can go wrong (--troubles):
  mixed      everything below at once, as `saat evaluate` does
  ordinary   a few stops left out, a few gaps
  none       only the usual error of a few metres
  or some of, divided by commas (every run then has them):
             skipped block street breakdown flood no_show substitute shared reversed
             gaps drift outage late clock duplicates jumps no_doppler

examples:
  saat simulate --out night                          12 rounds on a drawn grid, as files
  saat simulate --out night --streets roads.json --seed 7 --interval 15 --troubles breakdown,gaps
  saat simulate --post http://127.0.0.1:8000 --token SECRET --speed 60    a minute a second
  saat simulate --log --var var --day 2026-01-05     drive the city's own plan into its log"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    where = parser.add_argument_group("where it goes (one of these, or --dry-run)")
    where.add_argument("--out", metavar="FOLDER", help="write positions, plan and truth as files")
    where.add_argument("--post", metavar="URL", help="send the positions to a running Saat (/positions/batch)")
    where.add_argument("--log", action="store_true", help="put them into the position log of an installation (--var)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another number, another night (default: 1)")
    parser.add_argument("--troubles", default="mixed", metavar="LIST", help="what goes wrong (default: mixed)")
    parser.add_argument("--interval", type=float, default=10.0, metavar="S", help="seconds between fixes (default: 10)")
    parser.add_argument("--streets", metavar="FILE", help="roads to drive on, as JSON (default: a drawn grid)")
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="how many rounds (default: 12)")
    parser.add_argument("--stops", type=int, default=45, metavar="N", help="stops a round (default: 45)")
    parser.add_argument("--day", metavar="DATE", help="service day, YYYY-MM-DD (default: yesterday)")
    parser.add_argument("--format", choices=("ndjson", "csv"), default="ndjson", help="of --out (default: ndjson)")
    parser.add_argument("--token", default="", metavar="SECRET", help="of --post: token of a source of positions")
    parser.add_argument(
        "--speed", type=float, default=0.0, metavar="X",
        help="of --post and --log: times faster than real time; 0: as fast as it goes (default: 0)",
    )  # fmt: skip
    common(parser, city=True, dry_run=True)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    from saat.rounds.simulation import drive, make_city

    if sum(map(bool, (chosen.out, chosen.post, chosen.log))) != 1 and not chosen.dry_run:
        raise Refused("Say where the night goes: one of --out FOLDER, --post URL and --log; or --dry-run.")
    if not 1 <= chosen.interval <= 600:
        raise Refused(f"--interval must be from 1 to 600 seconds, got {chosen.interval:g}.")
    if chosen.speed < 0 or chosen.rounds < 1 or chosen.stops < 2:
        raise Refused("--speed must not be negative; --rounds must be at least 1 and --stops at least 2.")
    troubles = _troubles(chosen.troubles)
    day = _day(chosen.day)
    streets = _streets(chosen.streets)
    if chosen.log:
        return _into_log(chosen, troubles, day, streets)
    if streets is None:
        from saat.rounds.simulation import Streets

        streets = Streets.grid()
    try:
        plans: Sequence[RunPlan] = make_city(
            chosen.seed, streets=streets, rounds=chosen.rounds, stops=chosen.stops, service_day=day
        )
    except ValueError as error:
        raise Refused(str(error)) from error
    night = drive(plans, chosen.seed, troubles, chosen.interval, streets=streets)
    _say_night(plans, night)
    if chosen.dry_run:
        return 0
    if chosen.out:
        from saat.config.simulating.writing import write_night

        for path in write_night(Path(chosen.out), plans, night, form=chosen.format):
            say(f"wrote {path}")
        return 0
    from saat.config.simulating.sending import post

    with progress("Positions", len(night.positions)) as tell:
        requests, refused = post(night.positions, url=chosen.post, token=chosen.token, speed=chosen.speed, tell=tell)
    say(f"{len(night.positions)} positions sent in {requests} requests, {refused} of them refused")
    return 1 if refused else 0


def _into_log(chosen: argparse.Namespace, troubles: Troubles, day: date, streets: Streets | None) -> int:
    """Drive the planned runs of an installation's city, and put what their trackers say into its log."""
    set_up_with_tables(chosen)
    from saat.config.simulating.sending import steps
    from saat.records.device_book import DeviceBook
    from saat.records.plan_values import run_plans
    from saat.records.position_log import position_log
    from saat.rounds.simulation import drive

    city = chosen_city(chosen)
    book = DeviceBook()
    book.refresh()
    plans = [plan for plan in run_plans(city.pk, day) if plan.stops and plan.vehicle_ids]
    if not plans:
        raise Refused(
            f"{city.jurisdiction_id} has no runs with stops and a vehicle on {day}; see `saat import rounds`."
        )
    vehicles = sorted({vehicle for plan in plans for vehicle in plan.vehicle_ids})
    devices = {vehicle: found[0] for vehicle in vehicles if (found := book.devices_of([vehicle]))}
    bare = [vehicle for vehicle in vehicles if vehicle not in devices]
    if bare:
        raise Refused(f"{len(bare)} of {len(vehicles)} vehicles carry no device; bind one to each first.")
    real = [device for device in devices.values() if (known := book.get(device)) and not known.simulated]
    if real:
        raise Refused(f"{len(real)} devices belong to real trucks; simulated positions go to simulated devices only.")
    night = drive(plans, chosen.seed, troubles, chosen.interval, streets=streets, device_of_vehicle=devices, spares=())
    _say_night(plans, night)
    if chosen.dry_run:
        return 0
    log = position_log()
    fresh = 0
    with progress("Positions", len(night.positions)) as tell:
        for some in steps(night.positions, chosen.speed):
            fresh += log.append(some)
            tell(len(some))
    log.close()
    say(f"{fresh} positions put into the log, {len(night.positions) - fresh} were there already")
    return 0


def _troubles(text: str) -> Troubles:
    from saat.rounds.simulation import Trouble, Troubles

    ready = {"mixed": Troubles.mixed, "ordinary": Troubles.ordinary, "none": Troubles}
    if text in ready:
        return ready[text]()
    known = {str(one): one for one in Trouble}
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    strange = [part for part in wanted if part not in known]
    if strange or not wanted:
        raise Refused(
            f"--troubles knows no {', '.join(strange) or 'empty list'}; it knows {', '.join(ready)}, or some of "
            f"{', '.join(known)}."
        )
    return Troubles.only(*(known[part] for part in wanted))


def _day(text: str | None) -> date:
    if not text:
        return now().date() - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"--day must be a date such as 2026-01-05, got {text}.") from error


def _streets(name: str | None) -> Streets | None:
    from saat.rounds.simulation import Streets

    if not name:
        return None
    try:
        return Streets.read(Path(name))
    except OSError as error:
        raise Refused(f"{name} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise Refused(str(error)) from error


def _say_night(plans: Sequence[RunPlan], night: Night) -> None:
    from collections import Counter

    how = Counter(str(one.how) for one in night.truth.values())
    why = Counter(str(trouble) for one in night.runs.values() for trouble in one.troubles)
    say(f"SIMULATED: {len(plans)} runs, {len(night.truth)} stops, {len(night.positions)} positions")
    say(table(sorted(how.items()), head=("what became of stops", "stops")))
    say(table(sorted(why.items()), head=("trouble", "runs")))
