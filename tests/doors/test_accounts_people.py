"""Administrators keep the people of their own cities: add, correct, give roles, help, close; all of it written down."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from saat.records.models import Event, Membership, User
from saat.terms.case import Role
from tests.actions.chain import assert_chain_is_whole
from tests.city import make_city, make_user
from tests.hall import Hall, make_hall

PASSWORD = "heap-of-market-9"
LIST = "/desk/people/"


@pytest.fixture(autouse=True)
def _nobody_guessed_yet():
    cache.clear()


@pytest.fixture
def hall(db) -> Hall:
    return make_hall(password=PASSWORD)


@pytest.fixture
def admin(hall) -> Client:
    """An administrator who has shown lately that it is them."""
    return signed_in("admin", again=True)


def signed_in(who: str, *, again: bool = False) -> Client:
    client = Client()
    assert client.post("/accounts/login/", {"login": who, "password": PASSWORD}).status_code == 302
    if again:
        assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/sessions/").status_code == 200


def events(hall: Hall, kind: str) -> list[Event]:
    return list(Event.objects.filter(city=hall.city, kind=kind).order_by("seq"))


def page_of(hall: Hall, who: str, rest: str = "") -> str:
    return f"{LIST}{hall.people[who].pk}{rest}"


def link_on(answer) -> str:
    (link,) = re.findall(r">https?://[^/]+(/accounts/password/reset/key/[0-9a-zA-Z-]+/)<", answer.content.decode())
    return link


def choose_password(link: str, password: str) -> Client:
    client = Client()
    form = client.get(link, follow=True)
    (action,) = re.findall(r'action="(/accounts/password/reset/key/[^"]+)"', form.content.decode())
    assert client.post(action, {"password1": password, "password2": password}).status_code == 302
    return client


def test_the_list_shows_the_citys_people_with_their_roles_and_nobody_elses(hall, admin):
    other = make_city(jurisdiction_id="other.kh")
    make_user(other.city, Role.DIRECTOR, username="stranger")
    text = admin.get(LIST).content.decode()
    for name in hall.people:
        assert f">{name.replace(' ', '-')}</strong>" in text
    assert "khan officer, Daun Penh" in text
    assert "dispatcher, North Clean" in text
    assert "stranger" not in text


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=KANDAL", {"kandal"}),
        ("q=north", {"north", "north-crew"}),
        ("role=auditor", {"auditor"}),
        ("q=n&role=crew", {"north-crew"}),
        ("q=%25", set()),
        ("role=nonsense&q=kandal", {"kandal"}),
        ("q=" + "x" * 5000, set()),
    ],
)
def test_people_are_found_by_words_and_by_role(hall, admin, asked, found):
    text = admin.get(f"{LIST}?{asked}").content.decode()
    assert set(re.findall(r"<strong>([a-z-]+)</strong></a>", text)) == found


def test_the_list_takes_as_many_queries_for_many_people_as_for_few(hall, admin, django_assert_max_num_queries):
    for number in range(60):
        make_user(hall.city, Role.SANGKAT_OFFICER, area=hall.ground.sangkats["Wat Phnom"], username=f"extra{number}")
    with django_assert_max_num_queries(14):
        assert admin.get(LIST).status_code == 200


@pytest.mark.parametrize("who", ["kandal", "daun penh", "duty", "north", "north crew", "director", "auditor"])
def test_nobody_but_administrators_opens_these_pages_or_does_what_they_do(hall, who):
    client = signed_in(hall.people[who].username, again=True)
    for address in (LIST, f"{LIST}add", page_of(hall, "bassac"), "/desk/unsent/"):
        assert client.get(address).status_code == 403
    before = Membership.objects.count(), User.objects.count(), Event.objects.count()
    for address in (
        f"{LIST}add", page_of(hall, "bassac", "/change"), page_of(hall, "bassac", "/roles/give"),
        page_of(hall, "bassac", "/account/reset-password"), page_of(hall, "bassac", "/account/close"),
    ):  # fmt: skip
        form = {"username": "mallory", "role": "administrator", "email": "x@y.example"}
        assert client.post(address, form).status_code == 403
    assert (Membership.objects.count(), User.objects.count(), Event.objects.count()) == before


def test_somebody_is_added_chooses_a_password_through_the_link_and_works(hall, admin):
    area = hall.ground.sangkats["Wat Phnom"]
    form = {
        "username": "sokha", "first_name": "Sokha", "last_name": "Chan", "email": "sokha@city.example",
        "phone": "012 345 678", "language": "km", "role": "sangkat_officer", "where": f"area:{area.pk}",
    }  # fmt: skip
    answer = admin.post(f"{LIST}add", form)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    user = User.objects.get(username="sokha")
    assert (user.get_full_name(), user.email, user.language) == ("Sokha Chan", "sokha@city.example", "km")
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user).area == area
    link = link_on(answer)
    choose_password(link, "river-of-four-faces")
    client = Client()
    assert (
        client.post("/accounts/login/", {"login": "sokha", "password": "river-of-four-faces"})["Location"] == "/desk/"
    )
    assert "not valid any more" in Client().get(link, follow=True).content.decode(), "it works once"
    for kind in ("user_added", "role_given"):
        (event,) = events(hall, kind)
        assert event.actor == f"user:{hall.people['admin'].pk}"
        assert event.subject == f"user:{user.pk}"
    log = "".join(event.facts_json for event in Event.objects.all())
    assert "Sokha" not in log
    assert "sokha@city.example" not in log
    assert_chain_is_whole(hall.city)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "kandal"}, "is taken"),
        ({"username": "KANDAL"}, "is taken"),
        ({"username": "a b"}, "A user name has"),
        ({"username": ""}, "A user name has"),
        ({"username": "<script>"}, "A user name has"),
        ({"email": "no address"}, "valid email address"),
        ({"role": "king"}, "Please choose a role."),
        ({"role": ""}, "Please choose a role."),
        ({"role": "sangkat_officer", "where": ""}, "needs its area"),
        ({"where": "area:999999"}, "not in the city"),
        ({"where": "area:1; DROP TABLE"}, "Please choose where"),
        ({"where": "contractor:999999"}, "Only dispatchers and crew members"),
        ({"role": "contractor", "where": ""}, "needs a contractor"),
        ({"role": "crew", "where": "crew:" + "9" * 18}, "needs a crew"),
    ],
)
def test_who_cannot_be_added_as_asked_is_not_added_and_what_was_typed_stays(hall, admin, wrong, said):
    area = hall.ground.sangkats["Wat Phnom"].pk
    form = {"username": "sokha", "first_name": "Sokha", "role": "sangkat_officer", "where": f"area:{area}", **wrong}
    before = User.objects.count()
    answer = admin.post(f"{LIST}add", form)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert said in text
    assert 'value="Sokha"' in text
    assert "<script>" not in text
    assert User.objects.count() == before


def test_an_address_that_somebody_has_cannot_be_given_to_another(hall, admin):
    User.objects.filter(username="kandal").update(email="kandal@city.example")
    form = {"username": "sokha", "email": "Kandal@City.example", "role": "director", "where": ""}
    assert "Somebody else here has this" in admin.post(f"{LIST}add", form).content.decode()
    answer = admin.post(page_of(hall, "bassac", "/change"), {"email": "KANDAL@city.example"})
    assert "Somebody else here has this" in answer.content.decode()


def test_signs_that_cannot_be_seen_are_left_out_of_names_and_searches(hall, admin):
    form = {
        "username": "sokha",
        "first_name": "So\x00kha\r\n",
        "phone": "012\x00\n345",
        "role": "director",
        "where": "",
    }
    assert admin.post(f"{LIST}add", form).status_code == 200
    user = User.objects.get(username="sokha")
    assert user.first_name.isprintable()
    assert user.phone.isprintable()
    admin.post(page_of(hall, "kandal", "/change"), {"last_name": "Chan\x00\u202e", "language": "k\x00m"})
    assert "\x00" not in User.objects.get(username="kandal").last_name
    for address in (f"{LIST}?q=a%00b", "/desk/log/?actor=%00", "/desk/log/?kind=a%00", "/desk/log/log.csv?case=%00"):
        assert admin.get(address).status_code == 200
    assert admin.post(f"{LIST}add", {"username": "a\x00b", "role": "director"}).status_code == 422
    assert (
        admin.post(f"{LIST}add", {"username": "abc", "email": "a\x00@b.example", "role": "director"}).status_code == 422
    )


def test_nothing_but_what_the_form_asks_for_can_be_set(hall, admin):
    extra = {
        "is_superuser": "1", "is_staff": "1", "password": "x", "id": "1", "last_login": "2020-01-01",
        "username": "renamed", "is_active": "", "city": "other.kh", "groups": "1",
    }  # fmt: skip
    admin.post(page_of(hall, "kandal", "/change"), {"first_name": "Dara", **extra})
    person = User.objects.get(username="kandal")
    assert (person.first_name, person.is_superuser, person.is_staff, person.is_active) == ("Dara", False, False, True)
    assert person.check_password(PASSWORD)
    admin.post(f"{LIST}add", {**extra, "username": "sokha", "role": "director", "where": ""})
    made = User.objects.get(username="sokha")
    assert (made.is_superuser, made.is_staff, made.is_active) == (False, False, True)
    assert not User.objects.filter(is_superuser=True).exists()


def test_details_are_corrected_and_the_log_says_which_but_not_what(hall, admin):
    form = {"first_name": " Dara ", "last_name": "Sok", "email": "dara@city.example", "phone": "099", "language": "en"}
    assert admin.post(page_of(hall, "kandal", "/change"), form).status_code == 302
    person = User.objects.get(username="kandal")
    assert str(person) == "Dara Sok"
    (event,) = events(hall, "person_changed")
    assert event.facts["changed"] == ["email", "first_name", "language", "last_name", "phone"]
    assert "dara@" not in event.facts_json
    admin.post(page_of(hall, "kandal", "/change"), form)
    assert len(events(hall, "person_changed")) == 1, "what does not differ is no change"


def test_a_role_is_given_and_taken_and_shows_at_once_in_what_somebody_sees(hall, admin):
    case = hall.case()
    client = signed_in("bassac")
    assert client.get(f"/desk/cases/{case.pk}").status_code == 404
    where = f"area:{hall.ground.sangkats['Phsar Kandal'].pk}"
    admin.post(page_of(hall, "bassac", "/roles/give"), {"role": "sangkat_officer", "where": where})
    assert client.get(f"/desk/cases/{case.pk}").status_code == 200
    given = Membership.objects.get(user=hall.people["bassac"], area=hall.ground.sangkats["Phsar Kandal"])
    admin.post(page_of(hall, "bassac", f"/roles/{given.pk}/take"))
    assert client.get(f"/desk/cases/{case.pk}").status_code == 404
    assert [event.facts["role"] for event in events(hall, "role_removed")] == ["sangkat_officer"]


def test_the_only_role_cannot_be_taken_nor_one_of_another_person(hall, admin):
    own = Membership.objects.get(user=hall.people["bassac"])
    answer = admin.post(page_of(hall, "bassac", f"/roles/{own.pk}/take"))
    assert "This is the only role." in answer.content.decode()
    assert admin.post(page_of(hall, "kandal", f"/roles/{own.pk}/take")).status_code == 404
    assert Membership.objects.filter(pk=own.pk).exists()


def test_the_last_administrator_can_neither_give_up_the_role_nor_be_closed(hall, admin):
    me = hall.people["admin"]
    Membership.objects.create(city=hall.city, user=me, role=Role.DIRECTOR)
    own = Membership.objects.get(user=me, role=Role.ADMINISTRATOR)
    answer = admin.post(page_of(hall, "admin", f"/roles/{own.pk}/take"))
    assert "last administrator" in answer.content.decode()
    answer = admin.post(page_of(hall, "admin", "/account/close"))
    assert "last administrator" in answer.content.decode()
    me.refresh_from_db()
    assert me.is_active
    second = make_user(hall.city, Role.ADMINISTRATOR, username="second")
    second.is_active = False
    second.save()
    assert admin.post(page_of(hall, "admin", f"/roles/{own.pk}/take")).status_code == 422, "a closed one does not count"
    second.is_active = True
    second.save()
    assert admin.post(page_of(hall, "admin", f"/roles/{own.pk}/take")).status_code == 302
    assert admin.get(LIST).status_code == 403


def test_a_new_password_signs_out_everywhere_and_only_the_latest_link_works(hall, admin):
    phone, office = signed_in("kandal"), signed_in("kandal")
    first = link_on(admin.post(page_of(hall, "kandal", "/account/reset-password")))
    assert [is_signed_in(phone), is_signed_in(office), is_signed_in(admin)] == [False, False, True]
    client = Client()
    assert client.post("/accounts/login/", {"login": "kandal", "password": PASSWORD}).status_code == 422
    second = link_on(admin.post(page_of(hall, "kandal", "/account/reset-password")))
    assert "not valid any more" in Client().get(first, follow=True).content.decode()
    choose_password(second, "river-of-four-faces")
    assert client.post("/accounts/login/", {"login": "kandal", "password": "river-of-four-faces"}).status_code == 302
    assert [len(events(hall, kind)) for kind in ("password_reset", "password_chosen")] == [2, 1]
    assert second.split("/")[-2] not in "".join(event.facts_json for event in Event.objects.all())


@pytest.mark.parametrize("bent", ["0-0", "1-abc", "zz-cz2q4k-0", "1-cz2q4k-" + "0" * 32, "-"])
def test_a_link_that_was_made_up_opens_nothing(hall, bent):
    answer = Client().get(f"/accounts/password/reset/key/{bent}/", follow=True)
    assert answer.status_code in (200, 404)
    assert "password1" not in answer.content.decode()


def test_a_link_ages_and_dies_with_the_account(hall, admin, settings):
    link = link_on(admin.post(page_of(hall, "kandal", "/account/reset-password")))
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "not valid any more" in Client().get(link, follow=True).content.decode()
    settings.PASSWORD_RESET_TIMEOUT = 3 * 86_400
    assert "password1" in Client().get(link, follow=True).content.decode()
    admin.post(page_of(hall, "kandal", "/account/close"))
    assert "not valid any more" in Client().get(link, follow=True).content.decode()
    assert "open it first" in admin.post(page_of(hall, "kandal", "/account/reset-password")).content.decode()


def test_somebody_is_signed_out_everywhere(hall, admin):
    client = signed_in("kandal")
    assert admin.post(page_of(hall, "kandal", "/account/sign-out")).status_code == 302
    assert not is_signed_in(client)
    assert signed_in("kandal"), "the password still works"
    assert [event.facts["count"] for event in events(hall, "sign_ins_ended")] == [1]


def test_lost_keys_are_removed_and_the_password_alone_signs_in_again(hall, admin):
    person = hall.people["kandal"]
    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    Authenticator.objects.create(user=person, type="recovery_codes", data={"seed": "x", "used_mask": 0})
    client = Client()
    client.post("/accounts/login/", {"login": "kandal", "password": PASSWORD})
    assert not is_signed_in(client)
    admin.post(page_of(hall, "kandal", "/account/remove-keys"))
    assert not Authenticator.objects.exists()
    assert is_signed_in(signed_in("kandal"))
    assert [event.facts["count"] for event in events(hall, "second_factors_removed")] == [2]


def test_a_closed_account_ends_at_once_and_can_be_opened_again(hall, admin):
    client = signed_in("kandal")
    admin.post(page_of(hall, "kandal", "/account/close"))
    assert not is_signed_in(client)
    admin.post(page_of(hall, "kandal", "/account/open"))
    assert is_signed_in(signed_in("kandal"))
    kinds = [event.kind for event in Event.objects.filter(kind__startswith="user_").order_by("seq")]
    assert kinds == ["user_deactivated", "user_activated"]


def test_nobody_who_left_the_room_is_impersonated_the_password_is_asked_again(hall):
    client = signed_in("admin")
    before = Event.objects.count()
    for address in ("/change", "/roles/give", "/account/reset-password", "/account/close"):
        answer = client.post(page_of(hall, "kandal", address), {"role": "administrator"})
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert Event.objects.count() == before
    answer = client.post(answer["Location"], {"password": PASSWORD})
    hall.people["kandal"].refresh_from_db()
    assert not hall.people["kandal"].is_active, "what was asked for is done once it is clear who asks"


def test_people_of_other_cities_are_out_of_reach(hall, admin):
    other = make_city(jurisdiction_id="other.kh")
    theirs = make_user(other.city, Role.ADMINISTRATOR, username="theirs", password=PASSWORD)
    role = Membership.objects.get(user=theirs)
    assert admin.get(f"{LIST}{theirs.pk}").status_code == 404
    assert admin.get(f"{LIST}{theirs.pk}?city=other.kh").status_code == 404
    for rest in ("/change", "/roles/give", f"/roles/{role.pk}/take", "/account/reset-password", "/account/close"):
        form = {"role": "director", "where": "", "first_name": "x"}
        assert admin.post(f"{LIST}{theirs.pk}{rest}", form).status_code == 404
    area = other.sangkats["Wat Phnom"].pk
    form = {"username": "sokha", "role": "sangkat_officer", "where": f"area:{area}"}
    assert admin.post(f"{LIST}add", form).status_code == 422
    theirs.refresh_from_db()
    assert theirs.is_active
    assert Membership.objects.filter(user=theirs).count() == 1


def test_an_account_that_serves_another_city_too_is_not_one_administrators_to_change(hall, admin):
    other = make_city(jurisdiction_id="other.kh")
    shared = hall.people["director"]
    Membership.objects.create(city=other.city, user=shared, role=Role.ADMINISTRATOR)
    assert "works for another city too" in admin.get(page_of(hall, "director")).content.decode()
    for rest in ("/change", "/account/reset-password", "/account/close", "/account/sign-out", "/account/remove-keys"):
        answer = admin.post(page_of(hall, "director", rest), {"email": "mallory@evil.example"})
        assert answer.status_code == 422
        assert "also works for another city" in answer.content.decode()
    shared.refresh_from_db()
    assert (shared.is_active, shared.email, shared.check_password(PASSWORD)) == (True, "", True)
    where = {"role": "auditor", "where": ""}
    assert admin.post(page_of(hall, "director", "/roles/give"), where).status_code == 302, (
        "roles here are the city's own"
    )
    Membership.objects.create(city=other.city, user=hall.people["admin"], role=Role.ADMINISTRATOR)
    assert admin.post(page_of(hall, "director", "/account/sign-out")).status_code == 302, "now both are"


def test_an_unknown_act_is_not_there(hall, admin):
    assert admin.post(page_of(hall, "kandal", "/account/promote")).status_code == 404
    assert admin.post(f"{LIST}99999999/account/close").status_code == 404
    assert admin.get(page_of(hall, "kandal", "/account/close")).status_code == 405


def test_hostile_names_are_shown_as_text(hall, admin):
    User.objects.filter(username="kandal").update(first_name='<img src=x onerror="alert(1)">', last_name="{{7*7}}")
    for address in (LIST, page_of(hall, "kandal"), "/desk/log/"):
        text = admin.get(address).content.decode()
        assert "<img src=x" not in text
