"""Which visit of a truck was a collection at which stop: a lattice over visits, with a probability for each pair.

A hidden Markov model: the state is the stop served last and whether the round is driven forwards or backwards; each
visit either serves a stop near it or is a stand like any other (a red light, a jam). Going on to the next stop is
usual, leaving one out costs, jumping anywhere costs more; that covers reversed rounds, blocks in another order, and
crews that choose their own. Forward sums are kept as visits come; the backward pass runs over blocks of `lag` visits
with one to two blocks of what followed, so that the answer for a set of visits is the same however it was read.

The sums are those of the pair alignment of Durbin et al., Biological Sequence Analysis (1998), chapter 4, with jumps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from saat.rounds.thresholds import THRESHOLDS

Pair = tuple[
    int, float
]  # a node (stop, or stops that stand together) and how much likelier the visit is if it served it
Kept = tuple[int, list[float], list[float], float, float, float]
_FAR = 1e-4  # weights of going on that are smaller are left to the jump
_LARGE, _SCALE = 1e60, 1e-60
_LOG_SCALE = math.log(_SCALE)


class Lattice:
    """The forward sums over the visits of one vehicle, and the posterior of each pair of visit and node.

    nodes: how many. jump: chance that the next collection is anywhere. `pairs[k]` are the candidates of visit k.
    """

    def __init__(self, nodes: int, *, jump: float = THRESHOLDS.jump) -> None:
        self.nodes = nodes
        self.jump = jump
        self.pairs: list[Sequence[Pair]] = []
        self._ahead = [0.0] * nodes
        self._back = [0.0] * nodes
        self._total = 0.0  # of all states but the start
        self._start = 1.0
        self._log = 0.0
        self._gained: list[list[tuple[float, float]]] = []  # for each pair: what matching it added, either way
        self._logs: list[float] = []  # scale of each column
        self._ends: list[float] = []  # log of the sum over all states after each column
        self._jump_ahead = 0.85 * jump / max(1, nodes)
        self._jump_back = 0.15 * jump / max(1, nodes)
        self._steps = _steps(THRESHOLDS.skip)

    def push(self, pairs: Sequence[Pair]) -> None:
        """Take in the next visit, with its candidates."""
        self.pairs.append(pairs)
        ahead, back, steps, total = self._ahead, self._back, self._steps, self._total
        gained = []
        same, start, nodes = THRESHOLDS.same, self._start, self.nodes
        first_ahead = (1 - THRESHOLDS.reverse) * start
        first_back = THRESHOLDS.reverse * start
        for node, weight in pairs:
            one = same * ahead[node] + self._jump_ahead * total
            two = same * back[node] + self._jump_back * total
            left, right = node - 1, node + 1
            for step in steps:
                if left >= 0:
                    one += step * ahead[left]
                    left -= 1
                if right < nodes:
                    two += step * back[right]
                    right += 1
            one += first_ahead * self.beginning(node)
            two += first_back * self.beginning(nodes - 1 - node)
            gained.append((weight * one, weight * two))
        for (node, _), (one, two) in zip(pairs, gained, strict=True):
            ahead[node] += one
            back[node] += two
            self._total += one + two
        self._gained.append(gained)
        self._logs.append(self._log)
        self._ends.append(math.log(self._total + self._start) + self._log)
        if self._total > _LARGE:
            self._ahead = [_SCALE * value for value in ahead]
            self._back = [_SCALE * value for value in back]
            self._total *= _SCALE
            self._start *= _SCALE
            self._log -= _LOG_SCALE

    def beginning(self, before: int) -> float:
        """Weight of beginning at a node with so many before it."""
        return THRESHOLDS.skip ** min(before, 3) if before < 3 else max(THRESHOLDS.skip**3, 2.0 / self.nodes * 0.05)

    def keep(self) -> Kept:
        """Return what `restore` needs to forget everything pushed from now on."""
        return (len(self.pairs), list(self._ahead), list(self._back), self._total, self._start, self._log)

    def restore(self, kept: Kept) -> None:
        """Forget every visit pushed since `keep`."""
        count, self._ahead, self._back, self._total, self._start, self._log = kept
        del self.pairs[count:], self._gained[count:], self._logs[count:], self._ends[count:]

    def posteriors(self, first: int, last: int, until: int) -> list[list[tuple[float, float]]]:
        """Return for visits first..last-1, for each candidate, how likely it was served, forwards and backwards.

        until: visits from here on are not looked at.
        """
        ahead = [1.0] * self.nodes
        back = [1.0] * self.nodes
        anywhere = 0.0  # what jumps add to every state alike
        log = 0.0
        end = self._ends[until - 1]
        steps, same, nodes = self._steps, THRESHOLDS.same, self.nodes
        found: list[list[tuple[float, float]]] = []
        for k in range(until - 1, first - 1, -1):
            pairs = self.pairs[k]
            if k < last:
                scale = math.exp(min(700.0, self._logs[k] + log - end))
                found.append(
                    [
                        (one * (ahead[node] + anywhere) * scale, two * (back[node] + anywhere) * scale)
                        for (node, _), (one, two) in zip(pairs, self._gained[k], strict=True)
                    ]
                )
            if not pairs:
                continue
            jumps = 0.0
            adds = []
            for node, weight in pairs:
                one = weight * (ahead[node] + anywhere)
                two = weight * (back[node] + anywhere)
                jumps += self._jump_ahead * one + self._jump_back * two
                adds.append((node, one, two))
            for node, one, two in adds:
                ahead[node] += same * one
                back[node] += same * two
                left, right = node - 1, node + 1
                for step in steps:
                    if left >= 0:
                        ahead[left] += step * one
                        left -= 1
                    if right < nodes:
                        back[right] += step * two
                        right += 1
            anywhere += jumps
            if anywhere > _LARGE or max(adds[0][1], adds[0][2]) > _LARGE:
                ahead = [_SCALE * value for value in ahead]
                back = [_SCALE * value for value in back]
                anywhere *= _SCALE
                log -= _LOG_SCALE
        found.reverse()
        return found


def _steps(skip: float) -> tuple[float, ...]:
    """Return the weights of going on to the next stop, to the one after it, and so on.

    >>> [round(step, 4) for step in _steps(0.1)]
    [1.0, 0.1, 0.01, 0.001]
    """
    made = [1.0]
    while made[-1] * skip > _FAR * 1.01:
        made.append(made[-1] * skip)
    return tuple(made)
