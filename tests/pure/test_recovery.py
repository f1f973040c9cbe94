"""Who goes there instead: plans that can be driven, weighed by what was put first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.recovery.checking import faults_of
from saat.recovery.greedy import proposals, propose
from saat.terms.recovery import Aim, Call, Helper, Left, OwnStop, Proposal, Way, Why

ONE_O_CLOCK = 1_800_000_000.0
HOUR = 3600.0
MARKET, SCHOOL, RIVER = (11.5500, 104.9200), (11.5520, 104.9220), (11.5600, 104.9300)


def left(stop_id: int, place: tuple[float, float], **changes) -> Left:
    return Left(stop_id=stop_id, lat=place[0], lon=place[1], due_s=ONE_O_CLOCK + 2 * HOUR, **changes)


def own(stop_id: int, place: tuple[float, float], *, due_s: float = ONE_O_CLOCK + HOUR) -> OwnStop:
    return OwnStop(stop_id=stop_id, lat=place[0], lon=place[1], due_s=due_s)


def truck(vehicle_id: int, place: tuple[float, float], **changes) -> Helper:
    usual = Helper(
        vehicle_id=vehicle_id, lat=place[0], lon=place[1], from_s=ONE_O_CLOCK, until_s=ONE_O_CLOCK + 4 * HOUR
    )
    return replace(usual, **changes)


@pytest.mark.parametrize("aim", Aim)
def test_the_truck_that_is_near_takes_what_was_left(aim):
    stops = [left(1, MARKET), left(2, SCHOOL)]
    proposal = propose(left=stops, helpers=[truck(7, MARKET), truck(8, RIVER)], aim=aim)
    assert [(way.vehicle_id, way.taken) for way in proposal.ways] == [(7, (1, 2))]
    assert (proposal.left, proposal.taken, proposal.late_stops) == ((), 2, 0)
    assert proposal.done_s == pytest.approx(ONE_O_CLOCK + 30 + 436 / 5 + 30, abs=10)


def test_own_promises_are_kept_first_where_that_is_the_aim():
    busy = truck(7, MARKET, own=(own(10, SCHOOL, due_s=ONE_O_CLOCK + 100),))
    stops = [left(1, RIVER)]
    fastest = propose(left=stops, helpers=[busy], aim=Aim.FASTEST)
    gentlest = propose(left=stops, helpers=[busy], aim=Aim.GENTLEST)
    assert [call.stop_id for call in gentlest.ways[0].calls] == [10, 1]
    assert gentlest.late_stops == 0
    assert fastest.ways[0].calls[-1].leaves_s <= gentlest.ways[0].calls[-1].leaves_s + 1800


@pytest.mark.parametrize(
    ("stop", "helper", "why"),
    [
        (left(1, MARKET, lane=True), truck(7, MARKET), Why.LANE),
        (left(1, MARKET, load_kg=900.0), truck(7, MARKET, free_kg=300.0), Why.FULL),
        (left(1, RIVER), truck(7, MARKET, until_s=ONE_O_CLOCK + 60), Why.SHIFT),
        (left(1, MARKET), None, Why.NO_TRUCK),
    ],
)
def test_what_nobody_can_take_stays_with_its_reason(stop, helper, why):
    proposal = propose(left=[stop], helpers=[helper] if helper else [], aim=Aim.FASTEST)
    assert (proposal.left, proposal.ways, proposal.done_s) == (((1, why),), (), None)


def test_a_truck_takes_no_more_than_fits():
    stops = [left(number, MARKET, load_kg=200.0) for number in range(5)]
    proposal = propose(left=stops, helpers=[truck(7, MARKET, free_kg=500.0)], aim=Aim.FASTEST)
    assert (proposal.taken, {why for _, why in proposal.left}) == (2, {Why.FULL})


def test_proposals_that_say_the_same_are_shown_once():
    assert len(proposals(left=[left(1, MARKET)], helpers=[truck(7, SCHOOL)])) == 1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda way: replace(way, calls=way.calls[:-1]), "not the stops that were left"),
        (lambda way: replace(way, calls=way.calls[1:]), "own stops in their order"),
        (lambda way: replace(way, vehicle_id=99), "Nobody knows vehicle 99"),
        (lambda way: replace(way, calls=(way.calls[0], replace(way.calls[1], arrives_s=ONE_O_CLOCK))), "so soon"),
        (lambda way: replace(way, calls=(way.calls[0], replace(way.calls[1], leaves_s=ONE_O_CLOCK))), "before it is"),
    ],
)
def test_a_plan_that_cannot_be_driven_is_found_out(spoil, says):
    helper, stops = truck(7, MARKET, own=(own(10, SCHOOL),)), [left(1, RIVER)]
    proposal = propose(left=stops, helpers=[helper], aim=Aim.GENTLEST)
    assert faults_of(proposal, left=stops, helpers=[helper]) == []
    spoiled = replace(proposal, ways=(spoil(proposal.ways[0]),))
    assert says in " ".join(faults_of(spoiled, left=stops, helpers=[helper]))


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"free_kg": 1.0}, "more than fits"), ({"until_s": ONE_O_CLOCK + 60}, "after its shift"), ({}, "too wide")],
)
def test_a_plan_that_asks_too_much_is_found_out(changes, says):
    stop = left(1, SCHOOL, load_kg=50.0, lane=True)
    call = Call(stop_id=1, own=False, arrives_s=ONE_O_CLOCK + 500, leaves_s=ONE_O_CLOCK + 600)
    way = Way(vehicle_id=7, calls=(call,), extra_m=400.0, extra_s=600.0, late_stops=0, late_s=0.0)
    helper = truck(7, MARKET, **changes)
    faults = faults_of(Proposal(aim=Aim.FASTEST, ways=(way,)), left=[stop], helpers=[helper])
    assert says in " ".join(faults)


places = st.tuples(st.floats(11.52, 11.60), st.floats(104.88, 104.95))


@st.composite
def nights(draw) -> tuple[list[Left], list[Helper]]:
    stops = [
        left(number, place, load_kg=draw(st.sampled_from([0.0, 80.0, 400.0])), lane=draw(st.booleans()))
        for number, place in enumerate(draw(st.lists(places, max_size=12)))
    ]
    helpers = [
        truck(
            100 + number, place, narrow=draw(st.booleans()), free_kg=draw(st.sampled_from([None, 0.0, 500.0])),
            until_s=ONE_O_CLOCK + draw(st.sampled_from([0.25, 1.0, 4.0])) * HOUR,
            own=tuple(own(1000 * (number + 1) + n, at) for n, at in enumerate(draw(st.lists(places, max_size=4)))),
        )
        for number, place in enumerate(draw(st.lists(places, max_size=3)))
    ]  # fmt: skip
    return stops, helpers


@given(nights())
def test_every_plan_can_be_driven_unless_a_truck_was_too_late_already(night):
    stops, helpers = night
    for proposal in proposals(left=stops, helpers=helpers):
        assert faults_of(proposal, left=stops, helpers=helpers) == []
