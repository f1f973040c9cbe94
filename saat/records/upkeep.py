"""What a database must be told from time to time, to stay as quick as it is."""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from saat.records.models import Case

# Below this, what the planner guesses without knowing the tables serves better than what it would learn of a city that
# has only begun: it would go on believing that the tables are small while they grow.
LEARN_FROM = 10_000


def learn_tables() -> bool:
    """Let SQLite's planner know how the tables have grown; return whether there was anything to learn.

    Takes hundredths of a second, whatever their size. Connections that are open already do not notice. PostgreSQL
    looks after this by itself.
    """
    if connection.vendor != "sqlite":
        return False
    latest = Case.objects.aggregate(latest=Max("pk"))["latest"] or 0
    with connection.cursor() as cursor:
        if latest < LEARN_FROM:
            return False
        cursor.execute("PRAGMA analysis_limit = 1000")
        cursor.execute("ANALYZE")
    return True
