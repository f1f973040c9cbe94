"""Undoing an act: only what it changed, and only while nobody has changed that since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def inverse(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be written to undo an act: the old value of each field that it changed.

    before, after: the same fields, as they were and as the act left them.

    :raises ValueError: if the two do not name the same fields.

    >>> inverse({"state": "open", "urgency": "normal"}, {"state": "taken", "urgency": "normal"})
    {'state': 'open'}
    """
    if before.keys() != after.keys():
        raise ValueError(f"Both sides must name the same fields, got {sorted(before)} and {sorted(after)}.")
    return {field: old for field, old in before.items() if old != after[field]}


def undo_conflicts(
    *, before: Mapping[str, Any], after: Mapping[str, Any], current: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the fields that an act changed and that are no longer as it left them, in the order of `before`.

    If there are any, the act cannot be undone without undoing somebody else's; name them and refuse. Fields that the
    act did not change may be anything by now.

    before, after: as for `inverse`. current: the fields as they are now; one that is not there any more is a conflict.

    :raises ValueError: if `before` and `after` do not name the same fields.

    >>> undo_conflicts(before={"crew": None}, after={"crew": 4}, current={"crew": 7, "state": "closed"})
    ('crew',)
    """
    return tuple(field for field in inverse(before, after) if field not in current or current[field] != after[field])
