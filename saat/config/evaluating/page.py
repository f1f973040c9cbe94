"""Write docs/evaluation.md and its plots from the records of an evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from saat.config.evaluating import plots, report
from saat.config.evaluating.labels import LabelScore
from saat.config.evaluating.records import RunRecord
from saat.config.evaluating.replaying import OURS
from saat.config.evaluating.running import Amount, by_interval
from saat.config.evaluating.scores import MissedScore, PredictionScore, missed_score, prediction_score

_MAIN_S = 10.0

_HEAD = """# How well the follower does: measured

Written by `saat evaluate`; change the program, not this page. Every truck here is **simulated**: rounds on
{streets}, driven by trucks that accelerate, wait at lights, crawl along kerbs, empty at the disposal site and come
back, heard through trackers with correlated errors of 5–12 m. What really became of each stop is known.
{rounds} rounds of up to {stops} stops; histories were learned from {past} ordinary nights; the nights measured here
were never seen before. All troubles are mixed in every night: {troubles}. Positions are replayed in the order in
which they arrived, and every run is looked at each minute, as in operation: changes of mind and lead times are real.
Nobody taps, takes a photo or complains: this is what positions alone can tell. Seed {seed}.

Numbers in brackets are how many stops a share was measured on; a share of few is uncertain.
"""
_SIMULATED = """
## What the simulation leaves out

One city's streets, one kind of truck, weather without rain. Trackers do not fail in the ways that only one maker's do.
Crews do not know that they are measured. Dwell is log-normal around 28 s at a stop; a stop left out is driven past or
bypassed, half and half, without slowing down more than traffic makes it. A pilot with inspectors is what settles it.
"""


def write_page(
    folder: Path, records: Sequence[RunRecord], labels: Mapping[float, Sequence[LabelScore]] | None, *,
    amount: Amount, seed: int, streets: str, labelled: tuple[int, int] = (0, 0),
) -> Path:  # fmt: skip
    """Write the page and its plots; return the page. folder: where `evaluation.md` goes, plots into `evaluation/`."""
    plots_at = folder / "evaluation"
    plots_at.mkdir(parents=True, exist_ok=True)
    missed: dict[str, dict[float, MissedScore]] = {method: {} for method in report.METHODS}
    heard: dict[float, MissedScore] = {}
    predicted: dict[str, dict[float, PredictionScore]] = {OURS: {}, report.SCHEDULE: {}}
    for interval, some in by_interval(records):
        for method in report.METHODS:
            missed[method][interval] = missed_score(some, method)
        heard[interval] = missed_score(some, OURS, heard=True)
        for method in predicted:
            predicted[method][interval] = prediction_score(some, method)
    main = [one for one in records if one.interval_s == _MAIN_S] or list(records)
    at = main[0].interval_s
    _draw(plots_at, missed, predicted)
    parts = [
        _HEAD.format(
            streets=streets, rounds=amount.rounds, stops=amount.stops, past=amount.past, seed=seed,
            troubles=_troubles(main),
        ),
        _TARGETS, report.target_table(missed[OURS][at], heard[at], predicted[OURS][at], main),
        _MISSED, report.missed_table({OURS: missed[OURS], report.HEARD: heard, **missed}),
        _plot("recall-single", "Single stops over 100 m apart found, by interval"),
        _plot("recall-row", "Three or more in a row found, by interval"), _plot("false", "False missed, by interval"),
        _SPACING, report.spacing_table(records), _TROUBLES, report.trouble_table(main),
        _DOUBT, report.doubt_table(missed[OURS]), _PREDICTED, report.prediction_table(predicted),
        _plot("reliability", "What was said and what came"), _plot("lead", "Precision and lead time of alerts"),
        _HORIZONS, report.horizon_table(predicted[OURS][at]),
        _plot("coverage", "Share of arrivals inside the 80 % interval"),
        _FINDINGS, report.alarm_table(records), "", report.finding_table(main), _cost(main),
    ]  # fmt: skip
    if labels is not None:
        parts += [_LABELS.format(tracks=labelled[0], fixes=f"{labelled[1]:,}"), report.label_table(labels)]
    else:
        parts.append("\n## Served or passed on real tracks\n\nNot measured: the tracks were not at hand.")
    page = folder / "evaluation.md"
    page.write_text("\n".join([*parts, _SIMULATED]), encoding="utf-8")
    return page


_TARGETS = """
## Targets and what was measured, at 10 s
"""
_MISSED = """
## Missed stops

Recall: the share of stops that were not served which are called missed when the night is over and all late data is in;
of single stops by how far the next stop is, and of rows. “Ever said”: served stops that were called missed at any look,
even if it was taken back. The baselines are told which truck drives the round; Saat finds that out.
Nothing can be said of what a truck did while its tracker was silent (outages, gaps, what is lost); the rows “tracker
heard” leave out stops that were decided while a tracker of the run was silent for over three minutes.
"""
_SPACING = """
By how far the nearest other stop is:
"""
_TROUBLES = """
By what goes wrong in a run, at 10 s; most runs have several troubles, and each is counted:
"""
_DOUBT = """
## What is left open, and what is taken back

Blind is not missed: where a tracker was silent, or fixes are too far apart to tell, the stop stays unknown and somebody
is asked (crew, photo, resident).
"""
_PREDICTED = """
## Will miss: said before it is a fact

A stop comes too late if it is not served by the end of its window and the grace. Brier: mean squared error of the
probability, lower is better; the base rate is what always saying the average would score. “Alert from”: the lowest
probability at which alerts, one a stop, are right in at least 85 of 100 cases; “found”: the share of stops that came
too late which were alerted; “lead”: how long before they were due. What a crew just leaves out cannot be foreseen.
The timetable knows only yes and no.
"""
_HORIZONS = """
Saat's arrival times by how far ahead they were said:
"""
_FINDINGS = """
## Alarms

A false alarm: not started though it had begun, stalled though not broken down, off the round, or missed or will miss
though most of the stops named were served (in time).
"""
_LABELS = """
## Served or passed on real tracks

`goal-activity-labels`: delivery crews, six minutes each, known to drive or to work. {tracks} tracks, {fixes} fixes
that were used to choose nothing; the other half fits the speed limit of the simple rule. These tracks have no
speed from the device and no accuracy. A stay is 20 s of work or more.
"""


def _plot(name: str, text: str) -> str:
    return f"\n![{text}](evaluation/{name}.svg)"


def _troubles(records: Sequence[RunRecord]) -> str:
    count = Counter(str(trouble) for one in records for trouble in one.troubles)
    listed = ", ".join(f"{name.replace('_', ' ')} ({some})" for name, some in sorted(count.items()))
    return f"\n{listed} of {len(records)} runs at {records[0].interval_s:g} s; and outages of a whole feed"


def _cost(records: Sequence[RunRecord]) -> str:
    looks = sum(one.looks for one in records)
    cost_ms = 1000 * sum(one.look_s for one in records) / max(1, looks)
    return (
        f"\nA look at a run cost {cost_ms:.2f} ms on average ({looks:,} looks, on a machine that did other work too)."
    )


def _draw(
    folder: Path,
    missed: Mapping[str, Mapping[float, MissedScore]],
    predicted: Mapping[str, Mapping[float, PredictionScore]],
) -> None:
    plots.recall_plot(folder / "recall-single.svg", missed, "single > 100 m", "Single unserved stops, over 100 m apart")
    plots.recall_plot(folder / "recall-row.svg", missed, "three or more", "Three or more unserved stops in a row")
    plots.false_plot(folder / "false.svg", missed, most=report.MOST_FALSE)
    ours = {f"{interval:g} s": score for interval, score in predicted[OURS].items()}
    middle = next((name for name in ours if name == f"{_MAIN_S:g} s"), next(iter(ours)))
    beside = {f"Saat, {middle}": ours[middle]}
    interval = next(at for at in predicted[OURS] if f"{at:g} s" == middle)
    plots.reliability_plot(folder / "reliability.svg", {f"Saat, {name}": score for name, score in ours.items()})
    plots.coverage_plot(folder / "coverage.svg", {f"Saat, {name}": score for name, score in ours.items()})
    timetable = predicted[report.SCHEDULE][interval]
    plots.lead_plot(folder / "lead.svg", {**beside, report.SCHEDULE: timetable})
