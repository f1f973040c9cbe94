"""Public holidays of countries, as the `holidays` package knows them; it needs no network."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import holidays


class UnknownCountry(Exception):
    """The package knows no holidays of this country, or of this part of it."""


def country_holidays(country: str, *, years: Iterable[int]) -> tuple[date, ...]:
    """Return the public holidays of some years, in order.

    country: ISO 3166, such as "KH", or with a part of the country, such as "US-MA".

    :raises UnknownCountry: if the package has no such country.

    >>> date(2026, 11, 9) in country_holidays("KH", years=[2026])  # Independence Day
    True
    """
    code, _, part = country.upper().partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=list(years))
    except NotImplementedError as error:
        raise UnknownCountry(
            f"No public holidays are known for {country!r}; use an ISO 3166 code such as KH."
        ) from error
    return tuple(sorted(found))


def no_holidays(country: str, *, years: Iterable[int]) -> tuple[date, ...]:
    """Return no holidays at all; for tests and for cities that list their own."""
    return ()
