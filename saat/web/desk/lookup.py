"""A caller's code, typed anywhere, leads to the case at once."""

from __future__ import annotations

from saat.records.models import Case, City
from saat.records.queries_phone import cases_called
from saat.records.queries_public import PublicCase, case_with_code
from saat.records.scope import Reach
from saat.terms.codes import heard, heard_in


def case_called(text: str, *, reach: Reach) -> Case | None:
    """Return the case whose short code somebody typed, by itself or among other words; None if they see no such case.

    An eight-letter word may look like a code; it is one only if there is a case that is called so.
    """
    codes = heard_in(text[:4000])
    return next(iter(cases_called(codes, reach=reach)), None) if codes else None


def elsewhere(text: str, *, city: City) -> PublicCase | None:
    """Return what everybody may know of the case whose code was typed by itself, wherever in the city it lies."""
    code = heard(text)
    case = case_with_code(code) if code else None
    return case if case is not None and case.city == city else None
