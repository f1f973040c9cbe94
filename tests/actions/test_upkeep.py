"""Keeping the database quick as a city grows."""

from __future__ import annotations

import pytest
from django.db import connection

from saat.records import upkeep
from tests.hall import make_hall


def _knows_the_cases() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'records_case'")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
def test_the_planner_learns_the_tables_of_a_city_that_has_grown_and_not_before(monkeypatch):
    make_hall().case()
    if connection.vendor != "sqlite":
        assert not upkeep.learn_tables()
        return
    assert not upkeep.learn_tables()
    assert not _knows_the_cases()
    monkeypatch.setattr(upkeep, "LEARN_FROM", 1)
    assert upkeep.learn_tables()
    assert _knows_the_cases()
