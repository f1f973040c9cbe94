"""Whoever changes, removes or adds an event past the guards is found out, with the event at which the log breaks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from saat.actions.cases import take_case
from saat.actions.checking import check_chain, missing_guards, missing_photos
from saat.actions.log import COMMAND, writing
from saat.records import photo_store
from saat.records.models import ChainHead, Event, Photo
from tests.city import MONDAY_MORNING, make_city
from tests.hall import make_hall

pytestmark = pytest.mark.django_db

GUARDS = {
    "sqlite": ("DROP TRIGGER event_is_not_changed", "DROP TRIGGER event_is_not_deleted"),
    "postgresql": ("DROP TRIGGER event_is_kept ON records_event",),
}


@pytest.fixture
def hall():
    hall = make_hall()
    for minutes in range(3):
        case = hall.case(now=MONDAY_MORNING + timedelta(minutes=minutes))
    take_case(case_id=case.pk, now=MONDAY_MORNING + timedelta(minutes=5), by=hall.by("kandal"))
    return hall


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def without_guards() -> None:
    for sql in GUARDS[connection.vendor]:
        run(sql)


def middle(city) -> Event:
    events = list(Event.objects.filter(city=city).order_by("seq"))
    return events[len(events) // 2]


def test_a_log_that_nobody_touched_is_whole(hall):
    finding = check_chain(hall.city)
    head = ChainHead.objects.get(city=hall.city)
    assert (finding.broken_at, finding.events, finding.head) == (None, head.seq, (head.seq, head.hash))
    assert missing_guards() == []


@pytest.mark.parametrize("sql", ["UPDATE records_event SET kind = 'x'", "DELETE FROM records_event"])
def test_the_guards_let_nobody_change_or_delete_an_event(hall, sql):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        run(sql)
    assert check_chain(hall.city).broken_at is None


def test_missing_guards_are_said(hall):
    without_guards()
    assert len(missing_guards()) == len(GUARDS[connection.vendor])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "case_closed"),
        ("actor", "user:1"),
        ("facts_json", "{}x"),
        ("subject", "case:999"),
        ("at", MONDAY_MORNING - timedelta(days=400)),
        ("case_id", 999),
        ("hash", "f" * 64),
    ],
)
def test_a_changed_event_is_found(hall, column, value):
    without_guards()
    event = middle(hall.city)
    run(f"UPDATE records_event SET {column} = %s WHERE id = %s", value, event.pk)
    finding = check_chain(hall.city)
    assert finding.broken_at == event.seq
    assert f"event {event.seq}" in finding.why


def test_an_event_that_was_taken_out_is_found(hall):
    without_guards()
    event = middle(hall.city)
    run("DELETE FROM records_event WHERE id = %s", event.pk)
    finding = check_chain(hall.city)
    assert (finding.broken_at, "missing" in finding.why) == (event.seq, True)


def test_events_that_were_cut_off_the_end_are_found(hall):
    without_guards()
    last = Event.objects.filter(city=hall.city).order_by("-seq")[0]
    run("DELETE FROM records_event WHERE id = %s", last.pk)
    assert check_chain(hall.city).broken_at == last.seq


def test_an_event_that_was_taken_out_with_the_rest_renumbered_is_found(hall):
    without_guards()
    event = middle(hall.city)
    run("DELETE FROM records_event WHERE id = %s", event.pk)
    for later in Event.objects.filter(city=hall.city, seq__gt=event.seq).order_by("seq"):
        run("UPDATE records_event SET seq = %s WHERE id = %s", later.seq - 1, later.pk)
    run("UPDATE records_chainhead SET seq = seq - 1")
    assert check_chain(hall.city).broken_at == event.seq


def test_an_event_that_was_put_in_at_the_end_is_found(hall):
    last = Event.objects.filter(city=hall.city).order_by("-seq")[0]
    last.pk, last.seq = None, last.seq + 1
    last.save(force_insert=True)
    assert check_chain(hall.city).broken_at == last.seq


def test_a_head_that_was_changed_is_found(hall):
    run("UPDATE records_chainhead SET hash = %s", "0" * 64)
    assert "head" in check_chain(hall.city).why


def test_a_log_that_was_written_anew_is_found_by_a_head_that_was_noted(hall):
    head = ChainHead.objects.get(city=hall.city)
    assert check_chain(hall.city, noted={head.seq: head.hash}).broken_at is None
    assert check_chain(hall.city, noted={head.seq: "a" * 64}).broken_at == head.seq
    assert "noted" in check_chain(hall.city, noted={head.seq + 5: "a" * 64}).why


def test_another_citys_log_is_not_touched_by_a_break_in_this_one(hall):
    other = make_city(jurisdiction_id="battambang.kh").city
    with writing(other.pk, now=MONDAY_MORNING, by=COMMAND) as log:
        log.append("something_happened", subject="city:2")
    without_guards()
    run("UPDATE records_event SET kind = 'x' WHERE id = %s", middle(hall.city).pk)
    assert check_chain(other).broken_at is None


def test_a_photo_whose_file_is_missing_or_another_is_found(hall):
    digest = "ab" * 32
    case = hall.case()
    Photo.objects.create(
        city=hall.city, case=case, kind="report", digest=digest, phash=1, width=1, height=1, added_at=MONDAY_MORNING
    )
    photo_store.remove(digest)
    assert missing_photos()[1] == [f"photo {digest[:12]}… has no file"]
    photo_store.keep(digest=digest, jpeg=b"something else")
    assert missing_photos()[1] == []
    assert "another picture" in missing_photos(deep=True)[1][0]
    photo_store.remove(digest)
