"""The tests run on the database that they say, and the tables are what the models say."""

from __future__ import annotations

import os

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db


def test_the_tests_run_on_the_database_that_was_asked_for():
    asked = "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
    assert connection.vendor == asked


def test_sqlite_is_a_file_with_a_write_ahead_log_that_keeps_its_promises():
    if connection.vendor != "sqlite":
        pytest.skip("this run is on PostgreSQL")
    with connection.cursor() as cursor:
        settings = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        file = cursor.execute("PRAGMA database_list").fetchone()[2]
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert file.startswith(os.environ["SAAT_VAR"])


def test_every_change_of_a_model_has_its_migration():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
