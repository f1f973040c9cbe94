"""Names of areas, compared across lists that spell them differently; what is in doubt is never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from saat.triage.spelling import spelt

# Words that say what an area is, not which one it is; `spelt` has made them small and plain.
_KINDS = (
    "khan", "khand", "sangkat", "sangkhat", "khum", "srok", "krong", "phum", "reach theani", "district", "commune",
    "municipality", "village", "city of", "quan", "phuong", "barangay", "kampung", "kelurahan", "kecamatan",
)  # fmt: skip
_KHMER_KINDS = tuple(spelt(word) for word in ("រាជធានី", "ខណ្ឌ", "សង្កាត់", "ឃុំ", "ស្រុក", "ក្រុង", "ភូមិ", "ខេត្ត"))
_KIND_FIRST = re.compile(rf"^(?:(?:{'|'.join(_KINDS)})\.?\s+|(?:{'|'.join(_KHMER_KINDS)})\s*)")
_KIND_LAST = re.compile(rf"\s+(?:{'|'.join(_KINDS)})$")
# The number of a part: "Ti Muoy" and "1" are the same part, as "ទី ១" and "ទី១" are.
_ORDINALS = {"muoy": "1", "mouy": "1", "pir": "2", "bei": "3", "buon": "4", "pram": "5"}
_ORDINAL = re.compile(rf"\bti\s+({'|'.join(_ORDINALS)}|\d+)\b")
_KHMER_ORDINAL = re.compile(r"ទី\s*(?=\d)")
_NO_LETTER = re.compile(r"[^\w\u1780-\u17d3]+")
CUT_MARK = "*"
_CUT_ORDINAL = re.compile(r"\bti\s*(\w*)$", flags=re.IGNORECASE)
_LEAST_STEM = 8  # a name cut shorter than this could be too many others


@lru_cache(maxsize=65_536)
def plain_name(name: str) -> str:
    """Return the form in which names of areas are compared: without kind, accents, spaces and other spellings.

    "Khan", "Sangkat" and their like are left out, an ordinal is its digit, and Khmer is spelt one way.

    >>> plain_name("Sangkat Tuol Tumpung Ti Pir"), plain_name("Tuek L'ak Ti Bei"), plain_name("Stueng Mean chey 1")
    ('tuoltumpung2', 'tueklak3', 'stuengmeanchey1')
    >>> plain_name("សង្កាត់ទួលទំពូងទី ១") == plain_name("ទួលទំពូងទី១")
    True
    """
    text = spelt(name)
    bare = _KIND_LAST.sub("", _KIND_FIRST.sub("", text)) or text
    bare = _ORDINAL.sub(lambda found: _ORDINALS.get(found[1], found[1]), bare)
    bare = _KHMER_ORDINAL.sub("", bare)
    return _NO_LETTER.sub("", bare).replace("_", "") or _NO_LETTER.sub("", text)


def stems_of(name: str) -> tuple[str, ...]:
    """Return the comparable beginnings of a name that a list cut short and marked with "*"; none if it is whole.

    A word that was cut is kept as far as it goes; an ordinal that was cut stands for each that begins so.

    >>> stems_of("Kilomaetr Lekh Pram*"), stems_of("Boeng Keng Kang Ti *"), stems_of("Tonle Basak")
    (('kilomaetrlekhpram',), ('boengkengkang',), ())
    >>> stems_of("Chrang Chamreh Ti P*")
    ('chrangchamreh2', 'chrangchamreh5')
    """
    if not name.rstrip().endswith(CUT_MARK):
        return ()
    whole = name.rstrip().rstrip(CUT_MARK)
    cut = _CUT_ORDINAL.search(whole)
    if cut is None:
        return (plain_name(whole),)
    before, begun = plain_name(whole[: cut.start()]), cut[1].casefold()
    if not begun:
        return (before,)
    fitting = sorted({digit for word, digit in _ORDINALS.items() if word.startswith(begun)})
    return tuple(before + digit for digit in fitting) or (plain_name(whole),)


class Doubt(StrEnum):
    """Why a name could not be joined."""

    UNKNOWN = "unknown"  # nothing has this name
    SEVERAL = "several"  # more than one has it
    SHORT = "short"  # the name was cut too short to tell
    TAKEN = "taken"  # what has this name was joined to another entry before


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a name was joined to: `key` of the one that has it, or None and why not, with those it could be."""

    key: int | None = None
    doubt: Doubt | None = None
    could_be: tuple[int, ...] = ()


def match_name(names: Iterable[str], known: Mapping[int, Iterable[str]]) -> Match:
    """Return which of the known areas of one parent an entry of another list is.

    names: the entry's names in any languages. known: key to the names of each area of the same parent.
    An entry is an area if its names, in plain form, are names of this area and of no other; a name that no area has is
    passed over, names that speak of different areas decide nothing. A name that was cut (it ends in "*") fits every
    name that begins so.

    >>> khans = {1: ["Chamkar Mon", "ចំការមន"], 2: ["Doun Penh", "ដូនពេញ"], 3: ["Dangkao"]}
    >>> match_name(["Khan Doun Penh"], khans).key, match_name(["ខណ្ឌចំការមន"], khans).key
    (2, 1)
    >>> match_name(["Sen Sok"], khans).doubt
    <Doubt.UNKNOWN: 'unknown'>
    """
    return NameIndex(known).match(names)


class NameIndex:
    """The names of the areas of one parent, made ready for many entries; see `match_name`."""

    def __init__(self, known: Mapping[int, Iterable[str]]) -> None:
        self._plain: dict[str, set[int]] = {}
        for key, texts in known.items():
            for text in texts:
                self._plain.setdefault(plain_name(text), set()).add(key)

    def match(self, names: Iterable[str]) -> Match:
        """Return which area an entry with these names is."""
        told: list[set[int]] = []
        short = False
        for name in names:
            stems = stems_of(name)
            if not stems:
                told.append(self._plain.get(plain_name(name), set()))
            elif all(len(stem) >= _LEAST_STEM for stem in stems):
                told.append({key for text, keys in self._plain.items() if text.startswith(stems) for key in keys})
            else:
                short = True
        told = [keys for keys in told if keys]
        if not told:
            return Match(doubt=Doubt.SHORT if short else Doubt.UNKNOWN)
        # Names in several languages must agree: what one leaves open the other may decide, but not gainsay.
        agreed = set.intersection(*told)
        if len(agreed) == 1:
            return Match(key=agreed.pop())
        return Match(doubt=Doubt.SEVERAL, could_be=tuple(sorted(agreed or set.union(*told))))
