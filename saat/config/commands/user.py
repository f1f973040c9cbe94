"""`saat user`: people and what they may do."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from saat.config.commands.base import Refused, chosen_city, common, named_area, now, say, set_up_with_tables, table

if TYPE_CHECKING:
    from saat.actions.people import Part
    from saat.records.models import City, User

HELP = "add people, give and take roles, set passwords, close accounts"
DESCRIPTION = """Accounts of officials, dispatchers and crews, and what each may do in which part of the city.
Residents need no account."""
EPILOG = """roles:
  sangkat_officer, khan_officer   cases of one area (--area)
  city_duty                       all cases, on call
  contractor                      a company's dispatcher (--contractor)
  crew                            people who go there (--crew)
  director, auditor               read everything
  administrator                   everything, and people

examples:
  saat user add sok --role sangkat_officer --area "Chamkar Mon / Tonle Basak"
  saat user add dara --role contractor --contractor "Cintri" --name "Dara Kim"
  saat user list
  saat user role sok --add khan_officer --area mef:1201
  saat user role sok --remove sangkat_officer
  saat user password sok
  saat user disable sok"""
_ROLES = (
    "sangkat_officer", "khan_officer", "city_duty", "contractor", "crew", "director", "auditor", "administrator",
)  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    verbs = parser.add_subparsers(metavar="VERB", required=True, title="verbs")
    add = verbs.add_parser("add", help="give somebody an account and a role; prints the password it made")
    add.add_argument("username")
    add.add_argument("--role", required=True, choices=_ROLES)
    _where(add)
    add.add_argument("--name", default="", help="the person's name")
    add.add_argument("--email", default="")
    add.add_argument("--phone", default="")
    add.add_argument("--language", default="", help="language of their screens and letters, such as km")
    _password(add)
    listed = verbs.add_parser("list", help="list everybody with their roles")
    password = verbs.add_parser("password", help="set another password; prints it")
    password.add_argument("username")
    _password(password)
    role = verbs.add_parser("role", help="give or take a role")
    role.add_argument("username")
    change = role.add_mutually_exclusive_group(required=True)
    change.add_argument("--add", choices=_ROLES)
    change.add_argument("--remove", choices=_ROLES)
    _where(role)
    disable = verbs.add_parser("disable", help="close an account; what the person did stays written down")
    disable.add_argument("username")
    enable = verbs.add_parser("enable", help="open a closed account again")
    enable.add_argument("username")
    for verb, carry_out in (
        (add, _add), (listed, _list), (password, _set_password), (role, _role), (disable, _disable), (enable, _enable),
    ):  # fmt: skip
        common(verb, city=True)
        verb.set_defaults(verb=carry_out)


def run(chosen: argparse.Namespace) -> int:
    """Carry the command out."""
    set_up_with_tables(chosen)
    chosen.verb(chosen, chosen_city(chosen))
    return 0


def _where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--area", help='an area by name ("Chamkar Mon / Tonle Basak") or by list and code (mef:120101)')
    parser.add_argument("--contractor", help="a contractor by name")
    parser.add_argument("--crew", help="a crew by name")


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _add(chosen: argparse.Namespace, city: City) -> None:
    from saat.actions.log import COMMAND
    from saat.actions.people import add_user

    password, made = _wanted_password(chosen)
    first, _, last = chosen.name.strip().partition(" ")
    user = add_user(
        city=city,
        username=chosen.username,
        part=_part(chosen, city, chosen.role),
        password=password,
        first_name=first,
        last_name=last.strip(),
        email=chosen.email,
        phone=chosen.phone,
        language=chosen.language,
        now=now(),
        by=COMMAND,
    )
    say(f"Added {user.username} as {chosen.role} in {city.jurisdiction_id}.")
    if made:
        say(f"Password: {password}")


def _list(chosen: argparse.Namespace, city: City) -> None:
    from saat.records.queries_people import people_of

    rows = [(row.username, row.name, row.role, row.where, "" if row.active else "closed") for row in people_of(city)]
    if not rows:
        say("Nobody works here yet; add somebody with `saat user add`.")
    else:
        say(table(rows, head=("user", "name", "role", "where", "account")))


def _set_password(chosen: argparse.Namespace, city: City) -> None:
    from saat.actions.log import COMMAND
    from saat.actions.people import set_password

    user = _user(chosen.username)
    password, made = _wanted_password(chosen)
    set_password(city=city, user_id=user.pk, password=password, now=now(), by=COMMAND)
    say(f"Set the password of {user.username}; all their sessions have ended.")
    if made:
        say(f"Password: {password}")


def _role(chosen: argparse.Namespace, city: City) -> None:
    from saat.actions.log import COMMAND
    from saat.actions.people import give_role, remove_role
    from saat.records.models import Membership

    user = _user(chosen.username)
    part = _part(chosen, city, chosen.add or chosen.remove)
    if chosen.add:
        give_role(city=city, user_id=user.pk, part=part, now=now(), by=COMMAND)
        say(f"{user.username} is {chosen.add} now.")
        return
    rows = Membership.objects.filter(city=city, user=user, role=part.role)
    for given, column in (
        (part.area_id, "area_id"), (part.contractor_id, "contractor_id"), (part.crew_id, "crew_id"),
    ):  # fmt: skip
        if given is not None:
            rows = rows.filter(**{column: given})
    found = list(rows)
    if len(found) != 1:
        raise Refused(
            f"{user.username} is {chosen.remove} in {len(found)} ways; say which with --area, --contractor or --crew."
            if found
            else f"{user.username} is no {chosen.remove} there."
        )
    remove_role(city=city, membership_id=found[0].pk, now=now(), by=COMMAND)
    say(f"{user.username} is {chosen.remove} no more.")


def _disable(chosen: argparse.Namespace, city: City) -> None:
    from saat.actions.log import COMMAND
    from saat.actions.people import deactivate

    user = _user(chosen.username)
    deactivate(city=city, user_id=user.pk, now=now(), by=COMMAND)
    say(f"Closed the account of {user.username}.")


def _enable(chosen: argparse.Namespace, city: City) -> None:
    from saat.actions.log import COMMAND
    from saat.actions.people import activate

    user = _user(chosen.username)
    activate(city=city, user_id=user.pk, now=now(), by=COMMAND)
    say(f"Opened the account of {user.username} again.")


def _user(username: str) -> User:
    from saat.records.models import User

    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        raise Refused(f"There is no user {username!r}; `saat user list` shows everybody.")
    return user


def _part(chosen: argparse.Namespace, city: City, role: str) -> Part:
    from saat.actions.people import Part
    from saat.records.models import Contractor, Crew
    from saat.terms.case import Role

    area_id = contractor_id = crew_id = None
    if chosen.area:
        area_id = named_area(city, chosen.area).pk
    if chosen.contractor:
        contractor = Contractor.objects.filter(city=city, name__iexact=chosen.contractor).first()
        if contractor is None:
            known = ", ".join(Contractor.objects.filter(city=city).values_list("name", flat=True)) or "none yet"
            raise Refused(f"There is no contractor {chosen.contractor!r}; there is: {known}.")
        contractor_id = contractor.pk
    if chosen.crew:
        crews = list(Crew.objects.filter(city=city, name__iexact=chosen.crew))
        if len(crews) != 1:
            raise Refused(f"There are {len(crews)} crews called {chosen.crew!r}.")
        crew_id = crews[0].pk
    return Part(role=Role(role), area_id=area_id, contractor_id=contractor_id, crew_id=crew_id)


def _wanted_password(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Return the password, and whether it was made here and must be shown."""
    if chosen.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise Refused("Standard input held no password.")
        return password, False
    from saat.terms.codes import new_token

    return new_token()[:14], True
