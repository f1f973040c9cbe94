"""Figures from what was said and what was true: of missed stops, of predictions, of findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from saat.config.evaluating.records import GROUPS, SPACINGS, THRESHOLDS, Floats, Raised, RunRecord
from saat.rounds.simulation import Trouble
from saat.terms.run import FindingKind

WANTED_PRECISION = 0.85
TO_ACT_S = 1200.0
HORIZONS_MIN = (0, 10, 30, 60, 120, 600)


@dataclass(frozen=True, slots=True)
class Share:
    """A share with what it is a share of, so that small numbers are seen to be small."""

    part: float
    whole: float

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.part / self.whole if self.whole else float("nan")


@dataclass(frozen=True, slots=True)
class MissedScore:
    """How well one method finds the stops that were not served.

    recall: by kind of row, and single stops by spacing. claimed: at the end of the night, late data in. said: ever
    called missed though served. taken_back: missed before late data came, and not after. Shares of stop-runs.
    """

    stops: int
    unserved: int
    precision: Share
    recall: dict[str, Share]
    false_claimed: Share
    false_said: Share
    false_evening: Share
    unknown: Share
    unknown_served: Share
    changed: Share
    taken_back: Share
    blind_missed: int
    false_partial: Share
    asked_of_unfound: Share


def missed_score(
    records: Sequence[RunRecord], method: str, *, spacing: int | None = None, heard: bool = False
) -> MissedScore:
    """Return one method's score. A kerb of which some was collected is neither served nor missed.

    spacing: only stops of this class, an index in SPACINGS. heard: only stops about which the trackers told.
    """
    found: dict[str, list[Share]] = {}
    total = dict.fromkeys(
        ("stops", "unserved", "claims", "right", "false", "said", "evening", "unknown", "unknown_served", "changed",
         "back", "served", "partial", "unfound", "asked"), 0.0,
    )  # fmt: skip
    for record in records:
        truth, said = record.truth, record.said[method]
        keep = np.ones(len(truth.served), dtype=bool) if spacing is None else truth.spacing == spacing
        keep &= truth.heard | (not heard)
        served, unserved = truth.served & keep, ~truth.served & ~truth.partial & keep
        missed, unknown = said.missed & keep, said.unknown & keep
        hit = said.missed | said.partial
        counts = {
            "stops": keep, "unserved": unserved, "served": served, "claims": missed, "right": missed & ~truth.served,
            "false": missed & served, "said": said.ever_missed & served, "evening": said.evening & served,
            "unknown": unknown, "unknown_served": unknown & served, "changed": (said.changes > 0) & keep,
            "back": said.evening & ~said.missed & keep, "partial": said.partial & served,
            "unfound": unserved & ~hit, "asked": unserved & ~hit & said.asked,
        }  # fmt: skip
        for name, which in counts.items():
            total[name] += which.sum()
        for g, group in enumerate(GROUPS):
            inside = unserved & (truth.group == g)
            found.setdefault(group, []).append(Share((inside & hit).sum(), inside.sum()))
            if group == "single":
                for s, name in enumerate(SPACINGS):
                    near = inside & (truth.spacing == s)
                    found.setdefault(f"single {name}", []).append(Share((near & hit).sum(), near.sum()))
        found.setdefault("all", []).append(Share((unserved & hit).sum(), unserved.sum()))
    return MissedScore(
        stops=int(total["stops"]), unserved=int(total["unserved"]),
        precision=Share(total["right"], total["claims"]),
        recall={name: _sum(parts) for name, parts in found.items()},
        false_claimed=Share(total["false"], total["stops"]), false_said=Share(total["said"], total["stops"]),
        false_evening=Share(total["evening"], total["stops"]), unknown=Share(total["unknown"], total["stops"]),
        unknown_served=Share(total["unknown_served"], total["served"]), changed=Share(total["changed"], total["stops"]),
        taken_back=Share(total["back"], total["stops"]),
        blind_missed=sum(record.blind_missed for record in records),
        false_partial=Share(total["partial"], total["stops"]), asked_of_unfound=Share(total["asked"], total["unfound"]),
    )  # fmt: skip


def _sum(parts: Iterable[Share]) -> Share:
    listed = list(parts)
    return Share(sum(one.part for one in listed), sum(one.whole for one in listed))


@dataclass(frozen=True, slots=True)
class PredictionScore:
    """How good predictions are.

    brier: mean squared error of p_miss; brier_base: of always saying how often it happens. coverage: share of arrivals
    within p10 to p90. error_s: median absolute error of p50. reliability: rows of (mean said, share true, count).
    horizons: rows of (from minutes, coverage, median error in s, count). precision, recall, lead_s (25 %, 50 %) and
    in_time (alerted so early that an act still helps, of all that came too late) at `threshold`, the lowest one at
    which alerts are right as often as wanted; NaN where none is. curve: rows of (threshold, precision, recall, median
    lead in s).
    """

    forecasts: int
    brier: float
    brier_base: float
    coverage: float
    error_s: float
    reliability: Floats
    horizons: Floats
    threshold: float
    precision: float
    recall: float
    lead_s: tuple[float, float]
    in_time: float
    curve: Floats


def prediction_score(records: Sequence[RunRecord], method: str) -> PredictionScore:
    """Return the score of one method's predictions over some runs."""
    rows = [_forecast_rows(record, method) for record in records]
    table = np.concatenate(rows) if rows else np.empty((0, 7))
    p, late = table[:, 4], table[:, 5]
    arrived = table[:, 6]
    came = ~np.isnan(arrived)
    inside = (arrived >= table[:, 1]) & (arrived <= table[:, 3])
    error = np.abs(arrived - table[:, 2])
    ahead_min = (arrived - table[:, 0]) / 60
    bins = np.clip((p * 10).astype(int), 0, 9)
    reliability = [
        (p[bins == b].mean(), late[bins == b].mean(), (bins == b).sum()) for b in range(10) if (bins == b).any()
    ]
    horizons = []
    for start, end in pairwise(HORIZONS_MIN):
        at = came & (ahead_min >= start) & (ahead_min < end)
        if at.any():
            horizons.append((start, inside[at].mean(), np.median(error[at]), at.sum()))
    curve = np.array([_alerts(records, method, k) for k in range(len(THRESHOLDS))])
    good = np.flatnonzero(curve[:, 1] >= WANTED_PRECISION)
    best = int(good[0]) if len(good) else None
    leads = _leads(records, method, best) if best is not None else np.array([])
    positives = sum(int(record.truth.too_late.sum()) for record in records)
    return PredictionScore(
        forecasts=len(table), brier=_mean((p - late) ** 2),
        brier_base=float(late.mean() * (1 - late.mean())) if len(late) else float("nan"),
        coverage=_mean(inside[came].astype(float)),
        error_s=float(np.median(error[came])) if came.any() else float("nan"),
        reliability=np.array(reliability).reshape(-1, 3), horizons=np.array(horizons).reshape(-1, 4),
        threshold=float(THRESHOLDS[best]) if best is not None else float("nan"),
        precision=float(curve[best, 1]) if best is not None else float("nan"),
        recall=float(curve[best, 2]) if best is not None else float("nan"),
        lead_s=tuple(np.percentile(leads, [25, 50])) if len(leads) else (float("nan"), float("nan")),
        in_time=float((leads >= TO_ACT_S).sum() / positives) if positives and best is not None else float("nan"),
        curve=curve,
    )  # fmt: skip


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _forecast_rows(record: RunRecord, method: str) -> Floats:
    """Return rows of (look, p10, p50, p90, p_miss, came too late, arrived) for stops that were not yet served."""
    said = record.said[method].forecasts
    stop = said[:, 0].astype(int)
    arrived = record.truth.arrived_s[stop]
    rows = np.column_stack([said[:, 1:6], record.truth.too_late[stop].astype(float), arrived])
    # A stop that is truly behind the truck and only not yet known to be is no matter of prediction.
    return rows[~(arrived < said[:, 1])]


def _alerts(records: Sequence[RunRecord], method: str, k: int) -> tuple[float, float, float, float]:
    """Return (threshold, precision, recall, median lead in s) of one alert a stop."""
    right = wrong = positives = 0
    leads = _leads(records, method, k)
    for record in records:
        alert = record.said[method].alert_s[:, k]
        given = ~np.isnan(alert) & (alert < record.truth.due_s)
        right += int((given & record.truth.too_late).sum())
        wrong += int((given & ~record.truth.too_late).sum())
        positives += int(record.truth.too_late.sum())
    precision = right / (right + wrong) if right + wrong else float("nan")
    return (
        float(THRESHOLDS[k]), precision, right / positives if positives else float("nan"),
        float(np.median(leads)) if len(leads) else float("nan"),
    )  # fmt: skip


def _leads(records: Sequence[RunRecord], method: str, k: int) -> Floats:
    """Return how long before it was due each stop that came too late was alerted: seconds."""
    found = []
    for record in records:
        lead = record.truth.due_s - record.said[method].alert_s[:, k]
        found.append(lead[record.truth.too_late & (lead > 0)])
    return np.concatenate(found) if found else np.array([])


@dataclass(frozen=True, slots=True)
class FindingScore:
    """How many findings of a kind were raised and how many of them were true."""

    kind: FindingKind
    raised: int
    true: int


def finding_scores(records: Sequence[RunRecord]) -> list[FindingScore]:
    """Return, by kind, what was raised and what was true."""
    counts: dict[FindingKind, list[int]] = {}
    for record in records:
        for one in record.raised:
            both = counts.setdefault(one.kind, [0, 0])
            both[0] += 1
            both[1] += is_true(one, record)
    return [FindingScore(kind, *counts[kind]) for kind in FindingKind if kind in counts]


def is_true(one: Raised, record: RunRecord) -> bool:
    """Return whether a finding was so.

    Not started: nobody had begun when it was raised, 15 minutes after the planned start. Stalled: the truck was broken
    down. Missed, will miss, late: for at least half of the stops that it named. A silent tracker is true where its
    troubles include silence.
    """
    truth = record.truth
    index = list(one.stops)
    if one.kind is FindingKind.NOT_STARTED:
        return record.started_s is None or record.started_s > one.opened_s
    if one.kind is FindingKind.STALLED:
        return record.broke_s is not None and record.broke_s <= one.opened_s <= (record.resumed_s or np.inf) + 600
    if one.kind in (FindingKind.UNKNOWN, FindingKind.TRACKER_FAULT, FindingKind.FEED_SILENT):
        silent = {Trouble.GAPS, Trouble.OUTAGE, Trouble.LATE, Trouble.CLOCK, Trouble.JUMPS, Trouble.NO_SHOW}
        return bool(record.troubles & silent)
    if one.kind is FindingKind.MISSED:
        return bool(index) and float((~truth.served[index]).mean()) >= 0.5
    if one.kind is FindingKind.WILL_MISS:
        return bool(index) and float(truth.too_late[index].mean()) >= 0.5
    if one.kind is FindingKind.RUNNING_LATE:
        # The promised window ends a grace before a stop counts as too late.
        late = ~(truth.served[index] & (truth.arrived_s[index] <= truth.due_s[index] - 900.0))
        return bool(index) and float(late.mean()) >= 0.5
    return False


def false_alarms(records: Sequence[RunRecord], kinds: Iterable[FindingKind]) -> float:
    """Return false findings of some kinds for each truck and day."""
    wanted = set(kinds)
    false = sum(not is_true(one, record) for record in records for one in record.raised if one.kind in wanted)
    trucks = sum(record.vehicles for record in records)
    return false / trucks if trucks else float("nan")


def breakdowns_seen_s(records: Sequence[RunRecord]) -> Floats:
    """Return how long after each breakdown it was seen as a stall: seconds, infinite where never."""
    found = []
    for record in records:
        if record.broke_s is None:
            continue
        seen = [
            one.opened_s - record.broke_s for one in record.raised
            if one.kind is FindingKind.STALLED
            and one.opened_s <= (record.resumed_s or np.inf)
            and not one.closed_s < record.broke_s
        ]  # fmt: skip
        found.append(max(0.0, min(seen)) if seen else np.inf)
    return np.array(found)
