"""What a contractor's rounds came to over a span of days; each figure leads to the stop-runs that it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet

from saat.records.models import City, Contest, Round, Run, StopRun
from saat.records.queries_trucks import RunsWanted, runs_seen, stops_seen
from saat.records.scope import Reach
from saat.terms.run import Outcome

PAGE = 100
# Which outcomes a figure counts; a list of stop-runs is asked for by the same names.
FIGURES: dict[str, frozenset[Outcome]] = {
    "served": frozenset({Outcome.COLLECTED, Outcome.LATE}),
    "late": frozenset({Outcome.LATE}),
    "partial": frozenset({Outcome.PARTIAL}),
    "missed": frozenset({Outcome.MISSED}),
    "skipped": frozenset({Outcome.SKIPPED}),
    "not_presented": frozenset({Outcome.NOT_PRESENTED}),
    "excused": frozenset({Outcome.EXCUSED}),
    "unknown": frozenset({Outcome.UNKNOWN}),
}
_JUDGED = FIGURES["served"] | FIGURES["partial"] | FIGURES["missed"] | FIGURES["skipped"]
_Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWanted:
    """Which stop-runs are asked for. contractor_id: 0 for runs of no contractor. weekday: 0 for Monday.

    figure: one of `FIGURES`, "" for all. reason: of the crew, "" for any.
    """

    first: date
    last: date
    contractor_id: int | None = None
    area_path: str = ""
    round_id: int | None = None
    weekday: int | None = None
    figure: str = ""
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """Stop-runs counted by their outcome."""

    by_outcome: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: str, n: int) -> None:
        """Count `n` more of one outcome."""
        self.by_outcome[outcome] = self.by_outcome.get(outcome, 0) + n

    def of(self, outcomes: frozenset[Outcome]) -> int:
        """Return how many have one of these outcomes."""
        return sum(self.by_outcome.get(outcome, 0) for outcome in outcomes)

    def figure(self, name: str) -> int:
        """Return one of `FIGURES`."""
        return self.of(FIGURES[name])

    @property
    def decided(self) -> int:
        """How many stop-runs have an outcome."""
        return sum(self.by_outcome.values())

    @property
    def judged(self) -> int:
        """Of how many it is known whether the contractor served them, and was to."""
        return self.of(_JUDGED)

    @property
    def served_share(self) -> float | None:
        """Served of judged, 0 to 1; None where nothing was judged."""
        return self.figure("served") / self.judged if self.judged else None

    @property
    def served_range(self) -> tuple[float, float] | None:
        """The 95 % interval of the served share (Wilson's), 0 to 1."""
        n, share = self.judged, self.served_share
        if share is None:
            return None
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * ((share * (1 - share) + _Z**2 / (4 * n)) / n) ** 0.5
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """How good predictions were. n: of stops that were served; judged: of stops whose end is known."""

    n: int
    covered_share: float | None
    error_s: float | None
    judged: int
    brier: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of a span. forecasts: by horizon in seconds. contests: open, accepted, refused."""

    whole: Tally
    by_round: dict[int, Tally]
    by_weekday: dict[int, Tally]
    reasons: dict[str, int]
    rounds: dict[int, str]
    runs: int
    frozen: int
    forecasts: dict[int, Forecasts]
    contests: Mapping[str, int]
    simulated: bool


def stop_runs(reach: Reach, city: City, wanted: ScoreWanted) -> QuerySet[StopRun]:
    """Return the stop-runs that were asked for and that this person may see; a run that was called off has none."""
    rows = StopRun.objects.filter(
        stops_seen(reach), city=city, service_day__gte=wanted.first, service_day__lte=wanted.last
    ).exclude(outcome=Outcome.EXPECTED)
    if wanted.contractor_id is not None:
        whose = Q(run__contractor_id=wanted.contractor_id) if wanted.contractor_id else Q(run__contractor=None)
        rows = rows.filter(whose)
    if wanted.area_path:
        rows = rows.filter(stop__area__path__startswith=wanted.area_path)
    if wanted.round_id is not None:
        rows = rows.filter(run__round_id=wanted.round_id)
    if wanted.weekday is not None:
        rows = rows.filter(service_day__iso_week_day=wanted.weekday + 1)
    if wanted.figure:
        rows = rows.filter(outcome__in=FIGURES[wanted.figure])
    if wanted.reason:
        rows = rows.filter(reason=wanted.reason)
    return rows


def score(reach: Reach, city: City, wanted: ScoreWanted) -> Score:
    """Return the figures of a span; five queries, whatever its length."""
    every = stop_runs(reach, city, replace(wanted, figure="", reason=""))
    whole = Tally()
    by_round: dict[int, Tally] = {}
    by_weekday: dict[int, Tally] = {}
    counted = every.order_by().values_list("run__round_id", "service_day", "outcome").annotate(n=Count("pk"))
    for round_id, day, outcome, n in counted:
        whole.add(outcome, n)
        by_round.setdefault(round_id, Tally()).add(outcome, n)
        by_weekday.setdefault(day.weekday(), Tally()).add(outcome, n)
    skipped = every.filter(outcome=Outcome.SKIPPED).order_by().values_list("reason").annotate(n=Count("pk"))
    runs = _runs(reach, city, wanted)
    told = list(runs.values_list("scores", "frozen_at", "simulated"))
    contests = Contest.objects.filter(stop_run__in=every).order_by().values_list("accepted").annotate(n=Count("pk"))
    answered = dict(contests)
    return Score(
        whole=whole,
        by_round=by_round,
        by_weekday=dict(sorted(by_weekday.items())),
        reasons=dict(skipped),
        rounds={row.pk: str(row) for row in Round.objects.filter(pk__in=by_round)},
        runs=len(told),
        frozen=sum(frozen_at is not None for _scores, frozen_at, _simulated in told),
        forecasts=_forecasts([scores for scores, _frozen_at, _simulated in told]),
        contests={
            "open": answered.get(None, 0), "accepted": answered.get(True, 0), "refused": answered.get(False, 0),
        },
        simulated=any(simulated for _scores, _frozen_at, simulated in told),
    )  # fmt: skip


def _runs(reach: Reach, city: City, wanted: ScoreWanted) -> QuerySet[Run]:
    which = RunsWanted(contractor_id=wanted.contractor_id, area_path=wanted.area_path).condition(city)
    rows = Run.objects.filter(
        runs_seen(reach), which, service_day__gte=wanted.first, service_day__lte=wanted.last
    )  # fmt: skip
    return rows.exclude(state__in=("planned", "called_off"))


def _forecasts(scores: list[dict[str, dict[str, Any]]]) -> dict[int, Forecasts]:
    """Add up what `saat.rounds.learning.scores` says of each run, by horizon."""
    sums: dict[int, dict[str, float]] = {}
    for of_run in scores:
        for horizon, row in of_run.items():
            if not (horizon.isdigit() and isinstance(row, dict)):
                continue
            into = sums.setdefault(int(horizon), {})
            for name in ("n", "covered", "error_s", "judged", "brier"):
                into[name] = into.get(name, 0.0) + row.get(name, 0.0)
    return {
        horizon: Forecasts(
            n=round(row["n"]),
            covered_share=row["covered"] / row["n"] if row["n"] else None,
            error_s=row["error_s"] / row["n"] if row["n"] else None,
            judged=round(row["judged"]),
            brier=row["brier"] / row["judged"] if row["judged"] else None,
        )
        for horizon, row in sorted(sums.items())
    }


def stop_run_rows(reach: Reach, city: City, wanted: ScoreWanted) -> QuerySet[StopRun]:
    """Return the stop-runs behind a figure with what a list shows of them, the latest day first; one query a page."""
    rows = stop_runs(reach, city, wanted).select_related("run__round", "run__contractor", "stop", "vehicle")
    return rows.defer("evidence", "run__view", "run__scores", "stop__line").order_by(
        "-service_day", "run_id", "sequence"
    )
