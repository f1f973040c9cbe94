"""Actions refuse what the table of permissions refuses, whoever asks and whichever door they come through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from saat.actions import (
    access,
    accounts,
    cases,
    declining,
    duty,
    fleet,
    joining,
    links,
    outbox,
    people,
    proof,
    redaction,
    texts,
)
from saat.actions.cases import ActRefused, Assignee
from saat.actions.log import CLOCK, RESIDENT, Actor, NotAllowed, NotFound
from saat.actions.people import Part
from saat.cases.moves import MoveNotAllowed
from saat.cases.permission import ACTS, MAY
from saat.records.models import Case, Event, Membership, Outbox, Photo, ServiceRequest, SignedLink
from saat.terms.case import Declined, Role, Urgency
from saat.terms.report import Contact
from tests.city import make_city, make_user, new_report
from tests.hall import Hall, later, make_hall

PEOPLE = {
    "kandal": Role.SANGKAT_OFFICER, "daun penh": Role.KHAN_OFFICER, "duty": Role.CITY_DUTY, "north": Role.CONTRACTOR,
    "north crew": Role.CREW, "director": Role.DIRECTOR, "auditor": Role.AUDITOR, "admin": Role.ADMINISTRATOR,
}  # fmt: skip


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


class Scene:
    """A case that every one of the people sees, with what acts on it need."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.case = self._case(1)
        self.other = self._case(2)
        hall.report(new_report(client_id="again"))
        duty_officer = hall.by("duty")
        cases.take_case(case_id=self.case.pk, now=later(minutes=1), by=duty_officer)
        self.taken = Event.objects.get(kind="case_taken", case_id=self.case.pk)
        for case in (self.case, self.other):
            to = Assignee(crew_id=hall.crews["North 1"].pk)
            cases.assign_case(case_id=case.pk, to=to, now=later(minutes=2), by=duty_officer)
        self.photo = Photo.objects.create(
            city=hall.city, case=self.case, service_request=ServiceRequest.objects.filter(case=self.case).first(),
            kind="report", digest="0" * 64, phash=1, width=8, height=8, added_at=later(),
        )  # fmt: skip

    def _case(self, number: int) -> Case:
        case = self.hall.case(new_report(contact=Contact(email=f"p{number}@home.example"), client_id=str(number)))
        if number == 1:
            Case.objects.filter(pk=case.pk).update(cell=None)
        return case

    @property
    def usual(self) -> dict[str, Any]:
        return {"case_id": self.case.pk, "now": later(minutes=10)}


Act = Callable[[Scene, Actor], Any]
ON_A_CASE: dict[str, Act] = {
    "see": lambda scene, by: cases.mark_seen(**scene.usual, by=by),
    "take": lambda scene, by: cases.take_case(**scene.usual, by=by),
    "assign": lambda scene, by: cases.assign_case(
        to=Assignee(crew_id=scene.hall.crews["North 1"].pk), **scene.usual, by=by
    ),
    "message": lambda scene, by: cases.message_reporter(text="We are on the way.", **scene.usual, by=by),
    "ask": lambda scene, by: cases.message_reporter(text="Where is it?", asks=True, **scene.usual, by=by),
    "change": lambda scene, by: cases.change_case(address="Behind the pagoda", **scene.usual, by=by),
    "priority": lambda scene, by: cases.set_urgency(urgency=Urgency.HIGH, **scene.usual, by=by),
    "merge": lambda scene, by: joining.merge_cases(into_id=scene.other.pk, **scene.usual, by=by),
    "split": lambda scene, by: joining.split_case(
        service_request_ids=[ServiceRequest.objects.filter(case=scene.other).first().pk],
        case_id=scene.other.pk, now=later(minutes=10), by=by,
    ),
    "close": lambda scene, by: cases.close_case(**scene.usual, by=by),
    "close_no_fix": lambda scene, by: cases.close_without_fix(reason_code="nothing-found", **scene.usual, by=by),
    "reopen": lambda scene, by: cases.reopen_case(**scene.usual, by=by),
    "note": lambda scene, by: cases.add_note(text="A dog is there.", **scene.usual, by=by),
    "undo": lambda scene, by: joining.undo(event_id=scene.taken.pk, now=later(minutes=10), by=by),
    "arrive": lambda scene, by: cases.arrive(**scene.usual, by=by),
    "prove": lambda scene, by: proof.draw_proof_code(**scene.usual, by=by),
    "redact": lambda scene, by: redaction.remove_photo(photo_id=scene.photo.pk, now=later(minutes=10), by=by),
    "judge_proof": lambda scene, by: proof.accept_proof(**scene.usual, by=by),
}  # fmt: skip
MORE_ON_A_CASE: dict[str, tuple[str, Act]] = {
    "give it back": ("take", lambda scene, by: cases.release_case(**scene.usual, by=by)),
    "decline": ("arrive", lambda scene, by: declining.decline_case(reason=Declined.TOO_MUCH, **scene.usual, by=by)),
    "a new link": ("assign", lambda scene, by: links.renew_link(**scene.usual, by=by)),
    "show a photo": (
        "redact",
        lambda scene, by: redaction.publish_photo(photo_id=scene.photo.pk, public=True, now=later(minutes=10), by=by),
    ),
}
IN_A_CITY: dict[str, tuple[str, Act]] = {
    "add a person": (
        "manage_users",
        lambda scene, by: people.add_user(
            city=scene.hall.city, username="sokha", part=Part(role=Role.DIRECTOR), now=later(), by=by
        ),
    ),
    "set a password": (
        "manage_users",
        lambda scene, by: people.set_password(
            city=scene.hall.city, user_id=scene.hall.people["kandal"].pk, password="river-of-four", now=later(), by=by
        ),
    ),
    "give a role": (
        "manage_users",
        lambda scene, by: people.give_role(
            city=scene.hall.city, user_id=scene.hall.people["kandal"].pk, part=Part(role=Role.ADMINISTRATOR),
            now=later(), by=by,
        ),
    ),
    "take a role": (
        "manage_users",
        lambda scene, by: people.remove_role(
            city=scene.hall.city, membership_id=Membership.objects.get(user__username="bassac").pk, now=later(), by=by
        ),
    ),
    "close an account": (
        "manage_users",
        lambda scene, by: people.deactivate(
            city=scene.hall.city, user_id=scene.hall.people["bassac"].pk, now=later(), by=by
        ),
    ),
    "reset a password": (
        "manage_users",
        lambda scene, by: accounts.reset_password(
            city=scene.hall.city, user_id=scene.hall.people["bassac"].pk, now=later(), by=by
        ),
    ),
    "remove keys": (
        "manage_users",
        lambda scene, by: accounts.remove_second_factors(
            city=scene.hall.city, user_id=scene.hall.people["bassac"].pk, now=later(), by=by
        ),
    ),
    "add a contractor": (
        "manage_users",
        lambda scene, by: people.add_contractor(city=scene.hall.city, name="East Clean", now=later(), by=by),
    ),
    "make a key": (
        "manage_links",
        lambda scene, by: access.make_key(city=scene.hall.city, name="An app", now=later(), by=by),
    ),
    "add a webhook": (
        "manage_links",
        lambda scene, by: access.add_webhook(city=scene.hall.city, url="https://hook.example/", now=later(), by=by),
    ),
    "revive a message": (
        "manage_links",
        lambda scene, by: outbox.send_again(outbox_id=_dead(scene), now=later(), by=by),
    ),
    "save a text": (
        "manage_texts",
        lambda scene, by: texts.save_text(
            city_id=scene.hall.city.pk, name="Thanks", texts={"km": "អរគុណ"}, now=later(), by=by
        ),
    ),
    "plan a turn": (
        "manage_duty",
        lambda scene, by: duty.plan_duty(
            city_id=scene.hall.city.pk, user_id=scene.hall.people["kandal"].pk,
            area_id=scene.hall.ground.sangkats["Phsar Kandal"].pk, starts_at=later(hours=1), ends_at=later(hours=9),
            now=later(), by=by,
        ),
    ),
    "add a vehicle": (
        "manage_fleet",
        lambda scene, by: fleet.save_vehicle(
            city_id=scene.hall.city.pk, label="PP 7-1", contractor_id=scene.hall.contractors["north"].pk,
            now=later(), by=by,
        ),
    ),
}  # fmt: skip
# What is asked at a door, and tested there: who reads a contact, takes a list along, works in bulk, answers an alert,
# writes down a call, reads the log, brings data in.
AT_THE_DOORS = {"see_contact", "export", "bulk", "acknowledge", "report", "see_log", "import_data"}
# What concerns the outcome of a stop is tried in test_contests.
ON_A_RUN = {"contest", "judge_contest"}
# Who plans which rounds is tried in test_plans.
ON_A_ROUND = {"plan_rounds"}


def _dead(scene: Scene) -> int:
    return Outbox.objects.create(
        city=scene.hall.city, kind="reporter.closed", dedupe_key="dead", queued_at=later(), next_try_at=later(),
        dead_at=later(),
    ).pk  # fmt: skip


def is_refused(act: Act, scene: Scene, by: Actor) -> bool:
    """Try an act, and leave everything as it was."""
    refused = False
    with transaction.atomic():
        try:
            act(scene, by)
        except (NotAllowed, NotFound):
            refused = True
        except (ActRefused, MoveNotAllowed):
            pass  # refused for another reason, such as a state that stands against it: the person was allowed to ask
        transaction.set_rollback(True)
    return refused


def test_every_act_of_the_table_is_tried_somewhere():
    tried = set(ON_A_CASE) | {act for act, _ in MORE_ON_A_CASE.values()} | {act for act, _ in IN_A_CITY.values()}
    assert tried | AT_THE_DOORS | ON_A_RUN | ON_A_ROUND == ACTS


def test_on_a_case_everybody_may_what_the_table_says_and_no_more(hall):
    scene = Scene(hall)
    wrong = []
    acts = [(name, name, act) for name, act in ON_A_CASE.items()]
    acts += [(title, name, act) for title, (name, act) in MORE_ON_A_CASE.items()]
    for who, role in PEOPLE.items():
        by = hall.by(who)
        assert role in by.reach.roles_for(Case.objects.select_related("area").get(pk=scene.case.pk)), who
        for title, name, act in acts:
            if is_refused(act, scene, by) == (name in MAY[role]):
                wrong.append(f"{who} {'may not' if name in MAY[role] else 'may'} {title}")
    assert wrong == []


def test_in_a_city_everybody_may_what_the_table_says_and_no_more(hall):
    scene = Scene(hall)
    wrong = []
    for who, role in PEOPLE.items():
        # Officers of a part are asked for their part; what concerns the whole city is for whoever has all of it.
        whole = role not in (Role.SANGKAT_OFFICER, Role.KHAN_OFFICER)
        for title, (name, act) in IN_A_CITY.items():
            allowed = name in MAY[role] and (whole or name in ("manage_texts", "manage_duty"))
            if is_refused(act, scene, hall.by(who)) == allowed:
                wrong.append(f"{who} {'may not' if allowed else 'may'} {title}")
    assert wrong == []


@pytest.mark.parametrize("who", ["bassac", "south", "stranger", "closed"])
def test_whoever_does_not_see_a_case_finds_nothing_to_act_on(hall, who):
    scene = Scene(hall)
    if who == "stranger":
        other = make_city(jurisdiction_id="other.kh")
        by = Actor.of(make_user(other.city, Role.ADMINISTRATOR, username="stranger"))
    elif who == "closed":
        hall.people["admin"].is_active = False
        hall.people["admin"].save()
        by = hall.by("admin")
    else:
        by = hall.by(who)
    before = Event.objects.count()
    for act in ON_A_CASE.values():
        with pytest.raises((NotFound, NotAllowed)):
            act(scene, by)
    for title, (_name, act) in {**MORE_ON_A_CASE, **IN_A_CITY}.items():
        with transaction.atomic():
            assert is_refused(act, scene, by), title
    assert Event.objects.count() == before


def test_a_signed_link_sees_notes_arrives_and_proves_and_neither_takes_nor_closes(hall):
    scene = Scene(hall)
    link = SignedLink.objects.filter(case=scene.case, revoked_at__isnull=True).get()
    opened, by = links.link_of(token=links.token_of(link), now=later(minutes=5))
    assert opened.case_id == scene.case.pk
    may = {name for name, act in ON_A_CASE.items() if not is_refused(act, scene, by)}
    assert may == {"see", "note", "arrive", "prove"}
    assert not is_refused(MORE_ON_A_CASE["decline"][1], scene, by)
    for title in ("give it back", "a new link", "show a photo"):
        assert is_refused(MORE_ON_A_CASE[title][1], scene, by), title
    for title, (_name, act) in IN_A_CITY.items():
        assert is_refused(act, scene, by), title


def test_a_signed_link_opens_its_own_case_only_and_ends_with_the_hand_over(hall):
    scene = Scene(hall)
    link = SignedLink.objects.filter(case=scene.case, revoked_at__isnull=True).get()
    _opened, by = links.link_of(token=links.token_of(link), now=later(minutes=5))
    with pytest.raises((NotFound, NotAllowed)):
        cases.add_note(case_id=scene.other.pk, text="x", now=later(minutes=6), by=by)
    to = Assignee(contractor_id=hall.contractors["south"].pk)
    cases.assign_case(case_id=scene.case.pk, to=to, now=later(minutes=7), by=hall.by("duty"))
    with pytest.raises(links.LinkClosed):
        links.link_of(token=links.token_of(link), now=later(minutes=8))
    with pytest.raises((NotFound, NotAllowed)):
        cases.arrive(case_id=scene.case.pk, now=later(minutes=8), by=by)


def test_residents_and_the_clock_may_only_what_is_theirs(hall):
    scene = Scene(hall)
    for by in (RESIDENT, CLOCK, Actor(kind="partner", id=1)):
        may = {name for name, act in ON_A_CASE.items() if not is_refused(act, scene, by)}
        assert may <= {"see"}, by.kind
        for title, (_name, act) in IN_A_CITY.items():
            assert is_refused(act, scene, by), (by.kind, title)
