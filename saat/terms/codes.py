"""Codes that people read aloud and links that nobody can guess."""

from __future__ import annotations

import secrets

# Crockford's base 32: no I, L, O or U, so that a code survives a bad telephone line.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HEARD_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V"})
_CODE_LENGTH = 8
_TOKEN_LENGTH = 26  # 130 bits


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

    Case, spaces and dashes do not matter; letters that sound or look like a digit are read as that digit.

    >>> heard(" k7q2 9m4x ")
    'K7Q29M4X'
    >>> heard("hello") is None
    True
    """
    code = "".join(text.split()).replace("-", "").upper().translate(_HEARD_AS)
    if len(code) != _CODE_LENGTH or any(letter not in ALPHABET for letter in code):
        return None
    return code
