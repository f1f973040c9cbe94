"""On duty: who is, turns planned and handed over, alerts answered; and the office's texts. At the doors."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from saat.actions.clock import escalate_due, pass_on_alerts
from saat.actions.texts import save_text
from saat.records.models import Alert, Case, Duty, Event, Template
from saat.web.desk.history import _ALERTS
from tests.city import AT_HOSPITAL, new_report
from tests.doors.desk import now_case, page_of, signed_in, text_of
from tests.hall import Hall, make_hall

PHNOM_PENH = ZoneInfo("Asia/Phnom_Penh")


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def on_duty(hall) -> Duty:
    """The khan officer is on duty for the khan for the next four hours."""
    now = timezone.now()
    return Duty.objects.create(
        city=hall.city, user=hall.people["daun penh"], area=hall.ground.khans["Daun Penh"],
        starts_at=now - timedelta(hours=4), ends_at=now + timedelta(hours=4),
    )  # fmt: skip


def typed(moment) -> str:
    return f"{moment.astimezone(PHNOM_PENH):%Y-%m-%dT%H:%M}"


def turn(hall: Hall, who: str, **fields) -> dict:
    now = timezone.now()
    usual = {
        "user": hall.people[who].pk,
        "area": hall.ground.khans["Daun Penh"].pk,
        "starts_at": typed(now + timedelta(hours=1)),
        "ends_at": typed(now + timedelta(hours=9)),
        "rank": "1",
    }
    return {**usual, **fields}


def test_everybody_at_the_desk_sees_who_is_on_duty_now_and_next(hall, on_duty):
    signed_in(hall, "duty").post("/desk/duty/plan", turn(hall, "duty", area=""))
    for name in ("kandal", "director", "north"):
        said = text_of(signed_in(hall, name).get("/desk/duty/"))
        assert "Daun Penh : daun-penh" in said
        assert "The whole city : duty" in said


def test_a_day_without_anybody_on_duty_is_shown_as_a_gap(hall):
    assert "Nobody is on duty now" in text_of(signed_in(hall, "duty").get("/desk/duty/"))


def test_a_planned_turn_is_on_the_citys_clock(hall):
    fields = turn(hall, "daun penh", starts_at="2030-01-07T18:00", ends_at="2030-01-08T06:00")
    signed_in(hall, "daun penh").post("/desk/duty/plan", fields)
    duty = Duty.objects.get()
    assert duty.starts_at.astimezone(PHNOM_PENH).hour == 18
    assert duty.ends_at - duty.starts_at == timedelta(hours=12)


@pytest.mark.parametrize(
    ("by", "fields", "status", "why"),
    [
        ("kandal", {}, 403, "You cannot plan turns of duty for this area."),
        ("daun penh", {"area": ""}, 403, "You cannot plan turns of duty for this area."),
        ("daun penh", {"ends_at": "2020-01-01T00:00"}, 422, "The turn must end after it starts."),
        ("daun penh", {"starts_at": "tomorrow"}, 422, "Please give day and time."),
        ("daun penh", {"user": "999999"}, 422, "cannot act on the cases of this area"),
        ("daun penh", {"area": "999999"}, 422, "This area is not in the city."),
    ],
)
def test_a_turn_that_cannot_be_planned_says_why(hall, by, fields, status, why):
    response = signed_in(hall, by).post("/desk/duty/plan", turn(hall, "daun penh", **fields))
    assert response.status_code == status
    assert why in text_of(response)
    assert not Duty.objects.exists()


def test_the_rest_of_a_turn_is_handed_over_with_a_note(hall, on_duty):
    khan = signed_in(hall, "daun penh")
    fields = {"user": hall.people["duty"].pk, "note": "Needles at the hospital"}
    response = khan.post(f"/desk/duty/{on_duty.pk}/hand-over", fields, follow=True)
    said = text_of(response)
    assert "The duty is handed over" in said
    assert "Needles at the hospital" in said
    assert Duty.objects.latest("pk").user == hall.people["duty"]
    assert khan.post(f"/desk/duty/{on_duty.pk}/hand-over", fields).status_code == 404


def test_a_turn_is_ended_by_whoever_plans(hall, on_duty):
    assert signed_in(hall, "kandal").post(f"/desk/duty/{on_duty.pk}/end").status_code == 403
    assert signed_in(hall, "duty").post(f"/desk/duty/{on_duty.pk}/end").status_code == 302
    on_duty.refresh_from_db()
    assert on_duty.ends_at <= timezone.now()


@pytest.fixture
def alerted(hall, on_duty) -> Case:
    """Needles at the hospital: the khan officer is alerted."""
    return now_case(hall, new_report(service_code="danger", point=AT_HOSPITAL))


def test_an_alert_is_answered_where_it_is_read(hall, alerted):
    khan = signed_in(hall, "daun penh")
    page = khan.get("/desk/duty/")
    assert "because it may be dangerous" in text_of(page)
    address = re.search(r'action="(/desk/alerts/\d+/acknowledge)"', page.content.decode())[1]
    assert khan.post(address, {"next": page_of(alerted)}).url == page_of(alerted)
    assert Alert.objects.get().acknowledged_at is not None
    assert "No alert waits for you." in text_of(khan.get("/desk/duty/"))


def test_nobody_answers_anothers_alert_or_is_led_elsewhere(hall, alerted):
    address = f"/desk/alerts/{Alert.objects.get().pk}/acknowledge"
    assert signed_in(hall, "duty").post(address).status_code == 404
    khan = signed_in(hall, "daun penh")
    assert khan.post(address, {"next": "//elsewhere.example/"}).url == "/desk/duty/"


def test_alerts_come_as_a_part_of_a_page_too(hall, alerted):
    part = signed_in(hall, "daun penh").get("/desk/alerts/").content.decode()
    assert "<html" not in part
    assert "I have seen it" in part
    assert "I have seen it" not in signed_in(hall, "kandal").get("/desk/alerts/").content.decode()


def test_the_case_tells_who_was_alerted_and_offers_the_answer_to_that_one(hall, alerted):
    assert "I have seen it" in text_of(signed_in(hall, "daun penh").get(page_of(alerted)))
    page = text_of(signed_in(hall, "duty").get(page_of(alerted)))
    assert "daun-penh was alerted" in page
    assert "I have seen it" not in page


def test_a_text_is_previewed_saved_changed_and_deleted(hall):
    khan = signed_in(hall, "daun penh")
    fields = {"name": "Coming", "text_en": "{office} comes by {due}. Case {code}.", "text_km": "យើងនឹងមក"}
    preview = khan.post("/desk/texts/", {**fields, "preview": "1"})
    assert "Phnom Penh City Hall comes by" in text_of(preview)
    assert "Case K7Q2-9M4X." in text_of(preview)
    assert not Template.objects.exists()
    khan.post("/desk/texts/", fields)
    row = Template.objects.get()
    assert row.texts == {"en": fields["text_en"], "km": fields["text_km"]}
    khan.post(f"/desk/texts/{row.pk}", {**fields, "name": "On the way"})
    assert Template.objects.get().name == "On the way"
    khan.post(f"/desk/texts/{row.pk}/delete")
    assert not Template.objects.exists()
    assert khan.get(f"/desk/texts/{row.pk}").status_code == 404


def test_a_text_that_cannot_be_saved_stays_typed(hall):
    khan = signed_in(hall, "daun penh")
    response = khan.post("/desk/texts/", {"name": "Hello", "text_en": "Dear {name}"})
    assert response.status_code == 422
    assert "{name} cannot be filled in" in text_of(response)
    assert "Dear {name}</textarea>" in response.content.decode()


def test_who_may_not_change_texts_only_reads_them(hall):
    save_text(city_id=hall.city.pk, name="Coming", texts={"en": "Soon"}, now=timezone.now(), by=hall.by("duty"))
    officer = signed_in(hall, "kandal")
    page = officer.get("/desk/texts/").content.decode()
    assert "Coming" in page
    assert "Write a text" not in page
    assert officer.post("/desk/texts/", {"name": "x", "text_en": "y"}).status_code == 403
    assert officer.post(f"/desk/texts/{Template.objects.get().pk}/delete").status_code == 403


def test_many_alerts_in_a_row_are_one_line_that_opens(hall):
    case = now_case(hall)
    start = timezone.now()
    for minutes in range(40, 400, 30):
        escalate_due(now=start + timedelta(minutes=minutes))
        pass_on_alerts(now=start + timedelta(minutes=minutes + 15))
    told = [kind for kind in Event.objects.filter(case_id=case.pk).values_list("kind", flat=True) if kind in _ALERTS]
    assert len(told) >= 4
    page = signed_in(hall, "duty").get(page_of(case))
    assert page.content.count(b'class="fold"') == 1
    assert f"{len(told)} alerts and escalations by themselves" in text_of(page)
