"""Served or passed on real tracks: delivery crews, six minutes each, where it is known when they drove and when not."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saat.config.evaluating.records import Floats
from saat.rounds.tracks import Track
from saat.terms.position import Position

_MIDDLE = (11.56, 104.92)
_METRES_A_DEGREE = 111_195.0
_LEAST_S = 20.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """One track. t_s: (n,) seconds. xy: (n, 2) metres. worked: (n,) on foot, or in the vehicle without driving."""

    name: str
    t_s: Floats
    xy: Floats
    worked: NDArray[np.bool_]


def read_tracks(folder: Path) -> list[Labelled]:
    """Return the labelled tracks of a folder with `trajectories/*.csv`, by name.

    :raises ValueError: if there are none.
    """
    found = []
    for path in sorted((folder / "trajectories").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        moments = [datetime.fromisoformat(row["timestamp"][:26]).replace(tzinfo=UTC).timestamp() for row in rows]
        found.append(
            Labelled(
                path.stem, np.array(moments) - moments[0],
                np.array([(float(row["x"]), float(row["y"])) for row in rows]),
                np.array([row["groundtruth"] == "OnFoot" for row in rows]),
            )
        )  # fmt: skip
    if not found:
        raise ValueError(f"{folder} holds no trajectories/*.csv.")
    return found


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How often a method tells working from driving: of fixes, and of stays of at least 20 s.

    recall: of stays that the method saw. passed: of drives in which it saw no stay.
    """

    method: str
    accuracy: float
    recall: float
    passed: float


def label_scores(tracks: Sequence[Labelled], *, interval_s: float) -> tuple[list[LabelScore], int, int]:
    """Return the scores of three methods on every second track, and how many tracks and fixes that are.

    The follower's own thresholds were chosen without any of these tracks. The speed limit of the simplest rule is
    fitted on the other half. interval_s: tracks are thinned to it.
    """
    thin = [_thin(track, interval_s) for track in tracks]
    fitted, held = thin[0::2], thin[1::2]
    limit = max(np.arange(0.5, 6.1, 0.25), key=lambda mps: _accuracy(fitted, [_speed(one) < mps for one in fitted]))
    methods = {
        "always the commoner": [np.ones(len(one.t_s), dtype=bool) for one in held],
        f"slower than {limit:g} m/s since the fix before": [_speed(one) < limit for one in held],
        "the follower's visits": [_visited(one) for one in held],
    }
    scores = [LabelScore(name, _accuracy(held, said), *_stays(held, said)) for name, said in methods.items()]
    return scores, len(held), sum(len(one.t_s) for one in held)


def _thin(track: Labelled, interval_s: float) -> Labelled:
    keep = [0]
    for i in range(1, len(track.t_s)):
        if track.t_s[i] - track.t_s[keep[-1]] >= interval_s - 1.0:
            keep.append(i)
    return Labelled(track.name, track.t_s[keep], track.xy[keep], track.worked[keep])


def _speed(track: Labelled) -> Floats:
    """Return the speed since the fix before, (n,) m/s; the first fix has that of the second."""
    if len(track.t_s) < 2:
        return np.zeros(len(track.t_s))
    speed = np.hypot(*np.diff(track.xy, axis=0).T) / np.maximum(np.diff(track.t_s), 0.1)
    return np.concatenate([speed[:1], speed])


def _visited(track: Labelled) -> NDArray[np.bool_]:
    """Return which fixes lie within a visit of the follower's track: no speed from the device, no accuracy."""
    lat = _MIDDLE[0] + track.xy[:, 1] / _METRES_A_DEGREE
    lon = _MIDDLE[1] + track.xy[:, 0] / (_METRES_A_DEGREE * np.cos(np.radians(_MIDDLE[0])))
    base = 1.7e9
    positions = [
        Position(1, base + t, base + t, float(a), float(o)) for t, a, o in zip(track.t_s, lat, lon, strict=True)
    ]
    said = np.zeros(len(track.t_s), dtype=bool)
    for visit in Track.of(1, positions).visits:
        said |= (base + track.t_s >= visit.arrive_s - 0.5) & (base + track.t_s <= visit.leave_s + 0.5)
    return said


def _accuracy(tracks: Sequence[Labelled], said: Sequence[NDArray[np.bool_]]) -> float:
    right = sum(int((one.worked == guess).sum()) for one, guess in zip(tracks, said, strict=True))
    return right / sum(len(one.t_s) for one in tracks)


def _stays(tracks: Sequence[Labelled], said: Sequence[NDArray[np.bool_]]) -> tuple[float, float]:
    """Return the share of stays that were seen, and of drives seen to have none: half of the fixes decide."""
    seen: list[bool] = []
    drives: list[bool] = []
    for one, guess in zip(tracks, said, strict=True):
        cuts = [0, *(np.flatnonzero(np.diff(one.worked)) + 1).tolist(), len(one.t_s)]
        for start, end in pairwise(cuts):
            if end - start < 2 or one.t_s[end - 1] - one.t_s[start] < _LEAST_S:
                continue
            share = float(guess[start:end].mean())
            (seen if one.worked[start] else drives).append(share >= 0.5 if one.worked[start] else share < 0.5)
    return float(np.mean(seen)), float(np.mean(drives))
