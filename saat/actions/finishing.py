"""A run ends: what it taught is kept, its predictions are scored, and after the correction period it is frozen.

Until it is frozen an outcome can be corrected by late positions, by the crew, by a resident's word or by a contest; a
contest that waits for its answer holds the freeze back. From then on penalties may rest on it. The log holds a digest
of all outcomes at both moments, so that nobody can change a row afterwards without it being seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from saat.actions.log import CLOCK, Actor, Log, canonical, writing
from saat.records.models import City, Contest, FindingRow, Run, StopRun
from saat.records.round_history import histories_of, keep_history, last_learned
from saat.records.truck_clock import truck_now
from saat.rounds.learning import Issued, learn, scores
from saat.terms.plan import RunPlan
from saat.terms.run import RunView

_BATCH = 200


def finish_run(
    run_id: int,
    *,
    plan: RunPlan,
    view: RunView,
    issued: Iterable[Issued],
    now: datetime,
    by: Actor,
    logged_at: datetime | None = None,
) -> bool:
    """Close a run: it is done, its predictions get their scores, its round learns from it; return whether it was open.

    issued: the predictions that were kept for scoring (`learning.issue`). now: by the clock of the trucks; logged_at:
    by the wall clock, `now` if None. A round learns from each service day once, in order; an older day that is closed
    after a newer one teaches nothing.
    """
    with writing(plan.city_id, now=logged_at or now, by=by) as log:
        run = Run.objects.select_for_update().get(pk=run_id, city_id=plan.city_id)
        if run.state in ("done", "called_off"):
            return False
        run.state = "done"
        finished_s = view.finished_s
        run.finished_at = datetime.fromtimestamp(finished_s, UTC) if finished_s is not None else None
        run.scores = scores(issued, view)
        run.save(update_fields=["state", "finished_at", "scores"])
        learned_day = last_learned(run.round_id)
        if view.started_s is not None and (learned_day is None or learned_day < run.service_day):
            history = learn(histories_of([run.round_id])[run.round_id], plan, view)
            keep_history(run.round_id, history, city_id=run.city_id, day=run.service_day)
        _log_end(log, "run_done", run)
        return True


def freeze_due(*, now: datetime) -> int:
    """Freeze the runs of all cities whose correction period is over and that nobody contests; return how many."""
    frozen = 0
    for city in City.objects.filter(runs__frozen_at__isnull=True).distinct().order_by("pk"):
        rule = city.policy_terms().rounds
        truck_time = truck_now(city.pk, now)
        before = truck_time - timedelta(hours=rule.correction_h)
        contested = Contest.objects.filter(city=city, answered_at__isnull=True).values("stop_run__run_id")
        due = Run.objects.filter(city=city, frozen_at__isnull=True, state="done", ends_at__lte=before)
        for run_id in due.exclude(pk__in=contested).order_by("ends_at").values_list("pk", flat=True)[:_BATCH]:
            frozen += _freeze(city, run_id, now=now, frozen_at=truck_time)
    return frozen


def _freeze(city: City, run_id: int, *, now: datetime, frozen_at: datetime) -> int:
    with writing(city.pk, now=now, by=CLOCK) as log:
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.frozen_at is not None:
            return 0
        run.frozen_at = frozen_at
        run.save(update_fields=["frozen_at"])
        # What is still held against somebody stands in the outcomes from now on; nobody looks at the run any more.
        FindingRow.objects.filter(run=run, closed_at__isnull=True).update(closed_at=now, updated_at=now)
        _log_end(log, "run_frozen", run)
        return 1


def _log_end(log: Log, kind: str, run: Run) -> None:
    facts: dict[str, Any] = {
        "run": run.pk,
        "service_day": run.service_day.isoformat(),
        "contractor": run.contractor_id,
        "counts": {name: getattr(run, name) for name in ("stops", "served", "late", "missed", "skipped", "unknown")},
        "digest": digest_of(run.pk),
    }
    log.append(kind, subject=f"run:{run.pk}", facts=facts)


def digest_of(run_id: int) -> str:
    """Return the SHA-256 over all outcomes of a run with their revision and who decided them, in hexadecimal."""
    rows = StopRun.objects.filter(run_id=run_id).order_by("sequence")
    told = list(rows.values_list("sequence", "stop_id", "outcome", "revision", "decided_by"))
    return hashlib.sha256(canonical({"run": run_id, "outcomes": [list(row) for row in told]}).encode()).hexdigest()
