"""A contractor's score card: its figures, the lists that they lead to, who sees them, and what is taken along."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from saat.records.models import Run, StopRun
from saat.records.queries_score import Tally
from saat.terms.run import Outcome
from tests.doors.desk import signed_in, text_of
from tests.hall import Hall, make_hall
from tests.trucks import Trucks, make_trucks

SCORE, STOPS = "/desk/trucks/score", "/desk/trucks/stops"
SPAN = "from=2026-03-01&to=2026-03-31"
MONDAY_EVENING = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def trucks(hall) -> Trucks:
    """North on a Monday and a Tuesday, South on the Monday: thirty stops, all decided."""
    made = make_trucks(hall, begin=MONDAY_EVENING)
    made.followed("North", "ccclmmusnx", now=MONDAY_EVENING, run_state="done")
    made.followed("South", "cccccccccm", now=MONDAY_EVENING, run_state="done")
    tuesday = Trucks(hall=hall, begin=MONDAY_EVENING + timedelta(days=1))
    tuesday.plan_round("North again", contractor=hall.contractors["north"], area=hall.ground.sangkats["Wat Phnom"])
    tuesday.followed("North again", "cccccccccc", now=MONDAY_EVENING + timedelta(days=1), run_state="done")
    return made


def figures(hall: Hall, who: str = "duty", query: str = SPAN) -> dict[str, int]:
    """Return the figures of a score card by their names."""
    page = signed_in(hall, who).get(f"{SCORE}?{query}").content.decode()
    table = page.split('<section class="card"><h2>Stops</h2>')[1].split("</section>")[0]
    cells = re.findall(r'<th scope="row">([^<]+)</th><td class="num">(?:<a[^>]*>)?(\d+)', table)
    return {name: int(number) for name, number in cells}


def test_the_figures_count_the_outcomes_of_the_span(hall, trucks):
    assert figures(hall) == {
        "Served": 23, "of these late": 1, "Missed": 3, "Skipped, with the crew&#x27;s reason": 1,
        "Nothing was put out": 1, "Called off by the city": 1, "Unknown": 1, "All that were decided": 30,
    }  # fmt: skip
    north = f"{SPAN}&contractor={hall.contractors['north'].pk}"
    assert figures(hall, query=north)["All that were decided"] == 20
    assert figures(hall, query="from=2026-03-03&to=2026-03-03")["All that were decided"] == 10
    area = f"{SPAN}&area={hall.ground.sangkats['Wat Phnom'].pk}"
    assert figures(hall, query=area) == {
        "Served": 10, "of these late": 0, "Missed": 0, "Skipped, with the crew&#x27;s reason": 0, "Unknown": 0,
        "All that were decided": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "decided"),
    [("north", 20), ("south", 10), ("kandal", 10), ("daun penh", 20), ("bassac", 10), ("auditor", 30)],
)
def test_everybody_counts_only_what_is_theirs_to_see(hall, trucks, who, decided):
    assert figures(hall, who)["All that were decided"] == decided
    client = signed_in(hall, who)
    assert text_of(client.get(f"{STOPS}?{SPAN}")).count("S0") >= decided
    rows = b"".join(client.get(f"{STOPS}.csv?{SPAN}").streaming_content).decode().splitlines()
    assert len(rows) == decided + 1


def test_each_figure_leads_to_the_list_of_its_stops(hall, trucks):
    duty = signed_in(hall, "duty")
    page = duty.get(f"{SCORE}?{SPAN}").content.decode()
    links = re.findall(r'href="(/desk/trucks/stops\?[^"]+)"[^>]*>(\d+)<', page)
    assert len(links) > 15
    for link, number in links:
        listed = duty.get(link.replace("&amp;", "&")).content.decode()
        assert listed.count('<th scope="row"><a href="/desk/trucks/runs/') == int(number), link


def test_the_served_share_leaves_out_what_nobody_can_be_blamed_for_and_is_said_with_its_range(hall, trucks):
    told = text_of(signed_in(hall, "duty").get(f"{SCORE}?{SPAN}"))
    assert "85.2 %" in told, "23 of 27"
    assert "67.5 to 94.1 %" in told
    assert "fewer than 30 stops" in told


def test_a_share_of_nothing_is_not_said():
    tally = Tally()
    tally.add(Outcome.UNKNOWN, 4)
    assert (tally.decided, tally.judged, tally.served_share, tally.served_range) == (4, 0, None, None)


def test_the_interval_of_the_share_narrows_with_the_number_and_stays_within_bounds():
    few, many = Tally(), Tally()
    for tally, times in ((few, 1), (many, 100)):
        tally.add(Outcome.COLLECTED, 9 * times)
        tally.add(Outcome.MISSED, times)
    (low, high), (near, far) = few.served_range, many.served_range
    assert 0 <= low < near < 0.9 < far < high <= 1
    sure = Tally()
    sure.add(Outcome.COLLECTED, 5)
    assert sure.served_range[1] == 1.0
    assert sure.served_range[0] == pytest.approx(0.566, abs=0.001)  # Wilson's, of 5 in 5


def test_the_card_says_what_is_final_and_what_can_still_be_corrected(hall, trucks):
    duty = signed_in(hall, "duty")
    assert "3 of them can still be corrected (until 48 hours after their end)" in text_of(duty.get(f"{SCORE}?{SPAN}"))
    Run.objects.update(frozen_at=timezone.now())
    assert "all outcomes are final" in text_of(duty.get(f"{SCORE}?{SPAN}"))


def test_predictions_are_added_up_over_runs_by_how_far_ahead_they_were_made(hall, trucks):
    row = {"n": 20, "covered": 15, "error_s": 1200.0, "judged": 20, "brier": 2.0}
    Run.objects.filter(round__name="North").update(scores={"1800": row, "odd": "not ours"})
    Run.objects.filter(round__name="South").update(scores={"1800": {**row, "covered": 17}})
    told = text_of(signed_in(hall, "duty").get(f"{SCORE}?{SPAN}"))
    assert "30 min 40 80 % 1.0 min 0.100" in told


def test_the_card_and_its_lists_come_as_csv_without_formulas(hall, trucks):
    StopRun.objects.filter(outcome="missed").update(reason="")
    Run.objects.filter(round__name="North").first().round.__class__.objects.filter(name="North").update(name="=SUM(A1)")
    duty = signed_in(hall, "duty")
    response = duty.get(f"{SCORE}.csv?{SPAN}")
    assert response["Content-Disposition"] == 'attachment; filename="saat-score-2026-03-01-2026-03-31.csv"'
    rows = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Round,From,To,Decided,Served")
    assert any(row.startswith("'=SUM(A1),2026-03-01,2026-03-31,10,4,1") for row in rows)
    listed = b"".join(duty.get(f"{STOPS}.csv?{SPAN}&figure=missed").streaming_content).decode("utf-8-sig").splitlines()
    assert len(listed) == 4
    assert listed[0].startswith("Day,Contractor,Round,Stop,Planned")


def test_weekday_and_round_narrow_a_list(hall, trucks):
    duty = signed_in(hall, "duty")
    assert text_of(duty.get(f"{STOPS}?{SPAN}&weekday=1")).count("North again") == 10
    assert "There is no such stop" in text_of(duty.get(f"{STOPS}?{SPAN}&weekday=6"))
    missed = duty.get(f"{STOPS}?{SPAN}&figure=missed&round={trucks.runs['South'].round_id}")
    assert text_of(missed).count("South Waste") == 1


def test_an_odd_address_is_answered_with_sentences(hall, trucks):
    told = text_of(
        signed_in(hall, "duty").get(f"{SCORE}?from=2026-04-01&to=2026-03-01&contractor=x&weekday=9&figure=y")
    )
    for words in ("A span is from one day to a later one", "contractor “x”", "weekday “9”", "figure “y”"):
        assert words in told


def test_an_empty_card_says_what_to_do(hall):
    told = text_of(signed_in(hall, "duty").get(SCORE))
    assert "Nothing is decided in this span" in told
    assert "A silent tracker never makes a stop missed." in told


def test_a_card_costs_few_queries_however_long_the_span_is(hall, trucks, django_assert_max_num_queries):
    duty = signed_in(hall, "duty")
    duty.get(f"{SCORE}?{SPAN}")
    with django_assert_max_num_queries(15):
        duty.get(f"{SCORE}?{SPAN}")
