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

Value = str | int | float | None

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_RUNS_INSIDE = re.compile(r"([,;|\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
_PIECE = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how programs call it, and what people read above it."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: rows in the order of the columns; ``None`` is an empty cell."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]


def inert(text: str) -> str:
    """The text as a spreadsheet reads it from CSV without running it, whatever it takes for the end of a cell."""
    whole = text.lstrip()
    begins = text[: len(text) - len(whole)]
    kept = begins + _RUNS_INSIDE.sub(r"\1'", whole)
    return f"'{kept}" if text.lstrip(" \u00a0").startswith(_RUNS) else kept


def csv(table: Table) -> Iterator[bytes]:
    """UTF-8 with the mark that tells Excel so, a semicolon between cells as Ukrainian Excel wants it."""
    yield "\ufeff".encode()
    for row in chain([[column.title for column in table.columns]], table.rows):
        line = io.StringIO()
        writer = csv_writer.writer(line, delimiter=";", lineterminator="\r\n")
        writer.writerow(inert(value) if isinstance(value, str) else value for value in row)
        yield line.getvalue().encode()


def json(table: Table) -> Iterator[bytes]:
    """An object with the table's title and a list of rows, each an object by the names of the columns."""
    title = json_writer.dumps(table.title, ensure_ascii=False)
    yield f'{{"title":{title},"rows":['.encode()
    names = [column.name for column in table.columns]
    for place, row in enumerate(table.rows):
        told = json_writer.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False)
        yield f"{',' if place else ''}{told}".encode()
    yield b"]}"


def xlsx(table: Table) -> Iterator[bytes]:
    """A workbook with one sheet; numbers are numbers, and everything else is text, never a formula or link."""
    from xlsxwriter import Workbook  # 40 modules, for what few ask for and not every day

    with tempfile.TemporaryFile() as file:
        book = Workbook(file, {"constant_memory": True})
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table.columns):
            sheet.set_column(place, place, min(max(len(column.title) + 2, 10), 60))
            sheet.write_string(0, place, column.title, bold)
        for number, row in enumerate(table.rows, 1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif value is not None:
                    sheet.write_number(number, place, value)
        book.close()
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


@dataclass(frozen=True, slots=True)
class Format:
    """How a table is written, and what browsers are told of it."""

    write: Callable[[Table], Iterator[bytes]]
    type: str


FORMATS: Mapping[str, Format] = {
    "csv": Format(csv, "text/csv; charset=utf-8"),
    "xlsx": Format(xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": Format(json, "application/json"),
}
