"""Telephone numbers as people type them, in the one form in which they are kept."""

from __future__ import annotations

from dataclasses import replace

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from saat.terms.report import Contact


class NotAPhone(ValueError):
    """A text is no telephone number."""


def phone_number(text: str, *, country: str) -> str:
    """Return a number in E.164, such as "+85512345678"; "" for nothing.

    Digits of any script, spaces, dashes and the habits of the country are understood. country: ISO code of the city's
    country, for numbers without a country code.

    :raises NotAPhone: if no such number can exist; one that is only not given out (yet) is taken.

    >>> phone_number("012 345 678", country="KH"), phone_number("០១២ ៣៤៥ ៦៧៨", country="KH")
    ('+85512345678', '+85512345678')
    >>> phone_number("00855 12 345 678", country="KH"), phone_number(" ", country="KH")
    ('+85512345678', '')
    """
    typed = text.strip()
    if not typed:
        return ""
    # Many write 00 for the plus of an international number, also where their country dials it in another way.
    ways = [typed, f"+{typed[2:]}"] if typed.startswith("00") else [typed]
    possible = [number for number in (_parsed(way, country) for way in ways) if number is not None]
    if not possible:
        raise NotAPhone(text)
    number = next(filter(phonenumbers.is_valid_number, possible), possible[0])
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def kept(contact: Contact, *, country: str) -> Contact:
    """Return a contact with its number in E.164; as it was written, where it can be none, so that nothing is lost."""
    try:
        return replace(contact, phone=phone_number(contact.phone, country=country))
    except NotAPhone:
        return contact


def is_complete(number: str) -> bool:
    """Return whether a number in E.164 is of a kind that its country gives out: a digit may be missing otherwise."""
    parsed = _parsed(number, None)
    return parsed is not None and phonenumbers.is_valid_number(parsed)


def read_back(number: str, *, country: str) -> str:
    """Return a number in E.164 in groups, as people of a country read it aloud.

    >>> read_back("+85512345678", country="KH"), read_back("+842438251234", country="KH")
    ('012 345 678', '+84 24 3825 1234')
    """
    parsed = _parsed(number, None)
    if parsed is None:
        return number
    own = phonenumbers.region_code_for_number(parsed) == country
    form = PhoneNumberFormat.NATIONAL if own else PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, form))


def _parsed(text: str, country: str | None) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None
