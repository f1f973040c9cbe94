"""Which state may follow which."""

import pytest

from saat.cases.moves import NEXT, MoveNotAllowed, check_move
from saat.terms.case import State

ALLOWED = [(old, new) for old in State for new in State if new in NEXT[old]]
REFUSED = [(old, new) for old in State for new in State if new not in NEXT[old]]


@pytest.mark.parametrize(("old", "new"), ALLOWED)
def test_accepts_every_move_of_the_table(old, new):
    check_move(code="K7Q2-9M4X", old=old, new=new)


@pytest.mark.parametrize(("old", "new"), REFUSED)
def test_refuses_every_move_outside_the_table(old, new):
    with pytest.raises(MoveNotAllowed) as refusal:
        check_move(code="K7Q2-9M4X", old=old, new=new)
    assert (refusal.value.code, refusal.value.old, refusal.value.new) == ("K7Q2-9M4X", old, new)
    assert set(refusal.value.allowed) == NEXT[old]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (State.CLOSED, State.ASSIGNED, "Case K7Q2-9M4X is closed and cannot become assigned. It can become: open."),
        (
            State.ON_SITE,
            State.OPEN,
            "Case K7Q2-9M4X is on site and cannot become open. It can become: taken, assigned, closed, merged.",
        ),
        (
            State.OPEN,
            State.OPEN,
            "Case K7Q2-9M4X is open and cannot become open. It can become: taken, assigned, on site, closed, merged.",
        ),
    ],
)
def test_a_refusal_says_what_was_asked_what_stands_against_it_and_what_is_possible(old, new, sentence):
    with pytest.raises(MoveNotAllowed) as refusal:
        check_move(code="K7Q2-9M4X", old=old, new=new)
    assert str(refusal.value) == sentence


def test_the_table_answers_for_every_state():
    assert set(NEXT) == set(State)


@pytest.mark.parametrize("state", State)
def test_no_case_is_ever_stuck_or_lost(state):
    """From every state a case can still be closed, and can still come back to the queue."""
    reached, edge = {state}, {state}
    while edge:
        edge = {new for old in edge for new in NEXT[old]} - reached
        reached |= edge
    assert {State.OPEN, State.CLOSED} <= reached


@pytest.mark.parametrize("ended", [State.CLOSED, State.MERGED])
def test_an_ended_case_can_only_return_to_the_queue(ended):
    assert NEXT[ended] == {State.OPEN}


def test_only_an_assigned_case_may_become_what_it_is_already():
    assert [state for state in State if state in NEXT[state]] == [State.ASSIGNED]


def test_a_state_that_comes_from_the_database_as_plain_text_is_judged_alike():
    check_move(code="K7Q2-9M4X", old="open", new="taken")
    with pytest.raises(MoveNotAllowed, match="is closed and cannot become on site"):
        check_move(code="K7Q2-9M4X", old="closed", new="on_site")
