"""Undo: what it writes, and when it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.mends import inverse, undo_conflicts

TAKING = {"before": {"state": "open", "owner": None}, "after": {"state": "taken", "owner": 4}}


@pytest.mark.parametrize(
    ("current", "conflicts"),
    [
        ({"state": "taken", "owner": 4}, ()),
        ({"state": "taken", "owner": 4, "urgency": "high"}, ()),  # something else was changed, that is no hindrance
        ({"state": "assigned", "owner": 4}, ("state",)),
        ({"state": "closed", "owner": 7}, ("state", "owner")),
        ({"state": "open", "owner": None}, ("state", "owner")),  # somebody has undone it before
        ({"state": "taken"}, ("owner",)),
    ],
)
def test_what_was_changed_since_stands_against_an_undo(current, conflicts):
    assert undo_conflicts(**TAKING, current=current) == conflicts


def test_fields_that_the_act_left_alone_are_neither_written_nor_in_the_way():
    before, after = {"state": "open", "area": 5}, {"state": "taken", "area": 5}
    assert inverse(before, after) == {"state": "open"}
    assert undo_conflicts(before=before, after=after, current={"state": "taken", "area": 6}) == ()


def test_both_sides_of_an_act_must_name_the_same_fields():
    with pytest.raises(ValueError, match=r"same fields, got \['state'\] and \['owner', 'state'\]"):
        inverse({"state": "open"}, {"state": "taken", "owner": 4})
    with pytest.raises(ValueError, match="same fields"):
        undo_conflicts(before={"state": "open"}, after={}, current={})


VALUES = st.none() | st.integers(0, 3) | st.sampled_from(["a", "b"])
ROWS = st.fixed_dictionaries(dict.fromkeys(("state", "owner", "crew", "urgency", "due_at"), VALUES))


@given(ROWS, ROWS)
def test_undoing_at_once_restores_the_row(before, after):
    assert undo_conflicts(before=before, after=after, current=after) == ()
    assert after | inverse(before, after) == before


@given(ROWS, st.lists(ROWS, min_size=2, max_size=5))
def test_acts_can_be_undone_one_after_the_other_from_the_last(row, changes):
    history, current = [], row
    for change in changes:
        history.append((current, change))
        current = change
    for before, after in reversed(history):
        assert undo_conflicts(before=before, after=after, current=current) == ()
        current = current | inverse(before, after)
    assert current == row


@given(ROWS, ROWS, ROWS)
def test_an_undo_that_is_not_refused_touches_only_what_is_still_as_the_act_left_it(before, after, current):
    conflicts = undo_conflicts(before=before, after=after, current=current)
    written = inverse(before, after)
    assert set(conflicts) == {field for field in written if current[field] != after[field]}
