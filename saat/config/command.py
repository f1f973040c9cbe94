"""The `saat` command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from saat import __version__
from saat.config.commands.base import Refused

# The name of each command and its module.
_COMMANDS = {
    "init": "init",
    "serve": "serve",
    "demo": "demo",
    "import": "imports",
    "user": "user",
    "backup": "backup",
    "restore": "restore",
    "simulate": "simulate",
    "evaluate": "evaluate",
    "check": "check",
}
_DESCRIPTION = """Saat tells a city hall, while it can still be helped, where rubbish lies and which collection is
failing, and gets somebody there. Everything it writes lies in one folder (--var, ./var by default)."""
_EPILOG = """first steps:
  saat serve --demo          look at a demo city on http://127.0.0.1:8000
  saat init --city FILE      begin a city of your own
  saat COMMAND --help        what a command does, with examples

environment:
  SAAT_VAR       the folder, where --var is not given
  DATABASE_URL   postgres://user@host/name to use PostgreSQL instead of SQLite
  SAAT_URL       the public address, for links in messages"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = argparse.ArgumentParser(
        prog="saat", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whole.add_argument("--version", action="version", version=f"saat {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for name, file in _COMMANDS.items():
        module = importlib.import_module(f"saat.config.commands.{file}")
        added = commands.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.options(added)
        added.set_defaults(run=module.run)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 found something wrong, 2 could not be done as asked."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except Refused as error:
        print(f"saat: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our answer has gone; nothing more may be written to it when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"saat: {sentence}", file=sys.stderr)
        return 2


def _sentence(error: Exception) -> str | None:
    """Return an error that is not the program's fault as one sentence; None if it is a fault to be traced."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    from saat.links.tables.reading import FileRefused
    from saat.terms.policy import PolicyError

    if isinstance(error, PolicyError | FileRefused):
        return str(error)
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {' '.join(str(error).split())}."
    if isinstance(error, ImproperlyConfigured):
        return f"A setting cannot be used: {error}"
    if not _is_ready():
        return None
    from saat.actions.cases import ActRefused
    from saat.actions.log import NotAllowed, NotFound
    from saat.actions.people import PersonRefused
    from saat.terms.report import ReportRefused

    if isinstance(error, ActRefused | NotAllowed | NotFound | PersonRefused | ReportRefused):
        return str(error)
    return None


def _is_ready() -> bool:
    from django.apps import apps

    return apps.ready


if __name__ == "__main__":
    sys.exit(main())
