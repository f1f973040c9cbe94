"""What is said at once to somebody whose rubbish was not collected: one row a situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from saat.rounds.answering import answer_to
from saat.terms.collection import Instance, Known
from saat.terms.roundrule import RoundRule
from saat.terms.run import Outcome
from tests.rounds_plan import MONDAY, at_s

RULE = RoundRule()
OPENS_S, CLOSES_S = at_s(3, minutes=-10), at_s(3, minutes=30)
TONIGHT = Instance(run_id=1, stop_id=4, service_day=MONDAY, opens_s=OPENS_S, closes_s=CLOSES_S)
WEEK_S = 7 * 86_400.0
NEXT = replace(
    TONIGHT, run_id=2, service_day=MONDAY + timedelta(days=7), opens_s=OPENS_S + WEEK_S, closes_s=CLOSES_S + WEEK_S
)
BEGUN, AFTER = OPENS_S + 60, CLOSES_S + 3600


@pytest.mark.parametrize(
    ("tonight", "now_s", "known", "asks"),
    [
        (TONIGHT, OPENS_S - 3 * 86_400, Known.NOT_TODAY, False),
        (TONIGHT, OPENS_S - 3600, Known.LATER_TODAY, False),
        (TONIGHT, BEGUN, Known.ON_ITS_WAY, False),
        (replace(TONIGHT, p10_s=BEGUN, p90_s=AFTER, p_miss=0.9), BEGUN, Known.AT_RISK, False),
        (TONIGHT, AFTER, Known.ON_ITS_WAY, False),
        (TONIGHT, CLOSES_S + 5 * 3600, Known.UNKNOWN, True),
        (replace(TONIGHT, over=True), AFTER, Known.UNKNOWN, True),
        (replace(TONIGHT, outcome=Outcome.COLLECTED, at_s=BEGUN), AFTER, Known.COLLECTED, True),
        (replace(TONIGHT, outcome=Outcome.LATE, at_s=AFTER), AFTER, Known.COLLECTED, True),
        (replace(TONIGHT, outcome=Outcome.PARTIAL), AFTER, Known.PARTLY, True),
        (replace(TONIGHT, outcome=Outcome.MISSED), AFTER, Known.MISSED, False),
        (replace(TONIGHT, outcome=Outcome.SKIPPED), AFTER, Known.COULD_NOT, False),
        (replace(TONIGHT, outcome=Outcome.NOT_PRESENTED), AFTER, Known.NOTHING_OUT, True),
        (replace(TONIGHT, outcome=Outcome.EXCUSED), AFTER, Known.CALLED_OFF, False),
        (replace(TONIGHT, outcome=Outcome.UNKNOWN), AFTER, Known.UNKNOWN, True),
        (replace(TONIGHT, called_off=True), AFTER, Known.CALLED_OFF, False),
        (replace(TONIGHT, outcome=Outcome.MISSED), CLOSES_S + 4 * 86_400, Known.NOT_TODAY, False),
    ],
)
def test_what_is_known_is_told(tonight, now_s, known, asks):
    answer = answer_to([NEXT, tonight], rule=RULE, now_s=now_s)
    assert (answer.known, answer.asks) == (known, asks)


def test_a_round_that_crosses_midnight_is_still_tonight_s():
    after_midnight = replace(TONIGHT, opens_s=at_s(0, minutes=230), closes_s=at_s(0, minutes=280))
    answer = answer_to([after_midnight, NEXT], rule=RULE, now_s=at_s(0, minutes=250))
    assert (answer.known, answer.judged) == (Known.ON_ITS_WAY, after_midnight)


def test_an_expected_span_is_never_in_the_past():
    late = replace(TONIGHT, p10_s=BEGUN - 900, p90_s=BEGUN - 300)
    answer = answer_to([late], rule=RULE, now_s=BEGUN)
    assert answer.from_s == answer.to_s == BEGUN


def test_the_next_one_is_the_first_that_was_not_called_off():
    off = replace(NEXT, called_off=True)
    later = replace(NEXT, run_id=3, opens_s=NEXT.opens_s + WEEK_S, closes_s=NEXT.closes_s + WEEK_S)
    assert answer_to([TONIGHT, off, later], rule=RULE, now_s=AFTER).next == later


def test_a_stop_without_collections_has_no_answer():
    assert answer_to([], rule=RULE, now_s=AFTER) is None
    assert answer_to([TONIGHT], rule=RULE, now_s=CLOSES_S + 30 * 86_400) is None
