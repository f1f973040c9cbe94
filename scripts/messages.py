"""Collect the texts to translate, show what is missing, take translations in, compile them.

    .venv/bin/python scripts/messages.py collect                 # code and templates → saat/locale/*/…/django.po
    .venv/bin/python scripts/messages.py missing km > km.json    # texts without a translation
    .venv/bin/python scripts/messages.py fill km < km.json       # the same file, filled in
    .venv/bin/python scripts/messages.py compile                 # .po → .mo, part of every set-up

Babel reads both Python and, by way of Django's own `templatize`, templates; GNU gettext is not needed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "saat"
LOCALE = PACKAGE / "locale"
LANGUAGES = ("km",)  # English is the language of the sources

KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
TEMPLATES = (".html", ".txt", ".xml", ".svg")


def sources() -> Iterator[tuple[Path, bytes]]:
    """Yield every file with texts: its path, and the Python that Babel is to read."""
    for path in sorted(PACKAGE.rglob("*")):
        parts = path.relative_to(PACKAGE).parts
        if "migrations" in parts or "static" in parts or "locale" in parts:
            continue
        if path.suffix == ".py":
            yield path, path.read_bytes()
        elif path.suffix in TEMPLATES and "templates" in parts:
            # In brackets, so that the blanks where the markup stood are not taken for indentation.
            as_python = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            yield path, f"(\\\n{as_python}\n)".encode()


def collect(locale: str) -> Catalog:
    """Return the texts of code and templates as a catalogue without translations."""
    catalogue = Catalog(locale=Locale.parse(locale), domain="django", charset="utf-8", fuzzy=False)
    for path, code in sources():
        name = str(path.relative_to(ROOT))
        options = {"encoding": "utf-8"}
        found = extract("python", io.BytesIO(code), KEYWORDS, ["Translators:"], options)
        for _line, text, comments, context in found:
            catalogue.add(text, None, [(name, 0)], auto_comments=comments, context=context)
    return catalogue


def path_of(locale: str) -> Path:
    """Return where a language's translations are."""
    return LOCALE / locale / "LC_MESSAGES" / "django.po"


def read(locale: str) -> Catalog:
    """Return a language's translations as they are on disk."""
    path = path_of(locale)
    if not path.exists():
        return Catalog(locale=Locale.parse(locale), charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale, charset="utf-8")


def write(catalogue: Catalog, locale: str) -> None:
    """Write a language's translations, sorted and without dates, so that a change shows only what changed."""
    body = io.BytesIO()
    write_po(body, catalogue, width=116, sort_output=True, ignore_obsolete=True, include_lineno=False, omit_header=True)
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {locale}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    path = path_of(locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode() + body.getvalue())


def merge(locale: str) -> Catalog:
    """Return today's texts with yesterday's translations; texts that are gone are dropped."""
    known, fresh = read(locale), collect(locale)
    for message in fresh:
        old = known.get(_id(message), context=message.context) if message.id else None
        if old is not None and _fits(message, old.string):
            message.string = old.string
    return fresh


def _id(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _fits(message: Message, string: Any) -> bool:
    return isinstance(string, str) == isinstance(message.id, str)


def is_translated(message: Message) -> bool:
    """Whether every form of a text has words."""
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return bool(forms) and all(form.strip() for form in forms)


def missing(locale: str) -> list[dict[str, Any]]:
    """Return the texts that have no translation yet, as rows that a translator fills in and `fill` takes."""
    rows = []
    for message in merge(locale):
        if message.id and not is_translated(message):
            plural = not isinstance(message.id, str)
            rows.append({
                "text": message.id if not plural else list(message.id),
                "context": message.context,
                "where": sorted({name for name, _ in message.locations}),
                "translation": "" if not plural else [""] * catalogue_forms(locale),
            })  # fmt: skip
    return rows


def catalogue_forms(locale: str) -> int:
    """Return how many plural forms a language has."""
    return Catalog(locale=Locale.parse(locale)).num_plurals


def fill(locale: str, rows: list[dict[str, Any]]) -> int:
    """Take translations in; return how many. A row for a text that no code has is an error."""
    catalogue = merge(locale)
    for row in rows:
        first = row["text"] if isinstance(row["text"], str) else row["text"][0]
        message = catalogue.get(first, context=row.get("context"))
        if message is None:
            raise LookupError(f"No code or template has the text {first!r} (context {row.get('context')!r}).")
        string = row["translation"]
        message.string = tuple(string) if isinstance(string, list) else string
    write(catalogue, locale)
    return len(rows)


def compile_all() -> None:
    """Write the compiled form of every language beside its source."""
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        locale = source.parent.parent.name
        fresh = source.with_suffix(f".mo.{os.getpid()}")
        with fresh.open("wb") as file:
            write_mo(file, read(locale))
        fresh.replace(source.with_suffix(".mo"))


def main() -> int:
    """Do one of the four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["collect", "missing", "fill", "compile"])
    parser.add_argument("language", nargs="?", choices=LANGUAGES, default="km")
    asked = parser.parse_args()
    if asked.what == "compile":
        compile_all()
    elif asked.what == "missing":
        json.dump(missing(asked.language), sys.stdout, ensure_ascii=False, indent=1)
        print()
    elif asked.what == "fill":
        print(f"{fill(asked.language, json.load(sys.stdin))} translations taken in.")
    else:
        for language in LANGUAGES:
            catalogue = merge(language)
            write(catalogue, language)
            print(f"{language}: {len(catalogue)} texts, {len(missing(language))} without a translation.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
