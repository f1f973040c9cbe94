"""The one order of the desk, and the reasons it gives."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.order import SHOWN, Reason, act_by, reasons
from saat.terms.case import ServiceLevel, State, Urgency

NOON = datetime(2026, 3, 2, 5, tzinfo=UTC)  # noon in Phnom Penh
EVENING = NOON + timedelta(hours=8)


def hours(count):
    return timedelta(hours=count)


def moment(
    *,
    due_at=EVENING,
    opened_at=NOON,
    urgency=Urgency.NORMAL,
    voices=1,
    taken=True,
    reopened=0,
    level=ServiceLevel.USUAL,
):
    return act_by(
        due_at=due_at,
        opened_at=opened_at,
        urgency=urgency,
        voices=voices,
        taken=taken,
        reopened=reopened,
        service_level=level,
    )


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ({}, NOON + hours(8)),  # a usual case that somebody has taken: by its promise
        ({"taken": False}, NOON + hours(4)),
        ({"urgency": Urgency.LOW}, NOON + hours(8 + 24)),
        ({"urgency": Urgency.HIGH}, NOON + hours(8 - 24)),
        ({"urgency": Urgency.DANGER}, NOON + hours(8 - 87_600)),
        ({"voices": 2}, NOON + hours(8 - 4)),
        ({"voices": 8}, NOON + hours(8 - 12)),
        ({"voices": 64}, NOON + hours(8 - 24)),
        ({"voices": 5000}, NOON + hours(8 - 24)),
        ({"voices": 0}, NOON + hours(8)),
        ({"reopened": 1}, NOON + hours(8 - 24)),
        ({"reopened": 9}, NOON + hours(8 - 72)),
        ({"level": ServiceLevel.RAISED}, NOON + hours(8 - 4)),
        ({"level": ServiceLevel.HIGHEST}, NOON + hours(8 - 12)),
        ({"voices": 2, "reopened": 1, "taken": False, "urgency": Urgency.HIGH}, NOON + hours(4 - 4 - 24 - 24)),
    ],
)
def test_what_presses_moves_the_moment_ahead(difference, expected):
    assert moment(**difference) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # A danger that just came in goes before whatever has lain about, were it for years.
        ({"urgency": Urgency.DANGER}, {"opened_at": NOON - hours(160), "due_at": NOON - hours(144)}),
        ({"urgency": Urgency.DANGER}, {"opened_at": NOON - hours(26_000), "due_at": NOON - hours(25_900)}),
        # Of two dangers, the one that was reported first.
        (
            {"urgency": Urgency.DANGER, "opened_at": NOON - hours(2), "due_at": NOON + hours(1)},
            {"urgency": Urgency.DANGER, "due_at": NOON + hours(3)},
        ),
        # No crowd goes before danger, and thirty reports of one person do not push aside what waits a day longer.
        ({"urgency": Urgency.DANGER}, {"voices": 100_000, "urgency": Urgency.HIGH, "reopened": 5}),
        ({"due_at": NOON - hours(16), "opened_at": NOON - hours(24)}, {"voices": 30}),
        # Closed and not fixed goes before a case of the same age that nobody touched.
        ({"reopened": 1}, {"taken": False}),
        ({"level": ServiceLevel.HIGHEST}, {"level": ServiceLevel.RAISED}),
        ({"taken": False}, {"taken": True}),
    ],
)
def test_what_must_be_acted_on_first_stands_first(first, second):
    assert moment(**first) < moment(**second)


CASES = st.fixed_dictionaries(
    {
        "opened_at": st.integers(0, 10_000).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        "urgency": st.sampled_from(Urgency),
        "voices": st.integers(0, 10_000),
        "taken": st.booleans(),
        "reopened": st.integers(0, 10),
        "level": st.sampled_from(ServiceLevel),
    }
)
SPANS = st.floats(min_value=0.01, max_value=500).map(hours)


@given(CASES, SPANS)
def test_more_pressure_of_any_kind_never_makes_it_later(case, span):
    due_at = case["opened_at"] + span
    usual = moment(due_at=due_at, **case)
    louder = [{"voices": case["voices"] + more} for more in (1, 7, 1000)]
    higher = [{"urgency": urgency} for urgency in Urgency if urgency.level > case["urgency"].level]
    again = [{"reopened": case["reopened"] + 1}]
    dearer = [{"level": level} for level in list(ServiceLevel)[list(ServiceLevel).index(case["level"]) :]]
    for change in [*louder, *higher, *again, *dearer, {"taken": False}]:
        assert moment(due_at=due_at, **(case | change)) <= usual
    assert moment(due_at=due_at - span / 2, **case) <= usual


@given(CASES, CASES, SPANS, SPANS, st.integers(-5000, 5000).map(hours))
def test_the_order_of_two_cases_does_not_depend_on_when_it_is_asked(one, other, span, other_span, shift):
    def ahead(later):
        return moment(
            due_at=one["opened_at"] + span + later, **(one | {"opened_at": one["opened_at"] + later})
        ) - moment(
            due_at=other["opened_at"] + other_span + later, **(other | {"opened_at": other["opened_at"] + later})
        )

    assert ahead(shift) == ahead(hours(0))


@given(CASES, SPANS)
def test_a_danger_always_stands_before_a_normal_case_of_the_same_promise(case, span):
    due_at = case["opened_at"] + span
    assert moment(due_at=due_at, **(case | {"urgency": Urgency.DANGER})) < moment(
        due_at=due_at, **(case | {"urgency": Urgency.NORMAL})
    )


def why(
    *,
    now=NOON,
    due_at=EVENING,
    urgency=Urgency.NORMAL,
    voices=1,
    state=State.TAKEN,
    reopened=0,
    level=ServiceLevel.USUAL,
    escalated=0,
    waiting_since=NOON,
    proof_failed=False,
):
    return reasons(
        now=now,
        due_at=due_at,
        urgency=urgency,
        voices=voices,
        state=state,
        reopened=reopened,
        service_level=level,
        escalated=escalated,
        waiting_since=waiting_since,
        proof_failed=proof_failed,
    )


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ({}, []),
        ({"urgency": Urgency.LOW}, []),
        ({"state": State.OPEN, "waiting_since": NOON - hours(1)}, [("untaken", 3600)]),
        ({"state": State.OPEN, "waiting_since": NOON + hours(1)}, [("untaken", 0)]),  # a clock that ran ahead
        ({"due_at": NOON - hours(2)}, [("overdue", 7200)]),
        ({"due_at": NOON}, [("overdue", 0)]),
        ({"due_at": NOON + hours(1)}, [("due_soon", 3600)]),
        ({"due_at": NOON + hours(2)}, [("due_soon", 7200)]),
        ({"due_at": NOON + hours(2.01)}, []),
        ({"urgency": Urgency.DANGER}, [("danger", None)]),
        ({"urgency": Urgency.HIGH}, [("urgent", None)]),
        ({"voices": 5}, [("voices", 5)]),
        ({"reopened": 2}, [("reopened", 2)]),
        ({"level": ServiceLevel.RAISED}, [("place", None)]),
        ({"escalated": 2}, [("escalated", 2)]),
        ({"proof_failed": True}, [("proof_failed", None)]),
        # Together: the weightiest three.
        (
            {"urgency": Urgency.DANGER, "due_at": NOON - hours(2), "voices": 5, "state": State.OPEN},
            [("danger", None), ("overdue", 7200), ("voices", 5)],
        ),
        (
            {"due_at": NOON - hours(1), "reopened": 1, "escalated": 1, "level": ServiceLevel.RAISED},
            [("overdue", 3600), ("reopened", 1), ("escalated", 1)],
        ),
        # A long ladder does not hide for how long the promise has been broken.
        (
            {"escalated": 10, "due_at": NOON - hours(30)},
            [("overdue", 30 * 3600), ("escalated", 10)],
        ),
        # However late it is, that people are in danger is said first.
        (
            {"urgency": Urgency.DANGER, "due_at": NOON - hours(720)},
            [("danger", None), ("overdue", 720 * 3600)],
        ),
        # Waiting for long weighs more than a crowd of five.
        (
            {"state": State.OPEN, "waiting_since": NOON - hours(12), "voices": 5},
            [("untaken", 12 * 3600), ("voices", 5)],
        ),
        # An ended case asks for nothing, but a doubtful proof wants a supervisor's eye.
        ({"state": State.CLOSED, "due_at": NOON - hours(9), "voices": 5}, []),
        ({"state": State.CLOSED, "due_at": NOON - hours(9), "proof_failed": True}, [("proof_failed", None)]),
        ({"state": State.MERGED, "proof_failed": True, "urgency": Urgency.DANGER}, []),
    ],
)
def test_the_reasons_shown_are_the_weightiest_first(difference, expected):
    assert [(reason.code, reason.amount) for reason in why(**difference)] == expected


def test_reasons_of_equal_weight_always_stand_in_the_same_order():
    alike = why(urgency=Urgency.HIGH, reopened=1, escalated=2, voices=64)
    assert alike == (
        Reason(code="urgent"),
        Reason(code="reopened", amount=1.0),
        Reason(code="escalated", amount=2.0),
    )


@given(
    st.fixed_dictionaries(
        {
            "due_at": st.integers(-90_000, 90_000).map(lambda later: NOON + timedelta(minutes=later)),
            "waiting_since": st.integers(-90_000, 90_000).map(lambda later: NOON + timedelta(minutes=later)),
            "urgency": st.sampled_from(Urgency),
            "voices": st.integers(0, 10_000),
            "state": st.sampled_from(State),
            "reopened": st.integers(0, 10),
            "level": st.sampled_from(ServiceLevel),
            "escalated": st.integers(0, 50),
            "proof_failed": st.booleans(),
        }
    )
)
def test_no_reason_comes_twice_none_is_negative_and_danger_comes_first(case):
    given_reasons = why(**case)
    codes = [reason.code for reason in given_reasons]
    assert len(set(codes)) == len(codes) <= SHOWN
    assert all(reason.amount is None or reason.amount >= 0 for reason in given_reasons)
    if not case["state"].is_closed:
        assert ("danger" in codes[:1]) == (case["urgency"] == Urgency.DANGER)
        assert ("overdue" in codes) or case["due_at"] > NOON or len(codes) == SHOWN
