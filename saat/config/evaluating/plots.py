"""Plots of an evaluation, as SVG. Colours are told apart by colour-blind people too, and lines by their markers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saat.config.evaluating.scores import WANTED_PRECISION, MissedScore, PredictionScore

# Okabe and Ito's colours.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKS = ("o", "s", "^", "D", "v", "P")
_SIZE = (6.4, 4.0)


def recall_plot(path: Path, scores: Mapping[str, Mapping[float, MissedScore]], group: str, title: str) -> None:
    """Draw how many unserved stops of a kind are found, by the interval between fixes."""
    figure, axes = _new(title, "seconds between fixes", "share found (recall)")
    for i, (method, by_interval) in enumerate(scores.items()):
        xs = list(by_interval)
        ys = [by_interval[x].recall[group].value for x in xs]
        axes.plot(xs, ys, color=_COLOURS[i], marker=_MARKS[i], label=method)
    axes.set_xscale("log")
    axes.set_xticks(list(next(iter(scores.values()))), [f"{x:g}" for x in next(iter(scores.values()))])
    axes.minorticks_off()
    axes.set_ylim(-0.02, 1.02)
    _save(figure, axes, path)


def false_plot(path: Path, scores: Mapping[str, Mapping[float, MissedScore]], *, most: float) -> None:
    """Draw false "missed" for each thousand stop-runs, by the interval between fixes."""
    figure, axes = _new("False “missed”", "seconds between fixes", "for each 1,000 stop-runs")
    for i, (method, by_interval) in enumerate(scores.items()):
        ys = [1000 * score.false_claimed.value for score in by_interval.values()]
        axes.plot(list(by_interval), ys, color=_COLOURS[i], marker=_MARKS[i], label=method)
    axes.axhline(most, color="black", linestyle=":", label=f"target: {most:g}")
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_xticks(list(next(iter(scores.values()))), [f"{x:g}" for x in next(iter(scores.values()))])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    _save(figure, axes, path)


def reliability_plot(path: Path, scores: Mapping[str, PredictionScore]) -> None:
    """Draw how often stops came too late that were said to with a probability."""
    figure, axes = _new("Will miss: what was said and what came", "probability said", "share that came too late")
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", label="perfect")
    for i, (name, score) in enumerate(scores.items()):
        axes.plot(score.reliability[:, 0], score.reliability[:, 1], color=_COLOURS[i], marker=_MARKS[i], label=name)
    _save(figure, axes, path)


def coverage_plot(path: Path, scores: Mapping[str, PredictionScore]) -> None:
    """Draw the share of arrivals inside the 80 % interval, by how far ahead it was said."""
    figure, axes = _new("Inside the 80 % interval", "minutes ahead, from", "share of arrivals")
    for i, (name, score) in enumerate(scores.items()):
        axes.plot(score.horizons[:, 0], score.horizons[:, 1], color=_COLOURS[i], marker=_MARKS[i], label=name)
    axes.axhspan(0.75, 0.85, color="black", alpha=0.08, label="target")
    axes.set_ylim(0, 1)
    _save(figure, axes, path)


def lead_plot(path: Path, scores: Mapping[str, PredictionScore]) -> None:
    """Draw precision against the median lead time as the threshold of alerts rises."""
    figure, axes = _new(
        "Alerts: right and early", "median minutes before it was due", "share of alerts that were right"
    )
    for i, (name, score) in enumerate(scores.items()):
        curve = score.curve
        axes.plot(curve[:, 3] / 60, curve[:, 1], color=_COLOURS[i], marker=_MARKS[i], label=name)
    axes.axhline(WANTED_PRECISION, color="black", linestyle=":", label=f"wanted: {WANTED_PRECISION:g}")
    axes.set_ylim(0, 1.02)
    _save(figure, axes, path)


def _new(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    # A fixed salt and no date: the same figures give the same file.
    mpl.rcParams.update({"svg.hashsalt": "saat", "svg.fonttype": "path", "font.size": 10})
    figure, axes = plt.subplots(figsize=_SIZE)
    axes.set_title(f"{title} (simulated)")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _save(figure: Figure, axes: Axes, path: Path) -> None:
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
    text = path.read_text(encoding="utf-8")
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")
