"""What can be said at once to somebody whose rubbish was not collected.

The last collection that has begun is judged, not "today": a round that crosses midnight belongs to the evening before,
and one that was put off is judged when it comes. A collection longer ago than the city's reporting days is not judged
any more; then the answer is when the next one is.
"""

from __future__ import annotations

from collections.abc import Sequence

from saat.terms.collection import Answer, Instance, Known
from saat.terms.roundrule import RoundRule
from saat.terms.run import Outcome

TODAY_S = 16 * 3600.0  # a collection that begins within so long is told as one that still comes
_AFTERWARDS_S = 3 * 3600.0  # so long after its window a stop without an outcome may still be on its way


def answer_to(instances: Sequence[Instance], *, rule: RoundRule, now_s: float) -> Answer | None:
    """Return what is known about a stop's collections; None if none is planned or past.

    instances: of one stop, in any order, some days back and some ahead.
    """
    ordered = sorted(instances, key=lambda one: (one.opens_s, one.run_id))
    begun = [one for one in ordered if one.opens_s <= now_s]
    ahead = next((one for one in ordered if one.opens_s > now_s and not one.called_off), None)
    last = begun[-1] if begun else None
    if last is None or now_s - last.closes_s > rule.report_days * 86_400:
        return _next(ahead, now_s=now_s)
    known = _known(last, rule=rule, now_s=now_s)
    if known in (Known.ON_ITS_WAY, Known.AT_RISK):
        from_s = last.p10_s if last.p10_s is not None else max(now_s, last.opens_s)
        to_s = last.p90_s if last.p90_s is not None else last.closes_s + rule.grace_min * 60
        return Answer(known=known, judged=last, from_s=max(from_s, now_s), to_s=max(to_s, now_s), next=ahead)
    asks = known in (Known.COLLECTED, Known.PARTLY, Known.UNKNOWN, Known.NOTHING_OUT)
    return Answer(known=known, judged=last, next=ahead, asks=asks)


def _next(ahead: Instance | None, *, now_s: float) -> Answer | None:
    if ahead is None:
        return None
    known = Known.LATER_TODAY if ahead.opens_s - now_s <= TODAY_S else Known.NOT_TODAY
    return Answer(known=known, from_s=ahead.opens_s, to_s=ahead.closes_s, next=ahead)


def _known(last: Instance, *, rule: RoundRule, now_s: float) -> Known:
    if last.called_off:
        return Known.CALLED_OFF
    if last.outcome is Outcome.EXPECTED:
        if last.over or now_s > last.closes_s + rule.grace_min * 60 + _AFTERWARDS_S:
            return Known.UNKNOWN
        return Known.AT_RISK if last.p_miss is not None and last.p_miss >= rule.alert_p else Known.ON_ITS_WAY
    return {
        Outcome.COLLECTED: Known.COLLECTED,
        Outcome.LATE: Known.COLLECTED,
        Outcome.PARTIAL: Known.PARTLY,
        Outcome.MISSED: Known.MISSED,
        Outcome.SKIPPED: Known.COULD_NOT,
        Outcome.NOT_PRESENTED: Known.NOTHING_OUT,
        Outcome.EXCUSED: Known.CALLED_OFF,
        Outcome.UNKNOWN: Known.UNKNOWN,
    }[last.outcome]
