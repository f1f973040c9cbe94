"""Positions from an operator's files: NDJSON, CSV, GPX, Parquet."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from saat.actions.devices import claim_device
from saat.actions.intake import Refused as NotTaken
from saat.actions.intake import Register, Sender, Unknown
from saat.actions.log import COMMAND
from saat.config.commands.base import Refused, now, say
from saat.links.batch import Read, read_csv, read_ndjson
from saat.links.batch.parquet import read_parquet
from saat.links.fixes import settled
from saat.links.gpx import read_gpx
from saat.records.device_book import KnownDevice
from saat.records.models import City
from saat.records.position_log import position_log
from saat.terms.position import Fix, FixRefused, Position

# An operator may bring a year's tracks to try something on; nothing of ours was tracked before.
EARLIEST_S = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_AT_ONCE = 2000
_MOST_SHOWN = 8
_SENDER = Sender(protocol="import", address="import", trusted=True)


@dataclass(slots=True)
class Account:
    """What became of the rows. rejected: row and why. devices: whose positions they are."""

    accepted: int = 0
    duplicate: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    devices: set[int] = field(default_factory=set)


def positions_from_file(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the positions of one file into the log."""
    path = Path(chosen.file)
    account = Account()
    received_s = now().timestamp()
    register = Register(settle=_settled_whenever)
    log = position_log()
    try:
        register.refresh().result()
        rows = _rows(path, chosen)
        take: Callable[[Fix], Position | None] = (
            partial(_judged, register, received_s) if chosen.dry_run else partial(_taken, register, received_s)
        )
        while some := list(islice(rows, _AT_ONCE)):
            positions = [position for row, found in some if (position := _position(row, found, take, account))]
            account.devices |= {position.device_id for position in positions}
            new = log.append(positions) if not chosen.dry_run else len(positions)
            account.accepted += new
            account.duplicate += len(positions) - new
        strangers = [
            device for pk in sorted(account.devices) if (device := register.book.get(pk)) and not device.city_id
        ]
    except FixRefused as refused:
        raise Refused(f"{path.name}: {refused}") from refused
    finally:
        register.stop()
        log.close()
    if chosen.claim and not chosen.dry_run:
        for device in strangers:
            claim_device(device_id=device.id, city_id=city.pk, now=now(), by=COMMAND)
    return _tell(path, account, strangers, chosen, var)


def _settled_whenever(fix: Fix, *, received_s: float, oldest_s: float) -> Fix:
    return settled(fix, received_s=received_s, oldest_s=min(oldest_s, EARLIEST_S))


def _rows(path: Path, chosen: argparse.Namespace) -> Iterator[Read]:
    kind = path.suffix.lower()
    if not path.is_file():
        raise Refused(f"There is no file {path}.")
    if kind == ".gpx":
        yield from read_gpx(path.read_text(encoding="utf-8", errors="replace"), uid=chosen.device)
    elif kind in (".parquet", ".pq"):
        yield from read_parquet(path, uid=chosen.device, speed_unit=chosen.speed_unit)
    elif kind in (".csv", ".tsv", ".txt", ".ndjson", ".jsonl", ".json"):
        read = read_ndjson if kind in (".ndjson", ".jsonl", ".json") else read_csv
        with path.open("rb") as lines:
            yield from read(lines, uid=chosen.device, speed_unit=chosen.speed_unit)
    else:
        raise Refused(f"{path.name} is no file with positions: .ndjson, .csv, .gpx or .parquet.")


def _position(
    row: int, found: Fix | FixRefused, take: Callable[[Fix], Position | None], account: Account
) -> Position | None:
    if isinstance(found, FixRefused):
        account.rejected.append((row, str(found)))
        return None
    try:
        return take(found)
    except (NotTaken, FixRefused) as refused:
        account.rejected.append((row, str(refused)))
        return None


def _taken(register: Register, received_s: float, fix: Fix) -> Position:
    try:
        return register.position(fix, _SENDER, received_s=received_s, limited=False)
    except Unknown:
        register.find_out(fix, _SENDER).result()
    return register.position(fix, _SENDER, received_s=received_s, limited=False)


def _judged(register: Register, received_s: float, fix: Fix) -> Position:
    """Return the position that would be taken, without writing a stranger down; its device's row is then 0."""
    try:
        return register.position(fix, _SENDER, received_s=received_s, limited=False)
    except Unknown:
        settled(fix, received_s=received_s, oldest_s=EARLIEST_S)
        return Position(0, fix.fixed_s or received_s, received_s, fix.lat, fix.lon)


def _tell(path: Path, account: Account, strangers: list[KnownDevice], chosen: argparse.Namespace, var: Path) -> int:
    if chosen.dry_run:
        say(f"Would be taken: {account.accepted}. Rejected: {len(account.rejected)}. Nothing was written.")
    else:
        say(f"Taken: {account.accepted}. There already: {account.duplicate}. Rejected: {len(account.rejected)}.")
    if strangers and not chosen.dry_run:
        claimed = (
            "now the city's" if chosen.claim else "unknown: claim them on the devices page, or import with --claim"
        )
        say(f"  {len(strangers)} devices were {claimed}.")
    for row, why in account.rejected[:_MOST_SHOWN]:
        say(f"  row {row}: {why}")
    if account.rejected and not chosen.dry_run:
        errors = var / "imports" / f"{path.stem}.errors.csv"
        errors.parent.mkdir(parents=True, exist_ok=True)
        with errors.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("row", "why"), *account.rejected])
        say(f"  All of them: {errors}")
    return 1 if account.rejected and not account.accepted and not account.duplicate else 0
