"""Exports are files that other programs read unchanged, and in which no cell runs."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree

import pytest

from feedback_service import exports
from feedback_service.exports import CellValue, ExportColumn, ExportTable
from tests.support.payloads import PAYLOADS

FORMULAS = [
    f"{sign}{body}"
    for sign in ("=", "+", "-", "@", "\t=", " =", "＝", "\u3000=", "\u2003 =")
    for body in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","x")', "IMPORTXML(CONCAT(1),2)")
]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def table(rows: Iterable[Sequence[CellValue]]) -> ExportTable:
    return ExportTable("t", "Таблиця", [ExportColumn("name", "Назва"), ExportColumn("n", "Кількість")], rows)


def cells(book: bytes) -> list[list[tuple[str, str | None]]]:
    """Return type and text of every cell of the only sheet."""
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        sheet = ElementTree.fromstring(files.read("xl/worksheets/sheet1.xml"))
        strings = []
        if "xl/sharedStrings.xml" in files.namelist():
            strings = [
                "".join(part.text or "" for part in item.iter(f"{SHEET}t"))
                for item in ElementTree.fromstring(files.read("xl/sharedStrings.xml"))
            ]
    told = []
    for row in sheet.iter(f"{SHEET}row"):
        line: list[tuple[str, str | None]] = []
        for cell in row:
            kind = cell.get("t", "n")
            text = "".join(part.text or "" for part in cell.iter() if part.tag in (f"{SHEET}v", f"{SHEET}t"))
            line.append((kind, strings[int(text)] if kind == "s" else text))
        told.append(line)
    return told


def test_csv_opens_in_excel_with_its_letters_and_columns() -> None:
    written = b"".join(exports.write_csv(table([["Черга; довга", 12], ["Інше", None], ["Частка", -0.5]])))

    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows == [["Назва", "Кількість"], ["Черга; довга", "12"], ["Інше", ""], ["Частка", "-0,5"]]


def csv_cell(value: CellValue) -> str:
    """Return what stands in the cell of this value."""
    written = b"".join(exports.write_csv(table([[value, 1]]))).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(written, newline=""), delimiter=";"))[1][0]


def test_a_decimal_has_a_comma_in_csv_however_small_or_large() -> None:
    shown = [csv_cell(value) for value in (94.9, 27.8, 3.1, -0.5, 12.0, 1e-07, 1e16, 5)]

    assert shown == ["94,9", "27,8", "3,1", "-0,5", "12,0", "0,0000001", "10000000000000000", "5"]


@pytest.mark.parametrize(
    "text",
    ["00034", "12-05", "14-13", "2026-11", "2026-11-20", "20.11.2026", "1/2", "10/10", "1,5", "3.1", "1e5", "10:15",
     "лист. 2026", "листопад\u00a02026", "20 листопада 2026 р.", "Nov 2026", "12 May", "5 %", "(5)", "1 234",
     "0001", "123456789012", "2026-11-20T10:15:00", "5 кві 2026", "Sept 5"],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_make_a_number_or_a_date_of_stays_text(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("month", ["січ", "лют", "бер", "кві", "тра", "чер", "лип", "сер", "вер", "жов", "лис", "гру"])
def test_a_short_month_with_digits_is_a_date_to_ukrainian_spreadsheets(month: str) -> None:
    for between in "-./ ":
        for text in (f"{month}{between}26", f"5{between}{month}", f"5{between}{month.upper()}{between}2026"):
            assert csv_cell(text) == f"'{text}"
    assert csv_cell(month) == month


@pytest.mark.parametrize("text", ["TRUE", "false", "ІСТИНА", "Хибність", " TRUE "])
def test_a_truth_value_of_spreadsheets_stays_text(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["34", "9", "0", "00034 (паспорт)", "window-3", "2026-W47", "2026-Q4", "16.11.2026–22.11.2026", "травень",
     "Як 10 з 10", "TRUE або ні", "5 лис у лісі", "пн, 11:00–14:00", "", "Маю 5 зауважень"],
)  # fmt: skip
def test_a_text_that_no_spreadsheet_changes_has_no_apostrophe(text: str) -> None:
    assert csv_cell(text) == text


def test_xlsx_keeps_numbers_as_numbers_and_text_as_text() -> None:
    told = cells(b"".join(exports.write_xlsx(table([["00034", 12.5], ["Інше", None]]))))

    assert told[1] == [("inlineStr", "00034"), ("n", "12.5")]
    assert told[2] == [("inlineStr", "Інше")]


def test_json_names_each_value() -> None:
    told = json.loads(b"".join(exports.write_json(table([["Черга", 12], ["Інше", None]]))))

    assert told == {"title": "Таблиця", "rows": [{"name": "Черга", "n": 12}, {"name": "Інше", "n": None}]}
    assert json.loads(b"".join(exports.write_json(table([]))))["rows"] == []


@pytest.mark.parametrize("payload", [*PAYLOADS, *FORMULAS])
def test_no_payload_is_a_formula_or_link_in_any_file(payload: str) -> None:
    written = b"".join(exports.write_csv(table([[payload, 1]]))).decode("utf-8-sig")
    first = next(csv.reader(io.StringIO(written.split("\r\n", 1)[1], newline=""), delimiter=";"))[0]
    assert not re.match(r"\s*[=+\-@＝＋－＠\t\r\n]", first)
    assert first.endswith(payload)

    book = b"".join(exports.write_xlsx(table([[payload, 1]])))
    [kind, text] = cells(book)[1][0]
    assert kind in ("inlineStr", "s")
    assert text is not None and text.strip() == payload.strip()
    with zipfile.ZipFile(io.BytesIO(book)) as files:
        assert b"<f>" not in files.read("xl/worksheets/sheet1.xml")
        assert b"hyperlink" not in files.read("xl/worksheets/sheet1.xml")

    assert json.loads(b"".join(exports.write_json(table([[payload, 1]]))))["rows"] == [{"name": payload, "n": 1}]


@pytest.mark.parametrize("between", [",", ";", "\t", "\n", "|", ", "], ids=repr)
@pytest.mark.parametrize("sign", "=+-@＝")
def test_no_formula_hides_behind_what_another_program_takes_for_the_end_of_a_cell(between: str, sign: str) -> None:
    written = b"".join(exports.write_csv(table([[f"Дякую{between}{sign}1+1{between}", 1]]))).decode("utf-8-sig")

    cells = re.split(r"[,;\t\r\n|]", written.replace('"', ""))
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@＝＋－＠]", cell)]


def test_what_is_no_formula_stays_as_it_was_written() -> None:
    for text in ("Добре-погано, 2+2=4", "пишіть: a@rada.example; або так", "перше\nдруге"):
        assert exports.defuse_formulas(text) == text


def test_tables_are_written_as_their_rows_come() -> None:
    asked: list[int] = []

    def rows() -> Iterator[list[CellValue]]:
        for number in range(3):
            asked.append(number)
            yield ["рядок", number]

    pieces = exports.write_csv(table(rows()))
    next(pieces), next(pieces), next(pieces)
    assert asked == [0]
