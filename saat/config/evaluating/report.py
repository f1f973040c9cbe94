"""The page of an evaluation: tables in Markdown, each with its target beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from saat.config.evaluating.baselines import GEOFENCE, SCHEDULE
from saat.config.evaluating.labels import LabelScore
from saat.config.evaluating.records import SPACINGS, RunRecord
from saat.config.evaluating.replaying import OURS
from saat.config.evaluating.running import by_interval
from saat.config.evaluating.scores import (
    WANTED_PRECISION,
    FindingScore,
    MissedScore,
    PredictionScore,
    Share,
    breakdowns_seen_s,
    false_alarms,
    finding_scores,
    missed_score,
)
from saat.rounds.finding import OPENS_A_CASE
from saat.rounds.simulation import Trouble
from saat.terms.run import FindingKind

METHODS = (OURS, GEOFENCE, SCHEDULE)
HEARD = f"{OURS}, tracker heard"
MOST_FALSE = 2.0
# Silence is a finding of its own; what is counted as an alarm says that the collection itself fails.
ALARMS = OPENS_A_CASE - {FindingKind.UNKNOWN, FindingKind.FEED_SILENT, FindingKind.SKIPPED}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table.

    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def share(one: Share) -> str:
    """Return a share with its count: `0.97 (34)`; a dash where there is nothing to share."""
    return f"{one.value:.2f} ({one.whole:,.0f})" if one.whole else "–"


def number(value: float, digits: int = 2) -> str:
    """Return a number, a dash where there is none."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else "–"


def minutes(seconds: float) -> str:
    """Return seconds as minutes; "never" where infinite."""
    if math.isinf(seconds):
        return "never"
    return "–" if math.isnan(seconds) else f"{seconds / 60:.1f}"


def target_table(
    every: MissedScore, heard: MissedScore, predicted: PredictionScore, records: Sequence[RunRecord]
) -> str:
    """Return each target beside what was measured, all at the main interval."""
    seen = breakdowns_seen_s(records)
    middle = float(np.median(seen)) if len(seen) else float("nan")
    false = 1000 * every.false_claimed.value
    lead = f"{number(predicted.precision)}, {minutes(predicted.lead_s[1])} min before, found {number(predicted.recall)}"
    rows: list[tuple[str, str, str, bool]] = [
        ("false “missed” for each 1,000 stop-runs", "≤ 2", number(false, 1), false <= MOST_FALSE),
        ("stops called missed while the feed was silent", "0", f"{every.blind_missed}", every.blind_missed == 0),
    ]
    for name, text, least in (
        ("three or more", "three or more in a row: found", 0.97), ("whole street", "a whole street: found", 0.97),
        ("single > 100 m", "single stops over 100 m apart: found", 0.85),
    ):  # fmt: skip
        one = every.recall[name]
        told = f"{share(one)}; tracker heard: {share(heard.recall[name])}"
        rows.append((text, f"≥ {least:g}", told, one.value >= least))
    inside = predicted.coverage
    rows += [
        ("arrivals inside the 80 % interval", "0.75–0.85", number(inside), 0.75 <= inside <= 0.85),
        ("alerts that were right, and how early (median)", "≥ 0.85", lead, predicted.precision >= WANTED_PRECISION),
        ("a breakdown is seen after (median)", "≤ 6 min", f"{minutes(middle)} min ({len(seen)})", middle <= 360),
    ]
    return table(("what", "target", "measured", "met"), [(*row[:3], "yes" if row[3] else "**no**") for row in rows])


def missed_table(scores: Mapping[str, Mapping[float, MissedScore]]) -> str:
    """Return how well each method finds unserved stops, by interval."""
    head = ("fixes every", "method", "precision", *(f"single, {one}" for one in SPACINGS), "two in a row",
            "three or more", "whole street", "false “missed” / 1,000", "ever said / 1,000", "unknown")  # fmt: skip
    rows = []
    for interval in next(iter(scores.values())):
        for method, found in scores.items():
            one = found[interval]
            rows.append(
                (f"{interval:g} s", method, share(one.precision),
                 *(share(one.recall[f"single {spacing}"]) for spacing in SPACINGS), share(one.recall["two"]),
                 share(one.recall["three or more"]), share(one.recall["whole street"]),
                 number(1000 * one.false_claimed.value, 1), number(1000 * one.false_said.value, 1),
                 f"{100 * one.unknown.value:.1f} %")
            )  # fmt: skip
    rows.append(("10 s", "*target*", "", "", "", "≥ 0.85", "", "≥ 0.97", "≥ 0.97", f"≤ {MOST_FALSE:g}", "", ""))
    return table(head, rows)


def spacing_table(records: Sequence[RunRecord]) -> str:
    """Return how well Saat does by how far the next stop is, for each interval."""
    rows = []
    for interval, some in by_interval(records):
        for i, spacing in enumerate(SPACINGS):
            one = missed_score(some, OURS, spacing=i)
            rows.append((f"{interval:g} s", spacing, *_brief(one)))
    return table(("fixes every", "next stop", *_BRIEF), rows)


def trouble_table(records: Sequence[RunRecord]) -> str:
    """Return how well Saat does in runs that have a trouble, whatever else they have."""
    rows = []
    for trouble in Trouble:
        some = [one for one in records if trouble in one.troubles]
        if some and trouble is not Trouble.SKIPPED:
            rows.append((trouble.replace("_", " "), f"{len(some)}", *_brief(missed_score(some, OURS))))
    calm = [one for one in records if not one.troubles - {Trouble.SKIPPED}]
    if calm:
        rows.append(("none but single stops left out", f"{len(calm)}", *_brief(missed_score(calm, OURS))))
    return table(("trouble", "runs", *_BRIEF), rows)


_BRIEF = ("stop-runs", "precision", "found of all unserved", "single", "three or more", "whole street",
          "false “missed” / 1,000", "unknown")  # fmt: skip


def _brief(one: MissedScore) -> tuple[str, ...]:
    return (
        f"{one.stops:,}", share(one.precision), share(one.recall["all"]), share(one.recall["single"]),
        share(one.recall["three or more"]), share(one.recall["whole street"]),
        number(1000 * one.false_claimed.value, 1), f"{100 * one.unknown.value:.1f} %",
    )  # fmt: skip


def doubt_table(scores: Mapping[float, MissedScore]) -> str:
    """Return what is left open, asked about and taken back, by interval."""
    head = ("fixes every", "stop-runs", "not served", "left unknown", "of the served, unknown",
            "not found, but asked about", "false “missed” before late data / 1,000", "taken back after it / 1,000",
            "minds changed / 1,000",
            "kerbs wrongly called partial / 1,000", "called missed while the feed was silent")  # fmt: skip
    rows = [
        (f"{interval:g} s", f"{one.stops:,}", f"{one.unserved:,}", f"{100 * one.unknown.value:.1f} %",
         f"{100 * one.unknown_served.value:.1f} %", share(one.asked_of_unfound),
         number(1000 * one.false_evening.value, 1), number(1000 * one.taken_back.value, 1),
         number(1000 * one.changed.value, 1), number(1000 * one.false_partial.value, 1), f"{one.blind_missed}")
        for interval, one in scores.items()
    ]  # fmt: skip
    rows.append(("*target*", "", "", "", "", "", "", "", "", "", "0"))
    return table(head, rows)


def prediction_table(scores: Mapping[str, Mapping[float, PredictionScore]]) -> str:
    """Return how good predictions are, by interval and method."""
    head = ("fixes every", "method", "predictions", "Brier", "Brier of the base rate", "inside the 80 % interval",
            "median error, min", "alert from", "precision", "found", "lead, median min", "lead, 25 % min",
            "found ≥ 20 min before")  # fmt: skip
    rows = []
    for interval in next(iter(scores.values())):
        for method, found in scores.items():
            one = found[interval]
            inside = number(one.coverage) if method == OURS else "–"
            rows.append(
                (f"{interval:g} s", method, f"{one.forecasts:,}", number(one.brier, 3), number(one.brier_base, 3),
                 inside, minutes(one.error_s), number(one.threshold), number(one.precision), number(one.recall),
                 minutes(one.lead_s[1]), minutes(one.lead_s[0]), number(one.in_time))
            )  # fmt: skip
    rows.append(("", "*target*", "", "", "", "0.75–0.85", "", "", "≥ 0.85", "", "", "", ""))
    return table(head, rows)


def horizon_table(score: PredictionScore) -> str:
    """Return coverage and error by how far ahead."""
    starts = [f"{row[0]:.0f}" for row in score.horizons]
    rows = [
        (f"from {start} min", f"{row[3]:,.0f}", number(row[1]), minutes(row[2]))
        for start, row in zip(starts, score.horizons, strict=True)
    ]
    return table(("ahead", "predictions", "inside the 80 % interval", "median error, min"), rows)


def finding_table(records: Sequence[RunRecord]) -> str:
    """Return what was raised and what was true, by kind; silence and faults are not alarms."""
    rows = [_finding_row(one) for one in finding_scores(records)]
    return table(("finding", "raised", "true", "share true", "an alarm"), rows)


def _finding_row(one: FindingScore) -> tuple[str, ...]:
    alarm = "yes" if one.kind in ALARMS else "no"
    return (f"`{one.kind}`", str(one.raised), str(one.true), number(one.true / one.raised), alarm)


def alarm_table(records: Sequence[RunRecord]) -> str:
    """Return false alarms and how soon breakdowns are seen, by interval."""
    rows = []
    for interval, some in by_interval(records):
        seen = breakdowns_seen_s(some)
        soon = Share(float((seen <= 360).sum()), float(len(seen)))
        middle = float(np.median(seen)) if len(seen) else float("nan")
        nine = float(np.sort(seen)[math.ceil(0.9 * len(seen)) - 1]) if len(seen) else float("nan")
        rows.append(
            (f"{interval:g} s", str(sum(one.vehicles for one in some)), number(false_alarms(some, ALARMS)),
             f"{len(seen)}", minutes(middle), minutes(nine), share(soon))
        )  # fmt: skip
    rows.append(("*target*", "", "", "", "≤ 6", "", ""))
    head = ("fixes every", "trucks × days", "false alarms a truck and day", "breakdowns", "seen after, median min",
            "seen after, 90 % min", "seen within 6 min")  # fmt: skip
    return table(head, rows)


def label_table(scores: Mapping[float, Sequence[LabelScore]]) -> str:
    """Return served-or-passed on real tracks, by interval."""
    rows = [
        (f"{interval:g} s", one.method, number(one.accuracy, 3), number(one.recall), number(one.passed))
        for interval, some in scores.items()
        for one in some
    ]
    return table(("fixes every", "method", "fixes right", "stays seen", "drives seen as drives"), rows)
