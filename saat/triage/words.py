"""What the words of a report tell: how alike two texts are, and which kind of trouble they speak of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from saat.terms.policy import CityPolicy
from saat.triage.cleaning import clean_words
from saat.triage.phrases import Phrases
from saat.triage.spelling import spelt
from saat.triage.tokens import query_words, search_words, tokens_of

__all__ = [
    "clean_words",
    "compare_words",
    "guess_category",
    "query_words",
    "search_words",
    "spoken_of",
    "words_likeness",
]

# Words that tell little of one trouble from another: those that every sentence has, and those for rubbish itself.
_COMMON_WORDS = """
a an and are as at be been but by can could did do does for from had has have he here i in is it its me my near no not
of on or our please since so some that the their them there they this to very was we were with you your
again bad bin city clean collect collected dirty dump dumped garbage litter lots lot many pile piled rubbish smell
smells street trash truck waste
toi la co cua va o cho nay rac duong
"""
_COMMON_CLUSTERED = """
សំរាម គំនរ គរ នៅ មាន និង ជា នេះ នោះ ខ្ញុំ យើង មិន បាន មក ទេ ហើយ ណាស់ ច្រើន ផ្លូវ សូម ប្រមូល ឡាន របស់ ដែល តាម លើ ក្នុង ខាង មុខ
ធុង ចោល ពេញ ស្អុយ ថ្ងៃ ขยะ ที่ มี ไม่ ครับ ค่ะ ถนน 垃圾 有 的 很
"""


def _common() -> frozenset[str]:
    """Return the tokens of the common words, and of two common words of a script without spaces side by side."""
    found = [tokens_of(word) for word in _COMMON_CLUSTERED.split()]
    clusters = [list(tokens.clusters) for tokens in found]
    side_by_side = {first[-1] + second[0] for first in clusters for second in clusters}
    return frozenset(search_words(_COMMON_WORDS)).union(*clusters, *(tokens.pairs for tokens in found), side_by_side)


_COMMON = _common()

# Whole numbers, so that a sum does not depend on the order. A single cluster is a syllable: many texts share some.
_WORD_WEIGHT, _CLUSTER_WEIGHT, _COMMON_WEIGHT = 20, 6, 3
_DOUBT = 30  # so much weight of words leaves as much doubt as it gives certainty


@dataclass(frozen=True, slots=True)
class _Told:
    """The tokens of one text by what each weighs; and the weight of its numbers, words, and clusters together."""

    words: frozenset[str]
    clusters: frozenset[str]
    common: frozenset[str]
    weights: tuple[int, int, int]


def words_likeness(a: str, b: str) -> float:
    """Return how far two texts tell of the same, from 0 to 1; short texts tell little, whatever they share.

    >>> words_likeness("broken sofa behind Olympic market", "sofa behind the Olympic market, broken") > 0.6
    True
    >>> words_likeness("rubbish", "rubbish") < 0.15
    True
    """
    alike, certainty = compare_words(a, b)
    return alike * certainty


def compare_words(a: str, b: str) -> tuple[float, float]:
    """Return how alike two texts are and how much that says, both from 0 to 1; the same for (b, a).

    Alike is Ochiai's coefficient of their tokens: what both have, over the geometric mean of what each has, so that a
    short text and all that ten neighbours wrote can still be alike. A common word weighs 3, a single cluster of a
    script without spaces 6, any other token 20. The certainty grows with the weight of the shorter text.

    Numbers, words, and scripts without spaces are compared where both have them: what one wrote in Khmer and another
    in English says nothing, neither for nor against.

    >>> compare_words("សំរាមនៅមុខផ្សារអូឡាំពិក", "Rubbish in front of Olympic market")
    (0.0, 0.0)
    """
    told, other = _told(a), _told(b)
    weight, other_weight = 0, 0
    for own, others in zip(told.weights, other.weights, strict=True):
        if own and others:
            weight, other_weight = weight + own, other_weight + others
    least = min(weight, other_weight)
    if not least:
        return 0.0, 0.0
    shared = (
        _WORD_WEIGHT * len(told.words & other.words)
        + _CLUSTER_WEIGHT * len(told.clusters & other.clusters)
        + _COMMON_WEIGHT * len(told.common & other.common)
    )
    return shared / sqrt(weight * other_weight), least / (least + _DOUBT)


@lru_cache(maxsize=4096)
def _told(text: str) -> _Told:
    tokens = tokens_of(text)
    numbers = frozenset(filter(str.isdecimal, tokens.words))
    words = frozenset(tokens.words) - numbers
    pairs, clusters = frozenset(tokens.pairs), frozenset(tokens.clusters)
    common, unspaced = words & _COMMON, (pairs | clusters) & _COMMON
    words, pairs, clusters = words - common, pairs - unspaced, clusters - unspaced
    return _Told(
        words=numbers | words | pairs,
        clusters=clusters,
        common=common | unspaced,
        weights=(
            _WORD_WEIGHT * len(numbers),
            _WORD_WEIGHT * len(words) + _COMMON_WEIGHT * len(common),
            _WORD_WEIGHT * len(pairs) + _CLUSTER_WEIGHT * len(clusters) + _COMMON_WEIGHT * len(unspaced),
        ),
    )


def guess_category(text: str, policy: CityPolicy) -> str | None:
    """Return the service code of the category that a text speaks of; None where no category's word is in it.

    Each word or phrase of a category counts once, by its number of words, and less the more categories of the city
    speak of it at all: the word for rubbish tells little. Between equals the more urgent category is taken, then the
    one that the policy names first.

    >>> from saat.terms.policy import example_policy
    >>> guess_category("hello", example_policy()) is None
    True
    """
    spoken = spoken_of(spelt(text), policy)
    return max(spoken, key=lambda known: (known[2], known[1]))[0] if spoken else None


def spoken_of(text: str, policy: CityPolicy, least_level: int = 0) -> list[tuple[str, int, float]]:
    """Return the categories whose words are in a text that was `spelt`, in the policy's order.

    least_level: leaves out the categories of a lower level of urgency. Each comes with its service code, the level of
    its urgency, and the weight of what was found, more than 0.
    """
    found = []
    for service_code, level, known in _vocabulary(policy):
        if level < least_level:
            continue
        weight = sum(weight for pattern, weight in known if pattern.are_in(text))
        if weight > 0:
            found.append((service_code, level, weight))
    return found


_Vocabulary = list[tuple[str, int, list[tuple[Phrases, float]]]]
_vocabularies: dict[int, tuple[CityPolicy, _Vocabulary]] = {}  # by the identity of the policy, which it keeps alive
_MOST_VOCABULARIES = 64


def _vocabulary(policy: CityPolicy) -> _Vocabulary:
    """Return for each category its code, its urgency, and its phrases with what each weighs."""
    known = _vocabularies.get(id(policy))
    if known is not None:
        return known[1]
    told = [
        spelt(" \n ".join((*category.words, *category.name.values(), *category.description.values())))
        for category in policy.categories
    ]
    vocabulary: _Vocabulary = []
    for category in policy.categories:
        weighed = []
        for phrase in category.words:
            pattern = Phrases([phrase])
            spoken_of = sum(1 for text in told if pattern.are_in(text))
            weighed.append((pattern, len(phrase.split()) / max(1, spoken_of)))
        vocabulary.append((category.service_code, category.urgency.level, weighed))
    if len(_vocabularies) >= _MOST_VOCABULARIES:
        _vocabularies.clear()
    _vocabularies[id(policy)] = (policy, vocabulary)
    return vocabulary
