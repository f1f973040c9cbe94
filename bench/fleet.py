"""Trucks to be measured: devices with tokens, each on a vehicle of its own.

python -m bench.fleet make <trucks>     write them into the installation of SAAT_VAR
python -m bench.fleet kept              print, as JSON, how many positions are kept and how far the follower has read
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from saat.records.models import City, Device, DeviceBinding, FollowerMark, Vehicle  # noqa: E402
from saat.records.position_log import LogMark, position_log  # noqa: E402
from saat.records.queries_access import digest_of  # noqa: E402

_TOGETHER = 2000


def make(trucks: int) -> None:
    """Write so many trucks with a device each, called truck-0, truck-1, …, whose token is its number after "token-"."""
    city, now = City.objects.get(), timezone.now()
    vehicles = Vehicle.objects.bulk_create(
        [Vehicle(city=city, label=f"truck-{number}", simulated=True) for number in range(trucks)], _TOGETHER
    )
    devices = Device.objects.bulk_create(
        [
            Device(
                city=city, uid=f"truck-{number}", state="claimed", token_hash=digest_of(f"token-{number}"),
                simulated=True, claimed_at=now,
            )
            for number in range(trucks)
        ],
        _TOGETHER,
    )  # fmt: skip
    DeviceBinding.objects.bulk_create(
        [
            DeviceBinding(city=city, device=device, vehicle=vehicle, from_at=now - timedelta(days=3))
            for device, vehicle in zip(devices, vehicles, strict=True)
        ],
        _TOGETHER,
    )


def kept() -> dict[str, object]:
    """Return how many positions the log holds, and how many of them the follower has not read yet."""
    log = position_log()
    rows = {name: log._reader(name).execute("SELECT max(row) FROM position").fetchone()[0] or 0 for name in log.names()}
    mark = FollowerMark.objects.order_by("log", "row").first() or FollowerMark()
    behind = sum(
        count - (mark.row if name == mark.log else 0) for name, count in rows.items() if name >= (mark.log or "")
    )
    end: LogMark = log.end()
    log.close()
    return {"kept": sum(rows.values()), "behind": behind, "log": end.log}


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(int(sys.argv[2]))
    elif sys.argv[1:] == ["kept"]:
        json.dump(kept(), sys.stdout)
    else:
        sys.exit(__doc__)
