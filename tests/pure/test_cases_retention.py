"""How long a city remembers who reported."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from saat.cases.retention import anonymise_before
from saat.terms.policy import example_policy


@pytest.mark.parametrize(
    ("days", "before"),
    [(365, datetime(2025, 3, 2, 2, tzinfo=UTC)), (1, datetime(2026, 3, 1, 2, tzinfo=UTC))],
)
def test_reporters_of_cases_closed_before_this_moment_are_forgotten(days, before):
    policy = replace(example_policy(), retention_days=days)
    assert anonymise_before(policy=policy, now=datetime(2026, 3, 2, 2, tzinfo=UTC)) == before
