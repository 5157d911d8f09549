"""Files that an operator hands over: tables as CSV or JSON with numbered rows, documents as strict JSON."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback_service.documents import NotJson, strict_json


class BadFile(ValueError):
    """The file cannot be read; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its line in a CSV file or its place in a JSON list (both from 1), cells by column."""

    line: int
    cells: Mapping[str, str]


def rows(path: Path, needed: frozenset[str], optional: frozenset[str]) -> list[Row]:
    """The rows of a table: CSV with a header (comma or semicolon), or a JSON list of objects of texts.

    Columns other than these are refused: a misspelt one would be lost without a word. Raises ``BadFile``.
    """
    found = _from_json(path) if path.suffix.lower() == ".json" else _from_csv(path)
    for row in found:
        if missing := needed - row.cells.keys():
            raise BadFile(f"{path.name} has no {', '.join(sorted(missing))} in line {row.line}")
        if unknown := row.cells.keys() - needed - optional:
            known = ", ".join(sorted(needed | optional))
            raise BadFile(f"{path.name} has a column {min(unknown)!r}; known are {known}")
    return found


def document(path: Path) -> Any:
    """The value of a JSON file; raises ``BadFile`` for what could be misread."""
    try:
        return strict_json(_text(path))
    except NotJson as wrong:
        raise BadFile(f"{path.name} is not proper JSON: {wrong}") from wrong


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadFile(f"{path.name} is not in UTF-8; save it as UTF-8 and try again") from wrong
    except OSError as wrong:
        raise BadFile(f"{path.name} cannot be read: {wrong.strerror}") from wrong


def _from_csv(path: Path) -> list[Row]:
    text = _text(path)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        if len(set(columns)) < len(columns):
            raise BadFile(f"{path.name} has two columns of one name")
        found = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise BadFile(
                    f"{path.name} has {len(cells)} cells in line {reader.line_num}, not {len(columns)}"
                )
            found.append(Row(reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as wrong:
        raise BadFile(f"{path.name} is not proper CSV in line {reader.line_num}: {wrong}") from wrong
    return found


def _from_json(path: Path) -> list[Row]:
    members = document(path)
    if not isinstance(members, list):
        raise BadFile(f"{path.name} is not a list of objects")
    found = []
    for place, member in enumerate(members, start=1):
        if not isinstance(member, dict) or not all(isinstance(cell, str | None) for cell in member.values()):
            raise BadFile(f"{path.name} has something other than an object of texts in place {place}")
        found.append(Row(place, {column: cell or "" for column, cell in member.items()}))
    return found
