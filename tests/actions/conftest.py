"""What several tests of the truck side start from; a test that needs another hall makes its own."""

from __future__ import annotations

import pytest

from saat.records.models import Run
from tests.hall import Hall, make_hall
from tests.rounds_plan import make_run


@pytest.fixture
def hall(db: None) -> Hall:
    """A city hall with its people and companies."""
    return make_hall()


@pytest.fixture
def run(hall: Hall) -> Run:
    """A run of the northern company in that city."""
    return make_run(hall.ground, contractor=hall.contractors["north"])
