"""Finding cases by words, in any script, the same on SQLite and PostgreSQL.

The words come ready-made from `saat.triage.words` (clusters and pairs of clusters for Khmer, plain words for Latin), so
neither database needs a dictionary or an extension: SQLite keeps them in FTS5, PostgreSQL in a GIN index over an array.
A case's city and areas stand among its words, so that the index itself holds a search to what its reader may see.

There are two ways to find, and neither serves for both kinds of words. Words that few cases have are looked up in the
index, and the few are put into order. Of words that very many cases have, that would gather hundreds of thousands to
show fifty; there the list is read in its own order, and each case is asked for the words until a page is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import BooleanField, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from saat.records.models import Case, CaseSearch

# From so many cases on, words are common: SQLite counts that far, PostgreSQL looks at a thousandth of all cases.
COMMON_FROM = 4_000
_SAMPLED_PERCENT, _COMMON_SHARE = 0.1, 0.01


def scope_words(*, city_id: int, area_path: str) -> tuple[str, ...]:
    """Return the words that stand for where a case belongs; area_path is an `Area.path`, such as "/1/5/"."""
    return (f"xcity{city_id}", *(f"xarea{part}" for part in area_path.split("/") if part))


def matching(cases: QuerySet[Case], words: Iterable[str], *, scope: Iterable[str] = ()) -> QuerySet[Case]:
    """Narrow a query to the cases that have every word; see `holding`."""
    condition = holding(words, scope=scope)
    return cases if condition is None else cases.filter(condition)


def holding(words: Iterable[str], *, scope: Iterable[str] = ()) -> Q | Subquery | None:
    """Return the condition that a case has every word, None for no words; asks the database once how common they are.

    words: from `saat.triage.words.query_words`. scope: scope words of which one must be there; none means no limit.
    The condition holds a list to its readers only together with `saat.records.scope.visible`.
    """
    wanted = [word for word in words if word]
    if not wanted:
        return None
    either = list(scope)
    return asked(wanted) if are_common(wanted, either) else found(wanted, either)


def found(wanted: Sequence[str], either: Sequence[str]) -> Q:
    """Return the condition by which the index is asked first: for words that few cases have."""
    sql, params = _lookup(wanted, either)
    return Q(pk__in=RawSQL(sql, params))  # noqa: S611 - what people typed travels as parameters


def asked(wanted: Sequence[str]) -> Subquery:
    """Return the condition by which each case of a list is asked for the words: for words that very many have."""
    position = "instr" if connection.vendor == "sqlite" else "strpos"
    each = " AND ".join(f"{position}(' ' || words || ' ', %s) > 0" for _ in wanted)
    has = RawSQL(f"({each})", [f" {word} " for word in wanted], output_field=BooleanField())  # noqa: S611
    # A scalar subquery, so that no planner turns it round into looking all cases up first.
    return Subquery(CaseSearch.objects.filter(case_id=OuterRef("pk")).values_list(has), output_field=BooleanField())


def are_common(wanted: Sequence[str], either: Sequence[str]) -> bool:
    """Return whether very many cases have the words within the scope; takes milliseconds, whatever the words."""
    if connection.vendor == "sqlite":
        sql, params = _lookup(wanted, either)
        return _number(f"SELECT count(*) FROM ({sql} LIMIT {COMMON_FROM})", params) >= COMMON_FROM  # noqa: S608
    condition, params = _array_condition(wanted, either)
    sample = f"FROM records_casesearch TABLESAMPLE SYSTEM ({_SAMPLED_PERCENT})"
    share = f"SELECT coalesce(avg(({condition})::int), 0) {sample}"
    return _number(share, params) >= _COMMON_SHARE


def _lookup(wanted: Sequence[str], either: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the query for the ids of all cases that have the words."""
    if connection.vendor == "sqlite":
        query = " AND ".join(_quoted(word) for word in wanted)
        if either:
            query = f"({' OR '.join(_quoted(word) for word in either)}) AND {query}"
        return "SELECT rowid FROM records_case_words WHERE records_case_words MATCH %s", [query]
    condition, params = _array_condition(wanted, either)
    # Materialised, because the planner thinks that a word it never saw is more frequent than it is.
    some = f"SELECT case_id FROM records_casesearch WHERE {condition}"  # noqa: S608
    return f"WITH hits AS MATERIALIZED ({some}) SELECT case_id FROM hits", params  # noqa: S608


def _array_condition(wanted: Sequence[str], either: Sequence[str]) -> tuple[str, list[Any]]:
    condition, params = "string_to_array(words, ' ') @> %s", [list(wanted)]
    if either:
        condition += " AND string_to_array(words, ' ') && %s"
        params.append(list(either))
    return condition, params


def _number(sql: str, params: Sequence[Any]) -> float:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return float(cursor.fetchone()[0])


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'
