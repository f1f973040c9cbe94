"""Rounds, positions and drives made by hand, on a plane whose zero lies in Phnom Penh."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import date

from saat.terms.plan import PlannedStop, RunPlan, SiteKind, SitePlace, StopKind
from saat.terms.position import Position

MIDNIGHT = 1_767_546_000.0  # of 5 January 2026 in Phnom Penh
EVENING = MIDNIGHT + 19 * 3600.0
LAT, LON = 11.55, 104.92
DEG_M = 111_195.0
EAST_M = DEG_M * math.cos(math.radians(LAT))


def place(x: float, y: float) -> tuple[float, float]:
    return LAT + y / DEG_M, LON + x / EAST_M


def fix(x, y, t, *, speed=None, device=1, accuracy=5.0, flags=0) -> Position:
    """A position t seconds after EVENING."""
    lat, lon = place(x, y)
    return Position(device, EVENING + t, EVENING + t + 1.5, lat, lon, speed, None, accuracy, flags)


def drive(
    *points: tuple[float, float], stands: Mapping[float, float] = {}, mps: float = 7.0, every_s: float = 10.0,
    starts_s: float = 0.0, doppler: bool = True, device: int = 1,
) -> list[Position]:  # fmt: skip
    """Drive along points and stand, at so many metres from the start, for so many seconds."""
    lengths = [math.dist(a, b) for a, b in itertools.pairwise(points)]
    # Moments at which it is so far: a list of (seconds, metres).
    moments, t, s = [(0.0, 0.0)], 0.0, 0.0
    for at, lasts in sorted(stands.items()):
        t += (at - s) / mps
        moments += [(t, at), (t + lasts, at)]
        t, s = t + lasts, at
    t += (sum(lengths) - s) / mps
    moments.append((t, sum(lengths)))
    made, now = [], 3.0
    while now <= t:
        i = max(k for k, (when, _) in enumerate(moments[:-1]) if when <= now)
        (t0, s0), (t1, s1) = moments[i], moments[i + 1]
        along = s0 + (s1 - s0) * (now - t0) / max(t1 - t0, 1e-9)
        speed = 0.0 if s1 == s0 else mps
        made.append(fix(*_at(points, lengths, along), starts_s + now, speed=speed if doppler else None, device=device))
        now += every_s
    return made


def _at(points, lengths, along):
    for (a, b), length in zip(itertools.pairwise(points), lengths, strict=True):
        if along <= length:
            share = along / max(length, 1e-9)
            return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
        along -= length
    return points[-1]


def stop(i: int, x: float, y: float, *, planned_s: float, **more) -> PlannedStop:
    lat, lon = place(x, y)
    at = 19 * 3600.0 + planned_s
    fields = {"kind": StopKind.POINT, "opens_s": at - 1800.0, "closes_s": at + 2700.0, **more}
    return PlannedStop(
        stop_id=100 + i, number=f"A-{i:03d}", sequence=i, lat=lat, lon=lon, planned_s=at, **fields
    )  # fmt: skip


def plan_of(stops: Sequence[PlannedStop], *, vehicles=(1,), **more) -> RunPlan:
    lat, lon = place(0.0, -1500.0)
    depot = SitePlace(site_id=1, kind=SiteKind.DEPOT, lat=lat, lon=lon, radius_m=80.0)
    fields = {
        "run_id": 1, "round_id": 1, "city_id": 1, "contractor_id": 1, "service_day": date(2026, 1, 5),
        "midnight_s": MIDNIGHT, "starts_s": 19 * 3600.0, "ends_s": 20 * 3600.0, "stops": tuple(stops),
        "vehicle_ids": tuple(vehicles), "sites": (depot,), **more,
    }  # fmt: skip
    return RunPlan(**fields)


def street(count: int = 10, apart: float = 120.0) -> list[PlannedStop]:
    """Stops along a straight street that goes east."""
    return [stop(i, 200.0 + apart * i, 4.0, planned_s=60.0 + 60.0 * i) for i in range(count)]


def street_drive(
    count: int = 10, apart: float = 120.0, *, without=(), onward: float = 1500.0, **more
) -> list[Position]:
    """Drive along that street, stand 30 s at each stop but those left out, and go on."""
    stands = {200.0 + apart * i: 30.0 for i in range(count) if i not in without}
    return drive((0, 0), (200.0 + apart * count + onward, 0), stands=stands, **more)
