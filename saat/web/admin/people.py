"""People of a city: who they are, what they may do, and help when they are locked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.tokens import default_token_generator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from saat.actions import accounts, people
from saat.actions.log import NotFound
from saat.actions.people import Part, PersonRefused
from saat.records import queries_accounts as queries
from saat.records.models import City, User
from saat.terms.case import Role
from saat.web.admin.frame import View, asked_for, city_view, shown_again
from saat.web.browsers import named
from saat.web.desk.frame import actor_for
from saat.web.desk.words import ROLES, moment

_DETAILS = ("first_name", "last_name", "email", "phone", "language")


@city_view("manage_users")
@require_safe
def everybody(request: HttpRequest, *, city: City) -> HttpResponse:
    """List the people of a city."""
    words, role = asked_for(request, "q"), asked_for(request, "role")
    found = queries.people_in(city, words=words, role=role if role in set(Role) else "")
    rows = [(person, [(ROLES[row.role], _said(row.where)) for row in person.roles]) for person in found]
    context = {
        "section": "people",
        "rows": rows,
        "words": words,
        "role": role,
        "roles": ROLES.items(),
        "more": len(rows) >= queries.MOST,
    }
    return render(request, "people/list.html", context)


@city_view("manage_users")
@shown_again
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, *, city: City) -> HttpResponse:
    """Give somebody an account and a first role."""
    if request.method == "GET":
        return _render_add(request, city)
    try:
        user = people.add_user(
            city=city,
            username=request.POST.get("username", "").strip(),
            part=_part(request),
            now=timezone.now(),
            by=actor_for(request),
            **{field: request.POST.get(field, "").strip() for field in _DETAILS},
        )
    except PersonRefused as error:
        return _render_add(request, city, error=error)
    return _show_link(request, user, new=True)


def _render_add(request: HttpRequest, city: City, *, error: PersonRefused | None = None) -> HttpResponse:
    context = {
        "section": "people",
        "typed": request.POST,
        "error": error,
        **_choices(city),
    }
    return render(request, "people/add.html", context, status=422 if error else 200)


@city_view("manage_users")
@require_safe
def person(request: HttpRequest, *, city: City, user_id: int) -> HttpResponse:
    """Show one person."""
    return _render_person(request, city, user_id)


def _render_person(
    request: HttpRequest, city: City, user_id: int, *, error: PersonRefused | None = None, form: str = ""
) -> HttpResponse:
    found = queries.person_in(city, user_id)
    if found is None:
        raise Http404
    user = found.user
    protection = queries.protection_of(user, now=timezone.now())
    typed = request.POST if form == "change" else {field: getattr(user, field) for field in _DETAILS}
    context = {
        "section": "people",
        "person": user,
        "is_self": user.pk == request.user.pk,
        "roles_held": [(row.membership_id, ROLES[row.role], _said(row.where)) for row in found.roles],
        "protection": protection,
        "sign_ins": [
            (sign_in, named(sign_in.browser), moment(sign_in.started_at, zone=city.policy_terms().hours.zone))
            for sign_in in protection.sign_ins
        ],
        "elsewhere": queries.works_elsewhere(city, user.pk),
        "typed": typed,
        "error": error,
        "form": form,
        **_choices(city),
    }
    return render(request, "people/person.html", context, status=422 if error else 200)


def _changing(form: str) -> Callable[[Callable[..., str]], View]:
    """Make a view of a function that changes one person and returns what to say of it."""

    def decorate(act: Callable[..., str]) -> View:
        @city_view("manage_users")
        @shown_again
        @require_POST
        def view(request: HttpRequest, *, city: City, user_id: int, **kwargs: Any) -> HttpResponse:
            try:
                said = act(request, city=city, user_id=user_id, **kwargs)
            except PersonRefused as error:
                return _render_person(request, city, user_id, error=error, form=form)
            except NotFound as error:
                raise Http404 from error
            messages.success(request, said)
            return redirect("people_person", user_id)

        return view

    return decorate


@_changing("change")
def change(request: HttpRequest, *, city: City, user_id: int) -> str:
    """Correct how somebody is called and reached."""
    details = {field: request.POST.get(field, "") for field in _DETAILS}
    accounts.change_person(city=city, user_id=user_id, now=timezone.now(), by=actor_for(request), **details)
    return _("Kept.")


@_changing("give")
def give(request: HttpRequest, *, city: City, user_id: int) -> str:
    """Give somebody one more role."""
    people.give_role(city=city, user_id=user_id, part=_part(request), now=timezone.now(), by=actor_for(request))
    return _("The role is given.")


@_changing("take")
def take(request: HttpRequest, *, city: City, user_id: int, membership_id: int) -> str:
    """Take a role from somebody."""
    found = queries.person_in(city, user_id)
    if found is None or membership_id not in {row.membership_id for row in found.roles}:
        raise NotFound(_("There is no such role."))
    if len(found.roles) == 1:
        raise PersonRefused(_("This is the only role. To end the work of a person, close the account."))
    people.remove_role(city=city, membership_id=membership_id, now=timezone.now(), by=actor_for(request))
    return _("The role is taken.")


@city_view("manage_users")
@shown_again
@require_POST
def account(request: HttpRequest, *, city: City, user_id: int, name: str) -> HttpResponse:
    """Do something to an account as a whole: see `_ACCOUNT`."""
    whose: dict[str, Any] = {"city": city, "user_id": user_id, "now": timezone.now(), "by": actor_for(request)}
    try:
        if name == "reset-password":
            return _show_link(request, accounts.reset_password(**whose), new=False)
        act = _ACCOUNT.get(name)
        if act is None:
            raise Http404
        messages.success(request, act(**whose))
    except PersonRefused as error:
        return _render_person(request, city, user_id, error=error, form="account")
    except NotFound as error:
        raise Http404 from error
    return redirect("people_person", user_id)


def _signed_out(**whose: Any) -> str:
    ended = accounts.end_sign_ins(**whose)
    return ngettext("Signed out in %(n)d place.", "Signed out in %(n)d places.", ended) % {"n": ended}


def _keys_removed(**whose: Any) -> str:
    accounts.remove_second_factors(**whose)
    return _("Passkeys and codes are removed, and the person is signed out everywhere.")


def _closed(**whose: Any) -> str:
    people.deactivate(**whose)
    accounts.end_sign_ins(**whose)
    return _("The account is closed.")


def _opened(**whose: Any) -> str:
    people.activate(**whose)
    return _("The account is open again.")


_ACCOUNT = {"sign-out": _signed_out, "remove-keys": _keys_removed, "close": _closed, "open": _opened}


def _show_link(request: HttpRequest, user: User, *, new: bool) -> HttpResponse:
    """Show the link through which somebody chooses a password; here and now, and nowhere again."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    context = {
        "section": "people",
        "person": user,
        "new": new,
        "link": settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=key),
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
    }
    response = render(request, "people/link.html", context)
    response.headers["Cache-Control"] = "no-store, private"
    return response


def _part(request: HttpRequest) -> Part:
    """Return the role that a form asks for.

    :raises PersonRefused: if there is no such role, or place to hold it.
    """
    try:
        role = Role(request.POST.get("role", ""))
    except ValueError as error:
        raise PersonRefused(_("Please choose a role."), field="role") from error
    kind, _colon, number = request.POST.get("where", "").partition(":")
    if kind == "" and not number:
        return Part(role=role)
    if kind not in ("area", "contractor", "crew") or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise PersonRefused(_("Please choose where, from the list."), field="where")
    return Part(role=role, **{f"{kind}_id": int(number)})


def _choices(city: City) -> dict[str, Any]:
    places = queries.places_for_roles(city)
    return {
        "roles": ROLES.items(),
        "areas": [(place.key, "\u2003" * (place.depth - 1) + _said(place.names)) for place in places["areas"]],
        "contractors": [(place.key, _said(place.names)) for place in places["contractors"]],
        "crews": [(place.key, _said(place.names)) for place in places["crews"]],
        "languages": settings.LANGUAGES,
    }


def _said(names: dict[str, str]) -> str:
    return names.get(get_language() or "") or next(iter(names.values()), "")
