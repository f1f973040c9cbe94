"""Who may do what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.permission import ACTS, MAY, may
from saat.terms.case import Role

OFFICERS = (Role.SANGKAT_OFFICER, Role.KHAN_OFFICER, Role.CITY_DUTY)


def who_may(act):
    return {role for role in Role if may([role], act)}


@pytest.mark.parametrize(
    ("act", "roles"),
    [
        ("see", set(Role)),
        ("report", {*OFFICERS, Role.ADMINISTRATOR}),
        ("take", {*OFFICERS, Role.ADMINISTRATOR}),
        ("assign", {*OFFICERS, Role.CONTRACTOR, Role.ADMINISTRATOR}),
        ("close", {*OFFICERS, Role.ADMINISTRATOR}),
        ("close_no_fix", {*OFFICERS, Role.ADMINISTRATOR}),
        ("merge", {*OFFICERS, Role.ADMINISTRATOR}),
        ("undo", {*OFFICERS, Role.ADMINISTRATOR}),
        ("message", {*OFFICERS, Role.DIRECTOR, Role.ADMINISTRATOR}),
        ("note", {*OFFICERS, Role.CONTRACTOR, Role.ADMINISTRATOR}),
        ("arrive", {*OFFICERS, Role.CONTRACTOR, Role.CREW, Role.ADMINISTRATOR}),
        ("prove", {*OFFICERS, Role.CONTRACTOR, Role.CREW, Role.ADMINISTRATOR}),
        ("acknowledge", {*OFFICERS, Role.CONTRACTOR, Role.DIRECTOR, Role.ADMINISTRATOR}),
        (
            "see_contact",
            {*OFFICERS, Role.ADMINISTRATOR},
        ),  # no contractor, crew, director or auditor learns who reported
        ("redact", {Role.KHAN_OFFICER, Role.CITY_DUTY, Role.ADMINISTRATOR}),
        ("export", {*OFFICERS, Role.DIRECTOR, Role.AUDITOR, Role.ADMINISTRATOR}),
        ("see_log", {Role.AUDITOR, Role.ADMINISTRATOR}),
        ("judge_proof", {Role.KHAN_OFFICER, Role.CITY_DUTY, Role.ADMINISTRATOR}),
        ("manage_duty", {Role.KHAN_OFFICER, Role.CITY_DUTY, Role.ADMINISTRATOR}),
        ("manage_texts", {Role.KHAN_OFFICER, Role.CITY_DUTY, Role.ADMINISTRATOR}),
        ("manage_users", {Role.ADMINISTRATOR}),
        ("manage_links", {Role.ADMINISTRATOR}),
        ("import_data", {Role.ADMINISTRATOR}),
        ("plan_rounds", {Role.KHAN_OFFICER, Role.CITY_DUTY, Role.ADMINISTRATOR}),
        ("manage_fleet", {Role.CITY_DUTY, Role.CONTRACTOR, Role.ADMINISTRATOR}),
    ],
)
def test_an_act_is_open_to_exactly_these_roles(act, roles):
    assert who_may(act) == roles


def test_every_role_is_in_the_table_and_may_do_nothing_that_is_no_act():
    assert set(MAY) == set(Role)
    assert frozenset().union(*MAY.values()) == ACTS


def test_an_auditor_changes_nothing():
    assert MAY[Role.AUDITOR] == {"see", "see_log", "export"}


def test_an_act_that_does_not_exist_is_a_mistake_and_no_refusal():
    with pytest.raises(ValueError, match="'clsoe' is no act; the acts are acknowledge, arrive"):
        may([Role.ADMINISTRATOR], "clsoe")


def test_a_role_that_comes_from_the_database_as_plain_text_is_judged_alike():
    assert may(["khan_officer"], "redact")


@given(st.sets(st.sampled_from(Role)), st.sampled_from(sorted(ACTS)))
def test_several_roles_add_up(roles, act):
    assert may(roles, act) == any(may([role], act) for role in roles)
