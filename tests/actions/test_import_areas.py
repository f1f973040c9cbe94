"""Areas and official names come in: joined by code and list or by name within the area above, and never guessed."""

from __future__ import annotations

import pytest
import shapely

from saat.actions.areas import AreaEntry, import_areas
from saat.actions.cities import change_policy, open_city
from saat.actions.citymap import city_map
from saat.actions.log import COMMAND, Actor, NotAllowed
from saat.records.models import Area, AreaCode, AreaName, City, Event
from saat.terms.case import Role
from saat.terms.geo import Point
from saat.terms.policy import PolicyError
from tests.actions.chain import assert_chain_is_whole
from tests.city import MONDAY_MORNING, POLICY, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return open_city(
        policy_text=POLICY.read_text(encoding="utf-8"), country_holidays=[], now=MONDAY_MORNING, by=COMMAND
    )


def khan(row: int, name: str, *, code: str = "", km: str = "", box=None) -> AreaEntry:
    names = {"en": name} | ({"km": km} if km else {})
    wkb = shapely.to_wkb(shapely.box(*box)) if box else b""
    return AreaEntry(row=row, level=1, kind="khan", names=names, code=code, wkb=wkb)


def sangkat(row: int, name: str, *, code: str = "", parent_code: str = "", parent: str = "", box=None) -> AreaEntry:
    wkb = shapely.to_wkb(shapely.box(*box)) if box else b""
    return AreaEntry(
        row=row, level=2, kind="sangkat", names={"en": name}, code=code, parent_code=parent_code,
        parent_names=(parent,) if parent else (), wkb=wkb,
    )  # fmt: skip


def take(city: City, *entries: AreaEntry, **options):
    return import_areas(city=city, entries=entries, now=MONDAY_MORNING, by=COMMAND, **options)


WEST, EAST = (104.90, 11.50, 104.92, 11.60), (104.92, 11.50, 104.94, 11.60)


def test_a_new_city_has_its_log_its_whole_area_and_its_holidays(city):
    root = Area.objects.get(city=city)
    assert (root.level, root.path) == (0, f"/{root.pk}/")
    assert set(root.names.values_list("language", "text")) == {("km", "រាជធានីភ្នំពេញ"), ("en", "Phnom Penh")}
    assert Event.objects.get(city=city).kind == "city_opened"
    assert_chain_is_whole(city)


def test_a_city_is_opened_once(city):
    with pytest.raises(PolicyError, match="There is a city"):
        open_city(policy_text=city.policy_text, country_holidays=[], now=MONDAY_MORNING, by=COMMAND)


def test_a_changed_policy_is_used_at_once_and_the_same_changes_nothing(city):
    text = city.policy_text.replace("retention_days = 365", "retention_days = 90")
    assert change_policy(city=city, policy_text=text, country_holidays=[], now=MONDAY_MORNING, by=COMMAND)
    assert City.objects.get(pk=city.pk).policy_terms().retention_days == 90
    assert not change_policy(city=city, policy_text=text, country_holidays=[], now=MONDAY_MORNING, by=COMMAND)
    assert [event.kind for event in Event.objects.filter(city=city)] == ["city_opened", "policy_changed"]


def test_areas_of_two_levels_come_in_and_a_place_finds_the_deepest(city):
    report = take(
        city, khan(1, "Daun Penh", box=WEST), khan(2, "Chamkar Mon", box=EAST),
        sangkat(3, "Tonle Basak", box=(104.925, 11.51, 104.935, 11.55)),
    )  # fmt: skip
    assert dict(report.created) == {1: 2, 2: 1}
    ground = city_map(city)
    deepest = ground.index.area_of(Point(lat=11.52, lon=104.93))
    assert ground.names[deepest]["en"] == "Tonle Basak"
    assert [ground.levels[int(pk)] for pk in ground.paths[deepest].strip("/").split("/")] == [0, 1, 2]
    assert_chain_is_whole(city)


def test_the_same_file_again_changes_nothing(city):
    entries = (khan(1, "Daun Penh", code="1202", box=WEST), sangkat(2, "Voat Phnum", code="120211", parent_code="1202"))
    take(city, *entries, code_list="mef")
    version, events = city.areas_version, Event.objects.count()
    again = take(city, *entries, code_list="mef")
    assert (sum(again.created.values()), again.changed, sum(again.joined.values())) == (0, 0, 2)
    assert (City.objects.get(pk=city.pk).areas_version, Event.objects.count()) == (version, events)


def test_one_code_in_two_lists_is_two_areas(city):
    ampov, changvar = "ច្បារអំពៅ", "ជ្រោយចង្វារ"
    take(
        city,
        khan(1, "Chbar Ampov", code="1210", km=ampov),
        khan(2, "Chraoy Chongvar", code="1211", km=changvar),
        code_list="mef",
    )
    report = take(
        city,
        khan(1, "Chrouy Changvar", code="1210", km=changvar),
        khan(2, "Chbar Ampov", code="1212", km=ampov),
        code_list="ncdd",
        create=False,
    )
    assert not report.unjoined
    found = {
        (code_list, code): AreaName.objects.get(area_id=area_id, language="km").text
        for code_list, code, area_id in AreaCode.objects.values_list("code_list", "code", "area_id")
    }
    assert found[("mef", "1210")] == found[("ncdd", "1212")] == ampov
    assert found[("ncdd", "1210")] == found[("mef", "1211")] == changvar


def test_another_lists_spelling_is_kept_beside_the_name_and_joins_later_files(city):
    take(city, khan(1, "Saen Sokh", code="1208", km="សែនសុខ"), code_list="mef")
    take(city, khan(1, "Sen Sok", code="1208", km="សែនសុខ"), code_list="pumi")
    names = dict(AreaName.objects.filter(area__level=1).values_list("language", "text"))
    assert names == {"en": "Saen Sokh", "km": "សែនសុខ", "en-x-pumi": "Sen Sok"}
    report = take(city, khan(1, "Khan Sen Sok", box=WEST), create=False)
    assert report.joined[1] == 1


def test_a_name_that_lies_in_another_area_above_is_reported_with_where_it_lies(city):
    take(city, khan(1, "Chamkar Mon"), khan(2, "Boeng Keng Kang"), sangkat(3, "Olympic", parent="Boeng Keng Kang"))
    report = take(city, sangkat(7, "Olympic", parent="Chamkar Mon"), create=False)
    (left,) = report.unjoined
    assert (left.row, left.could_be) == (7, ("Boeng Keng Kang / Olympic",))
    assert Area.objects.filter(level=2).count() == 1


def test_two_new_entries_of_one_name_in_one_area_are_both_reported(city):
    report = take(city, khan(1, "Samraong"), khan(2, "Khan Samraong"))
    assert [left.row for left in report.unjoined] == [1, 2]
    assert not Area.objects.filter(level=1).exists()


def test_a_second_entry_for_one_area_is_reported(city):
    take(city, khan(1, "Daun Penh"))
    report = take(city, khan(1, "Daun Penh", box=WEST), khan(2, "Khan Daun Penh", box=EAST))
    assert [(left.row, "Row 1" in left.why) for left in report.unjoined] == [(2, True)]


def test_a_code_that_its_list_gives_to_another_name_is_reported(city):
    take(city, khan(1, "Daun Penh", code="1202"), khan(2, "Chamkar Mon", code="1201"), code_list="mef")
    report = take(city, khan(5, "Tuol Kouk", code="1202"), code_list="mef")
    assert [(left.row, left.could_be) for left in report.unjoined] == [(5, ("Daun Penh",))]


def test_two_new_entries_with_one_code_are_both_reported(city):
    report = take(city, khan(1, "Daun Penh", code="1202"), khan(2, "Chamkar Mon", code="1202"), code_list="mef")
    assert [left.row for left in report.unjoined] == [1, 2]


def test_an_entry_whose_area_above_is_unknown_is_reported(city):
    report = take(
        city, sangkat(1, "Tonle Basak", parent="Chamkar Mon"), sangkat(2, "Olympic", code="9", parent_code="99"),
        sangkat(3, "Kakab"), sangkat(4, "Snaor", box=EAST), code_list="mef",
    )  # fmt: skip
    assert [left.row for left in report.unjoined] == [1, 2, 3, 4]


def test_a_trial_run_says_the_same_and_writes_nothing(city):
    entries = (khan(1, "Daun Penh", code="1202", box=WEST), sangkat(2, "Voat Phnum", code="120211", parent_code="1202"))
    trial = take(city, *entries, code_list="mef", dry_run=True)
    assert (Area.objects.count(), AreaCode.objects.count(), Event.objects.count()) == (1, 0, 1)
    real = take(city, *entries, code_list="mef")
    assert (trial.created, trial.changed, trial.unjoined) == (real.created, real.changed, real.unjoined)


def test_an_officer_cannot_import_areas(city):
    officer = Actor.of(make_user(city, Role.CITY_DUTY))
    with pytest.raises(NotAllowed):
        import_areas(city=city, entries=[khan(1, "Daun Penh")], now=MONDAY_MORNING, by=officer)
