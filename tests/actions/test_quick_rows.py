"""The statements that are made once write and read the same as Django's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import models, transaction

from saat.records import quick
from saat.records.models import Area, Case, CaseSearch, ChainHead, City, Event, Membership, ServiceRequest, User
from saat.records.search import matching
from saat.terms.case import State, Urgency
from tests.city import AT_MARKET, AT_RIVER, MONDAY_MORNING, make_city, new_report
from tests.hall import make_hall

pytestmark = pytest.mark.django_db


def columns(row: models.Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


def copy_of(row: models.Model, **changes: object) -> models.Model:
    return type(row)(**(columns(row) | changes))


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        (Case, ({"code": "AAAA0001"}, {"code": "AAAA0002"})),
        (ServiceRequest, ({"token": "a" * 26}, {"token": "b" * 26})),
        (Event, ({"seq": 901}, {"seq": 902})),
    ],
)
def test_a_row_is_written_as_django_writes_it(model, changes):
    make_hall().report(new_report(point=AT_RIVER, words="ស្អាត “quoted”; --"))
    row = model.objects.first()
    if model is Case:
        row.urgency, row.state, row.steps_done, row.seen_at = Urgency.HIGH, State.TAKEN, [0, 2], MONDAY_MORNING
    if model is ServiceRequest:
        row.attributes, row.likeness = {"a": "ខ្មែរ", "b": ["x"]}, {"score": 0.5, "parts": {}}
        row.said_at = MONDAY_MORNING + timedelta(microseconds=12)
    by_django, quickly = copy_of(row, **changes[0]), copy_of(row, **changes[1])
    by_django.save(force_insert=True)
    quick.insert(quickly)
    assert quickly.pk == by_django.pk + 1
    assert not quickly._state.adding
    for name in changes[0]:
        setattr(by_django, name, changes[1][name])
    assert columns(model.objects.get(pk=quickly.pk)) == columns(by_django)
    quickly.refresh_from_db()
    assert columns(quickly) == columns(by_django)


def test_the_chains_end_is_found_locked_and_moved():
    city = make_city().city
    with transaction.atomic():
        head = quick.head_of(city.pk)
        assert (head.seq, head.hash) == (0, "0" * 64)
        head.seq, head.hash = 7, "f" * 64
        quick.move_head(head)
    assert ChainHead.objects.values_list("seq", "hash").get(pk=city.pk) == (7, "f" * 64)
    with transaction.atomic():
        assert quick.head_of(city.pk + 1) is None


def test_words_of_a_case_replace_those_before_in_the_index_too():
    case = make_hall().case()
    quick.keep_words(case.pk, "sofa stairs")
    quick.keep_words(case.pk, "needle")
    assert CaseSearch.objects.get(case=case).words == "needle"
    assert list(matching(Case.objects.all(), ["needle"])) == [case]
    assert not matching(Case.objects.all(), ["sofa"]).exists()


def test_open_cases_nearby_are_found_as_django_finds_them():
    hall = make_hall()
    for minutes, point in enumerate((AT_MARKET, AT_RIVER, AT_MARKET)):
        hall.report(
            new_report(point=point, words=f"number {minutes}"), now=MONDAY_MORNING + timedelta(days=4 * minutes)
        )
    Case.objects.filter(pk=Case.objects.earliest("pk").pk).update(has_photo=True)
    cells = [*{case.cell for case in Case.objects.all()}, 1]
    for since in (MONDAY_MORNING, MONDAY_MORNING + timedelta(days=1), MONDAY_MORNING + timedelta(days=30)):
        expected = Case.objects.filter(
            city=hall.city, closed_at__isnull=True, cell__in=cells, last_voice_at__gte=since
        ).order_by("-last_voice_at")
        found = quick.open_cases_near(city_id=hall.city.pk, cells=cells, since=since, most=10)
        assert found == list(expected.values_list(*quick.NEAR_COLUMNS))
    assert len(quick.open_cases_near(city_id=hall.city.pk, cells=cells, since=MONDAY_MORNING, most=1)) == 1
    Case.objects.update(state=State.CLOSED, ending="claimed", closed_at=MONDAY_MORNING)
    assert quick.open_cases_near(city_id=hall.city.pk, cells=cells, since=MONDAY_MORNING, most=10) == []


@pytest.mark.parametrize("model", [Case, City, Area, User, Membership])
def test_rows_are_read_as_django_reads_them(model):
    hall = make_hall()
    case = hall.case()
    Case.objects.filter(pk=case.pk).update(seen_at=MONDAY_MORNING, steps_done=[0, 2])
    expected = model.objects.order_by("pk")
    read = quick.rows(model, "WHERE id >= %s ORDER BY id", [0])
    assert [columns(row) for row in read] == [columns(row) for row in expected]
    assert [row.pk for row in read] == [row.pk for row in expected]
    assert not any(row._state.adding for row in read)
    read[0].save()
    read[0].refresh_from_db()
    assert columns(read[0]) == columns(expected[0])


def test_a_case_is_read_with_its_city_and_area_and_only_in_its_city(django_assert_num_queries):
    case = make_hall().case()
    with transaction.atomic(), django_assert_num_queries(3):
        read = quick.case_of(case.pk, city_id=case.city_id)
        assert (read.pk, read.city.pk, read.area.pk) == (case.pk, case.city_id, case.area_id)
    with transaction.atomic():
        assert quick.case_of(case.pk, city_id=case.city_id + 1) is None
    assert (quick.city_of(case.pk), quick.city_of(2**70)) == (case.city_id, None)
    assert quick.last_event_of(case.pk) == Event.objects.filter(case_id=case.pk).latest("pk").pk
