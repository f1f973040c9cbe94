"""Finding cases by words: looked up in the index where few have them, read in the list's order where very many do."""

from __future__ import annotations

import pytest

from saat.actions import openings
from saat.actions.cases import close_case
from saat.records import search
from saat.records.models import Case
from saat.records.queries_worklist import Group, Wanted, WorkList
from saat.records.search import are_common, asked, found, matching, scope_words
from saat.triage.words import query_words
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, new_report
from tests.hall import later, make_hall

SAID = {
    "sofa": (AT_RIVER, "An old sofa, 100% wet, beside the stairs"),
    "needles": (AT_HOSPITAL, "Needles beside the door"),
    "khmer": (AT_MARKET, "សំរាមនៅមុខផ្សារ"),
}


@pytest.fixture
def cases(db) -> dict[str, Case]:
    hall = make_hall()
    return {
        name: hall.case(new_report(point=point, words=words, service_code="full-bin" if name == "khmer" else "other"))
        for name, (point, words) in SAID.items()
    }


ASKED = [
    ("sofa", {"sofa"}),
    ("SOFA wet", {"sofa"}),
    ("sof", set()),
    ("stairs needles", set()),
    ("beside", {"sofa", "needles"}),
    ("100", {"sofa"}),
    ("សំរាម", {"khmer"}),
    ("ផ្សេងទៀត", {"sofa", "needles"}),  # the name of a category is among a case's words
    ("មុខផ្សារ", {"khmer"}),
    ('"', {"sofa", "needles", "khmer"}),  # says nothing, so it narrows nothing
    ("xcity1", set()),  # what stands for a scope cannot be asked for
]


@pytest.mark.parametrize(("text", "wanted"), ASKED)
def test_both_ways_find_the_same(cases, text, wanted):
    words = query_words(text)
    if not words:
        assert matching(Case.objects.all(), words).count() == len(wanted)
        return
    looked_up = Case.objects.filter(found(words, ())).values_list("pk", flat=True)
    in_order = Case.objects.filter(asked(words)).values_list("pk", flat=True)
    assert set(looked_up) == set(in_order) == {cases[name].pk for name in wanted}


def test_a_search_is_held_to_its_scope_either_way(cases, monkeypatch):
    sofa = cases["sofa"]
    inside = scope_words(city_id=sofa.city_id, area_path=sofa.area.path)[-1:]
    few = matching(Case.objects.filter(area=sofa.area), query_words("beside"), scope=inside)
    monkeypatch.setattr(search, "are_common", lambda *_words: True)
    many = matching(Case.objects.filter(area=sofa.area), query_words("beside"), scope=inside)
    assert list(few) == list(many) == [sofa]


def test_words_of_a_few_cases_are_not_common(cases):
    assert not are_common(query_words("beside"), ())
    assert not are_common(query_words("nothing of the kind"), ())


@pytest.mark.django_db
def test_words_that_most_cases_have_are_common_once_there_are_many_cases(cases, monkeypatch):
    monkeypatch.setattr(search, "COMMON_FROM", 2)
    monkeypatch.setattr(search, "_SAMPLED_PERCENT", 100)
    assert are_common(query_words("beside"), ())
    assert not are_common(query_words("beside"), scope_words(city_id=cases["sofa"].city_id + 1, area_path=""))
    assert not are_common(query_words("sofa needles"), ())


def test_what_is_counted_by_words_follows_what_happens(db):
    hall = make_hall()

    def counted(text: str) -> int:
        wanted = Wanted(words=query_words(text))
        work = WorkList(hall.by("duty").reach, city=hall.city, wanted=wanted, now=later(hours=1))
        return openings.counts(work)[Group.OPEN]

    sofa = hall.case(new_report(point=AT_RIVER, words="An old sofa", service_code="other"))
    assert (counted("sofa"), counted("needles"), counted("stairs")) == (1, 0, 0)
    hall.case(new_report(point=AT_HOSPITAL, words="Needles beside a sofa", service_code="danger"))
    hall.report(new_report(point=AT_RIVER, words="An old sofa by the stairs", service_code="other"))
    assert (counted("sofa"), counted("needles"), counted("stairs")) == (2, 1, 1)
    close_case(case_id=sofa.pk, now=later(hours=1), by=hall.by("duty"))
    assert (counted("sofa"), counted("needles"), counted("stairs")) == (1, 1, 0)
