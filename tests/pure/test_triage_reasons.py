"""Why a report is urgent is told in codes that name an entry of a list, so that they may be kept for ever."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.case import Danger, ServiceLevel, Urgency
from saat.terms.policy import read_policy
from saat.triage.urgency import urgency_of

CITY = read_policy((Path(__file__).parents[2] / "cities" / "phnom-penh.toml").read_text(encoding="utf-8"))
WORDS = sorted({word for category in CITY.categories for word in category.words} | {"fire", "smoke", "needle", "ឆេះ"})
KNOWN = {
    "category",
    "place:highest",
    "place:raised",
    "voices",
    *(f"words:{danger}" for danger in Danger),
    *(f"told:{danger}" for danger in Danger),
    *(f"words:{category.service_code}" for category in CITY.categories),
}


def judged(*told, words="", service_code="pile"):
    category = CITY.category(service_code)
    return urgency_of(
        category=category, words=words, service_level=ServiceLevel.USUAL, voices=1, policy=CITY, told=told
    )


@given(
    words=st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=30)), max_size=6).map(" ".join),
    service_code=st.sampled_from([category.service_code for category in CITY.categories]),
    level=st.sampled_from(ServiceLevel),
    voices=st.integers(1, 9),
    told=st.lists(st.sampled_from(Danger), unique=True),
)
def test_a_reason_is_always_of_the_list_and_never_what_somebody_wrote(words, service_code, level, voices, told):
    _urgency, codes = urgency_of(
        category=CITY.category(service_code),
        words=words,
        service_level=level,
        voices=voices,
        policy=CITY,
        told=told,
    )
    assert codes
    assert set(codes) <= KNOWN
    assert all(re.fullmatch(r"[a-z]+(:[a-z0-9_.-]+)?", code) for code in codes)


@pytest.mark.parametrize(
    ("danger", "urgency"),
    [
        (Danger.FIRE, Urgency.DANGER),
        (Danger.WIRE, Urgency.DANGER),
        (Danger.INJURED, Urgency.DANGER),
        (Danger.BLOCKED, Urgency.HIGH),
        (Danger.DEAD_ANIMAL, Urgency.HIGH),
    ],
)
def test_what_a_caller_tells_weighs_as_much_as_the_same_in_writing(danger, urgency):
    assert judged(danger) == (urgency, (f"told:{danger}",))


def test_the_worst_of_what_a_caller_tells_decides():
    assert judged(Danger.SMOKE, Danger.NEEDLE) == (Urgency.DANGER, ("told:needle",))


def test_the_words_of_a_citys_urgent_category_raise_a_report_of_another_kind_and_name_that_category():
    assert judged(words="the canal is full") == (Urgency.HIGH, ("words:blocked-drain",))
