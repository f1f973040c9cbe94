"""Tables as other systems export them: read as they are, or refused with what to do."""

from __future__ import annotations

from datetime import datetime

import openpyxl
import pytest

from saat.links.tables.geojson import read_geojson
from saat.links.tables.mending import ERROR_COLUMN, errors_name, write_errors
from saat.links.tables.reading import FileRefused, read_table

TEXT = "id,name\r\n1,Café\r\n2,ផ្សារ\r\n"


def write(folder, name: str, data: bytes):
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ","), ("utf-16", ","), ("utf-8", "\t"), ("utf-8", ";")]
)
def test_a_csv_file_is_read_whatever_its_mark_and_delimiter(tmp_path, encoding, delimiter):
    table = read_table(write(tmp_path, "places.csv", TEXT.replace(",", delimiter).encode(encoding)))
    assert table.columns == ("id", "name")
    assert [row.text("name") for row in table.rows] == ["Café", "ផ្សារ"]
    assert [row.number for row in table.rows] == [2, 3]


def test_a_file_in_another_encoding_is_refused_with_the_line_and_what_it_may_be(tmp_path):
    path = write(tmp_path, "places.csv", "id,name\n1,Hall\n2,Café\n".encode("cp1252"))
    with pytest.raises(FileRefused, match=r"not utf-8: byte 0xE9 in line 3.*--encoding cp1252"):
        read_table(path)
    assert read_table(path, encoding="cp1252").rows[1].text("name") == "Café"


def test_a_utf_8_file_is_not_read_as_something_else(tmp_path):
    with pytest.raises(FileRefused, match="is UTF-8 and not cp1252"):
        read_table(write(tmp_path, "places.csv", TEXT.encode()), encoding="cp1252")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"id,name\n1\x00,x\n", "zero bytes"),
        ("a.csv", b"id,name\n1,x,y\n", "Row 2 has 3 cells, but there are 2 columns"),
        ("a.xlsx", b"id,name\n", "no XLSX workbook"),
        ("a.yaml", b"a: [1, 2", "is not YAML"),
        ("a.yaml", b"just words", "no list of entries"),
        ("a.pdf", b"%PDF", "no table that can be read"),
    ],
)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path, name, data, why):
    with pytest.raises(FileRefused, match=why):
        read_table(write(tmp_path, name, data))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileRefused, match="cannot be read"):
        read_table(tmp_path / "nothing.csv")


def test_a_cell_with_line_breaks_keeps_the_count_of_lines(tmp_path):
    table = read_table(write(tmp_path, "a.csv", b'id,words\n1,"two\nlines"\n2,one\n'))
    assert [(row.number, row.text("words")) for row in table.rows] == [(2, "two\nlines"), (4, "one")]


def test_columns_without_a_name_or_with_the_same_one_stay_apart(tmp_path):
    table = read_table(write(tmp_path, "a.csv", b",id,id\n7,8,9\n"))
    assert table.columns == ("column 1", "id", "id (3)")


def test_a_sheet_is_read_from_the_row_that_names_its_columns(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "12. Phnom Penh"
    for row in (("A list",), (), ("Code", "Opened"), (1201, datetime(2026, 3, 2, 10, 0)), (None, None)):  # noqa: DTZ001
        sheet.append(row)
    path = tmp_path / "list.xlsx"
    book.save(path)
    table = read_table(path, sheet="12. Phnom Penh", header_row=3)
    assert table.columns == ("Code", "Opened")
    assert [(row.number, row.text("Code")) for row in table.rows] == [(4, "1201")]
    with pytest.raises(FileRefused, match=r"has no sheet 'Sheet9'; it has '12\. Phnom Penh'"):
        read_table(path, sheet="Sheet9")


def test_a_yaml_mapping_of_codes_gives_one_row_each(tmp_path):
    text = "communes:\n  '120101':\n    name: {km: ទន្លេបាសាក់, latin: Tonle Basak}\n"
    table = read_table(write(tmp_path, "a.yml", text.encode()))
    assert table.rows[0].text("key") == "120101"
    assert table.rows[0].text("name.latin") == "Tonle Basak"


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("cp1252", ";"), ("utf-8", "\t")])
def test_refused_rows_go_back_in_the_files_own_format_and_can_be_fed_back(tmp_path, encoding, delimiter):
    text = ",id,name\r\nx,1,Café\r\ny,2,Hall\r\n".replace(",", delimiter)
    table = read_table(write(tmp_path, "cases.csv", text.encode(encoding)), encoding=encoding)
    path = tmp_path / errors_name(table)
    write_errors(table, [(table.rows[0], "It has no date.")], path)
    assert path.name == "cases.errors.csv"
    again = read_table(path, encoding=encoding)
    assert again.columns == (*table.columns, ERROR_COLUMN)
    assert [again.rows[0].text(column) for column in again.columns] == ["x", "1", "Café", "It has no date."]
    assert errors_name(again) == "cases.errors.csv"
    write_errors(again, [(again.rows[0], "Still none.")], path)
    assert read_table(path, encoding=encoding).columns == again.columns


def test_refused_rows_of_a_workbook_go_back_as_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(("id", "opened"))
    book.active.append((1, datetime(2026, 3, 2)))  # noqa: DTZ001
    book.save(tmp_path / "cases.xlsx")
    table = read_table(tmp_path / "cases.xlsx")
    path = tmp_path / errors_name(table)
    write_errors(table, [(table.rows[0], "No.")], path)
    again = read_table(path)
    assert again.rows[0].cells == {"id": 1, "opened": datetime(2026, 3, 2), ERROR_COLUMN: "No."}  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON: .* in line 1"),
        ('{"type": "GeometryCollection", "geometries": []}', "but a GeometryCollection; it has no names"),
        ("[1, 2]", "is no GeoJSON FeatureCollection"),
        (
            '{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:32648"}}, "features": []}',
            "not in degrees of WGS 84",
        ),
    ],
)
def test_what_is_no_geojson_is_refused_in_one_sentence(tmp_path, text, why):
    with pytest.raises(FileRefused, match=why):
        read_geojson(write(tmp_path, "areas.geojson", text.encode()))


def test_features_without_a_shape_or_properties_are_still_counted(tmp_path):
    text = '{"type": "FeatureCollection", "features": [{"properties": {"name": "A", "n": 3.0}}, null, {"geometry": 5}]}'
    first, *others = read_geojson(write(tmp_path, "a.geojson", text.encode()))
    assert (first.text("name"), first.text("n"), first.geometry) == ("A", "3", None)
    assert [(feature.number, feature.geometry) for feature in others] == [(2, None), (3, None)]
