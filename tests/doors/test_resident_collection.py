"""The resident's form and page say what is known of a collection that did not come."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from saat.actions.log import FOLLOWER
from saat.actions.outcomes import write_run
from saat.records.models import ServiceRequest, StopRun
from saat.terms.run import Outcome
from tests.hall import Hall, make_hall
from tests.rounds_plan import at_s, make_run, moment, plan_for, view_at, view_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall() -> Hall:
    return make_hall()


@pytest.fixture
def run(hall, monkeypatch):
    """A run on Monday evening of which the third stop was missed; it is ten past nine that evening."""
    run = make_run(hall.ground, contractor=hall.contractors["north"])
    plan = plan_for(run)
    view = view_for(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    write_run(run.pk, plan=plan, view=view, forecasts=(), now=moment(at_s(6)), by=FOLLOWER)
    monkeypatch.setattr(timezone, "now", lambda: moment(at_s(14)))
    return run


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


def typed(run, sequence: int, **more: str) -> dict[str, str]:
    stop = plan_for(run).stops[sequence - 1]
    usual = {
        "service_code": "missed-collection",
        "lat": str(stop.lat + 0.0001),
        "lon": str(stop.lon),
        "words": "No one",
    }
    return {**usual, **more}


def test_the_look_before_sending_says_what_is_known(run, visitor):
    answer = visitor.post("/near", typed(run, 3)).json()
    assert answer["collection"]["title"] == "Stop N3"
    assert "was missed today" in answer["collection"]["text"]
    assert "collection" not in visitor.post("/near", typed(run, 3, service_code="pile")).json()


def test_without_scripts_a_page_says_it_before_the_report_goes(run, visitor):
    page = visitor.post("/", typed(run, 2))
    html = page.content.decode()
    assert "As far as we can see, the truck collected here today at 20:05." in html
    assert not ServiceRequest.objects.exists()
    sent = visitor.post("/", typed(run, 2, decided="send"))
    assert sent.status_code == 303
    assert StopRun.objects.get(run=run, sequence=2).settle_by == "crew"


def test_the_reporter_s_own_page_says_what_is_known_by_now(run, visitor):
    sent = visitor.post("/send", typed(run, 3, client_id="11111111-aaaa")).json()
    html = visitor.get(sent["url"]).content.decode()
    assert "It is recorded that this stop was missed today." in html


def test_a_stop_s_own_link_names_the_stop(run, visitor):
    html = visitor.get("/", {"stop": "N3"}).content.decode()
    assert 'name="stop" value="N3"' in html
    sent = visitor.post("/", {"service_code": "missed-collection", "stop": "N3", "decided": "send"})
    assert sent.status_code == 303
    request = ServiceRequest.objects.get()
    assert request.attributes["stop"] == "N3"
    assert request.lat == plan_for(run).stops[2].lat


def test_a_place_without_a_stop_is_reported_as_before(run, visitor):
    far = {"service_code": "missed-collection", "lat": "11.5450", "lon": "104.9350", "words": "No one"}
    assert "collection" not in visitor.post("/near", far).json()
    assert visitor.post("/", far).status_code == 303
