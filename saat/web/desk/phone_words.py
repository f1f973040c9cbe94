"""What an official reads aloud over the telephone: the short code letter by letter, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter or digit of a code.

    word: by which it is understood on a bad line. aloud: how it is said, a digit by its name, a letter with its word.
    """

    sign: str
    word: str
    aloud: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOut:
    """What is said to the caller in one language.

    before, after: whole sentences to be said before and after the code. code: the words that lead to it.
    """

    language: str
    name: str
    before: tuple[str, ...]
    code: str
    groups: tuple[tuple[Letter, ...], ...]
    after: tuple[str, ...]


def read_out(
    *,
    language: str,
    policy: CityPolicy,
    code: str,
    due_at: datetime,
    now: datetime,
    joined: bool,
    voices: int,
    place: str,
) -> ReadOut:
    """Return what is to be said to a caller whose words were written down.

    code: eight letters and digits. joined: whether others had reported it before. place: what to repeat, "" for none.
    """
    with translation.override(language):
        thanks = _("Thank you. It is written down.")
        if joined and voices > 1:
            thanks = _("Thank you. Others reported it before; your call is counted with theirs.")
        place_line = _("The place is: %(place)s.") % {"place": place}
        address = f"{settings.PUBLIC_URL.partition('://')[2]}/r/"
        follow = _("Please keep the code. To hear what was done, call us again or type it at %(address)s.")
        if policy.phone:
            follow = _("Please keep the code. To hear what was done, call %(phone)s or type it at %(address)s.")
        return ReadOut(
            language=language,
            name=own_name(language),
            before=(thanks, place_line) if place else (thanks,),
            code=_("The code is:"),
            groups=spelt_out(code, language),
            after=(
                _promise(policy, due_at=due_at, now=now, language=language),
                follow % {"phone": policy.phone, "address": address},
            ),
        )


def spelt_out(code: str, language: str) -> tuple[tuple[Letter, ...], ...]:
    """Return a short code in two groups of letters, each with its word in a language."""
    words = _alphabet(language)
    with translation.override(language):
        return tuple(tuple(_letter(sign, words[sign]) for sign in group) for group in spoken(code).split("-"))


def _letter(sign: str, word: str) -> Letter:
    aloud = word if sign.isdigit() else _("%(letter)s as in %(word)s") % {"letter": sign, "word": word}
    return Letter(sign=sign, word=word, aloud=aloud)


def own_name(language: str) -> str:
    """Return what a language is called in itself."""
    return {"km": "ខ្មែរ", "en": "English"}.get(language) or str(translation.get_language_info(language)["name_local"])


def _promise(policy: CityPolicy, *, due_at: datetime, now: datetime, language: str) -> str:
    zone = ZoneInfo(policy.hours.zone)
    due, today = due_at.astimezone(zone), now.astimezone(zone).date()
    facts = {"office": policy.say(policy.office, language), "time": f"{due:%H:%M}"}
    locale = _locale(language)
    facts["day"] = str(format_datetime(due, "EEEE d MMMM", locale=locale))
    if due_at <= now:
        return _("It was promised by %(day)s, %(time)s, and is late. Your call makes it more pressing.") % facts
    if due.date() == today:
        return _("%(office)s promises to act by %(time)s today, %(day)s.") % facts
    if due.date() == today + timedelta(days=1):
        return _("%(office)s promises to act by %(time)s tomorrow, %(day)s.") % facts
    return _("%(office)s promises to act by %(time)s on %(day)s.") % facts


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(maxsize=16)
def _alphabet(language: str) -> dict[str, str]:
    """Return for each sign of a code the word by which people of a language understand it on a bad line.

    In English these are the words of the International Civil Aviation Organization's spelling alphabet.
    """
    with translation.override(language):
        # Translators: digits as they are said one by one; for letters a word that everybody knows and that begins with
        # this Latin letter where people see it written, such as the name of a province or of an app.
        return {
            "0": pgettext("said over the telephone", "zero"),
            "1": pgettext("said over the telephone", "one"),
            "2": pgettext("said over the telephone", "two"),
            "3": pgettext("said over the telephone", "three"),
            "4": pgettext("said over the telephone", "four"),
            "5": pgettext("said over the telephone", "five"),
            "6": pgettext("said over the telephone", "six"),
            "7": pgettext("said over the telephone", "seven"),
            "8": pgettext("said over the telephone", "eight"),
            "9": pgettext("said over the telephone", "nine"),
            "A": pgettext("a word for A over the telephone", "Alfa"),
            "B": pgettext("a word for B over the telephone", "Bravo"),
            "C": pgettext("a word for C over the telephone", "Charlie"),
            "D": pgettext("a word for D over the telephone", "Delta"),
            "E": pgettext("a word for E over the telephone", "Echo"),
            "F": pgettext("a word for F over the telephone", "Foxtrot"),
            "G": pgettext("a word for G over the telephone", "Golf"),
            "H": pgettext("a word for H over the telephone", "Hotel"),
            "J": pgettext("a word for J over the telephone", "Juliett"),
            "K": pgettext("a word for K over the telephone", "Kilo"),
            "M": pgettext("a word for M over the telephone", "Mike"),
            "N": pgettext("a word for N over the telephone", "November"),
            "P": pgettext("a word for P over the telephone", "Papa"),
            "Q": pgettext("a word for Q over the telephone", "Quebec"),
            "R": pgettext("a word for R over the telephone", "Romeo"),
            "S": pgettext("a word for S over the telephone", "Sierra"),
            "T": pgettext("a word for T over the telephone", "Tango"),
            "V": pgettext("a word for V over the telephone", "Victor"),
            "W": pgettext("a word for W over the telephone", "Whiskey"),
            "X": pgettext("a word for X over the telephone", "X-ray"),
            "Y": pgettext("a word for Y over the telephone", "Yankee"),
            "Z": pgettext("a word for Z over the telephone", "Zulu"),
        }
