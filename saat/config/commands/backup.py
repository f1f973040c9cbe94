"""`saat backup`: everything in one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from saat.config.commands.base import Refused, common, now, say, set_up_with_tables

HELP = "write everything into one file, while the server runs"
DESCRIPTION = """Write the database, the photos, the streets and the secret key into one file. The server may go on
meanwhile. The file holds personal data and the key: keep it as you keep the installation."""
EPILOG = """examples:
  saat backup /mnt/backup/saat-$(date +%F).tar.gz
  saat restore /mnt/backup/saat-2026-11-23.tar.gz --var /srv/saat"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("file", help="where to write it, such as saat.tar.gz")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    common(parser)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    set_up_with_tables(chosen)
    from saat.config.backup import BackupRefused, back_up

    try:
        done = back_up(Path(chosen.file), now=now(), force=chosen.force)
    except BackupRefused as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"{chosen.file} cannot be written: {error.strerror or error}.") from error
    say(f"Wrote {chosen.file}: {done.size / 1_000_000:.1f} MB, {done.photos} photos.")
    if done.missing_photos:
        say(f"  {done.missing_photos} photos have no file and are not in it; `saat check` names them.")
    for jurisdiction_id, (seq, head) in done.heads.items():
        say(f"  log of {jurisdiction_id}: {seq} events, head {seq}:{head}")
    return 0
