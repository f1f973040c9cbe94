"""The tokens by which a text of any script is found.

Khmer, Thai, Lao, Burmese, Chinese and Japanese are written without spaces between words. Dictionaries for them are
large and miss names, so a text is cut into orthographic clusters (a consonant with all that is written over, under and
around it), and each cluster and each pair of neighbours is a token: indexing by n-grams, which serves retrieval about
as well as finding the words does (for Chinese: Foo and Li, 2004). Everything else is cut at its spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from saat.terms.codes import heard
from saat.triage.spelling import CLUSTER, INDIC_MARKS, LETTER, ONE_CLUSTER, folded, one_spelling, tidied

_MOST_TOKENS = 600  # some 1,000 letters of Khmer
_LONGEST_WORD = 40

_WORD = f"(?P<word>(?:{LETTER}|[{INDIC_MARKS}])+)"
_WORD_OR_RUN = re.compile(f"{_WORD}|(?:{CLUSTER})+")
_WORD_OR_LINE = re.compile(f"{_WORD}|(?:{CLUSTER})+(?:\\s+(?:{CLUSTER})+)*")  # a line of runs with only spaces between
# The scope of a reader is written into the search index as words; no resident can write such a word.
_RESERVED = re.compile(r"^x+(?=(?:city|area)[0-9]+$)")

_CODE = re.compile(r"(?<![0-9a-z])(?P<first>[0-9a-z]{4})(?P<gap>[- ])(?=(?P<last>[0-9a-z]{4})(?![0-9a-z]))")
_DASHED_CODE = re.compile(r"(?<![0-9a-z])([0-9a-z]{4})-([0-9a-z]{4})(?![0-9a-z])")
_WHOLE_CODE = re.compile(r"\s*[0-9a-z]{4}[- ]?[0-9a-z]{4}\s*")
_DIGIT = re.compile(r"[0-9]")


@dataclass(slots=True)
class Tokens:
    """The tokens of a text by what they are, each once and in order: dictionaries without values."""

    words: dict[str, None] = field(default_factory=dict)
    clusters: dict[str, None] = field(default_factory=dict)
    pairs: dict[str, None] = field(default_factory=dict)


def tokens_of(text: str) -> Tokens:
    """Return all tokens by which a text is found."""
    text = folded(text)
    found = Tokens()
    for code in _CODE.finditer(text):
        both = code["first"] + code["last"]
        if code["gap"] == "-" or _DIGIT.search(both):
            found.words[_as_heard(both)] = None
    short = one_spelling(text, across_spaces=True)
    _add_tokens(found, short)
    if short != text:
        # Where the two letters belong to two words, a query for the second word finds them as written.
        _add_tokens(found, text)
    return found


def search_words(text: str) -> tuple[str, ...]:
    """Return the tokens by which a text is found, each once: words, then pairs of clusters, then clusters, at most 600.

    Words are small letters without accents (đ is d); digits of any script are 0 to 9; text in scripts without spaces
    gives its clusters and the pairs of neighbours, also across a space; a short code is one token however it is parted.
    Spellings that look or count as the same in Khmer give the same tokens.

    >>> search_words("Rác ở ĐƯỜNG số ៣០")
    ('rac', 'o', 'duong', 'so', '30')
    >>> search_words("ផ្សារ")
    ('ផ្សារ', 'ផ្សា', 'រ')
    >>> search_words("K7Q2-9M4X")
    ('k7q29m4x', 'k7q2', '9m4x')
    """
    found = tokens_of(text)
    return (*found.words, *found.pairs, *found.clusters)[:_MOST_TOKENS]


def query_words(text: str) -> tuple[str, ...]:
    """Return the tokens that a text must all have among its `search_words` to answer a query.

    >>> query_words("ផ្សារ ថ្មី")
    ('ផ្សារ', 'ថ្មី')
    >>> query_words(" k7q2 9m4x "), query_words("case K7Q2-9M4X")
    (('k7q29m4x',), ('k7q29m4x', 'case'))
    """
    text = one_spelling(folded(text))
    if _WHOLE_CODE.fullmatch(text) and _DIGIT.search(text):
        return (_as_heard(re.sub(r"[\s-]", "", text)),)
    found = {_as_heard(code[1] + code[2]): None for code in _DASHED_CODE.finditer(text)}
    for piece in _WORD_OR_RUN.finditer(_DASHED_CODE.sub(" ", text)):
        word = piece["word"]
        if word:
            found[_forms(word)[-1]] = None
        else:
            run = _clusters(piece[0])
            found.update(dict.fromkeys(run if len(run) == 1 else map("".join, pairwise(run))))
    return tuple(found)[:_MOST_TOKENS]


def _add_tokens(found: Tokens, text: str) -> None:
    for piece in _WORD_OR_LINE.finditer(text):
        word = piece["word"]
        if word:
            found.words.update(dict.fromkeys(_forms(word)))
        else:
            clusters = _clusters(piece[0])
            found.clusters.update(dict.fromkeys(clusters))
            found.pairs.update(dict.fromkeys(map("".join, pairwise(clusters))))


def _clusters(text: str) -> list[str]:
    return list(map(tidied, ONE_CLUSTER.findall(text)))


def _forms(word: str) -> tuple[str, ...]:
    """Return the token of a word, and after it the short code that it may be."""
    if word[0] == "x":
        word = _RESERVED.sub("", word)
    word = word[:_LONGEST_WORD]
    return (word, _as_heard(word)) if len(word) == 8 and _DIGIT.search(word) else (word,)


def _as_heard(word: str) -> str:
    """Return eight letters or digits as the short code that they may be, in small letters."""
    return (heard(word) or word).lower()
