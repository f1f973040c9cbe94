"""Telephone numbers are understood as people in Cambodia and its neighbours write them."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.report import Contact
from saat.web import contact
from saat.web.contact import NotAPhone, is_complete, kept, phone_number, read_back


@pytest.mark.parametrize(
    "typed",
    [
        "012 345 678", "012345678", "012-345-678", " (012) 345 678 ", "០១២ ៣៤៥ ៦៧៨", "+855 12 345 678", "85512345678",
        "00855 12 345 678", "+៨៥៥ ១២ ៣៤៥ ៦៧៨", "tel: 012 345 678",
    ],
)  # fmt: skip
def test_one_number_is_kept_in_one_form_however_it_is_typed(typed):
    assert phone_number(typed, country="KH") == "+85512345678"


@pytest.mark.parametrize("typed", ["117", "hello", "012345678 / 099888777", "1.2.3", "+", "0123456789012345", "\u202e"])
def test_what_can_be_no_number_is_refused(typed):
    with pytest.raises(NotAPhone):
        phone_number(typed, country="KH")


def test_a_number_of_a_neighbour_keeps_its_country():
    assert phone_number("+84 24 3825 1234", country="KH") == "+842438251234"
    assert phone_number("024 3825 1234", country="VN") == "+842438251234"


def test_a_number_with_a_digit_too_few_is_taken_but_known_as_incomplete():
    number = phone_number("012 345 67", country="KH")
    assert not is_complete(number)
    assert is_complete("+85512345678")
    assert not is_complete("nonsense")


def test_what_is_kept_can_be_read_back_even_if_it_was_never_understood():
    assert read_back("+85512345678", country="KH") == "012 345 678"
    assert read_back("call the shop", country="KH") == "call the shop"


def test_a_partners_number_is_kept_in_the_same_form_and_never_lost():
    assert kept(Contact(name="Dara", phone="012 345 678"), country="KH") == Contact(name="Dara", phone="+85512345678")
    assert kept(Contact(phone="ask the shop"), country="KH") == Contact(phone="ask the shop")


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_number_or_refused(text):
    try:
        number = phone_number(text, country="KH")
    except NotAPhone:
        return
    assert number == "" or number.startswith("+")
    assert phone_number(number, country="KH") == number


def test_the_examples_hold():
    assert doctest.testmod(contact).failed == 0
