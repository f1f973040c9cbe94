"""The `saat` command as an operator at the machine uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from saat.config.command import parser
from saat.records.models import Area, AreaCode, Case, City, Event, Membership, User
from tests.city import POLICY, make_city

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db

COMMANDS = ("init", "serve", "demo", "import", "user", "backup", "restore", "simulate", "evaluate", "check")


@pytest.fixture
def phnom_penh(saat):
    assert saat("init")[0] == 0
    return City.objects.get()


def features(*parts: tuple[str, object]) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {"name": name}, "geometry": geometry} for name, geometry in parts
            ],
        }
    )


def square(west: float, south: float, size: float = 0.02) -> dict:
    ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize(
    "words",
    [
        (),
        *((name,) for name in COMMANDS),
        *(("import", what) for what in ("areas", "names", "places", "streets", "reports")),
    ],
)
def test_help_says_what_a_command_does_without_touching_anything(words, tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SAAT_")}
    code = "import sys; from saat.config.command import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--help"], cwd=tmp_path, env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: saat")
    assert list(tmp_path.iterdir()) == []


def test_every_command_is_listed_with_one_line():
    text = parser().format_help()
    assert all(f"\n    {name} " in text for name in COMMANDS)


def test_a_city_begins_with_one_command_and_the_same_again_changes_nothing(saat):
    code, said = saat("init")
    assert (code, "Made the city phnompenh.kh (Phnom Penh)" in said) == (0, True)
    assert len(City.objects.get().country_holidays) > 20
    events = Event.objects.count()
    assert "up to date" in saat("init")[1]
    assert Event.objects.count() == events


def test_an_edited_policy_is_taken_when_the_command_runs_again(saat, phnom_penh, tmp_path):
    edited = tmp_path / "city.toml"
    edited.write_text(POLICY.read_text(encoding="utf-8").replace("ack_min = 10", "ack_min = 5"), encoding="utf-8")
    assert "Would change" in saat("init", "--city", str(edited), "--dry-run")[1]
    assert City.objects.get().policy_terms().ack_min == 10
    assert "Changed the policy" in saat("init", "--city", str(edited))[1]
    assert City.objects.get().policy_terms().ack_min == 5


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("retention_days = 365", 'retention_days = "a year"', "retention_days"),
        ('country = "KH"', 'country = "Nowhere"', "No public holidays are known"),
        ("[name]", "[name", "not valid TOML"),
    ],
)
def test_a_policy_that_cannot_be_used_is_one_sentence_and_exit_code_two(saat, tmp_path, old, new, why):
    path = tmp_path / "city.toml"
    path.write_text(POLICY.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    for arguments in (("init", "--city", str(path)), ("check", "--policy", str(path))):
        code, said = saat(*arguments)
        assert (code, said.count("\n")) == (2, 1)
        assert why in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("init", "--city", "atlantis"), "no policy file atlantis"),
        (("user", "list", "--city", "atlantis.gr"), "There is no city 'atlantis.gr'"),
        (("user", "add", "sok", "--role", "khan_officer"), "needs its area"),
        (("user", "add", "sok", "--role", "khan_officer", "--area", "Atlantis"), "no area 'Atlantis'"),
        (("user", "add", "sok", "--role", "contractor", "--contractor", "Nobody"), "no contractor 'Nobody'"),
        (("user", "password", "nobody"), "no user 'nobody'"),
        (("import", "areas", "nothing.geojson", "--name", "en=name"), "nothing.geojson cannot be read"),
        (("import", "areas", "x.geojson", "--name", "name"), "--name wants LEFT=RIGHT"),
        (("import", "areas", "x.geojson", "--name", "en=n", "--code", "c"), "Codes need --code and --list"),
        (("import", "areas", "x.geojson", "--name", "en=n", "--bbox", "11,104,10,105"), "west before east"),
        (("import", "reports", "x.csv", "--mapping", "nothing.toml"), "nothing.toml cannot be read"),
        (("serve", "--port", "70000"), "A port is a number from 1 to 65535"),
        (("restore", "nothing.tar.gz"), "There is no file nothing.tar.gz"),
        (("check", "--noted", "12"), "--noted wants NUMBER:HASH"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence_and_exit_code_two(saat, phnom_penh, arguments, why):
    code, said = saat(*arguments)
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith("saat: ")
    assert why in said


def test_people_are_added_changed_listed_and_closed(saat):
    make_city()
    code, said = saat("user", "add", "sok", "--role", "sangkat_officer", "--area", "Chamkar Mon / Tonle Bassac",
                      "--name", "Sok Dara", "--email", "sok@example.org")  # fmt: skip
    assert code == 0
    password = said.split("Password: ")[1].strip()
    user = User.objects.get(username="sok")
    assert user.check_password(password)
    assert (user.first_name, user.last_name) == ("Sok", "Dara")
    assert saat("user", "role", "sok", "--add", "khan_officer", "--area", "Daun Penh")[0] == 0
    assert saat("user", "role", "sok", "--remove", "sangkat_officer")[0] == 0
    assert [row.role for row in Membership.objects.filter(user=user)] == ["khan_officer"]
    assert "Daun Penh" in saat("user", "list")[1]
    assert saat("user", "disable", "sok")[0] == 0
    assert not User.objects.get(username="sok").is_active
    assert saat("user", "enable", "sok")[0] == 0
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["user_added", "role_given", "role_given", "role_removed", "user_deactivated", "user_activated"]
    assert not Event.objects.filter(facts_json__contains="sok").exists()


def test_an_area_that_lies_in_two_others_must_be_named_with_the_one_above(saat, phnom_penh, tmp_path):
    lists = "code,en,parent\n1,North,\n2,South,\n11,Samraong,1\n21,Samraong,2\n"
    path = tmp_path / "list.csv"
    path.write_text(lists, encoding="utf-8")
    assert saat("import", "names", str(path), "--list", "mef", "--create", "--code", "code", "--code-digits", "1,2",
                "--name", "en=en")[0] == 0  # fmt: skip
    code, said = saat("user", "add", "sok", "--role", "sangkat_officer", "--area", "Samraong")
    assert (code, "several areas: North; South" in said) == (2, True)
    assert saat("user", "add", "sok", "--role", "sangkat_officer", "--area", "South / Samraong")[0] == 0
    assert saat("user", "add", "dara", "--role", "sangkat_officer", "--area", "mef:11")[0] == 0


def test_outlines_are_mended_or_refused_and_all_of_it_is_told(saat, phnom_penh, tmp_path):
    bow_tie = {"type": "Polygon", "coordinates": [[[104.9, 11.5], [104.92, 11.52], [104.92, 11.5], [104.9, 11.52],
                                                  [104.9, 11.5]]]}  # fmt: skip
    swapped = {"type": "Polygon", "coordinates": [[[11.5, 104.9], [11.52, 104.9], [11.52, 104.92], [11.5, 104.9]]]}
    empty = {"type": "GeometryCollection", "geometries": []}
    path = tmp_path / "khans.geojson"
    path.write_text(
        features(("Whole", square(104.94, 11.5)), ("Crossed", bow_tie), ("Swapped", swapped), ("Empty", empty),
                 ("Point", {"type": "Point", "coordinates": [104.9, 11.5]}), ("None", None)), encoding="utf-8"
    )  # fmt: skip
    unjoined = tmp_path / "unjoined.csv"
    code, said = saat("import", "areas", str(path), "--name", "en=name", "--unjoined", str(unjoined))
    assert code == 0
    assert "Mended 1 outlines" in said
    assert Area.objects.filter(level=1).count() == 2
    left = unjoined.read_text(encoding="utf-8-sig")
    assert all(name in left for name in ("Swapped", "Empty", "Point", "None"))
    assert "GeoJSON wants the longitude first" in left
    assert "The outline is empty" in left
    again = saat("import", "areas", str(path), "--name", "en=name", "--unjoined", str(unjoined))[1]
    assert "Changed 0 known areas" in again


CASES = "id,opened,kind,lat,lon\n1,2026-02-01T08:00,Heap,11.55,104.91\n2,2026-02-30T08:00,Heap,11.55,104.91\n"
MAPPING = """
source = "old"
[columns]
id = "id"
opened = "opened"
category = "kind"
lat = "lat"
lon = "lon"
[dates]
time_zone = "Asia/Phnom_Penh"
[categories]
Heap = "pile"
"""


def test_rows_that_cannot_be_taken_are_written_mended_and_fed_back(saat, phnom_penh, tmp_path):
    cases, mapping = tmp_path / "cases.csv", tmp_path / "old.mapping.toml"
    cases.write_text(CASES, encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    arguments = ("import", "reports", "--mapping", str(mapping), "--errors", str(tmp_path / "errors"))
    code, said = saat(*arguments, str(cases))
    assert code == 1, said
    assert "new        1" in said
    errors = tmp_path / "errors" / "cases.errors.csv"
    text = errors.read_text(encoding="utf-8")
    assert "opened is '2026-02-30T08:00', which is no moment" in text
    errors.write_text(text.replace("2026-02-30", "2026-02-28"), encoding="utf-8")
    code, said = saat(*arguments, str(errors))
    assert (code, Case.objects.count()) == (0, 2)
    code, said = saat(*arguments, str(cases), "--dry-run")
    assert "unchanged  1" in said


def test_the_wrong_encoding_is_said_with_the_line(saat, phnom_penh, tmp_path):
    cases, mapping = tmp_path / "cases.csv", tmp_path / "old.mapping.toml"
    cases.write_bytes(CASES.replace("Heap", "Tas d'ordures à côté").encode("cp1252"))
    mapping.write_text(MAPPING, encoding="utf-8")
    code, said = saat("import", "reports", str(cases), "--mapping", str(mapping))
    assert (code, "not utf-8: byte 0xE0 in line 2" in said) == (2, True)


def test_landmarks_of_a_table_come_in_and_what_is_wrong_is_said_by_row(saat, tmp_path):
    make_city()
    path = tmp_path / "places.csv"
    path.write_text(
        "no,km,kind,lat,lon\n1,ផ្សារ,ផ្សារ,11.55,104.91\n2,ពេទ្យ,hospital,11.551,104.911\n3,x,castle,11.55,104.91\n"
        "4,y,hospital,,\n",
        encoding="utf-8",
    )
    code, said = saat("import", "places", str(path), "--id", "no", "--name", "km=km", "--kind", "kind",
                      "--kind-values", "ផ្សារ=market", "--lat", "lat", "--lon", "lon")  # fmt: skip
    assert code == 0
    assert "Made: 2." in said
    assert "row 4: 'castle' is no kind of place" in said
    assert "row 5: It has no position" in said


def test_todays_khans_and_sangkats_join_in_three_lists_and_most_outlines_of_their_time(saat, phnom_penh, shared_data):
    """The figures that docs/areas.md gives."""
    steps = (
        ("names", "khm-gazetteer-mef/CambodiaDistrictList2025.csv", "--list", "mef", "--create", "--level", "1",
         "--code", "district_code", "--name", "km=district_kh", "--name", "en=district_en", "--where",
         "province_code=12"),
        ("names", "khm-gazetteer-mef/CambodiaCommuneList2025.csv", "--list", "mef", "--create", "--level", "2",
         "--code", "commune_code", "--parent-code", "district_code", "--name", "km=commune_kh", "--name",
         "en=commune_en", "--where", "province_code=12"),
        ("names", "khm-gazetteer-ncdd/2024.10.14.xlsx", "--list", "ncdd", "--sheet", "12. Phnom Penh",
         "--header-row", "3", "--code", "Code", "--code-digits", "4,6", "--name", "km=Name (Khmer)", "--name",
         "en=Name (Latin)"),
        ("names", "khm-gazetteer-pumi/districts.yml", "--list", "pumi", "--code", "key", "--code-digits", "4,6",
         "--code-prefix", "12", "--name", "km=name.km", "--name", "en=name.latin"),
        ("names", "khm-gazetteer-pumi/communes.yml", "--list", "pumi", "--code", "key", "--code-digits", "4,6",
         "--code-prefix", "12", "--name", "km=name.km", "--name", "en=name.latin"),
        ("areas", "khm-boundaries/cambodia-adm2-simplified.geojson", "--only-known", "--level", "1", "--name",
         "en=shapeName", "--bbox", "104.70,11.40,105.10,11.75"),
        ("areas", "khm-boundaries/cambodia-adm3-simplified.geojson", "--only-known", "--level", "2", "--name",
         "en=shapeName", "--bbox", "104.70,11.40,105.10,11.75"),
    )  # fmt: skip
    for what, file, *options in steps:
        code, said = saat("import", what, str(shared_data / file), *options)
        assert code == 0, said
    for code_list in ("mef", "ncdd", "pumi"):
        codes = AreaCode.objects.filter(code_list=code_list)
        assert (codes.filter(area__level=1).count(), codes.filter(area__level=2).count()) == (14, 105)
    outlined = Area.objects.exclude(wkb=b"")
    assert (outlined.filter(level=1).count(), outlined.filter(level=2).count()) == (12, 77)
    changvar = AreaCode.objects.get(code_list="ncdd", code="1210").area
    assert AreaCode.objects.get(code_list="mef", code="1211").area == changvar


def test_a_whole_installation_is_found_whole(saat, phnom_penh):
    code, said = saat("check")
    assert code == 0
    assert "log of phnompenh.kh: 1 events, unbroken; head 1:" in said
    head = said.split("head ")[1].split()[0]
    assert saat("check", "--noted", head)[0] == 0
    code, said = saat("check", "--noted", f"1:{'0' * 64}")
    assert (code, "BROKEN at event 1" in said) == (1, True)
