"""Every text that people read is there in every language, whole."""

from __future__ import annotations

import re

import pytest
from babel.messages import Catalog

from scripts import messages

NAMED = re.compile(r"%\((\w+)\)[-#0 +]*[\d.]*[a-z]|%[sd]|\{(\w*)\}")
TAG = re.compile(r"</?([a-z][a-z0-9]*)[^>]*>")


@pytest.fixture(scope="module", params=messages.LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def known(language: str) -> Catalog:
    return messages.read(language)


@pytest.fixture(scope="module")
def wanted(language: str) -> Catalog:
    return messages.collect(language)


def keys(catalogue: Catalog) -> set[tuple[str, str | None]]:
    return {(message.id if isinstance(message.id, str) else message.id[0], message.context)
            for message in catalogue if message.id}  # fmt: skip


def forms(message) -> tuple[list[str], list[str]]:
    """Return a message's texts in the code and in the translation, as lists."""
    ours = [message.id] if isinstance(message.id, str) else list(message.id)
    theirs = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return ours, theirs


def test_the_catalogue_has_the_texts_of_the_code_and_no_others(known, wanted):
    assert keys(wanted) - keys(known) == set(), "run `make messages`"
    assert keys(known) - keys(wanted) == set(), "run `make messages`"


def test_every_text_is_translated(language, known):
    missing = [message.id for message in known if message.id and not messages.is_translated(message)]
    assert not missing, f"{len(missing)} texts have no {language} translation, the first: {missing[:3]}"


def test_a_translation_keeps_the_placeholders(known):
    broken = []
    for message in known:
        ours, theirs = forms(message)
        names = {found.group() for found in NAMED.finditer(ours[-1])}
        for text in theirs:
            if message.id and text and {found.group() for found in NAMED.finditer(text)} != names:
                broken.append((message.id, text))
    assert not broken


def test_a_translation_keeps_the_markup(known):
    broken = []
    for message in known:
        ours, theirs = forms(message)
        for text in theirs:
            if message.id and text and sorted(TAG.findall(text)) != sorted(TAG.findall(ours[-1])):
                broken.append((message.id, text))
    assert not broken


def test_a_khmer_translation_is_written_in_khmer(language, known):
    """Names, abbreviations and formats stay as they are; a sentence has letters of the language's own script."""
    latin = [
        message.id
        for message in known
        for text in forms(message)[1]
        if message.id and "format" not in (message.context or "")
        if " " in text.strip() and re.search("[A-Za-z]", NAMED.sub("", text)) and not re.search("[\u1780-\u17ff]", text)
    ]
    assert language != "km" or not latin


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("{% translate 'Send' %}", ["Send"]),
        ("{% translate 'May' context 'month' %}", ["May"]),
        ("<p>it's</p>\n      {% blocktranslate trimmed %}\n a {{ b }}\n c {% endblocktranslate %}", ["a %(b)s c"]),
        ("{% blocktranslate count n=k %}{{ n }} case{% plural %}{{ n }} cases{% endblocktranslate %}", ["%(n)s case"]),
    ],
)
def test_texts_are_found_in_templates_whatever_stands_around_them(template, texts, tmp_path, monkeypatch):
    folder = tmp_path / "saat" / "web" / "templates"
    folder.mkdir(parents=True)
    (folder / "page.html").write_text("{% load i18n %}" + template, encoding="utf-8")
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PACKAGE", tmp_path / "saat")
    assert [key[0] for key in keys(messages.collect("km"))] == texts


def test_a_translator_gets_what_is_missing_and_hands_it_back(tmp_path, monkeypatch):
    (tmp_path / "saat").mkdir()
    code = (
        "from django.utils.translation import gettext, ngettext\ngettext('Hello')\nngettext('%d case', '%d cases', 2)\n"
    )
    (tmp_path / "saat" / "words.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PACKAGE", tmp_path / "saat")
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "saat" / "locale")
    rows = {str(row["text"]): row for row in messages.missing("km")}
    rows["Hello"]["translation"] = "សួស្តី"
    rows["['%d case', '%d cases']"]["translation"] = ["%d ករណី"]
    assert messages.fill("km", list(rows.values())) == 2
    assert messages.missing("km") == []
    messages.compile_all()
    assert (
        (tmp_path / "saat" / "locale" / "km" / "LC_MESSAGES" / "django.mo").read_bytes().startswith(b"\xde\x12\x04\x95")
    )
