"""What the imports of files share: rows go in batches, each fault names its line, and cells are read in one way.

A faulty row of a file is reported by its line and changes nothing, all other rows are imported, and the corrected file
may be imported again. Error sentences are in English, for operators; those that pages show too are marked for
translation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from feedback_service.database import in_portions
from feedback_service.errors import N_, FieldError
from feedback_service.imports import ImportedRow
from feedback_service.plain_text import TextTooLong, UnusableText

ROWS_AT_ONCE = 100  # of a file, in one transaction; on SQLite other writers wait meanwhile
MAX_TITLE_LENGTH = 500  # characters

ODD_CHARACTER = N_(
    "%(field)s: remove character %(position)d, %(character)s; it is invisible, breaks the line or has no fixed meaning."
)
TOO_LONG = N_("%(field)s is longer than %(longest)s characters.")
REPEATED_ROW = N_("It repeats line %(line)s.")


@dataclass(frozen=True, slots=True)
class RowMessage:
    """The faults or warnings of one line of a file."""

    line: int
    errors: tuple[FieldError, ...]

    @property
    def sentence(self) -> str:
        """The message in English."""
        return " ".join(error.detail % error.params if error.params else error.detail for error in self.errors)


@dataclass(slots=True)
class ImportResult:
    """The result of an import: rows with a fault changed nothing, rows with a warning were imported."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[RowMessage] = field(default_factory=list)
    warnings: list[RowMessage] = field(default_factory=list)

    def count_row(self, *, is_new: bool, changed: bool) -> None:
        """Count one row that was imported."""
        self.added += is_new
        self.changed += changed and not is_new
        self.unchanged += not changed


def import_in_batches(
    rows: Sequence[ImportedRow],
    import_batch: Callable[[Sequence[ImportedRow]], ImportResult],
    identify: Callable[[ImportedRow], object],
) -> ImportResult:
    """Import the rows in batches; a row with the same identity as an earlier row is a fault."""
    result, first_line, distinct_rows = ImportResult(), dict[object, int](), list[ImportedRow]()
    for row in rows:
        if (earlier_line := first_line.setdefault(identify(row), row.line)) == row.line:
            distinct_rows.append(row)
        else:
            result.faults.append(RowMessage(row.line, (FieldError("", REPEATED_ROW, {"line": earlier_line}),)))
    for portion in in_portions(distinct_rows, ROWS_AT_ONCE):
        batch_result = import_batch(portion)
        result.added += batch_result.added
        result.changed += batch_result.changed
        result.unchanged += batch_result.unchanged
        result.faults += batch_result.faults
        result.warnings += batch_result.warnings
    result.faults.sort(key=lambda message: message.line)
    return result


def read_cell(
    columns: Mapping[str, str],
    name: str,
    errors: list[FieldError],
    max_length: int,
    read: Callable[[str, int], str],
) -> str:
    """Return the cell as ``read`` gives it, empty for a blank one; add what is wrong with it to ``errors``."""
    value = columns.get(name, "")
    if not value.strip():
        return ""
    try:
        return read(value, max_length)
    except TextTooLong:
        errors.append(FieldError(f"/{name}", TOO_LONG, {"field": name, "longest": max_length}))
    except UnusableText as error:
        if "character" not in error.params:
            return ""
        errors.append(FieldError(f"/{name}", ODD_CHARACTER, {"field": name} | error.params))
    return value
