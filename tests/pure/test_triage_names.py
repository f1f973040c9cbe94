"""Names of areas across lists: what is the same is joined, what is in doubt is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.triage.names import Doubt, match_name, plain_name, stems_of

CHAMKAR_MON = {
    1: ["ទន្លេបាសាក់", "Tonle Basak"],
    2: ["ទួលទំពូងទី ១", "Tuol Tumpung Ti Muoy"],
    3: ["ទួលទំពូងទី ២", "Tuol Tumpung Ti Pir"],
    4: ["ផ្សារដើមថ្កូវ", "Phsar Daeum Thkov"],
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sangkat Tonle Basak", "tonle  basak"),
        ("សង្កាត់ទន្លេបាសាក់", "ទន្លេបាសាក់"),
        ("ទួលទំពូងទី ១", "ទួលទំពូងទី១"),
        ("ទួលទំពូងទី ១", "ទួលទំពូងទី 1"),
        ("វត្ដភ្នំ", "វត្តភ្នំ"),  # subscript ដ and subscript ត look the same
        ("Stueng Mean chey 3", "Stueng Mean Chey Ti Bei"),
        ("Tuek L'ak Ti Muoy", "Tuek Lak 1"),
        ("Tuek L’ak Ti Muoy", "Tuek L'ak Ti Muoy"),
        ("Phường Bến Nghé", "Ben Nghe"),
        ("KHAN CHAMKAR MON", "Chamkar Mon"),
        ("Mean Chey District", "Mean Chey"),
    ],
)
def test_one_area_spelt_in_two_ways_has_one_plain_name(one, other):
    assert plain_name(one) == plain_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tuol Tumpung Ti Muoy", "Tuol Tumpung Ti Pir"),
        ("ទួលទំពូងទី ១", "ទួលទំពូងទី ២"),
        ("Preaek Pnov", "Preaek Aeng"),
        ("Khan", "Sangkat"),
    ],
)
def test_two_areas_keep_two_plain_names(one, other):
    assert plain_name(one) != plain_name(other)


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (["Tonle Basak"], 1),
        (["Sangkat Tuol Tumpung 2"], 3),
        (["ទួលទំពូងទី២", "Another spelling altogether"], 3),
        (["Phsar Daeum Th*"], 4),
        (["Tuol Tumpung Ti M*"], 2),
        (["Tuol Tumpung Ti P*"], 3),
    ],
)
def test_an_entry_is_joined_to_the_one_area_that_its_names_fit(names, key):
    assert match_name(names, CHAMKAR_MON).key == key


@pytest.mark.parametrize(
    ("names", "doubt"),
    [
        (["Olympic"], Doubt.UNKNOWN),
        (["Tuol Tumpung Ti *"], Doubt.SEVERAL),
        (["Tonle Basak", "ទួលទំពូងទី ២"], Doubt.SEVERAL),  # its two names speak of two areas
        (["Tuol*"], Doubt.SHORT),
        ([], Doubt.UNKNOWN),
    ],
)
def test_what_is_in_doubt_is_not_guessed(names, doubt):
    match = match_name(names, CHAMKAR_MON)
    assert (match.key, match.doubt) == (None, doubt)


def test_an_entry_in_doubt_says_what_it_could_be():
    assert match_name(["Tuol Tumpung Ti *"], CHAMKAR_MON).could_be == (2, 3)


def test_a_name_that_two_areas_share_is_decided_by_the_other_language():
    twins = {1: ["Samraong", "សំរោង"], 2: ["Samraong", "សំរោងក្រោម"]}
    assert match_name(["Samraong"], twins).doubt is Doubt.SEVERAL
    assert match_name(["Samraong", "សំរោងក្រោម"], twins).key == 2


def test_a_name_that_was_not_cut_has_no_beginnings():
    assert stems_of("Tonle Basak") == ()


@given(st.text(max_size=60))
def test_a_plain_name_is_its_own_plain_name_unless_it_begins_with_a_kind(text):
    plain = plain_name(text)
    assert plain == plain_name(plain) or plain_name(plain) in plain


@given(st.lists(st.text(max_size=20), max_size=3), st.dictionaries(st.integers(0, 5), st.lists(st.text(max_size=20))))
def test_any_names_are_either_joined_or_doubted(names, known):
    match = match_name(names, known)
    assert (match.key is None) == (match.doubt is not None)
    assert match.key is None or match.key in known
