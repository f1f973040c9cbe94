"""Phrases looked for in what residents write, in scripts with and without spaces between words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from saat.triage.spelling import CLUSTER_MARKS, LETTER, ONE_CLUSTER, STACKERS, spelt


class Phrases:
    """Some phrases, made ready so that a text is searched for all of them in microseconds.

    A phrase of a script with spaces stands between other letters than its own and may end as in English (-s, -es, -d,
    -ed, -ing); one of a script without spaces stands anywhere, but in whole clusters. Texts must be `spelt`.

    >>> sharp = Phrases(["needle", "broken glass"])
    >>> sharp.are_in(spelt("Two NEEDLES here")), Phrases(["fire"]).are_in(spelt("a firefly"))
    (True, False)
    >>> sharp.taken_out_of(spelt("bags and needles"))
    'bags and  '
    """

    def __init__(self, wanted: Iterable[str]) -> None:
        # Longest first, so that a phrase is taken whole.
        self._literals = tuple(sorted({spelt(phrase) for phrase in wanted} - {""}, key=lambda text: (-len(text), text)))
        spaced = [re.escape(text) for text in self._literals if not ONE_CLUSTER.match(text)]
        unspaced = [re.escape(text) for text in self._literals if ONE_CLUSTER.match(text)]
        either = []
        if spaced:
            either.append(f"(?<!{LETTER})(?:{'|'.join(spaced)})(?:s|es|d|ed|ing)?(?!{LETTER})")
        if unspaced:
            either.append(f"(?<![{STACKERS}])(?:{'|'.join(unspaced)})(?![{CLUSTER_MARKS}])")
        self._pattern = re.compile("|".join(either) or r"(?!)")

    def are_in(self, text: str) -> bool:
        """Return whether any of the phrases is in a text that was `spelt`."""
        # Nearly every text has none of them, and a plain search says so many times faster than the pattern.
        return any(literal in text for literal in self._literals) and self._pattern.search(text) is not None

    def taken_out_of(self, text: str) -> str:
        """Return a text that was `spelt`, each of the phrases in it replaced by a space."""
        return self._pattern.sub(" ", text) if any(literal in text for literal in self._literals) else text
