"""Whose word about a stop stands when two disagree: one written rule.

An official's decision, and a contest that was accepted, stand; nothing that a track shows later changes them. What a
crew says stands against the follower, unless the crew takes it back, or the track shows a later collection of that
stop: a crew that could not pass and came back. The follower's own outcome changes with whatever it learns.
"""

from __future__ import annotations

from saat.terms.run import Evidence, Outcome, StopView

BY_PEOPLE = frozenset({"official", "contest"})
BY_CREW = "crew"
BY_FOLLOWER = "follower"


def decided_by(stop: StopView) -> str:
    """Return whose word an outcome of the follower's view rests on."""
    said = stop.reason is not None and stop.outcome in (Outcome.SKIPPED, Outcome.NOT_PRESENTED)
    return BY_CREW if said else BY_FOLLOWER


def stands(*, decided: str, decided_s: float, new: StopView) -> bool:
    """Return whether what was decided stands against a new view of the same stop.

    decided: by whom: "official", "contest", "crew" or "follower". decided_s: when, seconds since 1970.

    >>> back = StopView(stop_id=1, sequence=1, outcome=Outcome.COLLECTED, p_served=0.98, arrived_s=900.0)
    >>> stands(decided="official", decided_s=100.0, new=back), stands(decided="crew", decided_s=100.0, new=back)
    (True, False)
    """
    if decided in BY_PEOPLE:
        return True
    if decided != BY_CREW or new.reason is None:
        return False
    came_back = new.outcome.is_served and new.arrived_s is not None and new.arrived_s > decided_s
    return not came_back and decided_by(new) != BY_CREW


def why_changed(*, before: Outcome | None, old_kinds: frozenset[str], new: tuple[Evidence, ...]) -> str:
    """Return what changed the follower's mind: decided, crew, resident or late_positions.

    old_kinds: kinds of the evidence on which the earlier outcome rested.
    """
    if before is None:
        return "decided"
    added = {piece.kind for piece in new} - old_kinds
    if added & {"crew", "photo"}:
        return "crew"
    return "resident" if "resident" in added else "late_positions"
