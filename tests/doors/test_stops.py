"""A stop's collection calendar: the page, the calendar to subscribe to, and the poster."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from saat.actions.log import CLOCK
from saat.actions.runs import plan_runs
from saat.records.models import Run, Stop
from saat.terms.plan import HolidayRule, ServiceDays, StopKind, Stream
from saat.terms.stopnumbers import spoken_number
from tests.city import make_city
from tests.plans import a_round, a_stop, moved, save

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("Asia/Phnom_Penh")
PAGE = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def hall():
    return make_city()


@pytest.fixture
def client():
    return Client(**PAGE)


def today():
    return timezone.now().astimezone(ZONE).date()


def plan(hall, draft=None, **more):
    save(hall.city, draft or a_round(), from_day=today() - timedelta(days=60), now=timezone.now(), **more)
    return Stop.objects.get(source_id="stop-1")


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def events_of(client, stop, **query):
    answer = client.get(f"/stops/{stop.number}.ics", query)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content).walk("VEVENT")


def test_a_stop_shows_its_next_collections_with_days_and_windows(hall, client):
    tomorrow = (today() + timedelta(days=1)).weekday()
    streams = {Stream.REFUSE: None, Stream.RECYCLING: frozenset({tomorrow})}
    stop = plan(hall, moved(a_round(), 1, streams=streams))
    answer = client.get(f"/stops/{stop.number}")
    text = text_of(answer)
    assert answer.status_code == 200
    assert "Corner 1" in text
    assert f"Phsar Kandal, Daun Penh · Stop {spoken_number(stop.number)}" in text
    assert "19:55–20:15" in text
    assert "Recycling" in text
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Accept-Language" in answer.headers["Vary"]


def test_it_speaks_the_visitors_language(hall, client):
    stop = plan(hall)
    assert "ជ្រុង 1" in text_of(client.get(f"/stops/{stop.number}?lang=km"))


def test_a_holiday_is_shown_with_what_it_changes(hall, client):
    holiday = today() + timedelta(days=(7 - today().weekday()) % 7 or 7)  # a Monday to come
    hall.city.country_holidays = [holiday.isoformat()]
    hall.city.save()
    days = ServiceDays(weekdays=frozenset({0, 2}), holidays=HolidayRule.SHIFT)
    stop = plan(hall, replace(a_round(), days=days))
    text = text_of(client.get(f"/stops/{stop.number}"))
    moved_to = holiday + timedelta(days=1)
    assert f"{holiday:%A} {holiday.day} {holiday:%B} is a public holiday: the collection comes on {moved_to:%A}" in text
    assert f"Instead of {holiday:%A} {holiday.day} {holiday:%B}, because of a public holiday." in text


def test_a_change_of_the_plan_is_shown_from_its_day_on(hall, client):
    stop = plan(hall)
    later = {"planned_s": 64_800.0, "opens_s": 64_500.0, "closes_s": 65_700.0}
    change = moved(moved(moved(a_round(), 1, **later), 2, **later), 3, **later)
    save(hall.city, change, from_day=today() + timedelta(days=3), now=timezone.now(), accept_warnings=True)
    starts = [event["dtstart"].dt.astimezone(ZONE).strftime("%H:%M") for event in events_of(client, stop)]
    assert starts[:4] == ["19:55", "19:55", "19:55", "17:55"]


def test_a_collection_that_was_called_off_is_shown_so(hall, client):
    stop = plan(hall)
    plan_runs(hall.city.pk, days=3, now=timezone.now(), by=CLOCK)
    Run.objects.filter(service_day=today() + timedelta(days=1)).update(state="called_off")
    assert "Called off by the city." in text_of(client.get(f"/stops/{stop.number}"))
    statuses = [str(event["status"]) for event in events_of(client, stop)]
    assert statuses[:3] == ["CONFIRMED", "CANCELLED", "CONFIRMED"]


def test_the_calendar_holds_ninety_days_with_uids_that_stay(hall, client):
    stop = plan(hall)
    events = events_of(client, stop)
    uids = [str(event["uid"]) for event in events]
    assert (len(events), len(set(uids))) == (90, 90)
    assert uids[0].endswith(f"-{stop.number}@phnompenh.kh")
    first = events[0]["dtstart"].dt
    assert first == datetime.combine(today(), datetime.min.time(), ZONE).astimezone(UTC) + timedelta(seconds=71_700)
    save(hall.city, moved(a_round(), 2, planned_s=72_660.0), from_day=today() + timedelta(days=1), now=timezone.now())
    assert [str(event["uid"]) for event in events_of(client, stop)] == uids


def test_a_calendar_that_has_not_changed_is_not_sent_again(hall, client):
    stop = plan(hall)
    first = client.get(f"/stops/{stop.number}.ics")
    again = client.get(f"/stops/{stop.number}.ics", headers={"if-none-match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert "max-age=3600" in first.headers["Cache-Control"]


def test_the_calendar_speaks_the_language_that_it_was_asked_for(hall, client):
    stop = plan(hall)
    assert str(events_of(client, stop, lang="en")[0]["summary"]) == "Collection: Refuse"
    assert "ជ្រុង 1" in str(events_of(client, stop)[0]["location"])


def test_a_lane_without_a_truck_has_the_calendar_of_its_meeting_point(hall, client):
    point = plan(hall, a_round(a_stop(1, kind=StopKind.TRANSFER)))
    lane = Stop.objects.create(
        city=hall.city, number="L-1", lat=11.546, lon=104.911, lane=True, served_by=point, names={"en": "Lane 12"}
    )
    text = text_of(client.get(f"/stops/{lane.number}"))
    assert "No truck enters this lane. A pushcart brings the rubbish to Corner 1." in text
    assert len(events_of(client, lane)) == 90


def test_a_poster_has_both_languages_the_number_and_a_code_and_no_inline_style(hall, client):
    stop = plan(hall)
    answer = client.get(f"/stops/{stop.number}/poster")
    html = answer.content.decode()
    assert "Corner 1" in html
    assert "ជ្រុង 1" in html
    assert "<svg" in html
    assert 'class="qr"' in html
    assert spoken_number(stop.number) in html
    assert f"testserver/stops/{stop.number}" in html
    assert " style=" not in html


@pytest.mark.parametrize("where", ["", "/poster", ".ics"])
def test_a_number_that_is_nobodys_is_a_clear_404(hall, client, where):
    answer = client.get(f"/stops/99999999{where}")
    assert answer.status_code == 404
    stop = plan(hall)
    wrong = stop.number[:-1] + str((int(stop.number[-1]) + 1) % 10)
    answer = client.get(f"/stops/{wrong}{where}?lang=en")
    assert answer.status_code == 404
    assert "A digit of this number is wrong" in answer.content.decode()


def test_a_number_in_khmer_digits_or_with_spaces_leads_to_its_page(hall, client):
    stop = plan(hall)
    khmer = "".join("០១២៣៤៥៦៧៨៩"[int(digit)] for digit in stop.number)
    assert client.get("/stops/", {"q": f" {khmer} "}).headers["Location"] == f"/stops/{stop.number}"
    assert client.get(f"/stops/{khmer}").headers["Location"] == f"/stops/{stop.number}"


def test_a_stop_is_found_by_its_name_or_by_its_area(hall, client):
    stop = plan(hall)
    for words in ("corner 1", "ជ្រុង 1", "Phsar Kandal"):
        assert f"/stops/{stop.number}" in client.get("/stops/", {"q": words}).content.decode(), words
    nothing = client.get("/stops/", {"q": "nowhere at all"})
    assert nothing.status_code == 404
    assert "We find no stop that is called so." in nothing.content.decode()
    assert client.get("/stops/").status_code == 200


def test_a_stop_of_another_city_is_shown_in_that_citys_frame(hall, client):
    other = make_city(jurisdiction_id="elsewhere.kh")
    stop = plan(other)
    answer = client.get(f"/stops/{stop.number}")
    assert answer.headers["Location"] == f"/stops/{stop.number}?city=elsewhere.kh"
    assert client.get(answer.headers["Location"]).status_code == 200


def test_a_simulated_stop_says_so(hall, client):
    stop = plan(hall, simulated=True)
    for where in ("", "/poster"):
        assert "trucks and plans are simulated" in text_of(client.get(f"/stops/{stop.number}{where}"))


def test_a_stop_on_no_round_says_that_nothing_is_planned(hall, client):
    Stop.objects.create(city=hall.city, number="X-1", lat=11.546, lon=104.911)
    assert "No collection is planned here" in text_of(client.get("/stops/X-1"))


def test_texts_of_an_operator_are_shown_as_text(hall, client):
    stop = plan(hall, moved(a_round(), 1, names={"en": "<script>alert(1)</script>"}))
    assert b"<script>alert" not in client.get(f"/stops/{stop.number}").content
