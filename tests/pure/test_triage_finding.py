"""Areas and landmarks are found while they are typed, in either script, in any order and misspelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.triage.finding import NameFinder

PLACES = {
    "daun penh": ["Khan Daun Penh", "ខណ្ឌដូនពេញ"],
    "kandal": ["Phsar Kandal Ti Muoy", "ផ្សារកណ្ដាលទី១"],
    "tumpung": ["Tuol Tumpung Ti Pir", "ទួលទំពូងទី២"],
    "russian": ["Russian Market", "ផ្សារទួលទំពូង"],
    "calmette": ["Calmette Hospital", "មន្ទីរពេទ្យកាល់ម៉ែត"],
    "bkk": ["Boeng Keng Kang Ti Muoy", "បឹងកេងកងទី១"],
    "school": ["Boeng Trabaek High School", "វិទ្យាល័យបឹងត្របែក"],
}
KEYS = list(PLACES)
FINDER = NameFinder(dict(enumerate(PLACES.values())))


def found(text, **more):
    return [KEYS[key] for key in FINDER.find(text, **more)]


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("Kandal", "kandal"),
        ("phsar k", "kandal"),
        ("psar kandal", "kandal"),  # as it is spelt on many signs
        ("KHAN DAUN PENH", "daun penh"),
        ("doun penh", "daun penh"),
        ("penh", "daun penh"),
        ("russ", "russian"),
        ("market russian", "russian"),
        ("hospital calm", "calmette"),
        ("beung keng kang 1", "bkk"),
        ("toul tompong", "tumpung"),
        ("ផ្សារកណ្តាល", "kandal"),  # the subscript that looks the same
        ("កណ្ដាល", "kandal"),
        ("ដូនពេញ", "daun penh"),
        ("កាល់", "calmette"),
        ("បឹង កេង កង", "bkk"),
        ("ពេទ្យ", "calmette"),
    ],
)
def test_finds_what_is_meant(typed, best):
    assert found(typed)[:1] == [best]


def test_what_begins_so_comes_before_what_only_holds_it():
    assert found("tuol")[0] == "tumpung"
    assert found("ទួលទំពូង") == ["tumpung", "russian"]


def test_finds_nothing_in_nothing_and_nothing_like_what_nobody_has():
    assert found("") == found("  ,. ") == found("zzzzzz") == []


def test_what_is_spelt_otherwise_is_not_buried_under_what_is_only_a_little_alike():
    assert found("psar kandal") == ["kandal"]


def test_two_letters_are_not_guessed_about():
    assert found("zq") == []


def test_only_what_is_allowed_is_found_and_never_more_than_asked_for():
    assert found("boeng", allowed=lambda key: KEYS[key] == "school") == ["school"]
    assert len(found("o", most=2)) == 2


def test_a_name_is_known_whole_in_any_language_with_or_without_its_kind():
    assert [KEYS[key] for key in FINDER.called("daun penh")] == ["daun penh"]
    assert [KEYS[key] for key in FINDER.called("សង្កាត់ផ្សារកណ្ដាលទី ១")] == ["kandal"]
    assert FINDER.called("Daun") == FINDER.called("") == []


@given(st.text(max_size=40))
def test_whatever_is_typed_is_answered(text):
    assert len(FINDER.find(text)) <= 8
    assert set(FINDER.called(text)) <= set(range(len(PLACES)))
