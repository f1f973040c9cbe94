"""What every kind of test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import settings

from saat.actions import citymap
from saat.records import truck_clock
from tests.server import LiveSaat, live_saat

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# A busy machine is no reason for a rule to fail; how long things take is measured by the bench.
settings.register_profile("saat", deadline=None)
settings.load_profile("saat")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data at ../shared/data beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSaat]:
    """A demo city behind the real server, in its own processes, on the database that the tests run on."""
    with live_saat(tmp_path_factory.mktemp("live"), "--demo") as running:
        yield running


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let Django empty the tables after a test that commits, although the log refuses to be deleted from.

    PostgreSQL truncates, which its trigger does not see; for SQLite the trigger is taken away for that moment.
    """
    if connection.vendor != "sqlite":
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'records_event'")
        triggers = cursor.fetchall()
    flush = connection.ops.sql_flush

    def sql_flush(*arguments: Any, **options: Any) -> list[str]:
        dropped = [f'DROP TRIGGER "{name}"' for name, _ in triggers]
        return [*dropped, *flush(*arguments, **options), *(sql for _, sql in triggers)]

    connection.ops.sql_flush = sql_flush


@pytest.fixture(autouse=True)
def ground_read_anew() -> Iterator[None]:
    """Ids begin anew with each test, so a process would take the last test's city, kept in memory, for this one."""
    yield
    citymap.forget()
    truck_clock.forget()


@pytest.fixture
def database_vendor() -> str:
    """`sqlite` or `postgresql`: which of the two this run tests."""
    return connection.vendor


# Nothing here asks a database, so one run of the two is enough.
WITHOUT_TABLES = ("tests/pure/", "tests/test_house.py", "tests/test_docs.py", "tests/test_messages.py", "saat/")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep tests of one live server on one worker: one server, one browser, and no two loads beside each other.

    On PostgreSQL, which is tested after SQLite, what asks no database is left out.
    """
    if os.environ.get("DATABASE_URL"):
        out = [item for item in items if item.nodeid.startswith(WITHOUT_TABLES)]
        items[:] = [item for item in items if not item.nodeid.startswith(WITHOUT_TABLES)]
        config.hook.pytest_deselected(items=out)
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "live" in names or "browser" in names:
            item.add_marker(pytest.mark.xdist_group("live"))
            item.add_marker(pytest.mark.live)
        if "browser" in names:
            item.add_marker(pytest.mark.browser)


def pytest_report_header() -> str:
    """Say which database this run tests."""
    return f"database: {connection.vendor}"
