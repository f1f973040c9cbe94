"""What crews say from their phones."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from saat.actions.clock import forget_due
from saat.actions.crewnotes import CrewRefused, add_photo, take_back, take_note
from saat.actions.log import NotFound
from saat.records import photo_store
from saat.records.models import CrewNote, DeviceBinding, Event, Vehicle
from saat.records.queries_crew import binding_at, crew_words, device_of, note_for, run_of_vehicle, stops_of_run
from saat.records.scope import reach_of
from saat.terms.geo import Point
from saat.terms.report import NewPhoto
from saat.terms.run import CrewReason, Outcome
from tests.crews import TOKEN, Evening, make_evening
from tests.hall import make_hall
from tests.pictures import picture_bytes


@pytest.fixture
def evening(db, settings, tmp_path) -> Evening:
    settings.PHOTO_ROOT = tmp_path
    return make_evening(make_hall())


def say(evening, reason=CrewReason.BLOCKED, **more):
    now = more.pop("now", evening.at(minutes=12))
    usual = {
        "device": evening.device, "client_id": "tap-00000001", "reason": reason, "said_at": now, "sent_at": now,
        "now": now, "run_id": evening.run.pk, "stop_id": evening.stops[1].pk,
    }  # fmt: skip
    return take_note(**{**usual, **more})


def a_photo():
    jpeg = picture_bytes()
    return NewPhoto(jpeg=jpeg, width=800, height=600, grey=bytes(1024), digest=hashlib.sha256(jpeg).hexdigest())


def test_a_word_of_the_crew_is_kept_logged_and_told_to_the_follower(evening):
    taken = say(evening, at=Point(lat=11.5489, lon=104.91))
    assert not taken.again
    assert (taken.note.vehicle_id, taken.note.lat) == (evening.vehicle.pk, 11.5489)
    event = Event.objects.get(kind="crew_said")
    assert event.actor == f"device:{evening.device.pk}"
    assert event.subject == f"run:{evening.run.pk}"
    (word,) = crew_words([evening.run.pk])[evening.run.pk]
    assert (word.reason, word.stop_id, word.has_photo) == (CrewReason.BLOCKED, evening.stops[1].pk, False)
    assert word.said_s == evening.at(minutes=12).timestamp()


def test_the_same_word_sent_again_is_taken_in_once(evening):
    first, second = say(evening), say(evening, now=evening.at(minutes=40))
    assert second.again
    assert second.note.pk == first.note.pk
    assert Event.objects.filter(kind="crew_said").count() == 1


def test_a_photo_follows_its_word_once_and_only_its_own_crews_people_see_it(evening):
    hall, taken = evening.hall, say(evening)
    for _time in range(2):
        add_photo(device=evening.device, client_id=taken.note.client_id, photo=a_photo(), now=evening.at(minutes=13))
    note = CrewNote.objects.get()
    assert photo_store.path_of(note.photo_digest).exists()
    assert Event.objects.filter(kind="crew_photo_added").count() == 1
    assert crew_words([evening.run.pk])[evening.run.pk][0].has_photo
    sees = {name for name, user in hall.people.items() if note_for(reach_of(user), note.pk)}
    assert sees == {"kandal", "bassac", "daun penh", "duty", "north", "director", "auditor", "admin"}


def test_what_is_taken_back_counts_no_more_and_stays_written_down(evening):
    taken = say(evening)
    for _time in range(2):
        take_back(device=evening.device, client_id=taken.note.client_id, now=evening.at(minutes=13))
    assert crew_words([evening.run.pk]) == {}
    assert CrewNote.objects.get().taken_back_at == evening.at(minutes=13)
    assert Event.objects.filter(kind="crew_took_back").count() == 1
    assert say(evening).again  # and a late repetition of the word does not bring it back
    assert crew_words([evening.run.pk]) == {}


@pytest.mark.parametrize(
    ("wrong_by", "expected_min"),
    [(timedelta(0), 2), (timedelta(hours=2), 2), (timedelta(days=-4000), 2), (timedelta(seconds=40), 2)],
)
def test_a_phone_with_a_wrong_clock_is_understood_by_how_long_ago_it_was(evening, wrong_by, expected_min):
    now = evening.at(minutes=20)
    sent = now + wrong_by
    taken = say(evening, now=now, said_at=sent - timedelta(minutes=18), sent_at=sent)
    assert abs(taken.note.said_at - evening.at(minutes=expected_min)) <= timedelta(seconds=40)


def test_nothing_is_said_in_the_future(evening):
    now = evening.at(minutes=20)
    taken = say(evening, now=now, said_at=now + timedelta(hours=3), sent_at=now)
    assert taken.note.said_at == now


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_id": "short"}, "client_id"),
        ({"client_id": "x" * 65}, "client_id"),
        ({"client_id": "tap-0000\n001"}, "client_id"),
        ({"reason": CrewReason.DONE, "stop_id": None}, "stop_needed"),
        ({"reason": CrewReason.NOT_PRESENTED, "stop_id": None}, "stop_needed"),
    ],
)
def test_what_cannot_be_meant_is_refused_for_good(evening, wrong, code):
    with pytest.raises(CrewRefused) as refused:
        say(evening, **wrong)
    assert refused.value.code == code
    assert not CrewNote.objects.exists()


def test_a_word_of_last_month_is_refused(evening):
    now = evening.at(days=30)
    with pytest.raises(CrewRefused, match="seven days"):
        say(evening, now=now, said_at=now - timedelta(days=8), sent_at=now)


def test_a_crew_speaks_of_its_own_run_and_of_stops_on_it_only(evening):
    other = make_evening(evening.hall, contractor="south", suffix="S", token="another-token")
    for wrong in ({"run_id": other.run.pk}, {"stop_id": other.stops[0].pk}):
        with pytest.raises(NotFound):
            say(evening, **wrong)
    mine = say(evening).note
    for act in (take_back, lambda **more: add_photo(photo=a_photo(), **more)):
        with pytest.raises(NotFound):
            act(device=other.device, client_id=mine.client_id, now=evening.at(minutes=14))
    with pytest.raises(NotFound):
        say(other, client_id=mine.client_id, run_id=other.run.pk, stop_id=other.stops[0].pk)


def test_a_run_that_a_new_plan_has_replaced_means_the_one_that_stands_for_it(evening):
    assert say(evening, run_id=999_999).note.run == evening.run


def test_a_phone_that_moved_to_another_truck_speaks_for_the_truck_it_was_on(evening):
    spare = Vehicle.objects.create(city=evening.hall.city, label="Spare")
    moved_at = evening.at(minutes=30)
    DeviceBinding.objects.update(until_at=moved_at)
    DeviceBinding.objects.create(city=evening.hall.city, device=evening.device, vehicle=spare, from_at=moved_at)
    now = evening.at(minutes=45)
    taken = say(evening, now=now, said_at=evening.at(minutes=12), sent_at=now)
    assert taken.note.vehicle_id == evening.vehicle.pk
    broken = say(evening, CrewReason.BROKEN, now=now, client_id="tap-00000002", run_id=None, stop_id=None)
    assert (broken.note.vehicle_id, broken.note.run_id) == (spare.pk, None)
    assert Event.objects.latest("pk").subject == f"vehicle:{spare.pk}"


def test_where_a_crew_stood_is_forgotten_with_its_track_and_what_it_said_stays(evening):
    say(evening, at=Point(lat=11.5489, lon=104.91))
    days = evening.hall.city.policy_terms().rounds.track_days
    assert forget_due(now=evening.at(days=days - 1)) == 0
    assert CrewNote.objects.get().lat is not None
    forget_due(now=evening.at(days=days + 1))
    note = CrewNote.objects.get()
    assert (note.lat, note.lon, note.reason) == (None, None, CrewReason.BLOCKED)


def test_a_phone_on_no_vehicle_is_told_so(evening):
    DeviceBinding.objects.all().delete()
    with pytest.raises(CrewRefused) as refused:
        say(evening)
    assert refused.value.code == "no_vehicle"


def test_a_token_opens_only_while_its_device_is_claimed(evening):
    assert device_of(TOKEN) == evening.device
    assert device_of("") is None
    assert device_of(TOKEN + "x") is None
    evening.device.state = "retired"
    evening.device.save()
    assert device_of(TOKEN) is None


def test_the_run_of_a_vehicle_is_the_one_under_way_then_the_next_then_the_last(evening):
    run, vehicle = evening.run, evening.vehicle.pk
    for moment in (evening.at(hours=-3), evening.at(minutes=30), evening.at(hours=4)):
        assert run_of_vehicle(vehicle, moment) == run
    assert run_of_vehicle(vehicle, evening.at(days=2)) is None
    run.state = "called_off"
    run.save()
    assert run_of_vehicle(vehicle, evening.at(minutes=30)) is None
    assert binding_at(evening.device.pk, evening.at(days=-60)) is None


def test_the_stops_of_a_run_come_in_order_with_what_became_of_them(evening):
    evening.decide(0, "collected")
    evening.decide(1, "skipped", reason="blocked")
    soon = evening.at(minutes=21).timestamp()
    evening.run.view = {"v": 1, "stops": [[3, soon, soon + 60, soon + 300, 0.01]]}
    stops = stops_of_run(evening.run)
    assert [stop.outcome for stop in stops] == [
        Outcome.COLLECTED, Outcome.SKIPPED, Outcome.EXPECTED, Outcome.EXPECTED,
    ]  # fmt: skip
    assert stops[1].reason == "blocked"
    assert stops[2].expected_s == (soon, soon + 300)
    assert stops[1].planned_s == evening.at(minutes=10).timestamp()
