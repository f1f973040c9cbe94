"""Findings as they stand: for a follower that starts again, and for the page of a case."""

from __future__ import annotations

from collections.abc import Collection

from saat.records.models import Case, FindingRow, PlannedStop, StopRun
from saat.terms.run import Finding, FindingKind


def open_findings(run_ids: Collection[int]) -> dict[int, tuple[Finding, ...]]:
    """Return the findings of each run that hold, as values; one query. Runs without one are left out."""
    found: dict[int, list[Finding]] = {}
    for row in FindingRow.objects.filter(run_id__in=run_ids, closed_at__isnull=True).order_by("pk"):
        found.setdefault(row.run_id or 0, []).append(finding_of(row))
    return {run_id: tuple(ones) for run_id, ones in found.items()}


def open_feed_findings(city_id: int) -> tuple[Finding, ...]:
    """Return the findings of a city about whole feeds that hold; one query."""
    rows = FindingRow.objects.filter(city_id=city_id, run__isnull=True, closed_at__isnull=True).order_by("pk")
    return tuple(finding_of(row) for row in rows)


def finding_of(row: FindingRow) -> Finding:
    """Return a row as a value."""
    return Finding(
        kind=FindingKind(row.kind),
        key=row.key,
        since_s=row.since_at.timestamp(),
        probability=row.probability,
        run_id=row.run_id,
        vehicle_id=row.vehicle_id,
        contractor_id=row.contractor_id,
        stop_ids=tuple(row.stop_ids),
        act_by_s=row.act_by_at.timestamp() if row.act_by_at else None,
        settle_by=row.settle_by,
        facts=dict(row.facts),
    )


def findings_of_case(case: Case) -> list[FindingRow]:
    """Return the findings of a case, those that hold first; who may see the case may see them."""
    rows = FindingRow.objects.filter(case=case).select_related("run__round", "run__contractor", "vehicle", "contractor")
    return sorted(rows, key=lambda row: (row.closed_at is not None, -row.opened_at.timestamp()))


def stops_of(findings: Collection[FindingRow], *, most: int) -> dict[tuple[int, int], tuple[str, int, StopRun | None]]:
    """Return the stops of findings: (run, stop) to number, sequence and outcome; two queries, each of `most` rows."""
    wanted = [(row.run_id, stop_id) for row in findings if row.run_id is not None for stop_id in row.stop_ids]
    run_ids, stop_ids = {run_id for run_id, _ in wanted}, [stop_id for _, stop_id in wanted][:most]
    outcomes = {
        (row.run_id, row.stop_id): row for row in StopRun.objects.filter(run_id__in=run_ids, stop_id__in=stop_ids)
    }
    planned = PlannedStop.objects.filter(plan__runs__in=run_ids, stop_id__in=stop_ids).order_by("sequence")
    return {
        (run_id, stop_id): (number, sequence, outcomes.get((run_id, stop_id)))
        for run_id, stop_id, number, sequence in planned.values_list(
            "plan__runs__pk", "stop_id", "stop__number", "sequence"
        )
        if run_id in run_ids
    }
