"""Python beside a running server, on the same database, for what a test cannot do or see through a door."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.server import ROOT, LiveSaat

_START = """
import json, os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
import django
django.setup()
from saat.records.models import *
def tell(value): print("told:" + json.dumps(value, default=str))
"""


def beside(live: LiveSaat, code: str) -> Any:
    """Run code with the models at hand in a process of its own; return what it gave to `tell(value)`, or None."""
    done = subprocess.run(
        [sys.executable, "-c", _START + code],
        env=live.env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    told = [line.removeprefix("told:") for line in done.stdout.splitlines() if line.startswith("told:")]
    return json.loads(told[-1]) if told else None
