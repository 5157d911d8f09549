"""Files that people bring: tables as CSV or JSON with numbered rows, documents as strict JSON."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_service.errors import N_
from feedback_service.strict_json import NotJson, parse_strict_json

MAX_ROWS = 20_000  # of a table
_DELIMITER_LINE = re.compile(r'"?sep=([,;\t])"?[,;\t]*(?:\n|$)', re.IGNORECASE)  # a first line for Excel


class UnreadableFile(ValueError):
    """The file cannot be read; the message says why, in one sentence without a full stop.

    ``detail`` and ``params`` are the same sentence before translation.
    """

    def __init__(self, detail: str, **params: object) -> None:
        self.detail, self.params = detail, params
        super().__init__(detail % params)


class TooManyRows(UnreadableFile):
    """The table is longer than ``MAX_ROWS``."""


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A row of a table: its line in a CSV file or its position in a JSON list (both from 1), and cells by column."""

    line: int
    cells: Mapping[str, str]


def read_table(path: Path, required: frozenset[str], optional: frozenset[str]) -> list[ImportedRow]:
    """Return the rows of a table: CSV with a header (comma or semicolon), or a JSON list of objects of texts.

    Other columns are refused, because a misspelt column would be ignored silently. Raises ``UnreadableFile``.
    """
    return parse_table(path.name, _read_bytes(path), required, optional)


def parse_table(name: str, data: bytes, required: frozenset[str], optional: frozenset[str]) -> list[ImportedRow]:
    """Return the rows of a table given as bytes; a name in .json means JSON. Raises ``UnreadableFile``."""
    text = _decode_text(name, data)
    rows = _parse_json(name, text) if name.lower().endswith(".json") else _parse_csv(name, text)
    for row in rows:
        if missing := required - row.cells.keys():
            columns = ", ".join(sorted(missing))
            raise UnreadableFile(
                N_("%(file)s has no %(columns)s in line %(line)s"), file=name, columns=columns, line=row.line
            )
        if unknown := row.cells.keys() - required - optional:
            known = ", ".join(sorted(required | optional))
            raise UnreadableFile(
                N_("%(file)s has a column “%(column)s”; known are %(known)s"),
                file=name,
                column=min(unknown),
                known=known,
            )
    return rows


def read_document(path: Path) -> Any:
    """Return the value of a JSON file, read strictly. Raises ``UnreadableFile``."""
    return _parse_document(path.name, _decode_text(path.name, _read_bytes(path)))


def _parse_document(name: str, text: str) -> Any:
    try:
        return parse_strict_json(text)
    except NotJson as error:
        raise UnreadableFile(N_("%(file)s is not proper JSON: %(why)s"), file=name, why=error) from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(N_("%(file)s cannot be read: %(why)s"), file=path.name, why=error.strerror) from error


def _decode_text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableFile(N_("%(file)s is not in UTF-8; save it as UTF-8 and try again"), file=name) from error


def _parse_csv(name: str, text: str) -> list[ImportedRow]:
    said_delimiter = _DELIMITER_LINE.match(text)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    if said_delimiter:
        delimiter = said_delimiter[1]
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        if said_delimiter:
            next(reader)
        columns = [column.strip() for column in next(reader, [])]
        while columns and not columns[-1]:  # a delimiter at the end of the line is no column
            columns.pop()
        if len(set(columns)) < len(columns):
            raise UnreadableFile(N_("%(file)s has two columns of one name"), file=name)
        rows: list[ImportedRow] = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            while len(cells) > len(columns) and not cells[-1].strip():
                cells.pop()
            if len(cells) != len(columns):
                raise UnreadableFile(
                    N_("%(file)s has %(found)s cells in line %(line)s, not %(wanted)s"),
                    file=name,
                    found=len(cells),
                    line=reader.line_num,
                    wanted=len(columns),
                )
            _refuse_too_many(name, len(rows) + 1)
            rows.append(ImportedRow(reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise UnreadableFile(
            N_("%(file)s is not proper CSV in line %(line)s: %(why)s"), file=name, line=reader.line_num, why=error
        ) from error
    return rows


def _parse_json(name: str, text: str) -> list[ImportedRow]:
    items = _parse_document(name, text)
    if not isinstance(items, list):
        raise UnreadableFile(N_("%(file)s is not a list of objects"), file=name)
    _refuse_too_many(name, len(items))
    rows = []
    for position, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not all(isinstance(cell, str | None) for cell in item.values()):
            raise UnreadableFile(
                N_("%(file)s has something other than an object of texts in place %(place)s"), file=name, place=position
            )
        rows.append(ImportedRow(position, {column: cell or "" for column, cell in item.items()}))
    return rows


def _refuse_too_many(name: str, rows: int) -> None:
    if rows > MAX_ROWS:
        raise TooManyRows(N_("%(file)s has more than %(most)s rows; split it"), file=name, most=MAX_ROWS)
