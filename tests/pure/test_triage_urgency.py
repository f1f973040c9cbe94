"""How soon somebody must act, and which code says why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.case import ServiceLevel, Urgency
from saat.terms.policy import read_policy
from saat.triage.urgency import urgency_of

CITY = read_policy((Path(__file__).parents[2] / "cities" / "phnom-penh.toml").read_text(encoding="utf-8"))


def judged(words="", *, service_code="pile", level=ServiceLevel.USUAL, voices=1, policy=None):
    return urgency_of(
        category=CITY.category(service_code), words=words, service_level=level, voices=voices, policy=policy
    )


@pytest.mark.parametrize(
    ("words", "urgency", "code"),
    [
        ("The rubbish is BURNING", Urgency.DANGER, "words:fire"),
        ("គេដុតសំរាម ភ្លើងឆេះហើយ", Urgency.DANGER, "words:fire"),
        ("needles on the playground", Urgency.DANGER, "words:needle"),
        ("មានម្ជុលច្រើននៅមុខសាលា", Urgency.DANGER, "words:needle"),
        ("សំណល់ពេទ្យ", Urgency.DANGER, "words:medical"),
        ("សារធាតុគីមី", Urgency.DANGER, "words:chemical"),
        ("The ambulance cannot get through", Urgency.DANGER, "words:ambulance"),
        ("ខ្សែភ្លើងដាច់លើសំរាម", Urgency.DANGER, "words:wire"),
        ("A child was injured", Urgency.DANGER, "words:injured"),
        ("smoke all night", Urgency.HIGH, "words:smoke"),
        ("ផ្សែងខ្លាំង", Urgency.HIGH, "words:smoke"),
        ("the road is  blocked", Urgency.HIGH, "words:blocked"),
        ("can’t pass", Urgency.HIGH, "words:blocked"),
        ("សំរាមស្ទះផ្លូវ", Urgency.HIGH, "words:blocked"),
        ("ភ្លៀង ទឹកលិចផ្លូវ", Urgency.HIGH, "words:flood"),
        ("broken glass", Urgency.HIGH, "words:glass"),
        ("ឆ្កែងាប់", Urgency.HIGH, "words:dead-animal"),
    ],
)
def test_words_of_danger_alarm(words, urgency, code):
    found, codes = judged(words)
    assert found == urgency
    assert code in codes


@pytest.mark.parametrize(
    "words",
    [
        "",
        "rubbish beside the fire station",
        "Fireworks paper everywhere",
        "no smoke, only smell",
        "acidity",
        "ភ្លើងបំភ្លឺផ្លូវ",  # street lamps
        "សំរាមគរនៅមុខផ្សារ",
    ],
)
def test_harmless_words_do_not(words):
    assert judged(words) == (Urgency.NORMAL, ("category",))


def test_the_category_speaks_first_and_a_weaker_reason_is_not_named():
    assert judged("smoke", service_code="danger") == (Urgency.DANGER, ("category",))
    assert judged("fire", service_code="danger") == (Urgency.DANGER, ("category", "words:fire"))


@pytest.mark.parametrize(
    ("level", "urgency", "codes"),
    [
        (ServiceLevel.USUAL, Urgency.NORMAL, ("category",)),
        (ServiceLevel.RAISED, Urgency.NORMAL, ("category", "place:raised")),
        (ServiceLevel.HIGHEST, Urgency.HIGH, ("place:highest",)),
    ],
)
def test_a_place_that_asks_for_care_raises(level, urgency, codes):
    assert judged(level=level) == (urgency, codes)


def test_five_voices_raise_a_step_and_no_further_than_high():
    assert judged(voices=4) == (Urgency.NORMAL, ("category",))
    assert judged(voices=5) == (Urgency.HIGH, ("voices",))
    assert judged(voices=500) == (Urgency.HIGH, ("voices",))
    assert judged(voices=500, service_code="blocked-drain") == (Urgency.HIGH, ("category", "voices"))
    assert judged(voices=500, service_code="danger") == (Urgency.DANGER, ("category",))


def test_words_of_a_more_urgent_category_of_the_city_raise_to_high():
    assert judged("The sewer stinks") == (Urgency.NORMAL, ("category",))
    assert judged("The sewer stinks", policy=CITY) == (Urgency.HIGH, ("words:blocked-drain",))
    assert judged("The sewer stinks", policy=CITY, service_code="danger") == (Urgency.DANGER, ("category",))
    assert judged("rubbish", policy=CITY) == (Urgency.NORMAL, ("category",))


@given(
    st.text(max_size=40),
    st.sampled_from([category.service_code for category in CITY.categories]),
    st.sampled_from(list(ServiceLevel)),
    st.integers(1, 20),
)
def test_nothing_ever_lowers_the_category_and_there_is_always_a_reason(words, service_code, level, voices):
    urgency, codes = judged(words, service_code=service_code, level=level, voices=voices, policy=CITY)
    assert urgency.level >= CITY.category(service_code).urgency.level
    assert codes
    assert len(set(codes)) == len(codes)
