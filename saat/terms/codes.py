"""Codes that people read aloud and links that nobody can guess."""

from __future__ import annotations

import re
import secrets
import unicodedata

# Crockford's base 32: no I, L, O or U, so that a code survives a bad telephone line.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HEARD_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})
_CODE_LENGTH = 8
_TOKEN_LENGTH = 26  # 130 bits
_DASHES = re.compile("[\u00ad\u200b\u2010-\u2015\u2212]")
_MAYBE = re.compile(r"(?<![0-9A-Za-z])(?=([0-9A-Za-z]{4}[ -]?[0-9A-Za-z]{4})(?![0-9A-Za-z]))")
_MOST_MAYBE = 40
_DIGIT = re.compile("[0-9]")


def new_code() -> str:
    """Return a fresh short code of 8 letters and digits (40 bits)."""
    return _drawn(_CODE_LENGTH)


def new_token() -> str:
    """Return a fresh unguessable token of 26 lower-case letters and digits (130 bits)."""
    return _drawn(_TOKEN_LENGTH).lower()


def _drawn(length: int) -> str:
    # The alphabet has 32 signs: five bits of each random byte choose one, all with the same chance.
    return "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(length))


def spoken(code: str) -> str:
    """Return a short code in two groups, as it is printed and read aloud.

    >>> spoken("K7Q29M4X")
    'K7Q2-9M4X'
    """
    return f"{code[:4]}-{code[4:]}"


def heard(text: str) -> str | None:
    """Return the short code that somebody typed or heard, or None if it cannot be one.

    Case, spaces and dashes do not matter; letters that sound or look like a digit are read as that digit, and digits
    may be of any script.

    >>> heard(" k7q2 9m4x "), heard("k៧q២–៩m៤x")
    ('K7Q29M4X', 'K7Q29M4X')
    >>> heard("hello") is None
    True
    """
    code = "".join(_ascii(text).split()).replace("-", "").upper().translate(_HEARD_AS)
    if len(code) != _CODE_LENGTH or any(letter not in ALPHABET for letter in code):
        return None
    return code


def heard_in(text: str) -> tuple[str, ...]:
    """Return all short codes that a longer text may hold, the likeliest first; many a word of eight letters is one.

    >>> heard_in("The caller says K7Q2 9M4X, I think")[0]
    'K7Q29M4X'
    """
    whole = heard(text)
    parts = [found[1] for found in _MAYBE.finditer(_ascii(text))]
    parts.sort(key=lambda part: (-sum(map(bool, map(_DIGIT.search, (part[:4], part[-4:])))), "-" not in part))
    codes = [whole, *(heard(part) for part in parts[:_MOST_MAYBE])]
    return tuple(dict.fromkeys(code for code in codes if code))


def _ascii(text: str) -> str:
    """Return a text with wide letters, dashes and digits of other scripts as plain ones."""
    if text.isascii():
        return text
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)
