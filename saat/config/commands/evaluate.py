"""`saat evaluate`: how well the follower does, on nights whose truth is known."""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from pathlib import Path

from saat.config.commands.base import Refused, progress, say

HELP = "measure the follower on simulated nights whose truth is known"
DESCRIPTION = """Simulate nights with all troubles mixed, replay them minute by minute, compare what the follower, its
predictions and its findings said with what really happened, and write docs/evaluation.md with its plots. Two baselines
stand in the same tables: a geofence of 50 m, and the schedule plus the present delay. Needs matplotlib, which is
installed for development only."""
EPILOG = """examples:
  saat evaluate --quick                         a few small nights, in about a minute
  saat evaluate --streets roads.json --labels goal-activity-labels --out docs
                                                everything, as in docs/evaluation.md (some ten minutes on two cores)"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--quick", action="store_true", help="few and small nights, to see that it works")
    parser.add_argument(
        "--out", metavar="FOLDER", help="evaluation.md goes here (default: docs; with --quick a temporary folder)"
    )
    parser.add_argument("--streets", metavar="FILE", help="roads to drive on, as JSON (default: a drawn grid)")
    parser.add_argument("--labels", metavar="FOLDER", help="goal-activity-labels, for served or passed on real tracks")
    parser.add_argument("--seed", type=int, metavar="N", help="another number, other nights")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be measured, and write nothing")


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    if importlib.util.find_spec("matplotlib") is None:
        raise Refused("The plots need matplotlib, which is not installed; it comes with the tools for development.")
    from saat.config.evaluating.labels import label_scores, read_tracks
    from saat.config.evaluating.page import write_page
    from saat.config.evaluating.report import missed_table
    from saat.config.evaluating.running import (
        INTERVALS_S,
        QUICK,
        QUICK_SEED,
        SEED,
        WHOLE,
        by_interval,
        run_nights,
    )
    from saat.config.evaluating.scores import missed_score

    amount, usual = (QUICK, QUICK_SEED) if chosen.quick else (WHOLE, SEED)
    seed = usual if chosen.seed is None else chosen.seed
    roads = Path(chosen.streets) if chosen.streets else None
    for name in (chosen.streets, chosen.labels):
        if name and not Path(name).exists():
            raise Refused(f"{name} is not there.")
    nights = sum(amount.nights.values())
    say(f"{amount.rounds} rounds; {nights} nights measured, {amount.past} to learn from; seed {seed}")
    if chosen.dry_run:
        return 0
    try:
        labelled = read_tracks(Path(chosen.labels)) if chosen.labels else []
        with progress("Nights", nights) as tell:
            records = run_nights(amount, seed=seed, roads=roads, jobs=max(1, chosen.jobs), tell=tell)
    except ValueError as error:
        raise Refused(str(error)) from error
    scores = {at: label_scores(labelled, interval_s=at) for at in INTERVALS_S} if labelled else None
    out = Path(chosen.out or (Path(tempfile.mkdtemp(prefix="saat-evaluation-")) if chosen.quick else "docs"))
    where = "real streets of Phnom Penh (© OpenStreetMap contributors)" if roads else "a drawn grid"
    page = write_page(
        out, records, {at: one[0] for at, one in scores.items()} if scores else None, amount=amount,
        seed=seed, streets=where, labelled=scores[INTERVALS_S[0]][1:] if scores else (0, 0),
    )  # fmt: skip
    missed = {at: missed_score(some, "Saat") for at, some in by_interval(records)}
    say(missed_table({"Saat": missed}))
    say(f"wrote {page}")
    return 0
