"""What each role may do. Where (which areas, which contractor's cases) is decided by the query that finds the case."""

from __future__ import annotations

from collections.abc import Iterable

from saat.terms.case import Role

_OPERATE: frozenset[str] = frozenset({
    "see", "report", "take", "assign", "message", "ask", "change", "priority", "merge", "split", "close",
    "close_no_fix", "reopen", "note", "undo", "bulk", "export", "see_contact", "acknowledge", "arrive", "prove",
})  # fmt: skip
_MANAGE: frozenset[str] = frozenset({
    "redact", "judge_proof", "manage_duty", "manage_texts", "manage_users", "manage_links", "see_log", "import_data",
    "manage_fleet", "contest", "judge_contest", "plan_rounds",
})  # fmt: skip
_SUPERVISE: frozenset[str] = frozenset({
    "redact", "judge_proof", "judge_contest", "manage_duty", "manage_texts", "plan_rounds",
})  # fmt: skip
_DISPATCH: frozenset[str] = frozenset({
    "see", "assign", "note", "acknowledge", "arrive", "prove", "manage_fleet", "contest",
})  # fmt: skip
ACTS: frozenset[str] = _OPERATE | _MANAGE

# To report is to write down what a caller or a visitor says; a contractor and a crew never learn who reported. A
# contractor's assigning is to its own crews, and its note is what it says to the officer. Taking means that an official
# answers for the case, so nobody outside the hall can take it. A contractor looks after its own vehicles and trackers.
MAY: dict[Role, frozenset[str]] = {
    Role.SANGKAT_OFFICER: _OPERATE,
    Role.KHAN_OFFICER: _OPERATE | _SUPERVISE,
    Role.CITY_DUTY: _OPERATE | _SUPERVISE | {"manage_fleet"},
    Role.CONTRACTOR: frozenset({"see", "assign", "note", "acknowledge", "arrive", "prove"})
    | {"manage_fleet", "contest"},
    Role.CREW: frozenset({"see", "arrive", "prove"}),
    Role.DIRECTOR: frozenset({"see", "export", "acknowledge", "message"}),
    Role.AUDITOR: frozenset({"see", "see_log", "export"}),
    Role.ADMINISTRATOR: ACTS,
}


def may(roles: Iterable[Role], act: str) -> bool:
    """Return whether somebody who holds these roles may do this; several roles add up.

    :raises ValueError: if there is no such act, so that a misspelt one is not taken for a refusal.

    >>> may([Role.CREW], "see_contact"), may([Role.CREW, Role.KHAN_OFFICER], "see_contact"), may([], "see")
    (False, True, False)
    """
    if act not in ACTS:
        raise ValueError(f"{act!r} is no act; the acts are {', '.join(sorted(ACTS))}.")
    return any(act in MAY[role] for role in roles)
