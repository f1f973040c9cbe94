"""Who sees which case, through every door: the page, its photo, the lists, the map, the exports, the API, every act."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from saat.records.models import Case, Contact, Event, ServiceRequest
from saat.terms.case import Role
from saat.terms.codes import spoken
from saat.web.desk.acts import ACTS
from tests.addresses import Furnished, body, furnish, signed_in
from tests.city import make_city, make_user
from tests.hall import make_hall

# The case at the market was handed to North Clean; the one at the hospital is closed; the far one is by the river.
SEES = {
    "kandal": {"case"},
    "bassac": {"far"},
    "daun penh": {"case", "closed"},
    "duty": {"case", "closed", "far"},
    "north": {"case"},
    "south": set(),
    "north crew": set(),
    "director": {"case", "closed", "far"},
    "auditor": {"case", "closed", "far"},
    "admin": {"case", "closed", "far"},
}
ALL = ("case", "closed", "far")


@pytest.fixture
def furnished(db) -> Furnished:
    cache.clear()
    return furnish(make_hall())


def ids(furnished: Furnished) -> str:
    return ",".join(str(getattr(furnished, name).pk) for name in ALL)


@pytest.mark.parametrize("who", SEES)
def test_a_case_is_there_for_whom_it_is_and_not_there_for_others(furnished, who):
    client = signed_in(furnished, who)
    for name in ALL:
        case = getattr(furnished, name)
        wanted = name in SEES[who]
        for path in (f"/desk/cases/{case.pk}", f"/desk/cases/{spoken(case.code)}", f"/api/v1/cases/{case.pk}"):
            answer = client.get(path, follow=True)
            assert (answer.status_code == 200) == wanted, f"{who} {path}: {answer.status_code}"
            if not wanted:
                assert answer.status_code == 404
                assert case.code not in body(answer)


@pytest.mark.parametrize("who", SEES)
def test_no_list_map_export_or_search_shows_a_case_that_is_not_ones_own(furnished, who):
    client = signed_in(furnished, who)
    hidden = [getattr(furnished, name) for name in ALL if name not in SEES[who]]
    rows = f"/desk/rows?ids={ids(furnished)}"
    for path in ("/desk/", rows, "/desk/map.json", "/desk/export.csv", "/desk/export.geojson", "/api/v1/cases"):
        for case in [None, *hidden]:
            asked = "" if case is None else f"{'&' if '?' in path else '?'}q={case.code}"
            text = body(client.get(f"{path}{asked}"))
            for other in hidden:
                if case is None or other != case:  # what was searched for stands in the search field again
                    assert other.code not in text, f"{who} {path}{asked}"
                    assert spoken(other.code) not in text, f"{who} {path}{asked}"
                assert f"/desk/cases/{other.pk}" not in text, f"{who} {path}{asked}"


@pytest.mark.parametrize("who", [who for who in SEES if {"case", "far"} & SEES[who]])
def test_every_list_shows_the_open_cases_that_are_ones_own(furnished, who):
    """Otherwise the test above would find nothing because nothing is there."""
    client = signed_in(furnished, who)
    for path in ("/desk/", f"/desk/rows?ids={ids(furnished)}", "/api/v1/cases"):
        text = body(client.get(path))
        for name in {"case", "far"} & SEES[who]:
            code = getattr(furnished, name).code
            assert code in text or spoken(code) in text, f"{who} {path}"


@pytest.mark.parametrize("who", ["bassac", "south", "north crew"])
def test_no_act_reaches_a_case_that_is_not_ones_own(furnished, who):
    client = signed_in(furnished, who)
    before = Event.objects.count(), list(Case.objects.order_by("pk").values_list("state", "updated_at"))
    form = {"text": "x", "note": "x", "to": "user:1", "reason_code": "nothing-found", "address": "x", "urgency": "high"}
    for name in ACTS:
        answer = client.post(f"/desk/cases/{furnished.case.pk}/act/{name}", form)
        assert answer.status_code == 404, name
    for step in ("take", "arrive"):
        client.post("/desk/step", {"step": step, "case": str(furnished.case.pk)})
    for rest in ("merge", "prove"):
        assert client.get(f"/desk/cases/{furnished.case.pk}/{rest}").status_code == 404
        assert client.post(f"/desk/cases/{furnished.case.pk}/{rest}", form).status_code in (404, 405)
    assert (Event.objects.count(), list(Case.objects.order_by("pk").values_list("state", "updated_at"))) == before


def test_a_photo_that_is_not_public_is_for_those_who_see_the_case(furnished):
    photo = furnished.values["photo_id"]
    # The row has no file: whoever may see it learns that it is missing as everybody else does, but nobody gets bytes.
    for who in ("bassac", "south", "north crew"):
        for size in ("thumb", "full"):
            assert signed_in(furnished, who).get(f"/photos/{photo}/{size}").status_code == 404
    assert Client().get(f"/photos/{photo}/thumb").status_code == 404


def test_the_administrator_of_another_city_finds_nothing_here(furnished):
    other = make_city(jurisdiction_id="other.kh")
    client = Client()
    client.force_login(make_user(other.city, Role.ADMINISTRATOR, username="stranger"))
    for name in ALL:
        case = getattr(furnished, name)
        assert client.get(f"/desk/cases/{case.pk}").status_code == 404
        assert client.post(f"/desk/cases/{case.pk}/act/take").status_code == 404
        assert client.get(f"/api/v1/cases/{case.pk}").status_code == 404
    city = furnished.hall.city.jurisdiction_id
    for path in ("/desk/", "/desk/people/", "/desk/log/", "/desk/log/log.csv", "/desk/unsent/", "/desk/duty/"):
        text = body(client.get(f"{path}?city={city}"))
        assert "kandal" not in text
        assert furnished.case.code not in text
        assert spoken(furnished.case.code) not in text
    assert client.post(f"/desk/unsent/{furnished.values['outbox_id']}/again").status_code == 404


@pytest.mark.parametrize("who", ["north", "north crew", "director", "auditor"])
def test_whoever_may_not_know_the_reporter_finds_no_contact_on_the_page(furnished, who):
    contact = Contact.objects.create(
        city=furnished.hall.city, name="Sok Dara", phone="+85512345678", email="dara@home.example"
    )
    ServiceRequest.objects.filter(case=furnished.case).update(contact=contact)
    Case.objects.filter(pk=furnished.case.pk).update(crew=furnished.hall.crews["North 1"])
    client = signed_in(furnished, who)
    for path in (
        f"/desk/cases/{furnished.case.pk}", f"/api/v1/cases/{furnished.case.pk}", "/desk/", "/desk/export.csv",
        "/desk/export.geojson", "/desk/map.json", "/desk/log/",
    ):  # fmt: skip
        text = body(client.get(path))
        for personal in ("Sok Dara", "12345678", "dara@home.example"):
            assert personal not in text, f"{who} {path}"
