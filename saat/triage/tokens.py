"""The tokens by which a text of any script is found.

Khmer, Thai, Lao, Burmese, Chinese and Japanese are written without spaces between words. Dictionaries for them are
large and miss names, so a text is cut into orthographic clusters (a consonant with all that is written over, under and
around it), and each cluster and each pair of neighbours is a token: indexing by n-grams, which serves retrieval about
as well as finding the words does (for Chinese: Foo and Li, 2004). Everything else is cut at its spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from saat.terms.codes import heard

_MOST_TOKENS = 600  # some 1,000 letters of Khmer
_LONGEST_WORD = 40

_STACKERS = "\u17d2\u1039"  # the next consonant is written under the one before
_CLUSTER_MARKS = (
    "\u17b4-\u17d3\u17dd\u0e30-\u0e3a\u0e45\u0e47-\u0e4e\u0eb0-\u0ebd\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
)
_KHMER = "[\u1780-\u17b3\u17dc](?:\u17d2[\u1780-\u17b3]|[\u17b4-\u17d3\u17dd])*"
_THAI = "[\u0e40-\u0e44]?[\u0e01-\u0e2e][\u0e30-\u0e3a\u0e45\u0e47-\u0e4e]*"
_LAO = "[\u0ec0-\u0ec4]?[\u0e81-\u0eae\u0edc-\u0edf][\u0eb0-\u0ebd\u0ec8-\u0ece]*"
_BURMESE = "[\u1000-\u102a\u103f\u1050-\u1055](?:\u1039[\u1000-\u102a]|[\u102b-\u103e\u1056-\u1059])*"
_CHINESE_JAPANESE = (
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_WITHOUT_SPACES = f"\u0e01-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u1059\u1780-\u17dd{_CHINESE_JAPANESE}"
# Letters and digits of the other scripts, with the marks of Indic scripts, which Python counts as no letters.
_INDIC_MARKS = "\u0900-\u0903\u093a-\u094f\u0955-\u0963\u0980-\u0dff\u0f71-\u0fbc"
_LETTER = f"[^\\W_{_WITHOUT_SPACES}]"
_CLUSTER = f"{_KHMER}|{_THAI}|{_LAO}|{_BURMESE}|[{_CHINESE_JAPANESE}]"
_PIECE = re.compile(f"(?P<word>(?:{_LETTER}|[{_INDIC_MARKS}])+)|{_CLUSTER}")
_ONE_CLUSTER = re.compile(_CLUSTER)

# Marks on Latin, Greek, Cyrillic, Arabic and Hebrew letters; signs without width; apostrophes inside words.
_DROPPED = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]+|(?<=\\w)['\u2019\u02bc](?=\\w)"
)
# Latin letters that Unicode does not take apart, and the dashes that may stand in a code.
_SAME = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "ng"}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")
# The scope of a reader is written into the search index as words; no resident can write such a word.
_RESERVED = re.compile(r"x+(?=(?:city|area)[0-9]+$)")

_CODE = re.compile(r"(?<![0-9a-z])(?P<first>[0-9a-z]{4})(?P<gap>[- ])(?=(?P<last>[0-9a-z]{4})(?![0-9a-z]))")
_DASHED_CODE = re.compile(r"(?<![0-9a-z])([0-9a-z]{4})-([0-9a-z]{4})(?![0-9a-z])")
_WHOLE_CODE = re.compile(r"\s*[0-9a-z]{4}[- ]?[0-9a-z]{4}\s*")
_DIGIT = re.compile(r"[0-9]")

# រ under ម after a bare consonant: សម្រាម (the dictionary's spelling of rubbish) and សំរាម (the street's) are one word.
_KHMER_MR = re.compile("(?<=[\u1780-\u17a2])\u1798\u17d2\u179a")
_KHMER_MR_SHORT = "\u17c6\u179a"
_KHMER_UNIT = re.compile("\u17d2?.")
# What looks the same in Khmer: subscript ដ and subscript ត; two vowel signs typed for one (after sorting).
_LOOKS_SAME = (("\u17d2\u178a", "\u17d2\u178f"), ("\u17b6\u17c1", "\u17c4"), ("\u17b8\u17c1", "\u17be"))


def search_words(text: str) -> tuple[str, ...]:
    """Return the tokens by which a text is found, each once, at most 600.

    Words are small letters without accents (đ is d); digits of any script are 0 to 9; text in scripts without spaces
    gives its clusters and the pairs of neighbours, also across a space; a short code is one token however it is parted.
    Spellings that look or count as the same in Khmer give the same tokens.

    >>> search_words("Rác ở ĐƯỜNG số ៣០")
    ('rac', 'o', 'duong', 'so', '30')
    >>> search_words("ផ្សារ")
    ('ផ្សា', 'រ', 'ផ្សារ')
    >>> search_words("K7Q2-9M4X")
    ('k7q29m4x', 'k7q2', '9m4x')
    """
    text = folded(text)
    found: dict[str, None] = {}
    for code in _CODE.finditer(text):
        both = code["first"] + code["last"]
        if code["gap"] == "-" or _DIGIT.search(both):
            found[_as_heard(both)] = None
    short = _KHMER_MR.sub(_KHMER_MR_SHORT, text)
    _add_tokens(found, short)
    if short != text:
        # Where the two letters belong to two words, a query for the second word finds them as written.
        _add_tokens(found, text)
    return tuple(found)[:_MOST_TOKENS]


def query_words(text: str) -> tuple[str, ...]:
    """Return the tokens that a text must all have among its `search_words` to answer a query.

    >>> query_words("ផ្សារ ថ្មី")
    ('ផ្សារ', 'ថ្មី')
    >>> query_words(" k7q2 9m4x "), query_words("case K7Q2-9M4X")
    (('k7q29m4x',), ('k7q29m4x', 'case'))
    """
    text = _KHMER_MR.sub(_KHMER_MR_SHORT, folded(text))
    if _WHOLE_CODE.fullmatch(text) and _DIGIT.search(text):
        return (_as_heard(re.sub(r"[\s-]", "", text)),)
    found = {_as_heard(code[1] + code[2]): None for code in _DASHED_CODE.finditer(text)}
    text = _DASHED_CODE.sub(" ", text)
    for run in _runs(text):
        if isinstance(run, str):
            found[run] = None
        elif len(run) == 1:
            found[run[0]] = None
        else:
            found.update((a + b, None) for a, b in pairwise(run))
    return tuple(found)[:_MOST_TOKENS]


def folded(text: str) -> str:
    """Return a text in the one form in which texts are compared: small letters, no accents, ASCII digits.

    >>> folded("Ｎguyễn ៤២")
    'nguyen 42'
    """
    if text.isascii():
        return text.casefold().replace("'", "") if "'" in text else text.casefold()
    text = unicodedata.normalize("NFKD", text.casefold()).casefold()
    text = unicodedata.normalize("NFC", _DROPPED.sub("", text)).translate(_SAME)
    return _FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def is_cluster(token: str) -> bool:
    """Return whether a token is one cluster, no pair and no word."""
    return _ONE_CLUSTER.fullmatch(token) is not None


def spelt(text: str) -> str:
    """Return a text folded, and its clusters in the one form in which phrases are looked for in it."""
    text = folded(text)
    if text.isascii():
        return text
    return _ONE_CLUSTER.sub(lambda cluster: _tidied(cluster[0]), _KHMER_MR.sub(_KHMER_MR_SHORT, text))


def phrases(wanted: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern that finds any of these phrases in a text that was `spelt`.

    A phrase of a script with spaces stands between other letters than its own and may end as in English (-s, -es, -d,
    -ed, -ing); one of a script without spaces stands anywhere, but in whole clusters.

    >>> bool(phrases(["needle"]).search(spelt("Two NEEDLES here"))), bool(phrases(["fire"]).search(spelt("firefly")))
    (True, False)
    """
    spaced, unspaced = [], []
    known = {spelt(phrase).strip() for phrase in wanted} - {""}
    for phrase in sorted(known, key=lambda phrase: (-len(phrase), phrase)):
        if _ONE_CLUSTER.match(phrase):
            unspaced.append(re.escape(phrase))
        else:
            spaced.append(r"\s+".join(re.escape(word) for word in phrase.split()))
    either = []
    if spaced:
        either.append(f"(?<!{_LETTER})(?:{'|'.join(spaced)})(?:s|es|d|ed|ing)?(?!{_LETTER})")
    if unspaced:
        either.append(f"(?<![{_STACKERS}])(?:{'|'.join(unspaced)})(?![{_CLUSTER_MARKS}])")
    return re.compile("|".join(either) or r"(?!)")


def _add_tokens(found: dict[str, None], text: str) -> None:
    """Add the words, the clusters and the pairs of clusters of a folded text."""
    before, end = "", 0
    for piece in _PIECE.finditer(text):
        word = piece["word"]
        if word:
            word = _RESERVED.sub("", word[:_LONGEST_WORD])
            found[word] = None
            if len(word) == 8 and _DIGIT.search(word):
                found[_as_heard(word)] = None
            before = ""
        else:
            cluster = _tidied(piece[0])
            found[cluster] = None
            start = piece.start()
            if before and (start == end or text[end:start].isspace()):
                found[before + cluster] = None
            before, end = cluster, piece.end()
        if len(found) >= _MOST_TOKENS:
            return


def _runs(text: str) -> Iterator[str | list[str]]:
    """Yield the words of a folded text, and the clusters that stand without a gap as one list."""
    run: list[str] = []
    end = 0
    for piece in _PIECE.finditer(text):
        if run and (piece["word"] or piece.start() != end):
            yield run
            run = []
        if piece["word"]:
            yield _RESERVED.sub("", piece["word"][:_LONGEST_WORD])
        else:
            run.append(_tidied(piece[0]))
            end = piece.end()
    if run:
        yield run


def _as_heard(word: str) -> str:
    """Return eight letters or digits as the short code that they may be, in small letters."""
    return (heard(word) or word).lower()


@lru_cache(maxsize=8192)
def _tidied(cluster: str) -> str:
    """Return a cluster with its marks in one order, so that it equals every other that looks the same."""
    if len(cluster) < 3:
        return cluster
    if not "\u1780" <= cluster[0] <= "\u17dc":
        # Leading vowels of Thai and Lao stay before their consonant.
        head = 2 if cluster[0] in "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4" else 1
        return cluster if "\u1000" <= cluster[0] <= "\u109f" else cluster[:head] + "".join(sorted(cluster[head:]))
    # Subscripts come first, then the signs, each by code point.
    units = sorted(_KHMER_UNIT.findall(cluster[1:]), key=lambda unit: (-len(unit), unit))
    tidy = cluster[0] + "".join(units)
    for seen, meant in _LOOKS_SAME:
        tidy = tidy.replace(seen, meant)
    return tidy
