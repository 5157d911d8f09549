"""Tables for other programs: CSV, XLSX and JSON, written as they are read and with text that stays text.

A cell that begins like a formula would be run by a spreadsheet when somebody opens the file (CWE-1236). In CSV
such a text gets an apostrophe before it, as OWASP advises, and also where a program that expects another mark
between cells would take the rest of it for a cell of its own. In XLSX texts are kept as texts: nothing is needed.
"""

import csv as csv_writer
import io
import json as json_writer
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

CellValue = str | int | float | None

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_FORMULA_AFTER_SEPARATOR = re.compile(r"([,;|\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
_CHUNK_BYTES = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column: how programs call it, and what people read above it."""

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
    """The text as a spreadsheet reads it from CSV without running it, whatever it takes for the end of a cell."""
    stripped = text.lstrip()
    leading_space = text[: len(text) - len(stripped)]
    escaped = leading_space + _FORMULA_AFTER_SEPARATOR.sub(r"\1'", stripped)
    return f"'{escaped}" if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) else escaped


def write_csv(table: ExportTable) -> Iterator[bytes]:
    """UTF-8 with the mark that tells Excel so, a semicolon between cells as Ukrainian Excel wants it."""
    yield "\ufeff".encode()
    for row in chain([[column.title for column in table.columns]], table.rows):
        line = io.StringIO()
        writer = csv_writer.writer(line, delimiter=";", lineterminator="\r\n")
        writer.writerow(defuse_formulas(value) if isinstance(value, str) else value for value in row)
        yield line.getvalue().encode()


def write_json(table: ExportTable) -> Iterator[bytes]:
    """An object with the table's title and a list of rows, each an object by the names of the columns."""
    title = json_writer.dumps(table.title, ensure_ascii=False)
    yield f'{{"title":{title},"rows":['.encode()
    names = [column.name for column in table.columns]
    for row_index, row in enumerate(table.rows):
        row_json = json_writer.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False)
        yield f"{',' if row_index else ''}{row_json}".encode()
    yield b"]}"


def write_xlsx(table: ExportTable) -> Iterator[bytes]:
    """A workbook with one sheet; numbers are numbers, and everything else is text, never a formula or link."""
    from xlsxwriter import Workbook  # 40 modules, for what few ask for and not every day

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
    """How a table is written, and what browsers are told of it."""

    write: Callable[[ExportTable], Iterator[bytes]]
    type: str


FORMATS: Mapping[str, ExportFormat] = {
    "csv": ExportFormat(write_csv, "text/csv; charset=utf-8"),
    "xlsx": ExportFormat(write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": ExportFormat(write_json, "application/json"),
}
