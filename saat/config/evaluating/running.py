"""Which nights are evaluated, and how they are shared out to the machine's cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from saat.config.evaluating.records import RunRecord
from saat.config.evaluating.replaying import learn_nights, replay
from saat.rounds.simulation import Streets, Troubles, drive, make_city
from saat.terms.history import History
from saat.terms.plan import RunPlan
from saat.terms.roundrule import RoundRule

# Wide enough apart that a third of the stops have no other within 100 m.
_SPACINGS_M, _APART = (35.0, 80.0, 200.0), 0.6
# Nothing was ever tuned on the nights of the first; the second is for looking while one works.
SEED, QUICK_SEED = 8128, 2031
INTERVALS_S = (5.0, 10.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is evaluated. nights: held out, by interval. past: ordinary nights that histories are learned from."""

    rounds: int
    stops: int
    past: int
    nights: Mapping[float, int]


WHOLE = Amount(rounds=24, stops=45, past=6, nights={5.0: 1, 10.0: 5, 15.0: 1, 30.0: 1, 60.0: 1})
QUICK = Amount(rounds=6, stops=30, past=2, nights={10.0: 2, 30.0: 1})


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every job needs."""

    streets: Streets
    days: tuple[tuple[RunPlan, ...], ...]
    histories: Mapping[int, History]
    seed: int
    past: int


_setting: _Setting | None = None


def run_nights(
    amount: Amount, *, seed: int, roads: Path | None, jobs: int, tell: Callable[[int], None]
) -> list[RunRecord]:
    """Return the records of every evaluated run. jobs: processes; 1: in this one. tell: called after each night."""
    setting = _prepare(amount, seed=seed, roads=roads)
    work = [(interval, night) for interval, nights in amount.nights.items() for night in range(nights)]
    records: list[RunRecord] = []
    if jobs == 1:
        _begin(setting)
        for job in work:
            records += _night(job)
            tell(1)
    else:
        with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(setting,)) as pool:
            for done in as_completed([pool.submit(_night, job) for job in work]):
                records += done.result()
                tell(1)
    return sorted(records, key=lambda one: (one.interval_s, one.night, one.run_id))


def by_interval(records: Sequence[RunRecord]) -> Iterator[tuple[float, list[RunRecord]]]:
    """Yield the runs of each interval."""
    for interval in sorted({one.interval_s for one in records}):
        yield interval, [one for one in records if one.interval_s == interval]


def _prepare(amount: Amount, *, seed: int, roads: Path | None) -> _Setting:
    columns, rows = (24, 30) if amount.rounds <= QUICK.rounds else (50, 70)
    streets = Streets.read(roads) if roads else Streets.grid(columns=columns, rows=rows)
    held = max(amount.nights.values())
    plans = make_city(
        seed,
        streets=streets,
        rounds=amount.rounds,
        stops=amount.stops,
        days=amount.past + held,
        spacings_m=_SPACINGS_M,
        apart=_APART,
    )
    days = tuple(plans[i : i + amount.rounds] for i in range(0, len(plans), amount.rounds))
    past = [(day, drive(day, seed, Troubles.ordinary(), 10.0, streets=streets)) for day in days[: amount.past]]
    return _Setting(streets, days, learn_nights(past), seed, amount.past)


def _begin(setting: _Setting) -> None:
    global _setting
    _setting = setting


def _night(job: tuple[float, int]) -> list[RunRecord]:
    """Drive and replay one held-out night at one interval."""
    assert _setting is not None
    interval_s, night = job
    day = _setting.days[_setting.past + night]
    driven = drive(day, _setting.seed, Troubles.mixed(), interval_s, streets=_setting.streets)
    return replay(day, driven, _setting.histories, rule=RoundRule(), number=night)
