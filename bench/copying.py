"""Copies an installation from its SQLite file into an empty PostgreSQL database, row by row and whole.

python -m bench.copying FILE      into the database that DATABASE_URL names
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
django.setup()

from django.apps import apps  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.management.color import no_style  # noqa: E402
from django.db import connection, models  # noqa: E402

_CHUNK = 5_000


def copy(path: str) -> None:
    """Make the tables, fill them with what the file holds, and let the planner learn them."""
    began = time.monotonic()
    call_command("migrate", verbosity=0, interactive=False)
    found = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # neither triggers nor foreign keys while copying
        names = ", ".join(f'"{model._meta.db_table}"' for model in found)
        cursor.execute(f"TRUNCATE {names}")
        indexes = _plain_indexes(cursor)
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for model in found:
            _copy_table(cursor, source, model)
        _tell(began, "rows")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _name, definition in indexes:
            cursor.execute(definition)
        for statement in connection.ops.sequence_reset_sql(no_style(), found):
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    _tell(began, "indexes")


def _plain_indexes(cursor: Any) -> list[tuple[str, str]]:
    """Return the indexes that no constraint stands on, with what makes them anew."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint)"
    )
    return list(cursor.fetchall())


def _copy_table(cursor: Any, source: sqlite3.Connection, model: type[models.Model]) -> None:
    fields = [field for field in model._meta.concrete_fields if not getattr(field, "generated", False)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    kinds = [field.db_parameters(connection)["type"] for field in fields]
    truths = [at for at, kind in enumerate(kinds) if kind == "boolean"]
    rows = source.execute(f'SELECT {columns} FROM "{model._meta.db_table}"')
    with cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as out:
        while chunk := rows.fetchmany(_CHUNK):
            for row in chunk:
                whole = list(row)
                for at in truths:
                    whole[at] = None if whole[at] is None else bool(whole[at])
                out.write_row(whole)


def _tell(began: float, what: str) -> None:
    print(f"  {time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    copy(sys.argv[1])
