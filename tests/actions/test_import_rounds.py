"""A whole plan comes in, each round once, however often its file does."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from datetime import time as datetime_time
from datetime import timedelta

import openpyxl
import pytest

from saat.actions.log import CLOCK, COMMAND, NotAllowed
from saat.actions.plan_questions import settle_question
from saat.actions.plans import save_plan
from saat.actions.rounds_import import import_rounds
from saat.actions.runs import plan_runs
from saat.config.commands import imports
from saat.config.commands.base import Refused
from saat.config.importing.rounds import rounds_from_file
from saat.records.models import ChainHead, City, Contractor, PlanQuestion, Round, RoundPlan, Site, Stop, Vehicle
from saat.records.plan_values import run_plans
from saat.records.queries_plans import draft_of
from saat.terms.planning import QuestionDraft, SiteDraft, VehicleDraft
from tests.actions.chain import assert_chain_is_whole
from tests.city import MONDAY_MORNING, POLICY, make_city
from tests.hall import make_hall
from tests.plans import MONDAY, a_round, a_stop, moved

pytestmark = pytest.mark.django_db

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def city():
    return make_city().city


def take(city, *rounds, **options):
    return import_rounds(city=city, source="file", rounds=rounds, now=MONDAY_MORNING, by=COMMAND, **options)


def newest(code: str = "PK-1") -> RoundPlan:
    return RoundPlan.objects.filter(round__code=code).latest("from_day")


def test_a_file_comes_in_once(city):
    first = take(city, a_round(), a_round(a_stop(1, source_id="x"), code="PK-2"))
    assert (first.created, first.changed, first.unchanged, first.stops_made) == (2, 0, 0, 4)
    again = take(city, a_round(), a_round(a_stop(1, source_id="x"), code="PK-2"))
    assert (again.created, again.changed, again.unchanged, again.stops) == (0, 0, 2, 4)
    assert (RoundPlan.objects.count(), Stop.objects.count()) == (2, 4)
    assert_chain_is_whole(city)


def test_a_newer_file_changes_what_differs_from_tomorrow_on(city):
    take(city, a_round())
    done = take(city, moved(a_round(), 1, planned_s=72_060.0))
    assert (done.changed, done.from_days, newest().from_day, newest().version) == (1, {TUESDAY}, TUESDAY, 2)


def test_what_people_changed_here_is_not_undone_by_a_file(city):
    hall = make_hall(make_city(jurisdiction_id="hall.kh"))
    take(hall.city, a_round())
    draft = draft_of(newest())
    save_plan(
        city_id=hall.city.pk, draft=moved(draft, 1, planned_s=72_060.0), from_day=TUESDAY, now=MONDAY_MORNING,
        by=hall.by("duty"), round_id=newest().round_id,
    )  # fmt: skip
    assert take(hall.city, a_round()).unchanged == 1
    newer = moved(a_round(), 2, planned_s=72_660.0)
    assert take(hall.city, newer).kept == ["PK-1"]
    assert newest().planned_stops.get(sequence=1).planned_s == 72_060.0
    assert take(hall.city, newer, replace_edited=True).changed == 1
    assert newest().planned_stops.get(sequence=1).planned_s == 72_000.0


def test_rows_that_cannot_be_are_left_out_and_the_rest_of_their_round_is_taken(city):
    wrong = moved(moved(a_round(), 2, lat=0.0, lon=0.0), 3, closes_s=1000.0)
    done = take(city, wrong)
    assert (done.created, done.stops, set(done.refused)) == (1, 1, {2, 3})
    assert done.refused[3] == "The window ends before it starts."
    again = take(city, wrong)
    assert (again.unchanged, set(again.refused)) == (1, {2, 3})


def test_a_round_that_cannot_be_driven_is_left_as_it_was(city):
    take(city, a_round())
    without_days = replace(a_round(), days=replace(a_round().days, weekdays=frozenset()))
    done = take(city, without_days)
    assert done.refused_rounds == {"PK-1": "The round has no days on which it runs."}
    assert RoundPlan.objects.count() == 1


def test_mended_rows_are_merged_into_their_round(city):
    take(city, moved(a_round(), 2, lat=0.0, lon=0.0))
    mended = a_round(replace(a_round().stops[1], row=1))
    done = take(city, mended, merge=True)
    assert (done.changed, done.stops) == (1, 3)
    assert [stop.stop.source_id for stop in newest().planned_stops.order_by("sequence")] == [
        "stop-1", "stop-2", "stop-3",
    ]  # fmt: skip


def test_a_row_that_claims_another_stops_place_is_refused_when_it_is_merged(city):
    take(city, a_round())
    done = take(city, a_round(a_stop(2, "20:10", source_id="other")), merge=True)
    assert done.refused == {2: "Another stop of the round has this place in the order already: 2."}
    assert newest().planned_stops.count() == 3


def test_what_a_file_does_not_say_of_a_round_stays(city):
    truck = Vehicle.objects.create(city=city, label="2A-1")
    take(city, replace(a_round(), contractor="North Clean", vehicle="2A-1"))
    take(city, moved(a_round(), 1, planned_s=72_060.0))
    assert Round.objects.get().contractor == Contractor.objects.get(name="North Clean")
    assert newest().vehicle == truck


def test_sites_and_vehicles_come_with_a_plan(city):
    sites = [SiteDraft(kind="depot", name="Depot", lat=11.55, lon=104.91, source_id="d")]
    drafts = replace(a_round(), vehicle="T1", depot="d")
    for _again in range(2):
        take(city, drafts, sites=sites, vehicles=[VehicleDraft(label="T1", capacity_kg=8000.0)])
    assert (newest().depot, Vehicle.objects.get().capacity_kg) == (Site.objects.get(), 8000.0)


def test_questions_are_asked_once_and_settled_once():
    hall = make_hall()
    question = QuestionDraft(row="7", why="free_text", text="Wednesdays only", round_code="PK-1", source_id="stop-2")
    assert take(hall.city, a_round(), questions=[question]).questions == 1
    assert take(hall.city, a_round(), questions=[question]).questions == 0
    row = PlanQuestion.objects.get()
    assert (row.round.code, row.stop.source_id) == ("PK-1", "stop-2")
    with pytest.raises(NotAllowed):
        settle_question(question_id=row.pk, answer="Yes", now=MONDAY_MORNING, by=hall.by("north"))
    settle_question(question_id=row.pk, answer="Asked the crew: so it is", now=MONDAY_MORNING, by=hall.by("duty"))
    assert take(hall.city, a_round(), questions=[question]).questions_known == 1
    assert PlanQuestion.objects.get().settled_by == hall.people["duty"]


def test_only_an_administrator_imports():
    hall = make_hall()
    with pytest.raises(NotAllowed):
        import_rounds(city=hall.city, source="f", rounds=[a_round()], now=MONDAY_MORNING, by=hall.by("duty"))


def test_a_dry_run_writes_nothing(city):
    done = take(city, replace(a_round(), contractor="New"), dry_run=True)
    assert (done.created, done.stops_made) == (1, 3)
    assert (Round.objects.count(), Contractor.objects.count()) == (0, 0)


def command(city, path, *options: str, var) -> int:
    parser = argparse.ArgumentParser()
    imports.options(parser)
    return rounds_from_file(parser.parse_args(["rounds", str(path), *options]), city, var=var)


def test_rows_of_a_table_go_round_through_their_file_of_errors(city, tmp_path, capsys):
    path = tmp_path / "plan.csv"
    path.write_text(
        "round,seq,stop,name:en,lat,lon,time,days\n"
        "R,1,a,Market,11.545,104.91,20:00,daily\n"
        "R,2,b,School,11.546,104.91,at night,daily\n"
        "R,3,c,Pagoda,0,0,20:20,daily\n"
    )
    assert command(city, path, var=tmp_path) == 1
    told = capsys.readouterr().out
    assert "3 rows read." in told
    assert "Rows that could not be taken: 2." in told
    errors = tmp_path / "imports" / "plan.errors.csv"
    text = errors.read_text()
    assert "at night" in text
    errors.write_text(text.replace("at night", "20:10").replace(",0,0,", ",11.547,104.91,"))
    assert command(city, errors, "--merge", var=tmp_path) == 0
    assert [stop.names["en"] for stop in Stop.objects.order_by("source_id")] == ["Market", "School", "Pagoda"]
    assert newest("R").planned_stops.count() == 3
    assert command(city, path, "--dry-run", var=tmp_path) == 1


def test_tainan_comes_in_whole_and_once(shared_data, tmp_path, capsys):
    text = POLICY.read_text(encoding="utf-8").replace("centre = [11.5564, 104.9282]", "centre = [23.0, 120.2]")
    city = City.objects.create(jurisdiction_id="tainan.tw", policy_text=text, created_at=MONDAY_MORNING)
    ChainHead.objects.create(city=city)
    folder = shared_data / "tainan-garbage"
    assert command(city, folder, "--kind", "tainan-garbage", var=tmp_path) == 1
    told = capsys.readouterr().out
    assert "16967 rows read." in told
    assert "382 new" in told
    assert "16957 on them" in told
    assert "42 free text" in told
    assert "Rows that could not be taken: 10." in told
    with (tmp_path / "imports" / "tainan-garbage.errors.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 10
    command(city, folder, var=tmp_path)
    assert "0 new, 0 changed; 382 unchanged" in capsys.readouterr().out
    assert Stop.objects.filter(city=city).count() == 16_957


def test_montevideo_comes_in_with_its_depots_dump_and_trucks(shared_data, tmp_path, capsys):
    text = POLICY.read_text(encoding="utf-8").replace("centre = [11.5564, 104.9282]", "centre = [-34.89, -56.18]")
    text = text.replace("Asia/Phnom_Penh", "America/Montevideo")
    city = City.objects.create(jurisdiction_id="montevideo.uy", policy_text=text, created_at=MONDAY_MORNING)
    ChainHead.objects.create(city=city)
    folder = shared_data / "montevideo-containers"
    with pytest.raises(Refused, match="say --days and --shift-starts"):
        command(city, folder, var=tmp_path)
    options = ("--days", "mon-sat", "--shift-starts", "06:00")
    assert command(city, folder, *options, var=tmp_path) == 0
    told = capsys.readouterr().out
    assert "2 new" in told
    assert "155 on them; 155 new" in told
    assert "17 rows: not in the plan in use" in told
    assert (Site.objects.count(), Vehicle.objects.count()) == (3, 3)
    day = newest("muni-b 0").from_day + timedelta(days=7)
    plan_runs(city.pk, days=7, first=day, now=MONDAY_MORNING, by=CLOCK)
    runs = [run for ahead in range(7) for run in run_plans(city.pk, day + timedelta(days=ahead))]
    assert len(runs) == 12
    first = next(run for run in runs if run.facts["code"] == "muni-b 0")
    assert (len(first.stops), len(first.sites), first.capacity_kg) == (83, 3, 23_040.0)
    assert first.stops[0].load_kg == 288.0
    assert command(city, folder, *options, var=tmp_path) == 0
    assert "0 new, 0 changed; 2 unchanged" in capsys.readouterr().out


def test_a_workbook_goes_round_through_its_file_of_errors_too(city, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["round", "stop", "lat", "lon", "time", "days", "served_by", "kind"])
    book.active.append(["R", "a", 11.545, 104.91, datetime_time(20, 0), "daily", None, "transfer"])
    book.active.append(["R", "b", 95, 104.91, "20:10", "daily", "a", None])
    path = tmp_path / "plan.xlsx"
    book.save(path)
    assert command(city, path, var=tmp_path) == 1
    errors = tmp_path / "imports" / "plan.errors.xlsx"
    mended = openpyxl.load_workbook(errors)
    assert "is no place in degrees" in mended.active.cell(2, 9).value
    mended.active.cell(2, 3).value = 11.546
    mended.active.append(["R", "c", 11.547, 104.91, "20:20", "daily", None, None, None])
    mended.save(errors)
    assert command(city, errors, "--merge", var=tmp_path) == 0
    lane = Stop.objects.get(source_id="b")
    assert (lane.lane, lane.served_by.source_id) == (True, "a")
    assert [stop.stop.source_id for stop in newest("R").planned_stops.order_by("sequence")] == ["a", "b", "c"]


def test_a_preset_reads_another_citys_table_by_its_name(city, tmp_path):
    path = tmp_path / "taipei.csv"
    path.write_text(
        "路線,車次,車號,地點,緯度,經度,抵達時間,離開時間\n東1,第1車,119-BQ,路口,11.546,104.91,1630,1638\n",
        encoding="utf-8",
    )
    assert command(city, path, "--mapping", "taipei-garbage", "--from", "2026-03-09", var=tmp_path) == 0
    plan = newest("東1-第1車")
    assert (plan.from_day.isoformat(), plan.vehicle.label) == ("2026-03-09", "119-BQ")
    assert Stop.objects.get().names == {"zh": "路口"}
