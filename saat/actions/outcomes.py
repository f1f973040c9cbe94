"""What became of each stop is written down: outcomes, every change of mind, the run's counters and what the desk draws.

Few statements, whatever the number of runs and stops: what did not change since it was written last is not read. The
log holds what speaks against somebody, and each correction; a collected stop gets no event of its own, but the digest
of all of a run's outcomes stands in the log when the run ends and when it is frozen (`saat.actions.finishing`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from saat.actions.contests import MARKS
from saat.actions.log import Actor, Log, writing
from saat.records import quick
from saat.records.models import City, Run, RunVehicle, StopRun, StopRunRevision
from saat.rounds.learning import Issued
from saat.rounds.verdicts import BY_PEOPLE, decided_by, stands, why_changed
from saat.terms.plan import PlannedStop, RunPlan
from saat.terms.run import Evidence, Forecast, Outcome, RunView, StopView, VehicleState, VehicleView

VIEW_VERSION = 1
_RISK = "r"
_UNDECIDED = MARKS[Outcome.EXPECTED]
_COUNTED = ("started_at", "followed_at", "state", "served", "late", "missed", "skipped", "unknown", "at_risk", "view",
            "stops")  # fmt: skip
_CHANGEABLE = (
    "outcome", "p_served", "arrived_at", "left_at", "vehicle", "share", "reason", "blind_from_at", "blind_until_at",
    "settle_by", "evidence", "decided_at", "decided_by", "revision",
)  # fmt: skip
_BATCH = 500


class Look(NamedTuple):
    """One look at one run, to be written down.

    vehicles: (vehicle id, inferred) of who is on it. issued: the predictions that are kept for scoring.
    """

    plan: RunPlan
    view: RunView
    forecasts: Sequence[Forecast] = ()
    vehicles: Sequence[tuple[int, bool]] = ()
    issued: Sequence[Issued] = ()


class _Change(NamedTuple):
    run: Run
    row: StopRun
    before: str  # the outcome, "" if there was none
    why: str
    frozen: bool
    came_back: bool  # a stop that was missed was collected after that was decided


def write_run(
    run_id: int,
    *,
    plan: RunPlan,
    view: RunView,
    forecasts: Sequence[Forecast],
    now: datetime,
    by: Actor,
    vehicles: Sequence[tuple[int, bool]] = (),
    logged_at: datetime | None = None,
) -> bool:
    """Write down one look at one run; return whether anything changed. See `write_runs`."""
    if plan.run_id != run_id:
        raise ValueError(f"The plan is of run {plan.run_id}, not of run {run_id}.")
    look = Look(plan, view, forecasts, vehicles)
    return run_id in write_runs(plan.city_id, [look], now=now, by=by, logged_at=logged_at)


def write_runs(
    city_id: int, looks: Sequence[Look], *, now: datetime, by: Actor, logged_at: datetime | None = None
) -> set[int]:
    """Write down looks at runs of one city in one transaction; return the runs of which something changed.

    now: by the clock of the city's trucks, aware. logged_at: by the wall clock, for the log; `now` if None.
    A run that was called off is left alone. After a run is frozen, a change is noted as a revision and changes
    nothing else.
    """
    if not looks:
        return set()
    risk_from = City.objects.get(pk=city_id).policy_terms().rounds.alert_p
    with writing(city_id, now=logged_at or now, by=by) as log:
        by_id = {look.plan.run_id: look for look in looks}
        rows = Run.objects.select_for_update(of=("self",)).filter(pk__in=by_id, city_id=city_id)
        runs = {run.pk: run for run in rows.exclude(state="called_off").order_by("pk")}
        seals = {run_id: seal_of(by_id[run_id].view) for run_id in runs}
        dirty = [run for run in runs.values() if _written_seal(run) != seals[run.pk]]
        changes = _changes(dirty, by_id, now=now)
        _write_changes(changes, now=now, by=by)
        _tell(log, changes)
        held = _held(runs)
        written: list[tuple[Any, ...]] = []
        for run_id, run in runs.items():
            if run.frozen_at is not None:
                if _written_seal(run) != seals[run_id]:
                    run.view = {**run.view, "noted": seals[run_id]}
                    written.append(_values(run))
            elif _put_view(run, by_id[run_id], held.get(run_id, {}), seal=seals[run_id], risk_from=risk_from, now=now):
                written.append(_values(run))
        quick.update_many(Run, _COUNTED, written)
        _keep_vehicles(runs, by_id, now=now)
        return {row[-1] for row in written}


def seal_of(view: RunView) -> int:
    """Return a number that is the same for the same decided outcomes with the same moments, vehicles and reasons."""
    told = [
        (
            stop.sequence, str(stop.outcome), _tens(stop.arrived_s), _tens(stop.left_s), stop.by_vehicle_id,
            str(stop.reason or ""), stop.settle_by, round(stop.share or 0.0, 1),
        )
        for stop in view.stops
        if stop.outcome is not Outcome.EXPECTED
    ]  # fmt: skip
    return zlib.crc32(repr(told).encode())


def _tens(moment_s: float | None) -> int | None:
    return None if moment_s is None else round(moment_s / 10)


def _written_seal(run: Run) -> int | None:
    seal: int | None = run.view.get("noted", run.view.get("seal")) if run.view else None
    return seal


def _values(run: Run) -> tuple[Any, ...]:
    return (*(getattr(run, name) for name in _COUNTED), run.pk)


# ------------------------------------------------------------------------------------------------- outcomes of stops


def _changes(runs: Sequence[Run], looks: Mapping[int, Look], *, now: datetime) -> list[_Change]:
    known: dict[tuple[int, int], StopRun] = {
        (row.run_id, row.sequence): row for row in StopRun.objects.filter(run__in=runs)
    }
    found = []
    for run in runs:
        look = looks[run.pk]
        for planned, stop in zip(look.plan.stops, look.view.stops, strict=True):
            row = known.get((run.pk, planned.sequence))
            if row is None and stop.outcome is Outcome.EXPECTED:
                continue
            change = _change(run, row, planned, stop, look.plan, now=now)
            if change is not None:
                found.append(change)
    return found


def _change(
    run: Run, row: StopRun | None, planned: PlannedStop, stop: StopView, plan: RunPlan, *, now: datetime
) -> _Change | None:
    frozen = run.frozen_at is not None
    before, why, came_back = "", "decided", False
    if row is None:
        row = StopRun(
            city_id=run.city_id,
            run=run,
            stop_id=planned.stop_id,
            sequence=planned.sequence,
            service_day=run.service_day,
            planned_at=_at(plan.midnight_s + planned.planned_s),
            closes_at=_at(plan.midnight_s + planned.closes_s),
            revision=0,
        )
    else:
        if stands(decided=row.decided_by, decided_s=row.decided_at.timestamp(), new=stop):
            return None
        before = row.outcome
        if before == stop.outcome and not _differs(row, stop):
            return None
        came_back = stop.arrived_s is not None and stop.arrived_s > row.decided_at.timestamp()
        kinds = frozenset(piece[0] for piece in row.evidence)
        why = why_changed(before=Outcome(before), old_kinds=kinds, new=stop.evidence)
    if frozen:
        if before == stop.outcome or row.pk is None:
            return None
        row = StopRun(pk=row.pk, run=run, city_id=run.city_id, stop_id=row.stop_id, revision=row.revision)
    elif before != stop.outcome:
        row.decided_at, row.decided_by = now, decided_by(stop)
        row.revision += bool(before)
    _put(row, stop)
    return _Change(run, row, before, why, frozen, came_back and before == Outcome.MISSED and stop.outcome.is_served)


def _differs(row: StopRun, stop: StopView) -> bool:
    return (
        _tens(_s(row.arrived_at)) != _tens(stop.arrived_s)
        or _tens(_s(row.left_at)) != _tens(stop.left_s)
        or row.vehicle_id != stop.by_vehicle_id
        or row.reason != (stop.reason or "")
        or row.settle_by != stop.settle_by
        or round(row.share or 0.0, 1) != round(stop.share or 0.0, 1)
    )


def _put(row: StopRun, stop: StopView) -> None:
    row.outcome = stop.outcome
    row.p_served = min(1.0, max(0.0, stop.p_served))
    row.arrived_at, row.left_at = _at(stop.arrived_s), _at(stop.left_s)
    row.vehicle_id, row.share, row.reason = stop.by_vehicle_id, stop.share, stop.reason or ""
    row.blind_from_at, row.blind_until_at = _at(stop.blind_from_s), _at(stop.blind_to_s)
    row.settle_by, row.evidence = stop.settle_by, evidence_rows(stop.evidence)


def evidence_rows(evidence: Iterable[Evidence]) -> list[list[Any]]:
    """Return evidence as plain values: [kind, log-odds, value, unit] each."""
    return [
        [piece.kind, round(piece.log_odds, 2), None if piece.value is None else round(piece.value, 1), piece.unit]
        for piece in evidence
    ]


def _write_changes(changes: Sequence[_Change], *, now: datetime, by: Actor) -> None:
    rows = [change.row for change in changes if not change.frozen]
    if rows:
        StopRun.objects.bulk_create(
            rows,
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=["run", "sequence"],
            update_fields=list(_CHANGEABLE),
        )
    revisions = [
        StopRunRevision(
            city_id=change.run.city_id,
            stop_run_id=change.row.pk,
            at=now,
            before=change.before,
            after=change.row.outcome,
            p_served=change.row.p_served,
            why=change.why,
            actor=str(by),
            after_freeze=change.frozen,
            evidence=change.row.evidence,
        )
        for change in changes
        if change.before != change.row.outcome
    ]
    StopRunRevision.objects.bulk_create(revisions, batch_size=_BATCH)


def _tell(log: Log, changes: Sequence[_Change]) -> None:
    """Append what speaks against somebody and what corrects it: one event a run and kind, without personal data."""
    told: dict[tuple[int, str], list[_Change]] = {}
    for change in changes:
        kind = _kind_of(change)
        if kind:
            told.setdefault((change.run.pk, kind), []).append(change)
    for (run_id, kind), ones in told.items():
        run = ones[0].run
        facts: dict[str, Any] = {
            "run": run_id,
            "stops": [one.row.stop_id for one in ones],
            "service_day": run.service_day.isoformat(),
            "contractor": run.contractor_id,
        }
        if kind == "stop_run.corrected":
            facts |= {"before": [one.before for one in ones], "after": [str(one.row.outcome) for one in ones]}
            facts["why"] = sorted({one.why for one in ones})
            facts["after_freeze"] = ones[0].frozen
        log.append(kind, subject=f"run:{run_id}", facts=facts)


def _kind_of(change: _Change) -> str:
    before, after = change.before, Outcome(change.row.outcome)
    if before == after:
        return ""
    undecided = before in ("", Outcome.EXPECTED, Outcome.UNKNOWN)
    if after is Outcome.MISSED and undecided:
        return "stop_run.missed"
    if undecided:
        return "stop_run.skipped" if after is Outcome.SKIPPED else ""
    return "stop_run.recovered" if change.came_back else "stop_run.corrected"


# ----------------------------------------------------------------------------------------------------- the run itself


def _held(runs: Mapping[int, Run]) -> dict[int, dict[int, str]]:
    """Return what people decided: run id to sequence to outcome."""
    rows = StopRun.objects.filter(run_id__in=runs, decided_by__in=sorted(BY_PEOPLE))
    found: dict[int, dict[int, str]] = {}
    for run_id, sequence, outcome in rows.values_list("run_id", "sequence", "outcome"):
        found.setdefault(run_id, {})[sequence] = outcome
    return found


def _put_view(run: Run, look: Look, held: Mapping[int, str], *, seal: int, risk_from: float, now: datetime) -> bool:
    """Set a run's counters and view; return whether anything differs from what stands there."""
    outcomes = [
        Outcome(held.get(planned.sequence, stop.outcome))
        for planned, stop in zip(look.plan.stops, look.view.stops, strict=True)
    ]
    view = view_of(look.plan, look.view, look.forecasts, outcomes=outcomes, risk_from=risk_from)
    view |= {"seal": seal, "issued": issued_to_json(look.issued)}
    if run.view and {**run.view, "as_of": 0} == {**view, "as_of": 0}:
        return False
    run.view = view
    run.stops = len(outcomes)
    run.served = sum(outcome.is_served for outcome in outcomes)
    run.late = outcomes.count(Outcome.LATE)
    run.missed = outcomes.count(Outcome.MISSED)
    run.skipped = outcomes.count(Outcome.SKIPPED)
    run.unknown = outcomes.count(Outcome.UNKNOWN)
    run.at_risk = view["marks"].count(_RISK)
    if look.view.started_s is not None:
        run.started_at = _at(look.view.started_s)
        run.state = "running" if run.state == "planned" else run.state
    moved = run.followed_at + timedelta(microseconds=1) if run.followed_at else now
    run.followed_at = max(now, moved)
    return True


def view_of(
    plan: RunPlan, view: RunView, forecasts: Sequence[Forecast], *, outcomes: Sequence[Outcome], risk_from: float
) -> dict[str, Any]:
    """Return what the desk's map and time line need of a run as plain values, so that they read one row a run.

    Moments: whole seconds since 1970. marks: one letter a stop in planned order, see `contests.MARKS`; r is expected
    and at risk. stops: [sequence, p10, p50, p90, p_miss] of each stop that has a prediction.
    """
    sequences = {stop.stop_id: stop.sequence for stop in plan.stops}
    risky = {one.stop_id for one in forecasts if one.p_miss >= risk_from}
    marks = [
        _RISK if outcome is Outcome.EXPECTED and planned.stop_id in risky else MARKS[outcome]
        for planned, outcome in zip(plan.stops, outcomes, strict=True)
    ]
    return {
        "v": VIEW_VERSION,
        "as_of": round(view.as_of_s),
        "started": _whole(view.started_s),
        "finished": _whole(view.finished_s),
        "reached": view.reached,
        "reverse": view.reverse,
        "risk_from": risk_from,
        "marks": "".join(marks),
        "vehicles": [_vehicle(vehicle) for vehicle in view.vehicles],
        "stops": [
            [sequences[one.stop_id], round(one.p10_s), round(one.p50_s), round(one.p90_s), round(one.p_miss, 3)]
            for one in forecasts
        ],
    }


def issued_to_json(issued: Sequence[Issued]) -> list[list[Any]]:
    """Return predictions that are kept for scoring as plain values."""
    return [
        [one.stop_id, round(one.horizon_s), round(one.p10_s), round(one.p50_s), round(one.p90_s), round(one.p_miss, 3)]
        for one in issued
    ]


def issued_of(run_ids: Iterable[int]) -> dict[int, tuple[Issued, ...]]:
    """Return the predictions that were kept for each run, for a follower that starts again; one query."""
    rows = Run.objects.filter(pk__in=list(run_ids)).values_list("pk", "view")
    return {run_id: tuple(Issued(*one) for one in view.get("issued", ())) for run_id, view in rows}


def _vehicle(vehicle: VehicleView) -> dict[str, Any]:
    since = {
        VehicleState.STANDING: vehicle.standing_from_s,
        VehicleState.OFF_ROUND: vehicle.off_round_from_s,
        VehicleState.SILENT: vehicle.seen_s,
    }.get(vehicle.state)
    return {
        "id": vehicle.vehicle_id,
        "lat": None if vehicle.lat is None else round(vehicle.lat, 6),
        "lon": None if vehicle.lon is None else round(vehicle.lon, 6),
        "state": str(vehicle.state),
        "since": _whole(since),
        "seen": _whole(vehicle.seen_s),
        "progress": _whole(vehicle.progress_s),
        "course": _whole(vehicle.course_deg),
        "speed": None if vehicle.speed_mps is None else round(vehicle.speed_mps, 1),
        "interval": None if vehicle.interval_s is None else round(vehicle.interval_s, 1),
        "battery": None if vehicle.battery_share is None else round(vehicle.battery_share, 2),
        "faults": sorted(vehicle.faults),
        "inferred": vehicle.inferred,
    }


def _keep_vehicles(runs: Mapping[int, Run], looks: Mapping[int, Look], *, now: datetime) -> None:
    """Write down who was on a run, the first time that somebody is."""
    wanted = {
        (run.pk, vehicle_id): inferred for run in runs.values() for vehicle_id, inferred in looks[run.pk].vehicles
    }
    if not wanted:
        return
    known = set(RunVehicle.objects.filter(run_id__in=runs).values_list("run_id", "vehicle_id"))
    new = [
        RunVehicle(
            city_id=runs[run_id].city_id,
            run_id=run_id,
            vehicle_id=vehicle_id,
            from_at=_at(looks[run_id].view.started_s) or now,
            source="inferred" if inferred else "plan",
        )
        for (run_id, vehicle_id), inferred in wanted.items()
        if (run_id, vehicle_id) not in known
    ]
    RunVehicle.objects.bulk_create(new, ignore_conflicts=True)


def _at(moment_s: float | None) -> Any:
    return None if moment_s is None else datetime.fromtimestamp(moment_s, UTC)


def _s(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
