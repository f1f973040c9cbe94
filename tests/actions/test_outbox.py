"""Messages wait in the outbox once, are lent to one worker at a time, tried with patience, and shown when given up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from saat.actions.log import NotFound
from saat.actions.outbox import (
    BACKOFF_S,
    LEASE,
    LONGEST,
    lease,
    mark_failed,
    mark_sent,
    queue,
    queue_all,
    send_again,
    still_leased,
    withdraw,
)
from saat.records.models import Event, Outbox
from tests.actions.chain import assert_chain_is_whole
from tests.city import make_city
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def put(hall: Hall, *keys: str, kind: str = "reporter.received", minutes: float = 0) -> None:
    for key in keys:
        queue(city_id=hall.city.pk, kind=kind, dedupe_key=key, facts={}, now=later(minutes=minutes))


def keys(rows: list[Outbox]) -> list[str]:
    return [row.dedupe_key for row in rows]


def test_the_same_message_is_queued_once_even_after_it_was_sent(hall):
    put(hall, "a", "a")
    mark_sent(outbox_id=Outbox.objects.get().pk, now=later())
    put(hall, "a")
    assert Outbox.objects.count() == 1
    assert lease(now=later(days=1)) == []


def test_many_messages_are_queued_in_one_query(hall, django_assert_num_queries):
    messages = [(f"m{number}", {"case": number}) for number in range(50)]
    with django_assert_num_queries(1):
        queue_all(city_id=hall.city.pk, kind="reporter.closed", messages=messages, now=later())
    assert Outbox.objects.count() == 50
    with django_assert_num_queries(0):
        queue_all(city_id=hall.city.pk, kind="reporter.closed", messages=[], now=later())


def test_what_was_queued_in_a_transaction_that_fails_is_not_queued(hall):
    with transaction.atomic():
        put(hall, "a")
        transaction.set_rollback(True)
    assert lease(now=later()) == []


def test_messages_are_lent_oldest_first_by_kind_and_to_one_worker(hall):
    put(hall, "second", minutes=2)
    put(hall, "first", minutes=1)
    put(hall, "hook", kind="webhook")
    assert keys(lease(now=later(minutes=3), kinds=("reporter.", "official."))) == ["first", "second"]
    assert keys(lease(now=later(minutes=3), kinds=("reporter.",))) == []
    assert keys(lease(now=later(minutes=3))) == ["hook"]


def test_asking_an_empty_outbox_takes_one_query_and_no_lock(hall, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert lease(now=later()) == []


def test_a_lease_that_ran_out_is_lent_again(hall):
    put(hall, "a")
    assert keys(lease(now=later())) == ["a"]
    assert lease(now=later() + LEASE) == []
    assert keys(lease(now=later() + LEASE + timedelta(seconds=1))) == ["a"]


def test_a_worker_renews_a_lease_that_is_nearly_over_and_lets_go_of_one_that_another_has(hall):
    put(hall, "a")
    (mine,) = lease(now=later())
    assert still_leased(mine, now=later() + LEASE - LONGEST)
    almost = later() + LEASE - timedelta(seconds=30)
    assert still_leased(mine, now=almost)
    assert lease(now=almost + LEASE) == [], "it was renewed"
    late = almost + LEASE + timedelta(seconds=1)
    (theirs,) = lease(now=late)
    assert not still_leased(mine, now=late)
    assert still_leased(theirs, now=late)
    mark_sent(outbox_id=theirs.pk, now=late)
    mark_failed(outbox_id=mine.pk, why="the slow worker says that it failed", now=late)
    row = Outbox.objects.get()
    assert (row.sent_at, row.attempts, row.last_error) == (late, 0, "")


def test_a_failure_is_tried_again_with_growing_patience_and_given_up_in_the_end(hall):
    put(hall, "a")
    now = later()
    waited = []
    while rows := lease(now=now):
        mark_failed(outbox_id=rows[0].pk, why="The mail server\r\nanswered  451." * 30, now=now)
        row = Outbox.objects.get()
        if row.dead_at is None:
            waited.append((row.next_try_at - now).total_seconds())
            assert lease(now=row.next_try_at - timedelta(seconds=1)) == []
            now = row.next_try_at
    assert tuple(waited) == BACKOFF_S
    assert row.dead_at == now
    assert row.attempts == len(BACKOFF_S) + 1
    assert len(row.last_error) == 300
    assert "\n" not in row.last_error
    assert lease(now=later(days=900)) == []


def test_what_can_never_succeed_is_given_up_at_once(hall):
    put(hall, "a")
    (row,) = lease(now=later())
    mark_failed(outbox_id=row.pk, why="The mail server refuses the address (550).", now=later(), for_good=True)
    row.refresh_from_db()
    assert (row.dead_at, row.attempts) == (later(), 1)


def test_an_administrator_gives_a_dead_message_another_round_and_it_is_written_down(hall):
    put(hall, "a")
    (row,) = lease(now=later())
    mark_failed(outbox_id=row.pk, why="no", now=later(), for_good=True)
    send_again(outbox_id=row.pk, now=later(hours=1), by=hall.by("admin"))
    assert keys(lease(now=later(hours=1))) == ["a"]
    event = Event.objects.get(kind="message_revived")
    assert (event.actor, event.subject) == (f"user:{hall.people['admin'].pk}", f"outbox:{row.pk}")
    assert_chain_is_whole(hall.city)
    with pytest.raises(NotFound, match="being sent already"):
        send_again(outbox_id=row.pk, now=later(hours=1), by=hall.by("admin"))


@pytest.mark.parametrize("who", ["kandal", "daun penh", "duty", "north", "north crew", "director", "auditor"])
def test_nobody_else_does(hall, who):
    put(hall, "a")
    (row,) = lease(now=later())
    mark_failed(outbox_id=row.pk, why="no", now=later(), for_good=True)
    with pytest.raises(NotFound):
        send_again(outbox_id=row.pk, now=later(), by=hall.by(who))


def test_nobody_does_in_another_city(hall):
    other = make_city(jurisdiction_id="other.kh")
    queue(city_id=other.city.pk, kind="reporter.received", dedupe_key="b", facts={}, now=later())
    (row,) = lease(now=later())
    mark_failed(outbox_id=row.pk, why="no", now=later(), for_good=True)
    with pytest.raises(NotFound):
        send_again(outbox_id=row.pk, now=later(), by=hall.by("admin"))


def test_what_is_not_true_any_more_is_taken_back_unless_somebody_sends_it_now(hall):
    for key, case in (("a", 1), ("b", 1), ("c", 2)):
        queue(city_id=hall.city.pk, kind="reporter.closed", dedupe_key=key, facts={"case": case}, now=later())
    lease(now=later(), most=1)
    withdraw(city_id=hall.city.pk, kind="reporter.closed", case_id=1, now=later())
    assert sorted(Outbox.objects.values_list("dedupe_key", flat=True)) == ["a", "c"]


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_never_get_the_same_message():
    hall = make_hall()
    put(hall, *(f"m{number}" for number in range(60)))

    def work() -> list[str]:
        try:
            got: list[str] = []
            while rows := lease(now=later(minutes=1), most=7):
                got += keys(rows)
            return got
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        shares = [one.result() for one in [pool.submit(work) for _ in range(4)]]
    everything = [key for share in shares for key in share]
    assert len(everything) == len(set(everything)) == 60
