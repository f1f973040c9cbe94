"""`saat serve`: run the whole of Saat in one tree of processes."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from saat.config.commands.base import Refused, city_file, common, migrate, now, progress, read_text, say, set_up, table
from saat.config.commands.init import holidays_of
from saat.config.server import NotReady, Supervisor, free_port, is_taken

HELP = "serve the site, and send what waits to be sent"
DESCRIPTION = """Serve the site and run what works beside it (letters, deadlines, webhooks, the follower of the
trucks), until Ctrl-C or SIGTERM.
Tables are made or brought up to date first. A part that dies is started again."""
EPILOG = """examples:
  saat serve --demo                   a demo city to look at, with its logins printed
  saat serve --port 8080 --var /srv/saat
  SAAT_URL=https://saat.example saat serve    behind a web server that speaks TLS"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--demo", action="store_true", help="make a demo city if there is no city yet")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000); 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    common(parser)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    port = chosen.port or free_port()
    if not 0 < port < 65536:
        raise Refused(f"A port is a number from 1 to 65535, got {port}.")
    if is_taken(chosen.host, port):
        raise Refused(f"{chosen.host}:{port} is taken or not this machine's; choose another with --port, or --port 0.")
    # Whatever is being written when the order to stop comes is undone by its transaction.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    shown = "127.0.0.1" if chosen.host in ("0.0.0.0", "::") else chosen.host  # noqa: S104 - compared, not bound
    os.environ.setdefault("SAAT_URL", f"http://{f'[{shown}]' if ':' in shown else shown}:{port}")
    set_up(chosen)
    from django.conf import settings
    from django.db import connections

    from saat.records.upkeep import learn_tables
    from saat.stream.follow import followers

    var: Path = settings.VAR
    # The children find the same folder from wherever they run.
    os.environ["SAAT_VAR"] = str(var)
    with _alone(var):
        migrate()
        facts = _prepare(var, settings.PUBLIC_URL, demo=chosen.demo)
        trucks = _ready_trucks(var) if facts is not None else False
        learn_tables()
        connections.close_all()
        try:
            share = followers()
        except ValueError as error:
            raise Refused(str(error)) from error
        supervisor = Supervisor(
            host=chosen.host, port=port, tell=lambda text: print(f"saat: {text}", file=sys.stderr), followers=share,
            trucks=trucks,
        )  # fmt: skip
        try:
            return supervisor.run(when_ready=lambda: _welcome(settings.PUBLIC_URL, facts))
        except NotReady as error:
            raise Refused(str(error)) from error


@contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Hold the folder for this server; its name and process stand in the lock file.

    :raises Refused: if another server holds it.
    """
    path = var / "serve.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise Refused(f"Another server ({holder}) serves {var}; stop it first, or choose another --var.") from error
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        yield


def _prepare(var: Path, url: str, *, demo: bool) -> dict[str, Any] | None:
    """Make the demo if it is wanted and there is no city, and look up holidays; return the demo's facts, if any."""
    from saat.actions.cities import change_policy
    from saat.actions.log import COMMAND
    from saat.config.demo_facts import read_facts
    from saat.records.models import City

    cities = list(City.objects.all())
    if not cities and demo:
        from saat.config.demo import REPORTS, make_demo

        say("Making the demo city, once; this takes some seconds…")
        with progress("Reports", REPORTS) as tell:
            make_demo(policy_text=read_text(city_file("phnom-penh")), var=var, url=url, now=now(), tell=tell)
    elif not cities:
        say("There is no city yet: run `saat init --city FILE`, or serve a demo with --demo.")
    for city in cities:
        if max(city.country_holidays, default="") < f"{now().year + 1}-12":
            days = holidays_of(city.policy_terms().country)
            change_policy(city=city, policy_text=city.policy_text, country_holidays=days, now=now(), by=COMMAND)
    return read_facts(var, url=url)


def _ready_trucks(var: Path) -> bool:
    """Set the clock of the demo's trucks going; return whether they are to drive."""
    from saat.config.demo_clock import ready_clock
    from saat.records.models import City

    city = City.objects.filter(is_demo=True, truck_clock__isnull=False).first()
    return city is not None and ready_clock(city, now=now(), var=var)


def _welcome(url: str, facts: dict[str, Any] | None) -> None:
    say(f"Saat serves {url} (stop with Ctrl-C)")
    if facts is None:
        return
    say()
    scope = {"contractor": "own company's cases", "crew": "own crew's cases"}
    rows = [
        (user["role"], user["username"], user["password"], user["area"] or scope.get(user["role"], "whole city"))
        for user in facts["users"]
    ]
    say(f"Demo logins for {url}/desk/ (the map is schematic, the people are invented):")
    say(table(rows, head=("role", "user", "password", "sees")))
