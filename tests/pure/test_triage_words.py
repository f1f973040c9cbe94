"""The tokens by which texts are found, and what texts tell."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saat.terms.codes import new_code, spoken
from saat.terms.policy import example_policy, read_policy
from saat.triage.phrases import Phrases
from saat.triage.spelling import folded, spelt
from saat.triage.words import (
    clean_words,
    compare_words,
    guess_category,
    query_words,
    search_words,
    words_likeness,
)

CITY = read_policy((Path(__file__).parents[2] / "cities" / "phnom-penh.toml").read_text(encoding="utf-8"))

KHMER = "មានសំរាមច្រើននៅមុខផ្សារអូឡាំពិក ផ្លូវ ២៧១ សូមមកប្រមូល"


def finds(query, text):
    return set(query_words(query)) <= set(search_words(text))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ផ្សារ", KHMER),
        ("អូឡាំពិក", KHMER),
        ("សំរាម", KHMER),
        ("សម្រាម", KHMER),  # the dictionary's spelling
        ("ផ្សារ អូឡាំពិក", KHMER),
        ("ផ្សារ\u200bអូឡាំពិក", KHMER),  # words parted by a zero-width space
        ("ក", "ក"),
        ("ពិក", KHMER),
        ("271", KHMER),
        ("២៧១", "Street 271"),
        ("សប្ដាហ៍", "មួយសប្តាហ៍"),  # subscripts that look the same
        ("ម្រេច", "ផ្លូវម្រេច"),
        ("ផ្លូវម្រេច", "នៅផ្លូវ ម្រេច"),
        ("DUONG", "Đường Nguyễn Thị Minh Khai"),
        ("nguyen", "Đường Nguyễn Thị Minh Khai"),
        ("Nguyễn", "duong nguyen thi minh khai"),
        ("cafe", "Café"),
        ("strasse", "Straße"),
        ("O'Brien", "o’brien"),
        ("ขยะ", "มีขยะที่ถนน"),
        ("น้ำท่วม", "น้ําท่วมถนน"),  # the vowel as one sign and as two
        ("ຂີ້ເຫຍື້ອ", "ມີຂີ້ເຫຍື້ອຫຼາຍ"),
        ("အမှိုက်", "လမ်းပေါ်မှာ အမှိုက်တွေ"),
        ("垃圾", "街上有很多垃圾"),
        ("쓰레기가", "길에 쓰레기가 많아요"),
        ("हिन्दी", "यह हिन्दी है"),
        ("k7q29m4x", "case K7Q2-9M4X was closed"),
        ("K7Q2 9M4X", "case K7Q2-9M4X was closed"),
        ("k7q2–9m4x", "K7Q29M4X"),
        ("K7Q2-9M4X", "k7q29m4x"),
        ("K7QZ-9M4O", "K7QZ-9M40"),  # heard as a zero
        ("rubbish K7Q2-9M4X", "K7Q2-9M4X rubbish"),
        ("road 1234", "on the road 1234 again"),
        ("block123", "at block123"),
        ("pass-team", "a pass-team here"),
        ("ＫＨＭＥＲ", "khmer"),
    ],
)
def test_a_query_finds_the_text(query, text):
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ពិកផ្សារ", KHMER),
        ("សាលា", KHMER),
        ("27", KHMER),
        ("market", "Olympic stadium"),
        ("K7Q2-9M4X", "K7Q2-9M4Y"),
    ],
)
def test_a_query_does_not_find_another_text(query, text):
    assert not finds(query, text)


def test_every_short_code_is_found_as_it_is_read_aloud_and_as_one_word():
    for _ in range(300):
        code = new_code()
        for query in (code, code.lower(), spoken(code)):
            assert finds(query, f"{spoken(code)} ផ្សារ Sangkat 12"), code


def test_a_single_cluster_and_a_word_at_the_end_are_found():
    assert finds("ម", "សំរាម")
    assert finds("រាម", "សំរាម")


@given(st.text(max_size=80))
def test_a_text_finds_itself(text):
    assume(len(search_words(text)) < 300)
    assert finds(text, text)


@given(st.text(max_size=80), st.text(max_size=80))
def test_tokens_are_such_as_both_databases_keep_whole(text, more):
    for token in (*search_words(text), *query_words(more)):
        assert token
        assert not any(letter.isspace() for letter in token)
        assert token == folded(token)


@given(st.text(st.sampled_from("xcityare019 ")))
def test_nobody_can_write_the_words_that_stand_for_scope(text):
    assert not any(token.startswith(("xcity", "xarea")) and token[5:].isdigit() for token in search_words(text))


def test_the_words_that_stand_for_scope_lose_their_mark():
    assert search_words("xarea12 xxcity3 xylophone1") == ("area12", "city3", "xylophone1")


def test_a_long_text_has_a_bounded_number_of_tokens():
    assert len(search_words("".join(chr(0x1780 + n % 33) + chr(0x17B6 + n % 7) for n in range(5000)))) <= 600
    assert len(search_words(" ".join(f"word{n}" for n in range(5000)))) == 600


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_of_words_is_symmetric_and_a_share(a, b):
    assert words_likeness(a, b) == words_likeness(b, a)
    assert 0 <= words_likeness(a, b) <= 1


@given(st.text(max_size=60))
def test_a_text_is_like_itself_as_far_as_it_tells_anything(text):
    alike, certainty = compare_words(text, text)
    assert alike == (pytest.approx(1) if certainty else 0)


def test_the_same_market_is_liker_than_another_place_in_the_same_words():
    one = "សំរាមគរនៅមុខផ្សារអូឡាំពិក"
    same = words_likeness(one, "មានសំរាមច្រើនក្បែរផ្សារអូឡាំពិក")
    other = words_likeness(one, "សំរាមគរនៅមុខសាលារៀនបាក់ទូក")
    assert same > 0.45 > 0.3 > other


def test_words_that_everybody_writes_tell_little():
    assert words_likeness("Please collect the rubbish", "Please collect the rubbish") < 0.4
    assert words_likeness("Broken blue sofa behind Wat Langka", "Broken blue sofa behind Wat Langka") > 0.75


def test_two_scripts_say_nothing_of_each_other_but_a_number_does():
    assert compare_words("សំរាមនៅមុខផ្សារអូឡាំពិក", "Rubbish in front of Olympic market") == (0.0, 0.0)
    assert compare_words(KHMER, "Rubbish in front of Olympic market") == (0.0, 0.0)
    assert compare_words("ផ្លូវ ២៧១", "street 271")[0] == 1
    assert compare_words("ផ្លូវ ២៧១", "street 63")[0] == 0


@pytest.mark.parametrize(
    ("text", "service_code"),
    [
        ("The truck did not come for my rubbish", "missed-collection"),
        ("Needles near the school", "danger"),
        ("rubbish blocks the drain", "blocked-drain"),
        ("A dead rat in the rubbish", "danger"),
        ("ឡានសំរាមមិនមកប្រមូល ៣ថ្ងៃហើយ", "missed-collection"),
        ("ធុងសំរាមពេញហៀរ", "full-bin"),
        ("គេយកសំណល់សំណង់មកចោល", "dumping"),
        ("ដុតសំរាម ភ្លើងឆេះ", "danger"),
        ("សំរាមស្ទះលូ ទឹកលិចផ្លូវ", "blocked-drain"),
        ("សម្រាមនៅមុខផ្សារ", "pile"),
        ("GARBAGE everywhere", "pile"),
        ("", None),
        ("hello", None),
        ("The cannon and the combine", None),  # "can" and "bin" within other words
    ],
)
def test_guesses_the_category_that_the_words_speak_of(text, service_code):
    assert guess_category(text, CITY) == service_code


def test_a_city_without_words_guesses_nothing():
    assert guess_category("rubbish", example_policy()) is None


def test_a_phrase_stands_in_whole_clusters():
    drain = Phrases(["លូ"])
    assert drain.are_in(spelt("ស្ទះលូទឹក"))
    assert not drain.are_in(spelt("លូ៎"))
    assert not Phrases(["រ"]).are_in(spelt("ក្រ"))
    assert not Phrases([]).are_in("anything")


@given(st.text(max_size=60))
def test_spelling_twice_changes_nothing(text):
    assume(clean_words(text) == text)
    assert spelt(spelt(text)) == spelt(text)
