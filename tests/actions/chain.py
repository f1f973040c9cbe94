"""Checking a city's log by computing it anew."""

from __future__ import annotations

from saat.actions.log import chained
from saat.records.models import ChainHead, City, Event


def assert_chain_is_whole(city: City) -> None:
    """Compute every hash of a city's chain anew, from the first event to the head."""
    before = "0" * 64
    events = list(Event.objects.filter(city=city).order_by("seq"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for event in events:
        computed = chained(
            before=before, city_id=event.city_id, seq=event.seq, at=event.at, kind=event.kind, subject=event.subject,
            case_id=event.case_id, actor=event.actor, facts_json=event.facts_json,
        )  # fmt: skip
        assert event.hash == computed
        before = event.hash
    head = ChainHead.objects.get(city=city)
    assert (head.seq, head.hash) == (len(events), before)
