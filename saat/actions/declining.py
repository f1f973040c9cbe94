"""Whoever a case was handed to says that they cannot do it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from saat.actions.alerts import raise_alert
from saat.actions.cases import ActRefused, Change, city_of
from saat.actions.links import withdraw_links
from saat.actions.log import Actor, writing
from saat.cases.escalation import steps_after_return
from saat.records.models import Case, Note
from saat.terms.case import Declined, State
from saat.triage.words import clean_words


def decline_case(
    *, case_id: int, reason: Declined, now: datetime, by: Actor, text: str = "", by_name: str = ""
) -> Case:
    """Give a case back to the office, with the reason; it is never closed by this.

    It goes back to the official who answers for it, or into the queue if there is none; whoever is on duty is alerted.

    :raises ActRefused: if the case was not handed to anybody.
    """
    with writing(city_of(case_id), now=now, by=by) as log:
        change = Change(log, case_id, "arrive")
        case = change.case
        if State(case.state) not in (State.ASSIGNED, State.ON_SITE):
            raise ActRefused(_("This case is not with you any more."))
        facts = {"reason": str(reason), "contractor": case.contractor_id, "crew": case.crew_id}
        withdraw_links(log, case=case)
        case.contractor = case.crew = None
        if case.owner_id is not None:
            case.state = State.TAKEN
        else:
            case.state, case.waiting_since = State.OPEN, now
            case.steps_done = sorted(steps_after_return(policy=change.policy, steps_done=frozenset(case.steps_done)))
        if clean_words(text):
            note = Note.objects.create(
                city_id=case.city_id,
                case=case,
                text=clean_words(text),
                written_at=now,
                by_id=by.id if by.kind == "user" else None,
                by_link_id=by.id if by.kind == "link" else None,
                by_name=by_name[:120],
            )
            facts["note"] = note.pk
        case = change.done("case_declined", facts=facts)
        raise_alert(log, case=case, why="declined", policy=change.policy)
        return case
