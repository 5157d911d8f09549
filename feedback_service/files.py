"""Files that an operator hands over: tables as CSV or JSON with numbered rows, documents as strict JSON."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_service.documents import NotJson, strict_json
from feedback_service.errors import N_


class BadFile(ValueError):
    """The file cannot be read; the message says why, in one sentence without its full stop.

    ``detail`` and ``params`` are the same for a door that translates.
    """

    def __init__(self, detail: str, **params: object) -> None:
        self.detail, self.params = detail, params
        super().__init__(detail % params)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its line in a CSV file or its place in a JSON list (both from 1), cells by column."""

    line: int
    cells: Mapping[str, str]


def rows(path: Path, needed: frozenset[str], optional: frozenset[str]) -> list[Row]:
    """The rows of a table: CSV with a header (comma or semicolon), or a JSON list of objects of texts.

    Columns other than these are refused: a misspelt one would be lost without a word. Raises ``BadFile``.
    """
    return rows_in(path.name, _bytes(path), needed, optional)


def rows_in(name: str, data: bytes, needed: frozenset[str], optional: frozenset[str]) -> list[Row]:
    """The same of a file that is not on disk; its name says whether it is JSON."""
    text = _text(name, data)
    found = _from_json(name, text) if name.lower().endswith(".json") else _from_csv(name, text)
    for row in found:
        if missing := needed - row.cells.keys():
            columns = ", ".join(sorted(missing))
            raise BadFile(
                N_("%(file)s has no %(columns)s in line %(line)s"), file=name, columns=columns, line=row.line
            )
        if unknown := row.cells.keys() - needed - optional:
            known = ", ".join(sorted(needed | optional))
            raise BadFile(
                N_("%(file)s has a column “%(column)s”; known are %(known)s"),
                file=name,
                column=min(unknown),
                known=known,
            )
    return found


def document(path: Path) -> Any:
    """The value of a JSON file; raises ``BadFile`` for what could be misread."""
    return _document(path.name, _text(path.name, _bytes(path)))


def _document(name: str, text: str) -> Any:
    try:
        return strict_json(text)
    except NotJson as wrong:
        raise BadFile(N_("%(file)s is not proper JSON: %(why)s"), file=name, why=wrong) from wrong


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise BadFile(N_("%(file)s cannot be read: %(why)s"), file=path.name, why=wrong.strerror) from wrong


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as wrong:
        raise BadFile(N_("%(file)s is not in UTF-8; save it as UTF-8 and try again"), file=name) from wrong


def _from_csv(name: str, text: str) -> list[Row]:
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        if len(set(columns)) < len(columns):
            raise BadFile(N_("%(file)s has two columns of one name"), file=name)
        found = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise BadFile(
                    N_("%(file)s has %(found)s cells in line %(line)s, not %(wanted)s"),
                    file=name,
                    found=len(cells),
                    line=reader.line_num,
                    wanted=len(columns),
                )
            found.append(Row(reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as wrong:
        raise BadFile(
            N_("%(file)s is not proper CSV in line %(line)s: %(why)s"),
            file=name,
            line=reader.line_num,
            why=wrong,
        ) from wrong
    return found


def _from_json(name: str, text: str) -> list[Row]:
    members = _document(name, text)
    if not isinstance(members, list):
        raise BadFile(N_("%(file)s is not a list of objects"), file=name)
    found = []
    for place, member in enumerate(members, start=1):
        if not isinstance(member, dict) or not all(isinstance(cell, str | None) for cell in member.values()):
            raise BadFile(
                N_("%(file)s has something other than an object of texts in place %(place)s"),
                file=name,
                place=place,
            )
        found.append(Row(place, {column: cell or "" for column, cell in member.items()}))
    return found
