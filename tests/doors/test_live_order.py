"""The live desk misses no event, in whatever order their transactions end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from saat.actions.cases import Assignee, assign_case, change_case
from saat.records import queries_live
from saat.records.models import Event
from saat.records.queries_live import View
from saat.records.scope import reach_of
from saat.terms.case import Role
from saat.web import live
from saat.web.live import Tail
from tests.city import AT_RIVER, MONDAY_MORNING, make_city, make_user
from tests.hall import later, make_hall

SOON_S = 5


def write(city, *, event_id: int) -> None:
    """Write an event under an id, as a transaction that took it earlier and ends now."""
    Event.objects.create(
        pk=event_id, city=city, seq=event_id, at=MONDAY_MORNING + timedelta(seconds=event_id), kind="city_opened",
        subject="city:1", actor="command", hash="0" * 64,
    )  # fmt: skip


@pytest.fixture
def city(transactional_db, tmp_path):
    return make_city().city


@pytest.fixture
def view(city) -> View:
    """What somebody may see who sees the whole city."""
    return View(reach_of(make_user(city, Role.CITY_DUTY)))


def heard(view: View, tell: Callable[[int], None], *, steps: list[list[int]], known: list[int]) -> list[int]:
    """Return the ids that a listener hears while events are written step by step; `known` are there before."""
    for event_id in known:
        tell(event_id)

    async def listen() -> list[int]:
        tail = Tail()
        listener, _handed = await tail.join(view)
        ids: list[int] = []
        for step in steps:
            await asyncio.to_thread(_in_thread, tell, step)
            tail.woken.set()
            for _ in step:
                event = await asyncio.wait_for(listener.queue.get(), SOON_S)
                assert event is not None
                ids.append(event.id)
        tail.listeners.discard(listener)
        await tail.stop()
        return ids

    return asyncio.run(listen())


def _in_thread(tell: Callable[[int], None], ids: list[int]) -> None:
    for event_id in ids:
        tell(event_id)
    connection.close()


def test_an_event_that_is_committed_after_a_later_one_is_heard_once(city, view):
    found = heard(view, lambda pk: write(city, event_id=pk), known=[5], steps=[[7], [6], [9, 10], [8], [11]])
    assert found == [7, 6, 9, 10, 8, 11]


def test_an_event_whose_transaction_was_open_when_the_first_listener_came_is_heard(city, view):
    found = heard(view, lambda pk: write(city, event_id=pk), known=[5, 8], steps=[[6], [9]])
    assert found == [6, 9]


def test_who_comes_back_hears_what_was_committed_late(city, view):
    write(city, event_id=5)

    async def listen() -> list[int]:
        tail = Tail()
        listener, _handed = await tail.join(view)
        for event_id in (7, 6):
            await asyncio.to_thread(_in_thread, lambda pk: write(city, event_id=pk), [event_id])
            tail.woken.set()
            await asyncio.wait_for(listener.queue.get(), SOON_S)
        missed = [event.id for event in await tail.missed(7, tail.last_id)]
        await tail.stop()
        return missed

    assert asyncio.run(listen()) == [6]


@pytest.mark.django_db
def test_whoever_a_case_is_taken_from_hears_it_and_nothing_after():
    hall = make_hall()
    case = hall.case()
    north, bassac, kandal = (View(reach_of(hall.people[name])) for name in ("north", "bassac", "kandal"))
    to = {name: Assignee(contractor_id=hall.contractors[name].pk) for name in ("north", "south")}
    assign_case(case_id=case.pk, to=to["north"], now=later(minutes=1), by=hall.by("duty"))
    assign_case(case_id=case.pk, to=to["south"], now=later(minutes=2), by=hall.by("duty"))
    change_case(case_id=case.pk, point=AT_RIVER, now=later(minutes=3), by=hall.by("duty"))
    change_case(case_id=case.pk, address="Behind the stalls", now=later(minutes=4), by=hall.by("duty"))
    told = [event for event in queries_live.events_after(0) if event.kind in ("case_assigned", "case_changed")]
    handed, taken_away, moved, after = told
    # At the time of reading the case is the south's and lies at the river.
    assert not north.may_see(handed)
    assert north.may_see(taken_away)
    assert not north.may_see(moved)
    assert kandal.may_see(moved)
    assert bassac.may_see(moved)
    assert not kandal.may_see(after)
    assert bassac.may_see(after)


def test_every_action_of_this_process_wakes_the_desk():
    from saat.actions.log import on_written

    assert live.wake in on_written
