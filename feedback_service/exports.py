"""Tables as CSV, XLSX and JSON, written row by row; text in them stays text.

A spreadsheet runs a cell that begins like a formula when a person opens the file (CWE-1236). In CSV such a text gets
an apostrophe before it, as OWASP advises. It also gets one inside the text, after each character that a spreadsheet
may take for the end of a cell. A text that a spreadsheet would change into a number, a date or a truth value
(``00034``, ``2026-11``, ``5-лис``, ``TRUE``) gets an apostrophe too. XLSX marks texts as texts, so it needs none.
"""

import csv as csv_writer
import io
import json as json_writer
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import chain

from babel import Locale

CellValue = str | int | float | None

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_FORMULA_AFTER_SEPARATOR = re.compile(r"([,;|\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
# A number looks the same after a spreadsheet has read it, unless it has a leading zero or more than eleven digits.
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,10}")
_TRUTH_VALUES = frozenset({"true", "false", "істина", "хибність"})
# Short months that Ukrainian spreadsheets read, beside those that Babel lists, and an English one.
_SHORT_MONTHS = frozenset(["січ", "лют", "бер", "кві", "тра", "чер", "лип", "сер", "вер", "жов", "лис", "гру", "sept"])
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS_OF_NUMBERS_AND_DATES = re.compile(r"(?=\D*\d)[\d\s.,:/\\\-−+%()'’₴$€£]*")
_CHUNK_BYTES = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column: its name for programs and its title for people."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table: rows in the order of the columns; ``None`` is an empty cell."""

    name: str
    title: str
    columns: Sequence[ExportColumn]
    rows: Iterable[Sequence[CellValue]]


def defuse_formulas(text: str) -> str:
    """Return the text with apostrophes, so that no spreadsheet runs a part of it as a formula."""
    stripped = text.lstrip()
    leading_space = text[: len(text) - len(stripped)]
    escaped = leading_space + _FORMULA_AFTER_SEPARATOR.sub(r"\1'", stripped)
    is_formula = stripped.startswith(_FORMULA_STARTS) or text.lstrip(" \u00a0").startswith(_FORMULA_STARTS)
    return f"'{escaped}" if is_formula else escaped


def is_changed_by_spreadsheets(text: str) -> bool:
    """Tell whether a spreadsheet may show this text as another value: ``00034``, ``лист. 2026``, ``TRUE``."""
    if text.strip().casefold() in _TRUTH_VALUES:
        return True
    if _PLAIN_NUMBER.fullmatch(text):
        return False
    words = _WORD.findall(text.casefold())
    has_only_signs = _SIGNS_OF_NUMBERS_AND_DATES.fullmatch(_WORD.sub("", text))
    return has_only_signs is not None and _words_of_numbers_and_dates().issuperset(words)


@cache
def _words_of_numbers_and_dates() -> frozenset[str]:
    """Return the names of months and weekdays in both languages, and the letters of exponents, times and years."""
    words = {"e", "t", "z", "am", "pm", "дп", "пп", "р", "рік", "року", "г", "год"}
    words |= _SHORT_MONTHS
    for language in ("uk", "en"):
        locale = Locale.parse(language)
        for names_by_use in (locale.months, locale.days):
            for names_by_width in names_by_use.values():
                for width in ("abbreviated", "wide"):
                    words.update(
                        word for name in names_by_width[width].values() for word in _WORD.findall(name.lower())
                    )
    return frozenset(words)


def _csv_cell(value: CellValue) -> CellValue:
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}".replace(".", ",")
    if not isinstance(value, str):
        return value
    return f"'{value}" if is_changed_by_spreadsheets(value) else defuse_formulas(value)


def write_csv(table: ExportTable) -> Iterator[bytes]:
    """Yield CSV in UTF-8 for Ukrainian Excel: a byte order mark, semicolons between cells, commas in decimals."""
    yield "\ufeff".encode()
    for row in chain([[column.title for column in table.columns]], table.rows):
        line = io.StringIO()
        writer = csv_writer.writer(line, delimiter=";", lineterminator="\r\n")
        writer.writerow(map(_csv_cell, row))
        yield line.getvalue().encode()


def write_json(table: ExportTable) -> Iterator[bytes]:
    """Yield a JSON object: the title, and a list of rows, each an object by the names of the columns."""
    title = json_writer.dumps(table.title, ensure_ascii=False)
    yield f'{{"title":{title},"rows":['.encode()
    names = [column.name for column in table.columns]
    for row_index, row in enumerate(table.rows):
        row_json = json_writer.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False)
        yield f"{',' if row_index else ''}{row_json}".encode()
    yield b"]}"


def write_xlsx(table: ExportTable) -> Iterator[bytes]:
    """Yield a workbook with one sheet; every cell is a number or a text, never a formula or a link."""
    from xlsxwriter import Workbook  # imported here: it has 40 modules, and few requests need it

    with tempfile.TemporaryFile() as file:
        workbook = Workbook(file, {"constant_memory": True})
        sheet = workbook.add_worksheet()
        bold = workbook.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for column_index, column in enumerate(table.columns):
            sheet.set_column(column_index, column_index, min(max(len(column.title) + 2, 10), 60))
            sheet.write_string(0, column_index, column.title, bold)
        for row_number, row in enumerate(table.rows, 1):
            for column_index, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(row_number, column_index, value)
                elif value is not None:
                    sheet.write_number(row_number, column_index, value)
        workbook.close()
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of exports: the function that writes it, and its media type."""

    write: Callable[[ExportTable], Iterator[bytes]]
    type: str


FORMATS: Mapping[str, ExportFormat] = {
    "csv": ExportFormat(write_csv, "text/csv; charset=utf-8"),
    "xlsx": ExportFormat(write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": ExportFormat(write_json, "application/json"),
}
