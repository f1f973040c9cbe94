"""What an imported plan leaves for a person to settle: asked once, answered once, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.actions.plans import may_plan
from saat.records.models import City, PlanQuestion, Round, Stop
from saat.terms.planning import QuestionDraft
from saat.triage.words import clean_words

_LONGEST_ANSWER = 300
_BATCH = 500


def ask(log: Log, city: City, questions: Sequence[QuestionDraft], *, source: str) -> int:
    """Write what was not asked before, within a transaction; return how many questions were new."""
    rounds = dict(Round.objects.filter(city=city).values_list("code", "pk"))
    stops = dict(Stop.objects.filter(city=city, source=source).exclude(source_id="").values_list("source_id", "pk"))
    known = set(PlanQuestion.objects.filter(city=city).values_list("row", "why", "text"))
    fresh = []
    for question in questions:
        key = (question.row[:160], question.why, question.text[:500])
        if key in known:
            continue
        known.add(key)
        fresh.append(
            PlanQuestion(
                city=city,
                round_id=rounds.get(question.round_code),
                stop_id=stops.get(question.source_id),
                row=key[0],
                why=key[1],
                text=key[2],
                asked_at=log.now,
            )
        )
    PlanQuestion.objects.bulk_create(fresh, batch_size=_BATCH)
    return len(fresh)


def settle_question(*, question_id: int, answer: str, now: datetime, by: Actor) -> PlanQuestion:
    """Write down what a person decided about a question; what follows for the plan is changed in the editor.

    :raises NotAllowed: if planning that round is not for this actor.
    :raises NotFound: if there is no such question that is still open.
    """
    found = PlanQuestion.objects.filter(pk=question_id).select_related("round__area").first()
    if found is None:
        raise NotFound(_("There is no such question."))
    area = found.round.area if found.round else None
    if not may_plan(by, city_id=found.city_id, area_path=area.path if area else ""):
        raise NotAllowed(_("Rounds are planned by the city's duty desk and the officers of their khan."))
    with writing(found.city_id, now=now, by=by) as log:
        row = PlanQuestion.objects.select_for_update().get(pk=question_id)
        if row.settled_at is not None:
            raise NotFound(_("Somebody has settled this question already."))
        row.answer = clean_words(answer, limit=_LONGEST_ANSWER)
        row.settled_at = now
        row.settled_by_id = by.id if by.kind == "user" else None
        row.save(update_fields=["answer", "settled_at", "settled_by"])
        log.append("plan_question_settled", subject=f"plan_question:{row.pk}", facts={"round": row.round_id})
    return row
