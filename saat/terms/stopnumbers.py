"""The number of a stop, as it stands on its poster: eight digits that everybody can read, type and say.

The last digit is a check by Damm's method (H. Michael Damm, 2004), which finds every single wrong digit and every two
that were exchanged, so that a mistyped number is told from one that does not exist.
"""

from __future__ import annotations

import secrets
import unicodedata

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2), (7, 0, 9, 2, 1, 5, 4, 8, 6, 3), (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6), (6, 1, 2, 3, 0, 4, 5, 9, 7, 8), (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4), (8, 9, 4, 5, 3, 6, 2, 0, 1, 7), (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)  # fmt: skip
_DIGITS = 8
_LONGEST = 12


def new_number() -> str:
    """Return a fresh number of a stop; ten million are possible, so the caller looks whether it is taken."""
    digits = str(1_000_000 + secrets.randbelow(9_000_000))
    return digits + str(_check(digits))


def spoken_number(number: str) -> str:
    """Return a number in two groups, as it is printed; one that a city gave itself stays as it is.

    >>> spoken_number("57240021"), spoken_number("B-12")
    ('5724 0021', 'B-12')
    """
    return f"{number[:4]} {number[4:]}" if len(number) == _DIGITS and number.isdecimal() else number


def heard_number(text: str) -> str | None:
    """Return the number that somebody typed, None if it cannot be one. Digits may be of any script.

    >>> heard_number(" ៥៧២៤ ០០២១ "), heard_number("b-12"), heard_number("near the market")
    ('57240021', 'B-12', None)
    """
    plain = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text.strip())
    if plain.replace(" ", "").replace("-", "").isdecimal():
        plain = plain.replace(" ", "") if "-" not in plain else plain
        if len(plain.replace("-", "")) == _DIGITS:
            plain = plain.replace("-", "")
    plain = plain.upper()
    allowed = plain.isascii() and all(sign.isalnum() or sign in "-_." for sign in plain)
    return plain if allowed and 0 < len(plain) <= _LONGEST and any(sign.isdigit() for sign in plain) else None


def is_mistyped(number: str) -> bool:
    """Return whether eight digits are none of our numbers because a digit is wrong or two are exchanged.

    >>> is_mistyped("57240021"), is_mistyped("57240012"), is_mistyped("B-12")
    (False, True, False)
    """
    return len(number) == _DIGITS and number.isdecimal() and _check(number) != 0


def _check(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim
