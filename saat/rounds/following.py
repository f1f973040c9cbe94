"""Follow one run: from the tracks of its vehicles and the words of people to what is known of each stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from saat.rounds.deciding import Told, decide
from saat.rounds.fitting import Fit, Ground
from saat.rounds.judging import word_logs
from saat.rounds.tracks import Track
from saat.rounds.whereabouts import vehicle_view
from saat.terms.plan import RunPlan
from saat.terms.run import CrewReason, CrewWord, Outcome, ResidentWord, RunView, StopView, VehicleView

Floats = NDArray[np.float64]
_OUTCOMES = tuple(Outcome)
_NOTHING = -9e15  # stands for NaN, which differs from itself
_EXPECTED = _OUTCOMES.index(Outcome.EXPECTED)


class RunFollower:
    """What is known of one run, kept up to date by looking at it again and again.

    The answer of `see` depends on its arguments alone: a new follower says the same.
    """

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self._ground = Ground(plan)
        self._fits: dict[int, Fit] = {}
        self._rows: Floats = np.empty((0, 0))
        self._words: list[tuple[str, str]] = []
        self._views: list[StopView] = []

    def see(
        self,
        tracks: Mapping[int, Track],
        *,
        now_s: float,
        vehicles: Sequence[tuple[int, bool]],
        crew: Sequence[CrewWord] = (),
        residents: Sequence[ResidentWord] = (),
        prior: Mapping[int, float] | None = None,
    ) -> RunView:
        """Return what is known at a moment.

        tracks: by vehicle. vehicles: who is on the run, with whether that was inferred. prior: how often each stop is
        served, by stop_id.
        """
        fits = [fit for vehicle_id, _ in vehicles if (fit := self._fit(vehicle_id, tracks)) is not None]
        told = decide(
            self.plan, self._ground, fits, now_s=now_s, vehicles=vehicles,
            words=word_logs(self.plan, crew, residents), crew=crew, prior=prior,
        )  # fmt: skip
        seen: tuple[VehicleView, ...] = tuple(
            vehicle_view(vehicle_id, inferred, self._fits.get(vehicle_id), told, self._ground, self.plan, now_s)
            for vehicle_id, inferred in vehicles
        )
        return RunView(
            run_id=self.plan.run_id, as_of_s=now_s, stops=self._stops(told, crew, residents), vehicles=seen,
            started_s=told.started_s, finished_s=told.finished_s, reached=told.reached, reverse=told.reverse,
        )  # fmt: skip

    def _fit(self, vehicle_id: int, tracks: Mapping[int, Track]) -> Fit | None:
        track = tracks.get(vehicle_id)
        if track is None or not track.count:
            self._fits.pop(vehicle_id, None)
            return None
        fit = self._fits.get(vehicle_id)
        if fit is None or fit.track is not track or fit.revision != track.revision:
            fit = self._fits[vehicle_id] = Fit(self.plan, self._ground, track)
        fit.look()
        return fit

    def _stops(self, told: Told, crew: Sequence[CrewWord], residents: Sequence[ResidentWord]) -> tuple[StopView, ...]:
        """Return the views of the stops; those that say the same as before are the same objects."""
        decided = told.outcome != _EXPECTED
        rows = np.array(
            [
                told.outcome, told.p.round(3), told.arrived_s, told.left_s, told.by, told.share.round(2),
                told.blind_from_s.round(), told.blind_to_s.round(), told.words,
                *(np.where(decided, values, 0.0).round(2) for values in (told.near_m, told.chance, told.hidden)),
            ]
        )  # fmt: skip
        rows[np.isnan(rows)] = _NOTHING
        words = list(zip(told.settle, told.reasons, strict=True))
        if not self._views:
            self._views = [self._stop(i, rows[:, i].tolist(), told) for i in range(len(words))]
        else:
            changed = (rows != self._rows).any(axis=0)
            if words != self._words:
                changed |= [one != before for one, before in zip(words, self._words, strict=True)]
            for i in np.flatnonzero(changed).tolist():
                self._views[i] = self._stop(i, rows[:, i].tolist(), told)
        self._rows, self._words = rows, words
        return tuple(self._views)

    def _stop(self, i: int, row: list[float], told: Told) -> StopView:
        stop = self.plan.stops[i]
        outcome, p, arrived_s, left_s, by, share, blind_from, blind_to = row[:8]
        reason = told.reasons[i]
        return StopView(
            stop_id=stop.stop_id,
            sequence=stop.sequence,
            outcome=_OUTCOMES[int(outcome)],
            p_served=p,
            arrived_s=_known(arrived_s),
            left_s=_known(left_s),
            by_vehicle_id=int(by) if by >= 0 else None,
            share=_known(share),
            blind=blind_from != _NOTHING,
            blind_from_s=_known(blind_from),
            blind_to_s=_known(blind_to),
            reason=CrewReason(reason) if reason else None,
            settle_by=told.settle[i],
            evidence=told.evidence(i) if outcome != _EXPECTED else (),
        )


def _known(value: float) -> float | None:
    return value if value != _NOTHING else None
