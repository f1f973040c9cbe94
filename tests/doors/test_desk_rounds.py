"""Rounds on the desk: the list, the editor that shows what it changes before it saves, and questions to settle."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from saat.actions.log import COMMAND
from saat.actions.rounds_import import import_rounds
from saat.records.models import Contractor, PlanQuestion, Round, RoundPlan, Stop, Vehicle
from saat.records.queries_plans import draft_of
from saat.terms.plan import StopKind
from saat.terms.planning import QuestionDraft
from saat.web.desk.rounds_form import columns_for, lines_of
from tests.doors.desk import signed_in
from tests.hall import make_hall
from tests.plans import a_round, a_stop, save

pytestmark = pytest.mark.django_db

LANGUAGES = ("km", "en")


def day(ahead: int) -> str:
    return (timezone.now().astimezone(ZoneInfo("Asia/Phnom_Penh")).date() + timedelta(days=ahead)).isoformat()


@pytest.fixture
def hall():
    return make_hall()


@pytest.fixture
def round_(hall):
    """A round that has been driven for a month."""
    month_ago = timezone.now() - timedelta(days=30)
    save(hall.city, from_day=month_ago.date(), now=month_ago, contractor_id=hall.contractors["north"].pk)
    return Round.objects.get()


def plan() -> RoundPlan:
    return RoundPlan.objects.latest("version")


def form(round_=None, **changes):
    """Return what the page's form sends, with some fields changed; do: check if nothing else is said."""
    fields = {
        "name": "Kandal in the evening", "contractor": "", "vehicle": "", "depot": "", "disposal_site": "",
        "weekday": [str(n) for n in range(7)], "holidays": "collect", "every_weeks": "1", "order_strict": "on",
        "starts": "20:00", "ends": "20:20:30", "from_day": day(1), "do": "check",
    }  # fmt: skip
    if round_ is not None:
        fields["contractor"] = str(round_.contractor_id or "")
        fields["stops"] = lines_of(draft_of(plan()), languages=LANGUAGES)
    return fields | changes


def text_of(answer) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode())))


def edited(lines: str, row: int, column: str, value: str) -> str:
    rows = [line.split("\t") for line in lines.splitlines()]
    rows[row][rows[0].index(column)] = value
    return "\n".join("\t".join(cells) for cells in rows)


def test_the_list_tells_days_stops_and_version_of_each_round(hall, round_):
    text = text_of(signed_in(hall, "duty").get("/desk/rounds/"))
    assert "PK-1" in text
    assert "North Clean" in text
    assert "every day; also on public holidays" in text
    assert "20:00–20:20 3 1, from" in text


def test_a_change_is_shown_before_it_is_saved_and_holds_from_its_day(hall, round_):
    browser = signed_in(hall, "duty")
    page = f"/desk/rounds/{round_.pk}/"
    sent = form(round_)
    sent["stops"] = edited(edited(sent["stops"], 2, "time", "20:12"), 3, "lat", "11.548900")
    checked = browser.post(page, sent)
    text = text_of(checked)
    assert checked.status_code == 200
    assert "Corner 2: 20:10 (20:05–20:25) → 20:12 (20:05–20:25)." in text
    assert "Corner 3: moved by 100 m." in text
    assert "Save this version" in text
    assert RoundPlan.objects.count() == 1
    saved = browser.post(page, sent | {"do": "save"}, follow=True)
    assert f"Version 2 is saved and holds from {day(1)} on." in text_of(saved)
    assert plan().planned_stops.get(sequence=2).planned_s == 72_720.0
    assert RoundPlan.objects.get(version=1).planned_stops.get(sequence=2).planned_s == 72_600.0
    assert plan().made_by == hall.people["duty"]


def test_a_plan_that_is_sent_as_it_was_shown_changes_nothing(hall, round_):
    browser = signed_in(hall, "duty")
    page = f"/desk/rounds/{round_.pk}/"
    shown = browser.get(page).content.decode()
    lines = unescape(re.search(r'<textarea id="stops"[^>]*>(.*?)</textarea>', shown, re.DOTALL)[1])
    answer = browser.post(page, form(round_, stops=lines))
    assert "Nothing: it is the same as now." in text_of(answer)
    saved = browser.post(page, form(round_, stops=lines, do="save"), follow=True)
    assert "Nothing was changed." in text_of(saved)
    assert RoundPlan.objects.count() == 1


def test_stops_are_reordered_taken_off_and_added_by_their_lines(hall, round_):
    browser = signed_in(hall, "duty")
    head, first, second, third = form(round_)["stops"].splitlines()
    columns = columns_for(LANGUAGES)
    new = dict.fromkeys(columns, "") | {"name:en": "New corner", "lat": "11.549", "lon": "104.91", "time": "20:30",
                                        "refuse": "all", "recycling": "wed"}  # fmt: skip
    lines = "\n".join([head, third, first, "\t".join(new[column] for column in columns)])
    sent = form(round_, stops=lines, order_strict="")
    text = text_of(browser.post(f"/desk/rounds/{round_.pk}/", sent))
    assert "Corner 1: place 1 becomes 2." in text
    assert "New corner is new." in text
    assert "Corner 2 is not on the round any more." in text
    assert "Order: as planned → the crew chooses" in text
    browser.post(f"/desk/rounds/{round_.pk}/", sent | {"do": "save"})
    stops = [planned.stop.names["en"] for planned in plan().planned_stops.order_by("sequence")]
    assert stops == ["Corner 3", "Corner 1", "New corner"]
    assert plan().planned_stops.get(sequence=3).streams == {"refuse": None, "recycling": [2]}
    assert second


def test_what_is_impossible_is_said_and_not_saved(hall, round_):
    sent = form(round_, do="save", weekday=[])
    sent["stops"] = edited(edited(sent["stops"], 1, "closes", "19:00"), 3, "time", "20:05")
    answer = signed_in(hall, "duty").post(f"/desk/rounds/{round_.pk}/", sent)
    text = text_of(answer)
    assert answer.status_code == 422
    for sentence in (
        "The round has no days on which it runs.",
        "Row 1: The window ends before it starts.",
        "Row 3: The planned time is earlier than that of the stop before, row 2.",
    ):
        assert sentence in text
    assert RoundPlan.objects.count() == 1


def test_what_cannot_be_read_is_said_with_its_row_and_kept_as_typed(hall, round_):
    sent = form(round_, added="soon", every_weeks="often")
    sent["stops"] = edited(sent["stops"], 2, "time", "after lunch")
    answer = signed_in(hall, "duty").post(f"/desk/rounds/{round_.pk}/", sent)
    text = text_of(answer)
    assert answer.status_code == 422
    assert "Row 2: time: A time must be HH:MM, got 'after lunch'." in text
    assert "a date must be written as 2026-11-09, got 'soon'" in text
    assert "after lunch" in answer.content.decode()


def test_what_is_unlikely_is_saved_only_when_somebody_says_that_it_is_meant(hall, round_):
    browser, page = signed_in(hall, "duty"), f"/desk/rounds/{round_.pk}/"
    sent = form(round_)
    sent["stops"] = edited(sent["stops"], 3, "lon", "104.895000")
    assert "m outside the city" in text_of(browser.post(page, sent))
    refused = browser.post(page, sent | {"do": "save"})
    assert refused.status_code == 422
    assert "This is unlikely. Is it meant?" in text_of(refused)
    browser.post(page, sent | {"do": "save", "accept": "on"})
    assert plan().version == 2


def test_a_new_round_is_drawn(hall):
    browser = signed_in(hall, "duty")
    truck = Vehicle.objects.create(city=hall.city, label="2A-1")
    assert browser.get("/desk/rounds/new").status_code == 200
    columns = "\t".join(("lat", "lon", "time", "name:en", "kind", "line", "refuse"))
    lines = f"{columns}\n\t\t20:00\tStreet 13\tkerb\t11.545 104.91; 11.549 104.91\tall\n"
    sent = form(code="PK-9", stops=lines, vehicle=str(truck.pk), starts="", ends="", do="save")
    browser.post("/desk/rounds/new", sent)
    stop = Stop.objects.get()
    assert (stop.kind, stop.lat, stop.line) == (StopKind.KERB, 11.547, [[11.545, 104.91], [11.549, 104.91]])
    assert plan().vehicle == truck
    again = browser.post("/desk/rounds/new", sent)
    assert (again.status_code, Round.objects.count()) == (422, 1)
    assert "There is a round PK-9 already." in text_of(again)


@pytest.mark.parametrize(
    ("who", "sees", "edits"),
    [
        ("duty", True, True), ("admin", True, True), ("daun penh", True, True), ("kandal", True, False),
        ("bassac", False, False), ("north", True, False), ("south", False, False), ("director", True, False),
        ("auditor", True, False),
    ],
)  # fmt: skip
def test_who_sees_a_round_and_who_plans_it(hall, round_, who, sees, edits):
    browser, page = signed_in(hall, who), f"/desk/rounds/{round_.pk}/"
    assert ("PK-1" in browser.get("/desk/rounds/").content.decode()) == sees
    shown = browser.get(page)
    assert shown.status_code == (200 if sees else 404)
    assert ("Check and compare" in shown.content.decode()) == edits
    sent = form(round_, do="save", name="Another name")
    assert browser.post(page, sent).status_code == (302 if edits else 403 if sees else 404)
    assert browser.post(f"{page}retire").status_code == (302 if edits else 403 if sees else 404)
    assert browser.get("/desk/rounds/new").status_code == (200 if edits else 403)


def test_nobody_gives_a_round_what_another_city_has(hall, round_):
    from tests.city import make_city

    other = make_city(jurisdiction_id="elsewhere.kh").city
    theirs = Contractor.objects.create(city=other, name="Theirs")
    answer = signed_in(hall, "duty").post(f"/desk/rounds/{round_.pk}/", form(round_, contractor=str(theirs.pk)))
    assert answer.status_code == 422
    assert "This is not one of the city's" in text_of(answer)


def test_a_round_goes_out_of_use_and_back(hall, round_):
    browser = signed_in(hall, "duty")
    browser.post(f"/desk/rounds/{round_.pk}/retire", {"active": "no"})
    assert "out of use" in browser.get("/desk/rounds/").content.decode()
    browser.post(f"/desk/rounds/{round_.pk}/retire", {"active": "yes"})
    assert Round.objects.get().active


@pytest.fixture
def question(hall):
    ask = QuestionDraft(
        row="R 7", why="free_text", text="<b>Wednesdays only</b>", round_code="PK-1", source_id="stop-2"
    )
    import_rounds(
        city=hall.city, source="test", rounds=[a_round(a_stop(1), a_stop(2, "20:10"))], questions=[ask],
        now=timezone.now(), by=COMMAND,
    )  # fmt: skip
    return PlanQuestion.objects.get()


def test_a_question_of_an_import_is_settled_by_a_person(hall, question):
    browser = signed_in(hall, "daun penh")
    page = browser.get("/desk/rounds/questions/")
    assert "Wednesdays only" in page.content.decode()
    assert b"<b>Wed" not in page.content
    empty = browser.post(f"/desk/rounds/questions/{question.pk}", {"answer": " "})
    assert empty.status_code == 422
    assert "Please say in a few words what is right." in text_of(empty)
    done = browser.post(f"/desk/rounds/questions/{question.pk}", {"answer": "The crew says so, too"}, follow=True)
    assert "Nothing waits to be settled." in text_of(done)
    assert PlanQuestion.objects.get().settled_by == hall.people["daun penh"]
    assert browser.post(f"/desk/rounds/questions/{question.pk}", {"answer": "Again"}).status_code == 404


@pytest.mark.parametrize(("who", "status"), [("bassac", 404), ("south", 404), ("kandal", 403), ("director", 403)])
def test_a_question_is_not_settled_by_who_does_not_plan_the_round(hall, question, who, status):
    assert signed_in(hall, who).post(f"/desk/rounds/questions/{question.pk}", {"answer": "x"}).status_code == status
    assert PlanQuestion.objects.get().settled_at is None
