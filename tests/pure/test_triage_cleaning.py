"""What residents write, made safe to show, in the scripts they write it in."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saat.triage.words import clean_words

# Real sentences with what is hard in each script: Khmer consonants three deep, shifted vowels and a zero-width space;
# Burmese medials and stacked letters; vowels and tones over Thai and Lao; Vietnamese; right-to-left scripts.
SENTENCES = {
    "Khmer": "ខ្ញុំឃើញសំរាមគរនៅមុខផ្សារអូឡាំពិក ស្ត្រី​អាយុ៣០ឆ្នាំ ប៉ិ ប៊ិច ខ្សែក្រវ៉ាត់ កន្ត្រៃ លក្ស្មី ៗ។ ផ្សារទំនើប៖ ១០០៛",
    "Thai": "ขยะเต็มถนนหน้าบ้าน น้ำท่วม ที่นี่ก็มี กรุณาเก็บด้วยครับ ปี๊บ ญี่ปุ่น สัมฤทธิ์",
    "Burmese": "အမှိုက်တွေ လမ်းပေါ်မှာ ပုံနေတယ် လျှို့ဝှက် ကြောင့်ဖြစ်သည် သင်္ဘော ကျွန်ုပ်",
    "Lao": "ຂີ້ເຫຍື້ອເຕັມຖະໜົນ ກະລຸນາມາເກັບ ຜູ້ໃຫຍ່ ເຄື່ອງ ນ້ຳ",
    "Vietnamese": "Rác chất đống trước nhà số 12 đường Nguyễn Thị Minh Khai, ngập lụt",
    "Arabic": "النُّفايات في الشّارعِ كثيرةٌ جدًّا",
    "Hebrew": "הַזֶּבֶל בָּרְחוֹב",
    "Hindi": "कचरा सड़क पर पड़ा है, कृपया उठाएं",
    "Tamil": "தெருவில் குப்பை குவிந்துள்ளது",
    "Chinese": "街上有很多垃圾，请清理。",
    "Korean": "길에 쓰레기가 많아요",
    "signs": "🗑️ 👨‍👩‍👧 👍🏽 🇰🇭 №5 – “Saat” … 100 % ½",
}

NASTY = st.text(
    st.one_of(
        st.characters(exclude_categories=[]),
        st.sampled_from(
            "ae1 \n\t\r\u00a0\u2028\u0301\u0323\u0302\u0338\u20dd\u200b\u200c\u200d\u202e\u2066\ufeff\ud800\x00\x07"
        ),
        st.sampled_from("ក្រ្ញុំិ៉៊ាើ\u1004\u103a\u1039\u101f\u0e01\u0e35\u0e49\u0e4d\u1100\u1161\u11a8🇰\U0001f44d\U0001f3fd"),
    ),
    max_size=60,
)


@pytest.mark.parametrize("script", SENTENCES)
def test_a_sentence_of_any_script_survives(script):
    assert clean_words(SENTENCES[script]) == unicodedata.normalize("NFC", SENTENCES[script])


@given(NASTY, st.integers(0, 80))
@example("e\u200d\u0301", 10)
@example("\u200d👍🏽", 2)
def test_cleaning_what_is_clean_changes_nothing_and_it_is_never_too_long(text, limit):
    clean = clean_words(text, limit)
    assert len(clean) <= limit
    assert clean_words(clean, limit) == clean


@given(NASTY)
def test_what_is_left_can_be_stored_sent_and_shown(text):
    clean = clean_words(text)
    clean.encode("utf-8")
    assert unicodedata.is_normalized("NFC", clean)
    kinds = {unicodedata.category(letter) for letter in clean if letter not in "\n\u200b\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert clean == clean.strip()
    assert "  " not in clean
    assert "\n\n\n" not in clean


@given(st.text(st.sampled_from("ae\u0301\u0302\u0323\u0324\u0334\u0489\u0338\u034f"), max_size=40))
def test_no_tower_of_marks_stands_on_a_letter(text):
    run = 0
    for letter in clean_words(text):
        run = run + 1 if unicodedata.category(letter)[0] == "M" else 0
        assert run <= 2


def test_khmer_and_thai_towers_are_cut_to_what_the_scripts_have():
    assert "្រ" * 3 in clean_words("ក" + "្រ" * 20)
    assert "្រ" * 4 not in clean_words("ក" + "្រ" * 20)
    assert clean_words("ก" + "็" * 20) == "ก็"
    assert clean_words("ស" + "៉៊ិីឹុូួំ៎៏័" * 3).count("៉") == 1


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("a\tb  c", "a b c"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
        ("one \n  two", "one\ntwo"),
        ("safe\u202eevil\u202c\u2066\u200e", "safeevil"),
        ("so\u00adft \ufeffBOM\x00\x1b[31m", "soft BOM[31m"),
        ("\ud83d half", "half"),
        ("private \ue000 use", "private use"),
        ("wide\u3000space\u00a0here", "wide space here"),
        ("e\u0301te\u0301", "été"),
        ("ស\u200b\u200b\u200bរ \u200bម", "ស\u200bរ ម"),
        ("a\u200bb\u200dc", "abc"),
        ("<script>alert('x')</script>", "<script>alert('x')</script>"),  # text is text; pages escape it
    ],
)
def test_cleans(text, clean):
    assert clean_words(text) == clean


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("abcdef", 3, "abc"),
        ("ab cdef", 3, "ab"),
        ("ស្ត្រី", 6, "ស្ត្រី"),
        ("ស្ត្រី", 5, ""),  # one cluster is whole or not there
        ("កស្ត្រី", 5, "ក"),
        ("a👨‍👩‍👧", 4, "a"),
        ("a👍🏽", 2, "a"),
        ("anything", 0, ""),
        ("anything", -1, ""),
    ],
)
def test_cuts_between_clusters(text, limit, cut):
    assert clean_words(text, limit) == cut


def test_a_flood_of_text_is_cut_without_reading_all_of_it():
    assert clean_words("ក" * 5_000_000) == "ក" * 2000
    assert len(clean_words("a\u0301" * 1_000_000)) == 2000
