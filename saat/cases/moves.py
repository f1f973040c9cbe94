"""Which state a case may pass into from which."""

from __future__ import annotations

from saat.terms.case import State

# Closed and merged cases only ever go back to the queue: whatever comes next is taken, assigned and proved anew.
# An assigned case may be assigned again, to another crew or contractor.
NEXT: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.TAKEN, State.ASSIGNED, State.ON_SITE, State.CLOSED, State.MERGED}),
    State.TAKEN: frozenset({State.OPEN, State.ASSIGNED, State.ON_SITE, State.CLOSED, State.MERGED}),
    State.ASSIGNED: frozenset({State.OPEN, State.TAKEN, State.ASSIGNED, State.ON_SITE, State.CLOSED, State.MERGED}),
    State.ON_SITE: frozenset({State.TAKEN, State.ASSIGNED, State.CLOSED, State.MERGED}),
    State.CLOSED: frozenset({State.OPEN}),
    State.MERGED: frozenset({State.OPEN}),
}


class MoveNotAllowed(Exception):
    """A case cannot pass into the wanted state; the message says where it can go, for an official to read.

    code: the case's short code as people read it. old, new: where it stands and where it was wanted.
    allowed: the states that it may pass into, in the order of `State`; doors that speak another language build their
    sentence from these.
    """

    def __init__(self, *, code: str, old: State, new: State) -> None:
        self.code, self.old, self.new = code, old, new
        self.allowed = tuple(state for state in State if state in NEXT[old])
        possible = ", ".join(_in_words(state) for state in self.allowed)
        super().__init__(
            f"Case {code} is {_in_words(old)} and cannot become {_in_words(new)}. It can become: {possible}."
        )


def check_move(*, code: str, old: State, new: State) -> None:
    """Accept a move that the table allows.

    code: the case's short code, for the message.

    :raises MoveNotAllowed: if the case may not pass from `old` into `new`.

    >>> check_move(code="K7Q2-9M4X", old=State.OPEN, new=State.TAKEN)
    >>> check_move(code="K7Q2-9M4X", old=State.CLOSED, new=State.ASSIGNED)
    Traceback (most recent call last):
    saat.cases.moves.MoveNotAllowed: Case K7Q2-9M4X is closed and cannot become assigned. It can become: open.
    """
    if new not in NEXT[old]:
        raise MoveNotAllowed(code=code, old=old, new=new)


def _in_words(state: State) -> str:
    return state.replace("_", " ")
