"""What rounds' own past says, from rows to values and back: many rounds in two statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from saat.records import quick
from saat.records.models import LegTime, RoundHistory
from saat.terms.history import STOOD_MIN, History, Leg, LegHistory, Running

_COLUMNS = ("n", "mean_s", "m2_s2", "dwell_n", "dwell_mean_s", "dwell_m2_s2", "served", "not_served")


def histories_of(round_ids: Collection[int]) -> dict[int, History]:
    """Return the history of each round, an empty one where there is none; two queries."""
    legs: dict[int, dict[Leg, LegHistory]] = {round_id: {} for round_id in round_ids}
    for row in LegTime.objects.filter(round_id__in=round_ids):
        legs[row.round_id][row.from_stop_id, row.stop_id] = LegHistory(
            Running(row.n, row.mean_s, row.m2_s2),
            Running(row.dwell_n, row.dwell_mean_s, row.dwell_m2_s2),
            row.served,
            row.not_served,
        )
    whole = {row.round_id: row for row in RoundHistory.objects.filter(round_id__in=round_ids)}
    return {round_id: _history(legs[round_id], whole.get(round_id)) for round_id in round_ids}


def _history(legs: Mapping[Leg, LegHistory], row: RoundHistory | None) -> History:
    if row is None:
        return History(legs=legs)
    return History(
        legs=legs,
        start_s=Running(row.start_n, row.start_mean_s, row.start_m2_s2),
        pace=Running(row.pace_n, row.pace_mean, row.pace_m2),
        resumed=tuple(row.resumed) if len(row.resumed) == len(STOOD_MIN) else (0,) * len(STOOD_MIN),
        broke=row.broke,
        runs=row.runs,
    )


def last_learned(round_id: int) -> date | None:
    """Return the last service day that a round's history was learned from."""
    return RoundHistory.objects.filter(round_id=round_id).values_list("learned_day", flat=True).first()


def keep_history(round_id: int, history: History, *, city_id: int, day: date) -> None:
    """Write a round's history, within the caller's transaction. day: the service day that it was learned from."""
    RoundHistory.objects.update_or_create(
        round_id=round_id,
        defaults={
            "city_id": city_id,
            "runs": history.runs,
            "start_n": history.start_s.n,
            "start_mean_s": history.start_s.mean,
            "start_m2_s2": history.start_s.m2,
            "pace_n": history.pace.n,
            "pace_mean": history.pace.mean,
            "pace_m2": history.pace.m2,
            "resumed": list(history.resumed),
            "broke": history.broke,
            "learned_day": day,
        },
    )
    known = {(row.from_stop_id, row.stop_id): row for row in LegTime.objects.filter(round_id=round_id)}
    new: list[LegTime] = []
    changed: list[LegTime] = []
    for (from_stop_id, stop_id), leg in history.legs.items():
        row = known.get((from_stop_id, stop_id))
        if row is None:
            row = LegTime(city_id=city_id, round_id=round_id, from_stop_id=from_stop_id, stop_id=stop_id)
            new.append(row)
        else:
            changed.append(row)
        row.n, row.mean_s, row.m2_s2 = leg.leg.n, leg.leg.mean, leg.leg.m2
        row.dwell_n, row.dwell_mean_s, row.dwell_m2_s2 = leg.dwell.n, leg.dwell.mean, leg.dwell.m2
        row.served, row.not_served = leg.served, leg.not_served
    LegTime.objects.bulk_create(new, batch_size=500)
    quick.update_many(LegTime, _COLUMNS, [(*(getattr(row, name) for name in _COLUMNS), row.pk) for row in changed])
