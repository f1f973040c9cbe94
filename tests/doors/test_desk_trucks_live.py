"""Open pages about trucks are told over HTTP that runs were followed; the stream itself tells nothing about a run."""

from __future__ import annotations

import httpx
import pytest

from tests.beside import beside
from tests.doors.test_live import AT_LAST_S, listening, signed_in

pytestmark = pytest.mark.live

FOLLOW = """
from datetime import timedelta
from django.db.models import Max
run = Run.objects.filter(city__jurisdiction_id={city!r}).order_by("-starts_at", "-pk").first()
latest = Run.objects.filter(city=run.city).aggregate(at=Max("followed_at"))["at"] or run.starts_at
Run.objects.filter(pk=run.pk).update(followed_at=latest + timedelta(seconds=1))
tell(run.pk)
"""


def test_a_page_is_told_when_a_run_of_its_city_was_followed(live):
    city = live.demo["city"]
    with signed_in(live, "city_duty") as client, listening(client, address=f"/desk/trucks/live?city={city}") as page:
        # The first look says what is known; only what comes after it is news.
        for _time in range(2):
            beside(live, FOLLOW.format(city=city))
        told = page.next(AT_LAST_S)
        assert told[2] == "runs"
        assert told[3] == {"kind": "runs"}, "nothing about a run is in the stream"


@pytest.mark.parametrize("city", ["", "nowhere.kh"])
def test_the_trucks_of_another_city_are_nobodys_to_hear_of(live, city):
    with signed_in(live, "city_duty") as client:
        assert client.get("/desk/trucks/live", params={"city": city}).status_code == 403


def test_whoever_is_not_signed_in_hears_nothing(live):
    assert httpx.get(f"{live.url}/desk/trucks/live", params={"city": live.demo["city"]}).status_code == 403
    assert httpx.post(f"{live.url}/desk/trucks/live", params={"city": live.demo["city"]}).status_code == 403
