"""The environment that tests run in, set before Django reads its settings.

Each worker gets a folder of its own for everything that Saat writes. The database is what DATABASE_URL says, or else a
real SQLite file in that folder; never a database in memory, because what a file does under load is to be tested.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def _folder() -> Path:
    base = os.environ.get("SAAT_TEST_FOLDER")
    if base is None:
        base = tempfile.mkdtemp(prefix="saat-tests-")
        os.environ["SAAT_TEST_FOLDER"] = base
        atexit.register(shutil.rmtree, base, ignore_errors=True)
    return Path(base) / os.environ.get("PYTEST_XDIST_WORKER", "main")


# Whatever the developer's shell says, tests never touch a real installation.
for name in [
    name for name in os.environ if name.startswith("SAAT_") and name not in ("SAAT_TEST_FOLDER", "SAAT_CHROMIUM")
]:
    del os.environ[name]
for name in ("EMAIL_URL", "DJANGO_SETTINGS_MODULE"):
    os.environ.pop(name, None)
VAR = _folder()
os.environ["SAAT_VAR"] = str(VAR)
os.environ["SAAT_TESTING"] = "1"
