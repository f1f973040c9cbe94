"""Finding cases by words, in any script, the same on SQLite and PostgreSQL.

The words come ready-made from `saat.triage.words` (clusters and pairs of clusters for Khmer, plain words for Latin), so
neither database needs a dictionary or an extension: SQLite keeps them in FTS5, PostgreSQL in a GIN index over an array.
A case's city and areas stand among its words, so that the index itself holds a search to what its reader may see.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from saat.records.models import Case


def scope_words(*, city_id: int, area_path: str) -> tuple[str, ...]:
    """Return the words that stand for where a case belongs; area_path is an `Area.path`, such as "/1/5/"."""
    return (f"xcity{city_id}", *(f"xarea{part}" for part in area_path.split("/") if part))


def matching(cases: QuerySet[Case], words: Iterable[str], *, scope: Iterable[str] = ()) -> QuerySet[Case]:
    """Narrow a query to the cases that have every word.

    words: from `saat.triage.words.query_words`. scope: scope words of which one must be there; none means no limit.
    """
    wanted = [word for word in words if word]
    if not wanted:
        return cases
    either = list(scope)
    if connection.vendor == "sqlite":
        query = " AND ".join(_quoted(word) for word in wanted)
        if either:
            query = f"({' OR '.join(_quoted(word) for word in either)}) AND {query}"
        found = RawSQL("SELECT rowid FROM records_case_words WHERE records_case_words MATCH %s", (query,))  # noqa: S611
        return cases.filter(pk__in=found)
    condition = "string_to_array(words, ' ') @> %s"
    params: list[object] = [wanted]
    if either:
        condition += " AND string_to_array(words, ' ') && %s"
        params.append(either)
    # The condition is one of the two constants above; what people typed travels as parameters.
    found = RawSQL(f"SELECT case_id FROM records_casesearch WHERE {condition}", params)  # noqa: S608, S611
    return cases.filter(pk__in=found)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'
