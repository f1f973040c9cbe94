"""`make bench`: measure Saat on this machine and print a table for each measure.

Everything runs on installations of its own in the temporary folder; nothing of ./var is touched. The figures of a run
are also written to bench/results. The million cases are made once and kept in the temporary folder (3.9 GB).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import desk, following, lifecycles, machine, page, positions, processes, reports, screen
from bench.figures import Progress
from bench.million import CASES
from bench.serving import Bench

MEASURES = {
    "processes": processes,
    "page": page,
    "reports": reports,
    "screen": screen,
    "desk": desk,
    "lifecycles": lifecycles,
    "following": following,
    "positions": positions,
}
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", metavar="NAME", choices=MEASURES, action="append", help=f"one of: {', '.join(MEASURES)}"
    )
    parser.add_argument("--quick", action="store_true", help="shorter and with fewer cases: to see that it works")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--cases", type=int, help=f"how many cases stand for a million (default {CASES:,})")
    chosen = parser.parse_args()
    wanted = chosen.only or list(MEASURES)
    # A polite end, so that servers are stopped and folders removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    facts = machine.facts()
    print(", ".join(f"{name} {value}" for name, value in facts.items()), f"database {chosen.database}", sep="; ")
    print(flush=True)
    progress = Progress()
    found = {}
    cases = chosen.cases or (CASES // 20 if chosen.quick else CASES)
    with Bench(database=chosen.database, cases=cases) as bench:
        for number, name in enumerate(wanted):

            def step(what: str, at: str = f"{number + 1}/{len(wanted)}") -> None:
                progress.step(at, what)

            measures = MEASURES[name].run(bench, quick=chosen.quick, step=step)
            progress.clear()
            for measure in measures:
                print(measure.text(), flush=True)
                found[measure.name] = {"title": measure.title, "rows": measure.rows, "notes": measure.notes}
    _keep({"machine": facts, "command": sys.argv[1:], "database": chosen.database, "cases": cases, "measures": found})
    return 0


def _keep(results: dict[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"Written to {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")


if __name__ == "__main__":
    sys.exit(main())
