"""People who work with Saat: accounts, what each is in a city, contractors and crews."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.records.models import Area, City, Contractor, Crew, Membership, User
from saat.terms.case import Role
from saat.triage.words import clean_words

_USERNAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{1,59}$")


class PersonRefused(Exception):
    """An account or a role cannot be as asked; the message says why. field: the one at fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What somebody is in a city. area_id: the part that a role covers, None for the whole city.

    A dispatcher (`Role.CONTRACTOR`) has a contractor, a crew member (`Role.CREW`) a crew.
    """

    role: Role
    area_id: int | None = None
    contractor_id: int | None = None
    crew_id: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return this as an event keeps it."""
        known = {"area": self.area_id, "contractor": self.contractor_id, "crew": self.crew_id}
        return {"role": str(self.role)} | {name: key for name, key in known.items() if key is not None}


def add_user(
    *,
    city: City,
    username: str,
    part: Part,
    now: datetime,
    by: Actor,
    password: str | None = None,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    phone: str = "",
    language: str = "",
) -> User:
    """Give somebody an account and a role in a city.

    password: None for somebody who signs in by another way (OpenID Connect), or is given one later.

    :raises PersonRefused: if the name is taken or malformed, the password too weak, or the role lacks what it needs.
    """
    if not _USERNAME.match(username):
        raise PersonRefused(
            _("A user name has 2 to 60 letters, digits, dots or dashes and begins with a letter or digit."),
            field="username",
        )
    if email:
        _check(lambda: validate_email(email), field="email")
    with managing_people(city, now=now, by=by) as log:
        if email and User.objects.filter(email__iexact=email).exists():
            # The city's identity provider knows people by this address, so it can be one person's only.
            raise PersonRefused(_("Somebody else here has this e-mail address."), field="email")
        if User.objects.filter(username__iexact=username).exists():
            raise PersonRefused(_("The user name “%(name)s” is taken.") % {"name": username}, field="username")
        user = User(
            username=username,
            first_name=one_line(first_name, limit=150),
            last_name=one_line(last_name, limit=150),
            email=email,
            phone=one_line(phone, limit=32),
            language=one_line(language, limit=12),
            date_joined=now,
        )
        _put_password(user, password)
        user.save(force_insert=True)
        log.append("user_added", subject=f"user:{user.pk}", facts={"user": user.pk})
        _grant(log, user=user, part=part)
    return user


def set_password(*, city: City, user_id: int, password: str, now: datetime, by: Actor) -> None:
    """Give somebody of a city another password; all their sessions end.

    :raises PersonRefused: if it is too weak.
    """
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        _put_password(user, password)
        user.save(update_fields=["password"])
        log.append("password_set", subject=f"user:{user.pk}", facts={"user": user.pk})


def give_role(*, city: City, user_id: int, part: Part, now: datetime, by: Actor) -> Membership:
    """Give somebody one more role in a city; the same role twice is harmless.

    Only an operator at the machine can bring in somebody who works for another city.

    :raises PersonRefused: if the role lacks what it needs.
    """
    with managing_people(city, now=now, by=by) as log:
        # People of other cities are none of an administrator's; the operator's command may bring them in.
        user = User.objects.filter(pk=user_id).first() if by.kind == "command" else _person(city, user_id)
        if user is None:
            raise NotFound(_("There is no such person."))
        return _grant(log, user=user, part=part)


def remove_role(*, city: City, membership_id: int, now: datetime, by: Actor) -> None:
    """Take a role from somebody. What they did stays written down.

    :raises PersonRefused: if it is the city's last administrator.
    """
    with managing_people(city, now=now, by=by) as log:
        row = Membership.objects.filter(pk=membership_id, city=city).first()
        if row is None:
            raise NotFound(_("There is no such role."))
        if row.role == Role.ADMINISTRATOR:
            _leaves_an_administrator(city, without=Membership.objects.filter(pk=row.pk))
        part = Part(role=Role(row.role), area_id=row.area_id, contractor_id=row.contractor_id, crew_id=row.crew_id)
        row.delete()
        log.append("role_removed", subject=f"user:{row.user_id}", facts={"user": row.user_id, **part.facts()})


def deactivate(*, city: City, user_id: int, now: datetime, by: Actor) -> None:
    """Close somebody's account: they are signed out everywhere and are alerted of nothing more.

    :raises PersonRefused: if it is the city's last administrator.
    """
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        _leaves_an_administrator(city, without=Membership.objects.filter(user=user))
        if user.is_active:
            user.is_active = False
            user.save(update_fields=["is_active"])
            log.append("user_deactivated", subject=f"user:{user.pk}", facts={"user": user.pk})


def activate(*, city: City, user_id: int, now: datetime, by: Actor) -> None:
    """Open a closed account again."""
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        if not user.is_active:
            user.is_active = True
            user.save(update_fields=["is_active"])
            log.append("user_activated", subject=f"user:{user.pk}", facts={"user": user.pk})


def add_contractor(
    *,
    city: City,
    name: str,
    now: datetime,
    by: Actor,
    area_ids: Iterable[int] = (),
    email: str = "",
    phone: str = "",
) -> Contractor:
    """Write down a company that collects for the city. area_ids: its zone; none means the whole city.

    :raises PersonRefused: if the city has one of this name, or an area is not the city's.
    """
    with managing_people(city, now=now, by=by) as log:
        name = one_line(name, limit=120)
        if not name:
            raise PersonRefused(_("A contractor needs a name."), field="name")
        if Contractor.objects.filter(city=city, name__iexact=name).exists():
            raise PersonRefused(_("There is a contractor “%(name)s” already.") % {"name": name}, field="name")
        wanted = set(area_ids)
        if Area.objects.filter(city=city, pk__in=wanted).count() != len(wanted):
            raise PersonRefused(_("An area of the zone is not in this city."), field="areas")
        contractor = Contractor.objects.create(city=city, name=name, email=email, phone=one_line(phone, limit=32))
        contractor.areas.set(wanted)
        facts = {"contractor": contractor.pk, "areas": sorted(wanted)}
        log.append("contractor_added", subject=f"contractor:{contractor.pk}", facts=facts)
    return contractor


def add_crew(
    *, city: City, name: str, now: datetime, by: Actor, contractor_id: int | None = None, phone: str = ""
) -> Crew:
    """Write down a crew, of a contractor or of the city itself.

    :raises PersonRefused: if it has no name, or the contractor is not the city's.
    """
    with managing_people(city, now=now, by=by) as log:
        name = one_line(name, limit=120)
        if not name:
            raise PersonRefused(_("A crew needs a name."), field="name")
        if contractor_id is not None and not Contractor.objects.filter(pk=contractor_id, city=city).exists():
            raise PersonRefused(_("There is no such contractor in this city."), field="contractor")
        crew = Crew.objects.create(city=city, contractor_id=contractor_id, name=name, phone=one_line(phone, limit=32))
        log.append("crew_added", subject=f"crew:{crew.pk}", facts={"crew": crew.pk, "contractor": contractor_id})
    return crew


def one_line(text: str, *, limit: int) -> str:
    """Return a name as one clean line: without control characters, which letters and tables cannot hold."""
    return " ".join(clean_words(text, limit=limit).split())


@contextmanager
def managing_people(city: City, *, now: datetime, by: Actor) -> Iterator[Log]:
    """`writing`, for whoever may manage the people of a city.

    :raises NotAllowed: for others.
    """
    if not by.may_in_city("manage_users", city.pk):
        raise NotAllowed(_("Only an administrator of the city can manage its people."))
    with writing(city.pk, now=now, by=by) as log:
        yield log


def _grant(log: Log, *, user: User, part: Part) -> Membership:
    city_id = log.city_id
    companies = Contractor.objects.filter(city_id=city_id, active=True)
    crews = Crew.objects.filter(city_id=city_id, active=True)
    if part.role is Role.CONTRACTOR:
        if part.contractor_id is None or not companies.filter(pk=part.contractor_id).exists():
            raise PersonRefused(_("A dispatcher needs a contractor of this city."), field="contractor")
    elif part.role is Role.CREW:
        if part.crew_id is None or not crews.filter(pk=part.crew_id).exists():
            raise PersonRefused(_("A crew member needs a crew of this city."), field="crew")
    elif part.contractor_id is not None or part.crew_id is not None:
        raise PersonRefused(_("Only dispatchers and crew members belong to a contractor or a crew."), field="role")
    if part.area_id is not None and not Area.objects.filter(pk=part.area_id, city_id=city_id).exists():
        raise PersonRefused(_("This area is not in the city."), field="area")
    if part.role in (Role.SANGKAT_OFFICER, Role.KHAN_OFFICER) and part.area_id is None:
        raise PersonRefused(_("An officer of a part of the city needs its area."), field="area")
    where: dict[str, Any] = {"city_id": city_id, "user": user, "role": part.role, "area_id": part.area_id}
    where |= {"contractor_id": part.contractor_id, "crew_id": part.crew_id}
    row, new = Membership.objects.get_or_create(**where)
    if new:
        log.append("role_given", subject=f"user:{user.pk}", facts={"user": user.pk, **part.facts()})
    return row


def _person(city: City, user_id: int) -> User:
    user = User.objects.filter(pk=user_id, memberships__city=city).distinct().first()
    if user is None:
        raise NotFound(_("There is no such person in this city."))
    return user


def person_with_whole_account(city: City, user_id: int, *, by: Actor) -> User:
    """Return a person of a city whose account this actor may change as a whole: password, keys, open or closed.

    An account may serve several cities; whoever changes it decides for all of them.

    :raises NotFound: if there is no such person in this city.
    :raises PersonRefused: if they also work for a city that is not the actor's to manage.
    """
    user = _person(city, user_id)
    others = Membership.objects.filter(user=user).exclude(city=city).values_list("city_id", flat=True).distinct()
    if not all(by.may_in_city("manage_users", other) for other in others):
        raise PersonRefused(
            _("This person also works for another city. Its administrators must agree: ask the operator of Saat.")
        )
    return user


def _leaves_an_administrator(city: City, *, without: Any) -> None:
    rows = Membership.objects.filter(city=city, role=Role.ADMINISTRATOR, user__is_active=True)
    if rows.filter(pk__in=without.values("pk")).exists() and not rows.exclude(pk__in=without.values("pk")).exists():
        raise PersonRefused(_("This is the city's last administrator; name another one first."))


def _put_password(user: User, password: str | None) -> None:
    if password is not None:
        _check(lambda: validate_password(password, user), field="password")
    user.set_password(password)  # None makes a password that nothing matches


def _check(validate: Callable[[], object], *, field: str) -> None:
    try:
        validate()
    except ValidationError as error:
        raise PersonRefused(" ".join(error.messages), field=field) from error
