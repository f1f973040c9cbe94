"""`saat restore`: a backup back in its place."""

from __future__ import annotations

import argparse
import fcntl
from pathlib import Path

from saat.config.commands.base import Refused, common, migrate, now, say, set_up
from saat.config.commands.check import tell_chains

HELP = "put a backup back"
DESCRIPTION = """Put a backup in the place of an installation. It is unpacked and compared with its digests before
anything is touched, and the log is checked afterwards. What was in the folder is moved aside, not deleted."""
EPILOG = """examples:
  saat restore saat.tar.gz --var /srv/saat           into an empty folder
  saat restore saat.tar.gz --var /srv/saat --force   in the place of what is there
  saat restore saat.tar.gz --dry-run                 say what it holds"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("file", help="a file that `saat backup` wrote")
    parser.add_argument("--force", action="store_true", help="put it in the place of an installation that is there")
    common(parser, dry_run=True)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    set_up(chosen)
    from django.conf import settings

    from saat.config.backup import BackupRefused, read_contents, restore

    path = Path(chosen.file)
    try:
        if chosen.dry_run:
            held = read_contents(path)
            say(f"{path} was made at {held.made_at} by Saat {held.version}: {held.vendor}, {held.photos} photos.")
            for jurisdiction_id, (seq, _) in held.heads.items():
                say(f"  {jurisdiction_id}: {seq} events")
            return 0
        lock = settings.VAR / "serve.lock"
        with lock.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Refused(f"A server runs in {settings.VAR}; stop it first.") from error
            held = restore(path, now=now(), force=chosen.force)
            changed = migrate()
    except BackupRefused as error:
        raise Refused(str(error)) from error
    say(f"Restored what {path} held at {held.made_at}: {held.photos} photos.")
    if changed:
        say(f"Applied {changed} changes to the tables, because the backup is older than this program.")
    noted = {jurisdiction_id: {seq: head} for jurisdiction_id, (seq, head) in held.heads.items() if seq}
    return 1 if tell_chains(noted) else 0
