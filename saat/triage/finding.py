"""Finding an area or a landmark while its name is being typed, in Khmer or Latin letters, and misspelt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from saat.triage.names import plain_name
from saat.triage.spelling import spelt

_BETWEEN_WORDS = re.compile(r"[^\w\u1780-\u17d3]+")
_LEAST_FUZZY = 4  # with fewer letters everything looks a little alike
_LEAST_BONES = 3
_SAME_BONES = 2.0
_ALIKE = 0.6  # share of the typed pairs of letters that a name must have
# What writers of Khmer names in Latin letters leave out, put in and spell each in their own way: "Toul", "Tuol".
_SOFT = re.compile(r"(?<=[bcdgkpst])h|[aeiouy]")
_TWICE = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class _Name:
    """One name in the forms in which it is looked for.

    whole: without spaces; plain: also without its kind; bones: also without what is spelt in many ways.
    """

    whole: str
    plain: str
    bones: str
    words: tuple[str, ...]
    pairs: frozenset[str]


class NameFinder:
    """The names of some things, made ready to be looked through while somebody types.

    names: a key for each thing, and all that it is called in any language; of equals, those first that come first.

    >>> finder = NameFinder({1: ["Khan Daun Penh", "ខណ្ឌដូនពេញ"], 2: ["Phsar Kandal", "ផ្សារកណ្ដាល"]})
    >>> finder.find("kandal"), finder.find("ដូន"), finder.find("psar"), finder.find("zzzz")
    ([2], [1], [2], [])
    """

    def __init__(self, names: Mapping[int, Iterable[str]]) -> None:
        self._names = {key: [_made(text) for text in texts if text.strip()] for key, texts in names.items()}

    def find(self, text: str, *, most: int = 8, allowed: Callable[[int], bool] = lambda _key: True) -> list[int]:
        """Return the keys of the things whose names fit what was typed so far, the best first.

        A name fits if it is the text, begins with it, has a word that does, holds it, or has words that begin with all
        that were typed, in any order. Only if no name fits, those are taken that have the same consonants, or else
        those that share most pairs of letters with it.
        """
        typed = _made(text)
        if not typed.whole:
            return []
        ranked = []
        for key, names in self._names.items():
            rank = min((_rank(name, typed) for name in names), default=None)
            if rank is not None and rank < _NO_FIT and allowed(key):
                ranked.append((rank, key))
        if ranked:
            # `sorted` keeps the order of equals.
            return [key for _rank_, key in sorted(ranked, key=lambda pair: pair[0])][:most]
        return self._nearly(typed, most=most, allowed=allowed)

    def called(self, text: str) -> list[int]:
        """Return the keys of the things that are called so, in any language, with or without their kind."""
        typed = _made(text)
        if not typed.whole:
            return []
        exact = [key for key, names in self._names.items() if any(name.whole == typed.whole for name in names)]
        return exact or [key for key, names in self._names.items() if any(name.plain == typed.plain for name in names)]

    def _nearly(self, typed: _Name, *, most: int, allowed: Callable[[int], bool]) -> list[int]:
        if len(typed.plain) < _LEAST_FUZZY:
            return []
        ranked = []
        for key, names in self._names.items():
            best = max((_likeness(name, typed) for name in names), default=(0.0, 0.0))
            if best[0] >= _ALIKE and allowed(key):
                ranked.append((best, key))
        ranked.sort(key=lambda pair: pair[0], reverse=True)
        # Once somebody has the same consonants, a few letters in common mean nothing.
        least = _SAME_BONES if ranked and ranked[0][0][0] >= _SAME_BONES else _ALIKE
        return [key for best, key in ranked if best[0] >= least][:most]


_NO_FIT = 5


def _rank(name: _Name, typed: _Name) -> int:
    """Return how well a name fits what was typed, 0 for exactly; `_NO_FIT` if it does not."""
    if typed.whole in (name.whole, name.plain) or typed.plain == name.plain:
        return 0
    if name.plain.startswith(typed.plain) or name.whole.startswith(typed.whole):
        return 1
    if any(word.startswith(typed.whole) for word in name.words):
        return 2
    if typed.plain in name.plain or typed.whole in name.whole:
        return 3
    if all(any(word.startswith(part) for word in name.words) for part in typed.words):
        return 4
    return _NO_FIT


def _likeness(name: _Name, typed: _Name) -> tuple[float, float]:
    """Return how far a name has what was typed, and how far both are one; above 1 for the same consonants."""
    if len(typed.bones) >= _LEAST_BONES and typed.bones in name.bones:
        return _SAME_BONES + name.bones.startswith(typed.bones), len(typed.bones) / len(name.bones)
    shared = len(name.pairs & typed.pairs)
    if not shared:
        return 0.0, 0.0
    return shared / len(typed.pairs), 2 * shared / (len(name.pairs) + len(typed.pairs))


def _made(text: str) -> _Name:
    words = tuple(word for word in _BETWEEN_WORDS.split(spelt(text[:200])) if word)
    plain = plain_name(text[:200])
    return _Name(
        whole="".join(words),
        plain=plain,
        bones=_TWICE.sub(r"\1", _SOFT.sub("", plain)),
        words=words,
        pairs=frozenset(plain[at : at + 2] for at in range(len(plain) - 1)),
    )
