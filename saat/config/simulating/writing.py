"""A simulated night as files: what trackers sent, what the plan was, and what was true."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from saat.rounds.simulation import Night
from saat.terms.plan import RunPlan
from saat.terms.position import Position

NOTICE = """SIMULATED. Nothing in this folder happened: no truck, no crew, no resident.

positions.*   what the trackers sent, in order of arrival; received_s is when it arrived
plan.geojson  the stops of each round: where, in which order, when
truth.csv     what really became of each stop: served, partial, passed, bypassed, and why
runs.csv      what really happened to each run
Moments are seconds since 1970 (UTC), lengths metres, speeds metres a second, degrees WGS 84.
"""


def row_of(position: Position) -> dict[str, Any]:
    """Return a position in the words of our batch format (`/positions/batch`); unknown figures are left out."""
    row: dict[str, Any] = {
        "device": f"simulated-{position.device_id}",
        "fixed_s": position.fixed_s,
        "lat": position.lat,
        "lon": position.lon,
        "speed_mps": position.speed_mps,
        "course_deg": position.course_deg,
        "accuracy_m": position.accuracy_m,
        "simulated": True,
    }
    return {name: value for name, value in row.items() if value is not None}


def write_night(folder: Path, plans: Sequence[RunPlan], night: Night, *, form: str) -> list[Path]:
    """Write a night into a folder that need not exist; return the files. form: "ndjson" or "csv"."""
    folder.mkdir(parents=True, exist_ok=True)
    positions = folder / f"positions.{form}"
    rows = ({**row_of(one), "received_s": one.received_s} for one in night.positions)
    if form == "csv":
        names = ("device", "fixed_s", "received_s", "lat", "lon", "speed_mps", "course_deg", "accuracy_m", "simulated")
        _write_csv(positions, names, ([row.get(name, "") for name in names] for row in rows))
    else:
        positions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    plan = folder / "plan.geojson"
    plan.write_text(json.dumps(_plan(plans)), encoding="utf-8")
    truth, runs, about = folder / "truth.csv", folder / "runs.csv", folder / "README.txt"
    _write_csv(
        truth,
        ("run_id", "stop_id", "how", "why", "arrived_s", "left_s", "vehicle_id", "share"),
        (
            (run, stop, one.how, one.why or "", _short(one.arrived_s), _short(one.left_s), one.vehicle_id or "",
             "" if one.share is None else round(one.share, 2))
            for (run, stop), one in sorted(night.truth.items())
        ),
    )  # fmt: skip
    _write_csv(
        runs,
        ("run_id", "troubles", "vehicles", "started_s", "finished_s", "broke_s", "resumed_s"),
        (
            (one.run_id, " ".join(sorted(one.troubles)), " ".join(map(str, one.vehicles)), _short(one.started_s),
             _short(one.finished_s), _short(one.broke_s), _short(one.resumed_s))
            for one in night.runs.values()
        ),
    )  # fmt: skip
    about.write_text(NOTICE, encoding="utf-8")
    return [positions, plan, truth, runs, about]


def _short(moment_s: float | None) -> float | str:
    return "" if moment_s is None else round(moment_s, 1)


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _plan(plans: Sequence[RunPlan]) -> dict[str, Any]:
    """Return the stops as GeoJSON: longitude first, kerbs as lines."""
    features = []
    for plan in plans:
        for stop in plan.stops:
            place: dict[str, Any] = {"type": "Point", "coordinates": [stop.lon, stop.lat]}
            if stop.line:
                place = {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in stop.line]}
            about = {
                "run_id": plan.run_id, "round_id": plan.round_id, "stop_id": stop.stop_id, "number": stop.number,
                "sequence": stop.sequence, "kind": stop.kind, "planned_s": plan.midnight_s + stop.planned_s,
                "opens_s": plan.midnight_s + stop.opens_s, "closes_s": plan.midnight_s + stop.closes_s,
                "served_by": stop.served_by, "vehicle_ids": list(plan.vehicle_ids), "simulated": True,
            }  # fmt: skip
            features.append({"type": "Feature", "geometry": place, "properties": about})
    return {"type": "FeatureCollection", "features": features}
