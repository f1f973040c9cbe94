"""What a resident wrote, made safe to show: nothing invisible, nothing that towers over the next line."""

from __future__ import annotations

import re
import unicodedata

_ZERO_WIDTH = "\u200b\u200c\u200d"  # zero-width space, non-joiner, joiner
_COENG = "\u17d2"  # Khmer: the next consonant is written under this one
_STACKERS = _COENG + "\u1039"  # the same in Burmese

# How many marks may follow one letter. Latin, Greek, Cyrillic, Arabic and Hebrew: two, as in Vietnamese written apart
# or in Arabic shadda with a vowel. Thai and Lao: three (a vowel above, a medial, a tone). The other scripts of South
# and South-East Asia write medials, vowels and signs as marks: Burmese reaches six in one syllable.
_MOST_MARKS = 2
_MOST_MARKS_THAI_LAO = 3
_MOST_MARKS_INDIC = 8
_MOST_STACKED = 3  # letters under a letter: two in Khmer, three in Sanskrit words
_BACK_OFF = 40  # no cluster that passed the limits above is longer

_PLAIN = re.compile(r"[ -~\n]*")  # printable ASCII needs nothing but its spaces tidied
_LINE_BREAKS = re.compile("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_AROUND_BREAKS = re.compile(r" ?\n ?")
_MANY_BREAKS = re.compile(r"\n{3,}")
_LOOSE_ZERO_WIDTH = re.compile(f"(?<![^\\x00-\\x7f\\s])[{_ZERO_WIDTH}]|[{_ZERO_WIDTH}](?![^\\x00-\\x7f\\s])")
_ZERO_WIDTH_RUN = re.compile(f"([{_ZERO_WIDTH}])[{_ZERO_WIDTH}]+")


def clean_words(text: str, limit: int = 2000) -> str:
    """Return what somebody wrote, fit to be kept and shown, at most `limit` code points long.

    - Unicode's composed form (NFC);
    - no control characters, no direction overrides or other invisible signs, no private characters, no halves of pairs;
      the zero-width space, joiner and non-joiner stay between letters of scripts that use them (Khmer parts its words
      by zero-width spaces);
    - no towers of marks: two on a letter, three in Thai and Lao, eight in scripts that write vowels and medials as
      marks, and no mark twice on the same letter; Khmer and Burmese letters stack three deep;
    - one space for many, lines kept, at most one empty line in a row;
    - cut between clusters, never within one.

    Cleaning what is clean changes nothing.

    >>> clean_words("  Rubbish \\x00 \\u202e here\\t! \\r\\n\\r\\n\\r\\n\\r\\n Thanks ")
    'Rubbish here !\\n\\nThanks'
    >>> clean_words("Z\\u0335\\u0321\\u0353\\u0310algo") == "Z\\u0335\\u0321algo"
    True
    >>> clean_words("សំរាមនៅក្រោមស្ពាន") == "សំរាមនៅក្រោមស្ពាន"
    True
    >>> clean_words("ខ្ញុំ", limit=4)
    ''
    """
    if limit <= 0:
        return ""
    # What is far beyond the limit cannot matter; a flood of text costs no time.
    text = text.strip()[: 8 * limit + 64]
    if _PLAIN.fullmatch(text):
        text = _tidy(text)
    else:
        text = _LINE_BREAKS.sub("\n", text)
        # What is removed may bring letters and marks together that compose, so it is done until nothing changes.
        for _ in range(4):
            before = text
            text = _tidy(_without_towers(unicodedata.normalize("NFC", text.translate(_UNSEEN))))
            if text == before:
                break
    return text if len(text) <= limit else text[: _last_boundary(text, limit)].rstrip(_ZERO_WIDTH + " \n")


def _tidy(text: str) -> str:
    text = _SPACES.sub(" ", text)
    text = _MANY_BREAKS.sub("\n\n", _AROUND_BREAKS.sub("\n", text)).strip()
    if not text.isascii():
        text = _LOOSE_ZERO_WIDTH.sub("", _ZERO_WIDTH_RUN.sub(r"\1", text))
    return text


class _Unseen(dict[int, int | None]):
    """For `str.translate`: each code point's own, None for what is removed. Filled as letters are met."""

    def __missing__(self, code: int) -> int | None:
        kind = unicodedata.category(chr(code))
        seen: int | None = code
        if code == 0x09:
            seen = 0x20
        elif (kind in ("Cc", "Cf", "Cs", "Co") and chr(code) not in _ZERO_WIDTH + "\n") or _is_no_character(code):
            seen = None
        if code < 0x10000:
            self[code] = seen
        return seen


class _MostMarks(dict[str, int]):
    """How many marks of this one's script may follow a letter; 0 for what is no mark. Filled as letters are met."""

    def __missing__(self, letter: str) -> int:
        most = _most_marks(ord(letter)) if unicodedata.category(letter)[0] == "M" else 0
        if letter < "\U00010000":
            self[letter] = most
        return most


_UNSEEN = _Unseen()
_MARKS = _MostMarks()


def _is_no_character(code: int) -> bool:
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _most_marks(code: int) -> int:
    if 0x0E00 <= code < 0x0F00:
        return _MOST_MARKS_THAI_LAO
    # Indic scripts, Tibetan, Burmese, Philippine scripts, Khmer, Mongolian, and those further islands and hills use.
    indic = 0x0900 <= code < 0x0E00 or 0x0F00 <= code < 0x10A0 or 0x1700 <= code < 0x1AB0 or 0x1B00 <= code < 0x1C50
    return _MOST_MARKS_INDIC if indic or 0xA800 <= code < 0xAC00 or 0x11000 <= code < 0x12000 else _MOST_MARKS


def _without_towers(text: str) -> str:
    kept: list[str] = []
    marks: list[str] = []  # on the letter at hand
    stacked = 0  # letters under the first letter
    stacker = False  # the next letter goes under it
    for letter in text:
        most = _MARKS[letter]
        if not most:
            if letter not in _ZERO_WIDTH:
                stacked = stacked + 1 if stacker else 0
                stacker = False
                marks.clear()
            kept.append(letter)
        elif letter not in marks and len(marks) < most and (letter not in _STACKERS or stacked < _MOST_STACKED):
            marks.append(letter)
            stacker = letter in _STACKERS
            kept.append(letter)
    return "".join(kept)


def _last_boundary(text: str, limit: int) -> int:
    """Return the last place, at most `limit`, where the text can be cut without breaking a cluster."""
    for cut in range(limit, max(0, limit - _BACK_OFF), -1):
        after, before = text[cut], text[cut - 1]
        joined = bool(
            _MARKS[after]
            or before in _STACKERS
            or after == "\u200d"
            or before == "\u200d"
            or "\U0001f3fb" <= after <= "\U0001f3ff"  # a skin tone belongs to the figure before it
        )
        if not joined:
            return cut
    return 0 if limit <= _BACK_OFF else limit
