"""One spelling for what looks or counts as the same, and the clusters of scripts without spaces between words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

STACKERS = "\u17d2\u1039"  # the next consonant is written under the one before
CLUSTER_MARKS = (
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
INDIC_MARKS = "\u0900-\u0903\u093a-\u094f\u0955-\u0963\u0980-\u0dff\u0f71-\u0fbc"
LETTER = f"[^\\W_{_WITHOUT_SPACES}]"
CLUSTER = f"{_KHMER}|{_THAI}|{_LAO}|{_BURMESE}|[{_CHINESE_JAPANESE}]"
ONE_CLUSTER = re.compile(CLUSTER)
_CLUSTERS_APART = re.compile(f"({CLUSTER})")  # splits a text into what is between clusters and, every other, a cluster

# Marks on Latin, Greek, Cyrillic, Arabic and Hebrew letters, and signs without width.
_DROPPED = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]"
)
# Latin letters that Unicode does not take apart, and the dashes that may stand in a code.
_SAME = {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "ng"}
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
_APOSTROPHE = re.compile("(?<=\\w)['\u2019\u02bc](?=\\w)")
# រ under ម after a bare consonant: សម្រាម (the dictionary's spelling of rubbish) and សំរាម (the street's) are one word.
_KHMER_MR = re.compile("(?<=[\u1780-\u17a2])\u1798\u17d2\u179a")
_KHMER_MR_APART = re.compile("(?<=[\u1780-\u17a2])\\s*\u1798\u17d2\u179a")
_KHMER_MR_SHORT = "\u17c6\u179a"
_KHMER_UNIT = re.compile("\u17d2?.")
# What looks the same in Khmer: subscript ដ and subscript ត; two vowel signs typed for one (after sorting).
_LOOKS_SAME = (("\u17d2\u178a", "\u17d2\u178f"), ("\u17b6\u17c1", "\u17c4"), ("\u17b8\u17c1", "\u17be"))


def folded(text: str) -> str:
    """Return a text in the one form in which texts are compared: small letters, no accents, ASCII digits.

    >>> folded("Ｎguyễn ៤២")
    'nguyen 42'
    """
    if "'" in text or "\u2019" in text or "\u02bc" in text:
        text = _APOSTROPHE.sub("", text)
    text = text.casefold()
    if text.isascii():
        return text
    # Taking compatible forms apart may bring capitals to light, such as those of a unit written as one sign.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKD", text).casefold().translate(_FOLDS))


class _Folds(dict[int, str | int]):
    """For `str.translate`: what a letter is folded to, "" where it is dropped. Filled as letters are met."""

    def __missing__(self, code: int) -> str | int:
        letter = chr(code)
        fold: str | int = code
        if _DROPPED.match(letter):
            fold = ""
        elif letter in _DASHES:
            fold = "-"
        else:
            fold = _SAME.get(letter, str(unicodedata.decimal(letter)) if letter.isdecimal() else code)
        if code < 0x10000:
            self[code] = fold
        return fold


_FOLDS = _Folds()


def one_spelling(text: str, *, across_spaces: bool = False) -> str:
    """Return a folded text in which Khmer words that may be written with សម្រ or សំរ are written with សំរ.

    across_spaces: also where a space parts the two letters, as one who writes without spaces would have put it.
    """
    return (_KHMER_MR_APART if across_spaces else _KHMER_MR).sub(_KHMER_MR_SHORT, text)


def spelt(text: str) -> str:
    """Return a text folded, in one spelling, its clusters tidied and its spaces single: as phrases are looked for.

    >>> spelt("  Needles   HERE ") == "needles here", spelt("សប្ដាហ៍") == spelt("សប្តាហ៍")
    (True, True)
    """
    text = folded(text)
    if not text.isascii():
        pieces = _CLUSTERS_APART.split(one_spelling(text))
        pieces[1::2] = map(tidied, pieces[1::2])
        text = "".join(pieces)
    return " ".join(text.split())


@lru_cache(maxsize=8192)
def tidied(cluster: str) -> str:
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
