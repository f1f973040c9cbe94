"""What the words of a report tell: how alike two texts are, and which kind of trouble they speak of."""

from __future__ import annotations

import re
from functools import lru_cache
from math import sqrt

from saat.terms.policy import CityPolicy
from saat.triage.cleaning import clean_words
from saat.triage.tokens import is_cluster, phrases, query_words, search_words, spelt

__all__ = [
    "clean_words",
    "compare_words",
    "guess_category",
    "query_words",
    "search_words",
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
    tokens = [search_words(word) for word in _COMMON_CLUSTERED.split()]
    clusters = [[token for token in found if is_cluster(token)] for found in tokens]
    side_by_side = {first[-1] + second[0] for first in clusters for second in clusters}
    return frozenset(search_words(_COMMON_WORDS)).union(*tokens, side_by_side)


_COMMON = _common()

_COMMON_WEIGHT = 0.15
_CLUSTER_WEIGHT = 0.3  # a single cluster is a syllable: many texts share some
_DOUBT = 1.5  # so much weight of words leaves as much doubt as they give certainty


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

    Alike is Ochiai's coefficient of their search words: what both have, over the geometric mean of what each has, so
    that a short text and all that ten neighbours wrote can still be alike. Common words weigh 0.15, single clusters
    of scripts without spaces 0.3. The certainty grows with the weight of the shorter text.
    """
    weights_a, total_a = _weights(a)
    weights_b, total_b = _weights(b)
    if not total_a or not total_b:
        return 0.0, 0.0
    if len(weights_b) < len(weights_a):
        weights_a, weights_b = weights_b, weights_a
    shared = sum(sorted(weight for token, weight in weights_a.items() if token in weights_b))
    least = min(total_a, total_b)
    return min(1.0, shared / sqrt(total_a * total_b)), least / (least + _DOUBT)


@lru_cache(maxsize=4096)
def _weights(text: str) -> tuple[dict[str, float], float]:
    weights = {}
    for token in search_words(text):
        if token in _COMMON:
            weights[token] = _COMMON_WEIGHT
        elif is_cluster(token):
            weights[token] = _CLUSTER_WEIGHT
        else:
            weights[token] = 1.0
    return weights, sum(sorted(weights.values()))


def guess_category(text: str, policy: CityPolicy) -> str | None:
    """Return the service code of the category that a text speaks of; None where no category's word is in it.

    Each word or phrase of a category counts once, by its number of words, and less the more categories of the city
    speak of it at all: the word for rubbish tells little. Between equals the more urgent category is taken, then the
    one that the policy names first.

    >>> from saat.terms.policy import example_policy
    >>> guess_category("hello", example_policy()) is None
    True
    """
    text = spelt(text)
    best, best_rank = None, (0.0, 0)
    for service_code, urgency, known in _vocabulary(policy):
        score = sum(weight for pattern, weight in known if pattern.search(text))
        if score > 0 and (score, urgency) > best_rank:
            best, best_rank = service_code, (score, urgency)
    return best


_Vocabulary = list[tuple[str, int, list[tuple[re.Pattern[str], float]]]]
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
            pattern = phrases([phrase])
            spoken_of = sum(1 for text in told if pattern.search(text))
            weighed.append((pattern, len(phrase.split()) / max(1, spoken_of)))
        vocabulary.append((category.service_code, category.urgency.level, weighed))
    if len(_vocabularies) >= _MOST_VOCABULARIES:
        _vocabularies.clear()
    _vocabularies[id(policy)] = (policy, vocabulary)
    return vocabulary
