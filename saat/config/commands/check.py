"""`saat check`: is everything as it was written?"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from saat.config.commands.base import (
    Refused,
    city_file,
    common,
    now,
    pending_migrations,
    progress,
    read_text,
    say,
    set_up_with_tables,
    table,
)

HELP = "check that the log and the data are as they were written; or check a policy file"
DESCRIPTION = """Compute the log's chain of hashes anew from its first event, and look for missing guards, rows and
photos. Says where the log breaks first, if it does. Note the heads that it prints elsewhere: only against
a noted head can somebody be found out who wrote the whole log anew.

With --policy, check a policy file instead; nothing else is read."""
EPILOG = """exit code: 0 all is well, 1 something is wrong

examples:
  saat check
  saat check --deep --noted 4143:9f2c…    compare photos byte by byte, and the log with a head noted before
  saat check --policy my-city.toml"""
_NOTED = re.compile(r"^(?:(?P<city>[a-z0-9][a-z0-9_.-]*)=)?(?P<seq>[0-9]+):(?P<hash>[0-9a-f]{64})$")


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--policy", metavar="FILE", help="check this policy file, and nothing else")
    parser.add_argument("--deep", action="store_true", help="read every photo and compare it with its digest")
    parser.add_argument(
        "--noted", action="append", default=[], metavar="[CITY=]NUMBER:HASH", help="a head that was noted before"
    )
    common(parser)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    if chosen.policy:
        return _policy(city_file(chosen.policy))
    set_up_with_tables(chosen)
    from saat.actions.checking import broken_rows, missing_guards, missing_photos
    from saat.records.models import City

    ids = list(City.objects.values_list("jurisdiction_id", flat=True))
    wrong = tell_chains(_noted(chosen.noted, ids))
    guards = [f"the trigger {name}, which keeps the log append-only, is missing" for name in missing_guards()]
    rows = broken_rows()
    photos, missing = missing_photos(deep=chosen.deep)
    tables = [f"the tables lack the change {name}" for name in pending_migrations()]
    for what, found in (
        ("guards", guards), ("rows", rows), (f"{photos} photos", missing), ("tables", tables),
    ):  # fmt: skip
        say(f"{what}: {'all is well' if not found else ''}".rstrip())
        for sentence in found[:20]:
            say(f"  {sentence}.")
        if len(found) > 20:
            say(f"  … and {len(found) - 20} more.")
        wrong += len(found)
    return 1 if wrong else 0


def tell_chains(noted: dict[str, dict[int, str]]) -> int:
    """Check the log of every city and print what was found; return how many are broken."""
    from saat.actions.checking import check_chain
    from saat.records.models import ChainHead, City

    cities = list(City.objects.order_by("pk"))
    total = sum(ChainHead.objects.values_list("seq", flat=True))
    wrong = 0
    with progress("Events", total) as tell:
        found = [check_chain(city, noted=noted.get(city.jurisdiction_id), tell=tell) for city in cities]
    for finding in found:
        if finding.broken_at is None:
            seq, head = finding.head
            say(f"log of {finding.jurisdiction_id}: {finding.events} events, unbroken; head {seq}:{head}")
        else:
            wrong += 1
            say(f"log of {finding.jurisdiction_id}: BROKEN at event {finding.broken_at}: {finding.why}")
    if not cities:
        say("There is no city yet.")
    return wrong


def _noted(texts: list[str], ids: list[str]) -> dict[str, dict[int, str]]:
    noted: dict[str, dict[int, str]] = {}
    for text in texts:
        found = _NOTED.match(text)
        if not found:
            raise Refused(f"--noted wants NUMBER:HASH as `saat check` and `saat backup` print it, got {text!r}.")
        city = found["city"] or (ids[0] if len(ids) == 1 else "")
        if city not in ids:
            raise Refused(f"Say whose log was noted, as CITY=NUMBER:HASH; the cities are {', '.join(ids) or 'none'}.")
        noted.setdefault(city, {})[int(found["seq"])] = found["hash"]
    return noted


def _policy(path: Path) -> int:
    from saat.config.commands.init import holidays_of
    from saat.terms.policy import read_policy

    policy = read_policy(read_text(path))
    days = holidays_of(policy.country)
    this_year = sum(1 for day in days if day.year == now().year)
    say(f"{path} can be used: {policy.jurisdiction_id}, {', '.join(policy.languages)}, {policy.hours.zone}.")
    say(f"{this_year} public holidays this year, {len(policy.escalation)} rungs of escalation, "
        f"{len(policy.closing_reasons)} closing reasons.")  # fmt: skip
    rows = [
        (
            category.service_code,
            next(iter(category.name.values())),
            f"{category.due_h:g} h{', round the clock' if category.round_the_clock else ''}",
            category.urgency,
        )
        for category in policy.categories
    ]
    say(table(rows, head=("category", "name", "promise", "urgency")))
    return 0
