"""The page that officials read says what the program does."""

from pathlib import Path

from saat.cases import order, proof
from saat.cases.moves import NEXT
from saat.cases.permission import ACTS, may
from saat.terms.case import Role, ServiceLevel, State, Urgency

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def table(name):
    """Return the rows of a table of the page as lists of cells, the heading first."""
    lines = PAGE.split(f"<!-- table: {name} -->\n", 1)[1].split("\n\n", 1)[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def words(name):
    return name.replace("_", " ")


def test_the_page_shows_every_move_that_the_program_allows_and_no_other():
    heading, *rows = table("moves")
    assert heading == ["from", *(f"to {words(new)}" for new in State)]
    assert rows == [[words(old), *("yes" if new in NEXT[old] else "–" for new in State)] for old in State]


def test_the_page_shows_what_every_role_may_do():
    heading, *rows = table("permission")
    assert heading == ["act", *(words(role) for role in Role)]
    assert {row[0] for row in rows} == {words(act) for act in ACTS}
    for row in rows:
        assert row[1:] == ["yes" if may([role], row[0].replace(" ", "_")) else "–" for role in Role], row[0]


def test_the_page_shows_the_hours_by_which_the_order_is_made():
    _, *rows = table("order")
    assert [float(hours) for _, hours in rows] == [
        *(order.URGENCY_H[urgency] for urgency in reversed(Urgency)),
        order.VOICE_DOUBLING_H,
        order.VOICES_CAP_H,
        order.REOPENED_H,
        order.REOPENED_CAP_H,
        order.PLACE_H[ServiceLevel.RAISED],
        order.PLACE_H[ServiceLevel.HIGHEST],
    ]


def test_the_page_names_the_limits_of_the_proof():
    assert f"Up to {proof.SAME_PHOTO_BITS} differing bits are the same picture" in PAGE
    assert proof.CLOCK_SLACK.total_seconds() == 300
    assert "wrong by five minutes" in PAGE
