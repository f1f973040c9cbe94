"""Codes that survive a telephone line, and links that nobody guesses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.codes import ALPHABET, heard, heard_in, new_code, new_token, spoken

CODES = st.text(st.sampled_from(ALPHABET), min_size=8, max_size=8)


@given(CODES)
def test_a_code_is_heard_however_it_is_said(code):
    assert heard(spoken(code)) == heard(spoken(code).lower()) == heard(" ".join(code)) == heard(code) == code
    assert heard(code.replace("0", "O").replace("1", "I").replace("V", "u")) == code
    assert heard(code.replace("1", "l")) == code


@given(st.text(max_size=12))
def test_whatever_is_heard_is_a_code_or_nothing(text):
    code = heard(text)
    assert code is None or (len(code) == 8 and set(code) <= set(ALPHABET))


@pytest.mark.parametrize("text", ["", "K7Q2", "K7Q2-9M4X-1", "K7Q2-9M4!", "ក្រុងភ្នំ", "K7Q2 9M4é"])
def test_what_cannot_be_a_code_is_not_heard_as_one(text):
    assert heard(text) is None


@given(CODES, st.text(max_size=60), st.text(max_size=60))
def test_a_code_is_heard_within_whatever_is_said_around_it(code, before, after):
    assert code in heard_in(f"{spoken(code)} {after}")
    assert all(len(found) == 8 and heard(found) == found for found in heard_in(f"{before}{code}{after}"))


@pytest.mark.parametrize(
    "text",
    ["code K7Q2-9M4X please", "លេខកូដ K7Q2 9M4X", "k៧q២ ៩m៤x", "it is k7q29m4x.", "（Ｋ７Ｑ２－９Ｍ４Ｘ）", "K7Q2—9M4X"],
)
def test_a_code_is_heard_in_a_sentence_in_any_script_and_comes_first(text):
    assert heard_in(text)[0] == "K7Q29M4X"


def test_new_codes_and_tokens_are_fresh_and_of_the_alphabet():
    codes, tokens = {new_code() for _ in range(2000)}, {new_token() for _ in range(2000)}
    assert len(codes) == len(tokens) == 2000
    assert all(len(code) == 8 and heard(code) == code for code in codes)
    assert all(len(token) == 26 and set(token.upper()) <= set(ALPHABET) and token == token.lower() for token in tokens)
    # Every letter turns up somewhere: nothing of the alphabet is left out.
    assert set("".join(codes)) == set(ALPHABET)


def test_the_alphabet_has_no_letters_that_sound_like_a_digit():
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)
