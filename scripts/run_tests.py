"""Run the tests on SQLite and then on PostgreSQL, and end with one line that sums both runs.

A few tests drive a real browser and real servers, and a busy machine can make one too slow. What failed is therefore
tried once more, alone; what passes only then is named, so that it can be mended, and what fails again has failed.

.venv/bin/python scripts/run_tests.py                                       # everything, as `make test`
.venv/bin/python scripts/run_tests.py --database postgresql tests/actions   # the rest goes to pytest
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from postgres import NoPostgres, postgres

ROOT = Path(__file__).resolve().parent.parent
DATABASES = ("sqlite", "postgresql")
COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TESTS_FAILED, NO_TESTS_COLLECTED = 1, 5
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST_TRIED_AGAIN = 40


def counts_of(line: str) -> Counter[str]:
    """Return what pytest's last line counts, in the words passed, failed and skipped.

    >>> sorted(counts_of("== 1 failed, 20 passed, 2 skipped, 1 error in 3.21s ==").items())
    [('failed', 2), ('passed', 20), ('skipped', 2)]
    """
    words = {"error": "failed", "errors": "failed", "xpassed": "passed", "xfailed": "skipped"}
    counts: Counter[str] = Counter()
    for number, word in COUNTED.findall(COLOURS.sub("", line)):
        counts[words.get(word, word)] += int(number)
    return counts


def run_pytest(arguments: list[str], *, database_url: str | None) -> tuple[int, Counter[str]]:
    """Run pytest, pass its output through, and return its exit code and its counts."""
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if database_url:
        env["DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--durations=25", "--durations-min=4", *arguments]
    last = ""
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if COUNTED.search(COLOURS.sub("", line)) and " in " in line:
                last = line
    return running.returncode, counts_of(last)


def run_twice(arguments: list[str], *, database_url: str | None) -> tuple[int, Counter[str]]:
    """Run pytest, and what failed once more, one test after the other, unless very much failed."""
    LAST_FAILED.unlink(missing_ok=True)  # what failed in an earlier run is none of this run's business
    code, counts = run_pytest(arguments, database_url=database_url)
    if code != TESTS_FAILED or counts["failed"] > MOST_TRIED_AGAIN:
        return code, counts
    failed = sorted(json.loads(LAST_FAILED.read_text(encoding="utf-8")))
    print(f"Trying {len(failed)} again, alone:", flush=True)
    alone = [argument for argument in arguments if not argument.startswith("-n")]
    code, again = run_pytest([*alone, "-n0", "--last-failed"], database_url=database_url)
    counts["failed"] = again["failed"]
    counts["passed"] += again["passed"]
    still = set(json.loads(LAST_FAILED.read_text(encoding="utf-8"))) if LAST_FAILED.exists() else set()
    for name in failed:
        if name not in still:
            print(f"Passed only when tried again: {name}", flush=True)
    return code, counts


def run_on(database: str, arguments: list[str]) -> tuple[int, Counter[str]]:
    """Run the tests on one kind of database."""
    print(f"Tests on {database}:", flush=True)
    if database == "sqlite":
        return run_twice(arguments, database_url=None)
    try:
        with postgres() as address:
            return run_twice(arguments, database_url=address)
    except NoPostgres as error:
        print(f"The tests on PostgreSQL did not run. {error}", flush=True)
        return 1, Counter(failed=1)


def main() -> int:
    """Run what was asked for; fail if anything failed on either database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=DATABASES, help="run on this one only")
    chosen, arguments = parser.parse_known_args()
    if not any(argument.startswith("-n") for argument in arguments):
        arguments += ["-n2"]
    # A polite end, so that PostgreSQL is stopped and its folder removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    total: Counter[str] = Counter()
    codes = []
    for database in [chosen.database] if chosen.database else DATABASES:
        code, counts = run_on(database, list(arguments))
        codes.append(code)
        total += counts
        if code and not counts["failed"]:
            total["failed"] += 1  # pytest itself broke off, or found nothing to run
            if code == NO_TESTS_COLLECTED:
                print("pytest found no tests.", flush=True)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
