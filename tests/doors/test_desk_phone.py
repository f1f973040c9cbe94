"""Writing down a call, as the browser of an official sends it, with and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from saat.records.models import Case, Event, ServiceRequest
from saat.terms.codes import spoken
from tests.city import AT_MARKET, AT_RIVER, OUTSIDE, make_city, new_report
from tests.doors.desk import signed_in
from tests.hall import Hall, make_hall

PAGE = "/desk/report/"


@pytest.fixture
def hall(db) -> Hall:
    cache.clear()
    return make_hall()


def area(hall: Hall, name: str) -> str:
    return f"area:{hall.ground.sangkats[name].pk}"


def place(hall: Hall, name: str) -> str:
    return f"place:{hall.ground.places[name].pk}"


def called(hall: Hall, **more: str) -> dict[str, str]:
    """Return what the form sends for the heap beside Kandal market."""
    return {
        "service_code": "pile", "pick": place(hall, "Kandal Market"), "words": "Bags beside the stairs", **more
    }  # fmt: skip


def told(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_call_becomes_a_case_and_its_code_and_promise_are_read_aloud(hall):
    client = signed_in(hall, "kandal")
    answer = client.post(PAGE, called(hall, phone="០១២ ៣៤៥ ៦៧៨", name="Grandmother Mom", language="km"))
    assert answer.status_code == 303
    request = ServiceRequest.objects.get()
    assert (request.channel, request.language, request.place_id) == (
        "phone", "km", hall.ground.places["Kandal Market"].pk,
    )  # fmt: skip
    assert (request.contact.name, request.contact.phone) == ("Grandmother Mom", "+85512345678")
    assert Event.objects.get(kind="case_opened").actor == f"user:{hall.people['kandal'].pk}"
    page = client.get(answer["Location"])
    text = told(page)
    for sign in request.case.code:
        assert f">{sign}</span>" in page.content.decode()
    assert "City Hall promises to act by" in text
    assert "Read aloud: ខ្មែរ" in text
    assert text.index("Read aloud: ខ្មែរ") < text.index("Read aloud: English")
    assert "Kandal Market, Phsar Kandal, Daun Penh" in text
    assert "ផ្សារកណ្ដាល, ផ្សារកណ្ដាល, ដូនពេញ" in text
    # The caller's name and number are not for this page: it may stay open on the counter.
    assert "Mom" not in text
    assert "345" not in text


def test_letters_are_read_with_a_word_and_digits_by_their_names(hall):
    client = signed_in(hall, "kandal")
    answer = client.post(PAGE, called(hall, language="en"))
    Case.objects.update(code="K7Q29M4X")
    text = told(client.get(answer["Location"]))
    assert "K as in Kilo, seven, Q as in Quebec, two nine, M as in Mike, four, X as in X-ray" in text


def test_sent_twice_it_is_one_call(hall):
    client = signed_in(hall, "kandal")
    form = called(hall, client_id="7a0d2b6e-page")
    first, second = client.post(PAGE, form), client.post(PAGE, form)
    assert first["Location"] == second["Location"]
    assert ServiceRequest.objects.count() == 1
    changed = client.post(PAGE, {**form, "words": "Another heap", "pick": area(hall, "Phsar Kandal")})
    assert changed["Location"] != first["Location"]


def test_an_open_case_nearby_is_shown_first_and_nothing_is_kept_until_somebody_chose(hall):
    case = hall.case(now=timezone.now())
    client = signed_in(hall, "kandal")
    asked = client.post(PAGE, called(hall))
    assert asked.status_code == 200
    assert spoken(case.code) in told(asked)
    assert "Three bags beside the stairs" in told(asked)
    assert ServiceRequest.objects.count() == 1
    joined = client.post(PAGE, called(hall, looked=spoken(case.code), join=spoken(case.code)))
    case.refresh_from_db()
    assert case.voices == 2
    assert "It is counted with the open case" in told(client.get(joined["Location"]))


def test_a_call_about_none_of_them_becomes_a_case_of_its_own(hall):
    case = hall.case(now=timezone.now())
    at = {"lat": str(AT_MARKET.lat), "lon": str(AT_MARKET.lon)}
    client = signed_in(hall, "kandal")
    client.post(PAGE, called(hall, looked=spoken(case.code), join="", **at))
    assert Case.objects.count() == 2


def test_a_case_that_was_closed_while_the_caller_spoke_is_not_joined(hall):
    case = hall.case(now=timezone.now())
    Case.objects.filter(pk=case.pk).update(state="closed", ending="claimed", closed_at=timezone.now())
    answer = signed_in(hall, "kandal").post(PAGE, called(hall, looked=spoken(case.code), join=spoken(case.code)))
    assert answer.status_code == 422
    assert "This case is closed by now" in told(answer)


@pytest.mark.parametrize("who", ["kandal", "daun penh", "duty", "admin"])
def test_officers_find_the_page_in_their_bar(hall, who):
    page = signed_in(hall, who).get(PAGE)
    assert page.status_code == 200
    assert 'href="/desk/report/" aria-current="page"' in page.content.decode()


@pytest.mark.parametrize("who", ["north", "north crew", "director", "auditor"])
def test_nobody_else_gets_it_nor_sends_it(hall, who):
    client = signed_in(hall, who)
    for answer in (client.get(PAGE), client.post(PAGE, called(hall)), client.post(f"{PAGE}near", called(hall)),
                   client.get(f"{PAGE}where?q=k"), client.get(f"{PAGE}code?q=k")):  # fmt: skip
        assert answer.status_code == 403
    assert not Case.objects.exists()
    assert "/desk/report/" not in client.get(PAGE).content.decode()


def test_strangers_are_asked_to_sign_in(hall):
    assert Client().get(PAGE).status_code == 302
    assert Client().post(PAGE, called(hall)).status_code == 302


def test_an_officer_is_offered_only_the_own_area_and_it_is_chosen_already(hall):
    page = signed_in(hall, "kandal").get(PAGE).content.decode()
    assert area(hall, "Phsar Kandal") in page
    assert area(hall, "Tonle Bassac") not in page
    assert place(hall, "Calmette Hospital") not in page
    assert re.search(rf'value="{area(hall, "Phsar Kandal")}" selected', page)
    khan = signed_in(hall, "daun penh").get(PAGE).content.decode()
    assert area(hall, "Wat Phnom") in khan
    assert area(hall, "Tonle Bassac") not in khan


def test_a_place_in_another_area_is_refused_however_it_is_sent(hall):
    client = signed_in(hall, "kandal")
    chosen = client.post(PAGE, called(hall, pick=area(hall, "Tonle Bassac")))
    assert chosen.status_code == 422
    tapped = client.post(PAGE, called(hall, pick="", lat=str(AT_RIVER.lat), lon=str(AT_RIVER.lon)))
    assert tapped.status_code == 422
    assert "not in your area" in told(tapped)
    assert not Case.objects.exists()


def test_a_point_outside_the_city_names_the_nearest_area(hall):
    answer = signed_in(hall, "duty").post(PAGE, called(hall, pick="", lat=str(OUTSIDE.lat), lon=str(OUTSIDE.lon)))
    assert answer.status_code == 422
    assert "Tonle Bassac" in told(answer)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Kandal Market", "Kandal Market"), ("wat langka", "Wat Langka"), ("មន្ទីរពេទ្យកាល់ម៉ែត", "Calmette Hospital")],
)
def test_a_name_typed_whole_is_understood_without_scripts(hall, typed, name):
    signed_in(hall, "duty").post(PAGE, called(hall, pick="", where=typed))
    assert ServiceRequest.objects.get().place_id == hall.ground.places[name].pk


def test_a_name_that_several_have_is_asked_about_and_then_chosen(hall):
    client = signed_in(hall, "duty")
    asked = client.post(PAGE, called(hall, pick="", where="ផ្សារកណ្ដាល"))
    assert asked.status_code == 422
    assert "Which of these is meant?" in told(asked)
    page = asked.content.decode()
    assert area(hall, "Phsar Kandal") in page
    assert place(hall, "Kandal Market") in page
    chosen = {**called(hall, where="ផ្សារកណ្ដាល"), "pick": [area(hall, "Phsar Kandal"), ""]}
    assert client.post(PAGE, chosen).status_code == 303
    assert ServiceRequest.objects.get().area_id == hall.ground.sangkats["Phsar Kandal"].pk


def test_what_nothing_is_called_stays_in_the_box_and_is_asked_about(hall):
    asked = signed_in(hall, "duty").post(PAGE, called(hall, pick="", where="Zzyzx"))
    assert asked.status_code == 422
    assert 'value="Zzyzx"' in asked.content.decode()


def test_the_citys_own_officers_may_keep_a_place_that_is_only_in_words(hall):
    answer = signed_in(hall, "duty").post(PAGE, called(hall, pick="", address="the blue house behind the pagoda"))
    assert answer.status_code == 303
    assert ServiceRequest.objects.get().address == "the blue house behind the pagoda"
    asked = signed_in(hall, "kandal").post(PAGE, called(hall, pick="", address="the blue house"))
    assert asked.status_code == 422


def test_all_that_was_typed_stays_when_something_is_missing(hall):
    form = called(hall, service_code="", words="Bags & <b>bones</b>", phone="12", name="Mom", dangers="fire")
    answer = signed_in(hall, "kandal").post(PAGE, form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Please choose what it is." in page
    assert "This does not look like a phone number" in page
    assert "Bags &amp; &lt;b&gt;bones&lt;/b&gt;" in page
    assert 'value="fire" checked' in page
    assert 'value="Mom"' in page
    assert "<b>bones" not in page


def test_what_the_caller_is_asked_for_makes_it_dangerous_and_is_said_before_it_is_kept(hall):
    client = signed_in(hall, "kandal")
    form = called(hall, dangers="wire")
    side = told(client.post(f"{PAGE}near", form))
    assert "Danger" in side
    assert "the caller tells of an electric wire" in side
    client.post(PAGE, form)
    assert Case.objects.get().urgency == "danger"


def test_the_side_tells_the_promise_the_reasons_and_the_number_to_read_back(hall):
    client = signed_in(hall, "kandal")
    side = told(client.post(f"{PAGE}near", called(hall, words="it is burning", phone="012345678")))
    assert "Promised by" in side
    assert "the words speak of fire" in side
    assert "Phsar Kandal, Daun Penh" in side
    assert "012 345 678" in side
    assert "A digit may be missing" not in side
    assert "A digit may be missing" in told(client.post(f"{PAGE}near", called(hall, phone="01234567")))
    assert not Case.objects.exists()


def test_the_side_says_of_what_a_call_about_something_else_speaks(hall):
    form = called(hall, service_code="other", words="a public container is full")
    side = signed_in(hall, "kandal").post(f"{PAGE}near", form)
    assert "The words speak of: Bin or container is full" in told(side)
    assert 'data-file-as="full-bin"' in side.content.decode()


def test_the_side_is_patient_with_a_form_that_has_only_begun(hall):
    client = signed_in(hall, "duty")
    for form in ({}, {"service_code": "pile"}, {"where": "kan"}, {"service_code": "nonsense", "lat": "x", "lon": "y"}):
        answer = client.post(f"{PAGE}near", form)
        assert answer.status_code == 200
        assert "Promised by" not in told(answer)


def test_a_case_across_the_border_is_compared_by_what_everybody_may_know(hall):
    west = {"lat": "11.55", "lon": "104.91995"}
    east = new_report(words="the secret door of Mr Sok").__class__(
        service_code="pile", words="the secret door of Mr Sok", point=AT_MARKET.__class__(lat=11.55, lon=104.92005)
    )
    case = hall.case(east, now=timezone.now())
    side = signed_in(hall, "kandal").post(f"{PAGE}near", called(hall, pick="", words="a heap", **west))
    assert spoken(case.code) in told(side)
    assert "Sok" not in told(side)
    seen = signed_in(hall, "duty").post(f"{PAGE}near", called(hall, pick="", words="a heap", **west))
    assert "Sok" in told(seen)


# ----------------------------------------------------------------------------------------------------------- type-ahead


@pytest.mark.parametrize(
    ("typed", "best"),
    [("kand", "Kandal Market"), ("phsar ka", "Phsar Kandal"), ("hospi", "Calmette Hospital"), ("ទន្លេ", "Tonle Bassac"),
     ("bassak", "Tonle Bassac"),
     ("daun penh", "Daun Penh"), ("លង្កា", "Wat Langka")],
)  # fmt: skip
def test_areas_and_landmarks_are_found_while_they_are_typed(hall, typed, best):
    found = signed_in(hall, "duty").get(f"{PAGE}where", {"q": typed}).json()["found"]
    assert found[0]["name"] == best


def test_only_places_of_ones_own_are_found_each_with_its_kind_and_where_it_lies(hall):
    client = signed_in(hall, "kandal")
    found = client.get(f"{PAGE}where", {"q": "kandal"}).json()["found"]
    assert {one["about"] for one in found} == {"Sangkat, Daun Penh", "Market, Phsar Kandal, Daun Penh"}
    assert client.get(f"{PAGE}where", {"q": "bassac"}).json()["found"] == []


# -------------------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize("way", ["{0}{1}", "{0}-{1}", "{0} {1}", "code {0} {1} please", "{0}–{1}"])
def test_a_code_leads_to_its_case_however_the_caller_says_it(hall, way):
    case = hall.case()
    asked = way.format(case.code[:4].lower(), case.code[4:])
    answer = signed_in(hall, "kandal").get(f"{PAGE}code", {"q": asked})
    assert answer["Location"] == f"/desk/cases/{case.pk}"


def test_a_code_of_letters_alone_and_in_khmer_digits_leads_there_as_well(hall):
    case = hall.case()
    Case.objects.filter(pk=case.pk).update(code="KQZMXTRV")
    client = signed_in(hall, "kandal")
    assert client.get(f"{PAGE}code", {"q": "kqzmxtrv"})["Location"] == f"/desk/cases/{case.pk}"
    Case.objects.filter(pk=case.pk).update(code="K7Q29M4X")
    assert client.get(f"{PAGE}code", {"q": "k៧q២-៩m៤x"})["Location"] == f"/desk/cases/{case.pk}"


def test_a_merged_cases_code_leads_to_the_one_that_lives_on(hall):
    old, new = hall.case(), hall.case(new_report(service_code="danger", words="needles"))
    Case.objects.filter(pk=old.pk).update(state="merged", merged_into=new, closed_at=timezone.now())
    assert signed_in(hall, "kandal").get(f"{PAGE}code", {"q": old.code})["Location"] == f"/desk/cases/{new.pk}"


def test_a_code_of_another_area_leads_to_what_everybody_may_see(hall):
    case = hall.case(new_report(point=AT_RIVER))
    answer = signed_in(hall, "kandal").get(f"{PAGE}code", {"q": case.code})
    assert answer["Location"] == f"/r/{spoken(case.code)}"


def test_what_is_no_code_is_searched_for_in_the_list(hall):
    make_city(jurisdiction_id="elsewhere.kh")
    answer = signed_in(hall, "kandal").get(f"{PAGE}code", {"q": "broken sofa & co"})
    assert answer["Location"] == "/desk/?q=broken+sofa+%26+co"


def test_a_code_typed_into_the_work_list_finds_a_case_that_the_list_leaves_out(hall):
    case = hall.case()
    Case.objects.filter(pk=case.pk).update(state="closed", ending="claimed", closed_at=timezone.now(), code="KQZMXTRV")
    client = signed_in(hall, "kandal")
    for typed in ("KQZM-XTRV", "kqzmxtrv"):
        assert client.get("/desk/", {"q": typed})["Location"] == f"/desk/cases/{case.pk}"
    assert client.get("/desk/", {"q": "nothing like it"}).status_code == 200
    assert signed_in(hall, "bassac").get("/desk/", {"q": "KQZM-XTRV"}).status_code == 200


def test_a_code_that_the_caller_says_while_it_is_written_down_is_shown_and_can_be_joined(hall):
    case = hall.case(now=timezone.now() - timedelta(days=20))
    client = signed_in(hall, "kandal")
    side = client.post(f"{PAGE}near", {"words": f"she says it is {spoken(case.code).lower()}"})
    assert f'href="/desk/cases/{case.pk}"' in side.content.decode()
    assert "The call is about this case" in told(side)
    client.post(PAGE, {"service_code": "pile", "words": "it grows", "join": spoken(case.code)})
    case.refresh_from_db()
    assert case.voices == 2


def test_what_was_written_down_elsewhere_is_nobody_elses_to_read(hall):
    written = signed_in(hall, "kandal").post(PAGE, called(hall))["Location"]
    assert signed_in(hall, "daun penh").get(written).status_code == 200
    assert signed_in(hall, "bassac").get(written).status_code == 404
    own = hall.report(new_report(point=AT_RIVER))
    assert signed_in(hall, "duty").get(f"{PAGE}{own.service_request_id}").status_code == 404
