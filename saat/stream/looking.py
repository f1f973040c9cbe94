"""One look at one run: what became of each stop, what is to be expected, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from saat.rounds.expecting import Expectation
from saat.rounds.feeds import run_is_blind
from saat.rounds.finding import findings_of
from saat.rounds.following import RunFollower
from saat.rounds.forecasting import forecast
from saat.rounds.learning import Issued, issue
from saat.rounds.tracks import Track
from saat.terms.history import NO_HISTORY, History
from saat.terms.plan import RunPlan
from saat.terms.roundrule import RoundRule
from saat.terms.run import CrewWord, Finding, Forecast, ResidentWord, RunView

_JUDGE_S = 20.0
Pairs = tuple[tuple[int, bool], ...]  # vehicles on a run, and whether that was inferred


@dataclass(slots=True, eq=False)
class Watched:
    """A run that is followed. due_s, looked_s: when it is to be looked at, and was, on the process's own clock.

    settled: the findings that are written down, without what may wait. told_s: when they were. judged_s: when it was
    last asked what is to be expected and what is wrong, by the trucks' clock.
    """

    plan: RunPlan
    rule: RoundRule
    history: History = NO_HISTORY
    crew: tuple[CrewWord, ...] = ()
    residents: tuple[ResidentWord, ...] = ()
    pairs: Pairs = ()
    view: RunView | None = None
    forecasts: tuple[Forecast, ...] = ()
    findings: tuple[Finding, ...] = ()
    issued: tuple[Issued, ...] = ()
    settled: tuple[object, ...] = ()
    told_s: float = 0.0
    judged_s: float = 0.0
    due_s: float = 0.0
    looked_s: float = 0.0
    follower: RunFollower = field(init=False)
    _expected: Expectation = field(init=False)
    _prior: dict[int, float] | None = field(init=False)

    def __post_init__(self) -> None:
        """Prepare once what every look needs."""
        self.follower = RunFollower(self.plan)
        self.learn_from(self.history)
        self.pairs = tuple((vehicle_id, False) for vehicle_id in self.plan.vehicle_ids)

    def learn_from(self, history: History) -> None:
        """Expect from now on what the round's past says."""
        self.history = history
        self._expected = Expectation.of(self.plan, history)
        self._prior = None
        if history.runs:
            skips = self._expected.skip.tolist()
            self._prior = {stop.stop_id: 1.0 - skip for stop, skip in zip(self.plan.stops, skips, strict=True)}

    @property
    def starts_s(self) -> float:
        """When it is to begin, seconds since 1970."""
        return self.plan.midnight_s + self.plan.starts_s

    @property
    def ends_s(self) -> float:
        """When it is to end, seconds since 1970."""
        return self.plan.midnight_s + self.plan.ends_s

    def look(
        self, tracks: Mapping[int, Track], *, now_s: float, feeds: Sequence[Finding], whole: bool = True
    ) -> RunView:
        """Look at it. feeds: which contractors' trackers went silent together. now_s: by the trucks' clock.

        whole: ask what is to be expected and what is wrong even if no stop's outcome changed and it was asked a
        moment ago.
        """
        before = self.view
        view = self.view = self.follower.see(
            tracks, now_s=now_s, vehicles=self.pairs, crew=self.crew, residents=self.residents, prior=self._prior
        )
        if not whole and before is not None and now_s - self.judged_s < _JUDGE_S and before.stops == view.stops:
            return view
        self.judged_s = now_s
        self.forecasts = forecast(self.plan, view, self.history, now_s=now_s, expected=self._expected)
        self.issued = issue(self.issued, self.plan, self.forecasts, now_s=now_s)
        blind = run_is_blind(view, feeds, contractor_id=self.plan.contractor_id, now_s=now_s)
        self.findings = findings_of(
            self.plan, view, self.forecasts, rule=self.rule, now_s=now_s, feed_silent=blind, before=self.findings
        )
        return view


def signature(findings: Sequence[Finding]) -> tuple[object, ...]:
    """Return what of some findings is to be written down at once; the rest of them may wait for a minute."""
    return tuple(
        (one.key, one.kind, one.stop_ids, one.settle_by, one.act_by_s is None, round(one.probability, 1))
        for one in findings
    )
