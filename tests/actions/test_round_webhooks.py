"""What other systems are told of collections by webhook."""

from __future__ import annotations

import pytest

from saat.actions import access
from saat.actions.log import COMMAND, writing
from saat.actions.webhooks import fan_out_webhooks
from saat.records.models import Outbox
from saat.records.queries_webhooks import delivery_of
from tests.crews import Evening, make_evening
from tests.hall import make_hall

ALL = ("stop_run.missed", "stop_run.at_risk", "stop_run.recovered", "stop_run.corrected", "run.stalled", "feed.down")


@pytest.fixture
def evening(db) -> Evening:
    return make_evening(make_hall())


def happen(evening, kind, **facts):
    with writing(evening.hall.city.pk, now=evening.at(hours=1), by=COMMAND) as log:
        log.append(kind, subject=f"run:{evening.run.pk}", facts=facts)


def told(evening):
    fan_out_webhooks(now=evening.at(hours=1))
    return [delivery_of(row.facts) for row in Outbox.objects.filter(kind="webhook").order_by("pk")]


@pytest.mark.parametrize("kind", ALL)
def test_each_kind_is_told_to_who_asked_for_it(evening, kind):
    for kinds in ((kind,), ("case_closed",)):
        access.add_webhook(
            city=evening.hall.city, url="https://hooks.example/", kinds=kinds, now=evening.at(), by=COMMAND
        )
    happen(evening, kind, run=evening.run.pk, stops=[], service_day="2026-03-02")
    (delivery,) = told(evening)
    assert delivery.kind == kind


def test_stops_and_rounds_are_named_as_the_public_knows_them(evening):
    access.add_webhook(city=evening.hall.city, url="https://hooks.example/", kinds=ALL, now=evening.at(), by=COMMAND)
    second, fourth = evening.stops[1].pk, evening.stops[3].pk
    happen(
        evening, "stop_run.corrected", run=evening.run.pk, stops=[fourth, second], service_day="2026-03-02",
        before=["missed", "unknown"], after=["collected", "collected"], vehicle=evening.vehicle.pk, probability=0.97,
    )  # fmt: skip
    (delivery,) = told(evening)
    facts = delivery.data["facts"]
    assert (facts["round"], facts["service_day"], facts["stops"]) == ("DP-1", "2026-03-02", ["K4", "K2"])
    assert (facts["before"], facts["after"]) == (["missed", "unknown"], ["collected", "collected"])
    assert "vehicle" not in facts
    assert "probability" not in facts


def test_a_feed_that_is_down_is_told_without_a_round(evening):
    access.add_webhook(city=evening.hall.city, url="https://hooks.example/", kinds=ALL, now=evening.at(), by=COMMAND)
    happen(evening, "feed.down", contractor=evening.hall.contractors["north"].pk, stops=[], since="2026-03-02T12:00")
    (delivery,) = told(evening)
    assert delivery.data["facts"] == {
        "contractor": evening.hall.contractors["north"].pk,
        "since": "2026-03-02T12:00",
        "stops": [],
    }
