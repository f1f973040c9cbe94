"""demo.json: what scripts and people need to use a demo, beside its data."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

NAME = "demo.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One demo login. area: in English, "" for the whole city."""

    role: str
    username: str
    password: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoDevice:
    """One demo tracker. id: what it calls itself. vehicle: what is painted on its truck."""

    id: str
    token: str
    vehicle: str


def write_facts(
    var: Path, *, url: str, jurisdiction_id: str, api_key: str, logins: Sequence[Login],
    devices: Sequence[DemoDevice] = (),
) -> dict[str, Any]:  # fmt: skip
    """Write demo.json, readable by its owner alone, and return what stands in it."""
    facts: dict[str, Any] = {
        "city": jurisdiction_id,
        "open311_api_key": api_key,
        "users": [
            {"role": login.role, "username": login.username, "password": login.password, "area": login.area}
            for login in logins
        ],
        "devices": [{"id": device.id, "token": device.token, "vehicle": device.vehicle} for device in devices],
        "simulated_clock": None,
    }
    return _keep(var, facts, url)


def write_clock(var: Path, *, speed: float, shows_at: datetime, wall_at: datetime) -> None:
    """Write into demo.json by which clock the simulated trucks drive, where there is a demo.

    Trucks live at `shows_at + speed * (now - wall_at)`, but never later than now.
    """
    path = var / NAME
    if path.exists():
        facts = json.loads(path.read_text(encoding="utf-8"))
        clock = {"speed": speed, "starts_at": shows_at.isoformat(), "epoch_wall": wall_at.isoformat()}
        _keep(var, facts | {"simulated_clock": clock}, facts["base_url"])


def read_facts(var: Path, *, url: str) -> dict[str, Any] | None:
    """Return what demo.json says, with its addresses brought up to date; None if there is no demo here."""
    path = var / NAME
    if not path.exists():
        return None
    return _keep(var, json.loads(path.read_text(encoding="utf-8")), url)


def _keep(var: Path, facts: dict[str, Any], url: str) -> dict[str, Any]:
    whole = {"base_url": url, "city": facts["city"], "open311_url": f"{url}/open311/v2", **facts}
    whole |= {"base_url": url, "open311_url": f"{url}/open311/v2"}
    part = var / f"{NAME}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False, indent=1)
        file.write("\n")
    part.replace(var / NAME)
    return whole
