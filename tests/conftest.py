"""What every kind of test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import settings

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


@pytest.fixture
def database_vendor() -> str:
    """`sqlite` or `postgresql`: which of the two this run tests."""
    return connection.vendor


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests of one live server on one worker: one server, one browser, and no two loads beside each other."""
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
