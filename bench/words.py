"""What residents write in the measured city: made-up sentences in Khmer and English, with their search tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saat.triage.words import search_words

_WHAT_KM = (
    "សំរាមគរច្រើនណាស់", "មានសំរាមច្រើន", "ឡានសំរាមមិនមកប្រមូល", "ធុងសំរាមពេញហៀរ", "គេយកសំរាមមកចោល", "សំរាមស្ទះលូ",
    "សំរាមស្អុយណាស់", "ពូកចាស់ចោលលើចិញ្ចើមផ្លូវ", "ថង់ប្លាស្ទិកពេញប្រឡាយ", "សំណល់សំណង់ចោលតាមផ្លូវ", "មិនបានប្រមូលបីថ្ងៃហើយ",
    "ឆ្កែកកាយសំរាម", "ទឹកស្អុយហូរចេញពីធុង", "មានគេដុតសំរាម", "គំនរសំរាមធំ",
)  # fmt: skip
_WHAT_EN = (
    "Rubbish piled up", "The truck did not come", "The bin is full and overflows", "Somebody dumped building waste",
    "Plastic bags block the drain", "It smells very bad", "An old mattress lies on the pavement", "Broken sofa",
    "Garbage not collected for three days", "Dogs tear the bags open", "Somebody burns rubbish", "A heap of coconuts",
    "Leaking container", "Dead rat between the bags", "Fish waste from the stalls",
)  # fmt: skip
_WHERE_KM = ("នៅមុខផ្ទះ", "ក្បែរផ្សារ", "ក្រោយសាលារៀន", "ជិតវត្ត", "តាមដងផ្លូវ", "ក្រោមស្ពាន", "ក្បែរប្រឡាយ", "មុខហាងបាយ")
_WHERE_EN = ("in front of our house", "near the market", "behind the school", "beside the pagoda", "under the bridge",
             "along the canal", "at the corner", "in front of the rice shop")  # fmt: skip
_SYLLABLES = [
    "ba",
    "chan",
    "da",
    "kor",
    "li",
    "mao",
    "nim",
    "pheap",
    "rith",
    "sok",
    "thy",
    "vong",
    "yim",
    "srey",
    "kun",
]
RARE_NAMES = 20_000
KHMER_SHARE = 0.75
# By which the desk's search is measured: in almost half of all cases, in some of them, and in a few.
COMMON_KM, COMMON_EN, SOME_EN = "សំរាម", "rubbish", "mattress"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of text with its tokens."""

    text: str
    tokens: tuple[str, ...]


def _sentences(whats: tuple[str, ...], wheres: tuple[str, ...]) -> list[Sentence]:
    texts = [f"{what} {where}" for what in whats for where in wheres]
    return [Sentence(text, search_words(text)) for text in texts]


class Writer:
    """Writes what residents say; the same seed writes the same."""

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._khmer, self._english = _sentences(_WHAT_KM, _WHERE_KM), _sentences(_WHAT_EN, _WHERE_EN)
        self._streets = [Sentence(f"St. {number}", search_words(f"St. {number}")) for number in range(1, 700)]

    def sentences(self, count: int) -> list[tuple[Sentence, Sentence, Sentence | None]]:
        """Return what so many residents say: trouble, street, and for one in twenty a person's name."""
        chance = self._chance
        khmer = chance.random(count) < KHMER_SHARE
        which = chance.integers(0, len(self._khmer), count)
        street = chance.zipf(1.3, count) % len(self._streets)
        named = chance.random(count) < 0.05
        names = chance.integers(0, RARE_NAMES, count)
        return [
            (
                self._khmer[w] if k else self._english[w % len(self._english)],
                self._streets[s],
                rare_name(int(n)) if has else None,
            )
            for k, w, s, has, n in zip(khmer, which, street, named, names, strict=True)
        ]


def rare_name(number: int) -> Sentence:
    """Return one of `RARE_NAMES` made-up names; each stands in a handful of cases among a million."""
    base = len(_SYLLABLES)
    parts = [_SYLLABLES[number // base**power % base] for power in range(4)]
    name = "".join(parts)
    return Sentence(name, (name,))
