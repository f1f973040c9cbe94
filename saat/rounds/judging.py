"""From evidence to probability: dwell, place, passes, gaps, and the words of crews and residents, as log-odds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saat.rounds.thresholds import THRESHOLDS
from saat.terms.plan import RunPlan
from saat.terms.run import CrewReason, CrewWord, ResidentWord

Floats = NDArray[np.float64]


def dwell_log(stood_s: Floats, usual_s: Floats) -> Floats:
    """Return how much likelier it is to stand so long for a collection than for a light, a jam or a gate.

    stood_s: (n,) seconds, with the time lost by braking and starting. usual_s: (n,) the usual time at that stop.
    Both are log-normal, the figures fitted on simulated runs (docs/follower.md).

    >>> [round(v, 1) for v in dwell_log(np.array([4.0, 35.0, 3600.0]), np.full(3, 28.0)).tolist()]
    [-4.0, 0.9, -4.0]
    """
    log = np.log(np.maximum(stood_s, 1.0))
    served = (log - np.log(usual_s + 5.0)) / 0.6
    other = (log - np.log(14.0)) / 1.0
    odds: Floats = np.clip(-0.5 * served**2 - np.log(0.6) + 0.5 * other**2, -4.0, 2.0)
    return np.where(stood_s > 5 * usual_s + 200.0, np.minimum(odds, -3.0), odds)


def match_log(apart_m: Floats, sigma_m: Floats, visits: Floats, *, usual_s: Floats, planned_s: Floats) -> Floats:
    """Return the log of how much likelier each visit is if it served its stop than if it was a stand like any other.

    apart_m, sigma_m, usual_s, planned_s: (n,). visits: (n, WIDTH), one row for each pair.
    """
    own = -0.5 * (apart_m / sigma_m) ** 2 - np.log(sigma_m)
    wide_m = np.hypot(sigma_m, THRESHOLDS.drift_m)
    adrift = -0.5 * (apart_m / wide_m) ** 2 - np.log(wide_m)
    place = np.logaddexp(own + np.log1p(-THRESHOLDS.drift), adrift + np.log(THRESHOLDS.drift))
    place += np.log(THRESHOLDS.stray_m / np.sqrt(2 * np.pi))
    stood = dwell_log(visits[:, 1] - visits[:, 0], usual_s)
    # Seen only as time lost between two positions: the more often a device speaks, the less that is like a collection.
    hidden = visits[:, 7] == 0
    unlike = np.where(
        visits[:, 10] > 0, np.minimum(THRESHOLDS.hidden_most, THRESHOLDS.hidden_s / np.maximum(visits[:, 8], 1.0)), 1.0
    )
    stood = np.where(hidden, np.maximum(stood, -1.0) - unlike, stood)
    off = np.abs(visits[:, 0] - planned_s) / 7200.0
    log: Floats = place + stood - 0.5 * np.minimum(off, 4.0) ** 2
    return log


def served_probability(*, chance: Floats, unseen: Floats, prior: Floats, hidden: Floats, words: Floats) -> Floats:
    """Return the probability that each stop was served, (n,).

    chance: that a visit was its collection. unseen: chance that a collection would have left no visit, though the
    truck was seen. hidden: chance that it fell into a gap. prior: share of times that the stop is served. words: what
    crew and residents add, log-odds.

    >>> one, no = np.ones(1), np.zeros(1)
    >>> served_probability(chance=no, unseen=no, prior=0.95 * one, hidden=one, words=no).round(2)
    array([0.95])
    """
    blind = np.clip(unseen + hidden + THRESHOLDS.unseen, 0.0, 1.0)
    rest = prior * blind / (prior * blind + 1.0 - prior)
    p = np.clip(chance + (1.0 - chance) * rest, 1e-4, 1.0 - 1e-4)
    sure: Floats = 1.0 / (1.0 + np.exp(-(np.log(p / (1.0 - p)) + words)))
    return sure


_SAID = {
    CrewReason.DONE: 4.0,
    CrewReason.NOT_PRESENTED: -4.0,
    CrewReason.BLOCKED: -4.0,
    CrewReason.FULL: -4.0,
    CrewReason.BROKEN: -4.0,
    CrewReason.FLOODED: -4.0,
}
_PHOTO, _CAME_NOT, _CAME = 1.0, -2.0, 1.5


def word_logs(plan: RunPlan, crew: Sequence[CrewWord], residents: Sequence[ResidentWord]) -> Floats:
    """Return what people's words add to the log-odds of each stop, (n_stops,).

    The last word of a crew about a stop counts, with a photo more; each resident counts, up to three of one mind. A
    resident who says that nothing came speaks of the time until then: a later collection is not denied by it.
    """
    logs = np.zeros(len(plan.stops))
    if not crew and not residents:
        return logs
    index = {stop.stop_id: i for i, stop in enumerate(plan.stops)}
    for word in sorted(crew, key=lambda one: one.said_s):
        if word.stop_id in index:
            said = _SAID[word.reason]
            logs[index[word.stop_id]] = said + (np.sign(said) * _PHOTO if word.has_photo else 0.0)
    came, came_not = np.zeros(len(logs)), np.zeros(len(logs))
    for voice in residents:
        if voice.stop_id in index:
            (came if voice.collected else came_not)[index[voice.stop_id]] += 1
    said_by_all: Floats = logs + _CAME * np.minimum(came, 3) + _CAME_NOT * np.minimum(came_not, 3)
    return said_by_all
