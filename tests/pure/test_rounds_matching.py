"""Visits are matched with stops by sums over every way in which a round may have been driven."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saat.rounds.matching import Lattice
from saat.rounds.thresholds import THRESHOLDS

FAR = 1e-4  # how small a weight of going on is left to jumps


def weight_of_going(state, node, way, lattice):
    """Say it in the plainest way: what it weighs to serve a node after a state."""
    ahead = way == "ahead"
    if state is None:
        before = node if ahead else lattice.nodes - 1 - node
        return ((1 - THRESHOLDS.reverse) if ahead else THRESHOLDS.reverse) * lattice.beginning(before)
    jump = (0.85 if ahead else 0.15) * lattice.jump / lattice.nodes
    last, last_way = state
    if last_way != way:
        return jump
    between = (node - last if ahead else last - node) - 1
    if between == -1:
        return jump + THRESHOLDS.same
    going = THRESHOLDS.skip**between if between >= 0 else 0.0
    return jump + (going if going > FAR else 0.0)


def by_every_path(lattice, visits):
    """Return the posterior of each pair by walking through every path."""
    total = 0.0
    sums = [[[0.0, 0.0] for _ in pairs] for pairs in visits]
    choices = [[None, *((i, way) for i in range(len(pairs)) for way in ("ahead", "back"))] for pairs in visits]
    for path in product(*choices):
        weight, state = 1.0, None
        for pairs, choice in zip(visits, path, strict=True):
            if choice is not None:
                node, likelier = pairs[choice[0]]
                weight *= likelier * weight_of_going(state, node, choice[1], lattice)
                state = (node, choice[1])
        total += weight
        for k, choice in enumerate(path):
            if choice is not None:
                sums[k][choice[0]][choice[1] == "back"] += weight
    return [[[value / total for value in pair] for pair in pairs] for pairs in sums]


pairs_of_a_visit = st.lists(
    st.tuples(st.integers(0, 5), st.floats(-4, 5).map(math.exp)), max_size=2, unique_by=lambda pair: pair[0]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(pairs_of_a_visit, min_size=1, max_size=5))
def test_posteriors_are_those_of_every_path_summed(visits):
    lattice = Lattice(6)
    for pairs in visits:
        lattice.push(pairs)
    found = lattice.posteriors(0, len(visits), len(visits))
    for mine, true in zip(found, by_every_path(lattice, visits), strict=True):
        for one, two in zip(mine, true, strict=True):
            assert one == pytest.approx(two, rel=1e-6, abs=1e-9)


def test_long_rounds_do_not_overflow():
    lattice = Lattice(500)
    for node in range(500):
        lattice.push([(node, math.exp(5.0))])
    found = lattice.posteriors(0, 500, 500)
    assert min(pair[0][0] for pair in found) > 0.95


def test_forgetting_the_last_visit_leaves_the_sums_as_they_were():
    lattice, other = Lattice(4), Lattice(4)
    for lat in (lattice, other):
        lat.push([(0, 20.0)])
    state = lattice.keep()
    lattice.push([(2, 20.0)])
    lattice.restore(state)
    for lat in (lattice, other):
        lat.push([(1, 20.0)])
    assert lattice.posteriors(0, 2, 2) == other.posteriors(0, 2, 2)
