"""An operator adds a centre, or imports centres from a file.

A ЄДРПОУ that a person types in is refused if its check digit is wrong. In a file it is accepted with a warning,
because about one real code in a hundred has a wrong check digit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service import clock, keyring
from feedback_service.centres import state_codes
from feedback_service.centres.register import find_by_prefix, find_centre, find_centres, normalise_code
from feedback_service.config import current_settings
from feedback_service.database import transaction
from feedback_service.delivery import events, outbox
from feedback_service.errors import Conflict, FieldError, Invalid
from feedback_service.flow.row_import import MAX_TITLE_LENGTH, ImportResult, RowMessage, import_in_batches, read_cell
from feedback_service.imports import ImportedRow
from feedback_service.models import Centre
from feedback_service.plain_text import read_code, read_line

REQUIRED_CENTRE_COLUMNS = frozenset({"code", "name", "edrpou", "katottg"})
OPTIONAL_CENTRE_COLUMNS = frozenset({"controller", "contact"})
CODE_COLUMNS = frozenset({"edrpou", "katottg"})


@transaction
def add_centre(tx: Session, profile: Mapping[str, str]) -> list[str]:
    """Add a centre, enqueue its profile for the central system, and return warnings.

    Raises ``Invalid`` naming every field that looks mistyped, ``Conflict`` if the code is taken.
    """
    code, cells, warnings = _parse_profile(profile)
    if mistakes := [warning for warning in warnings if warning.pointer == "/edrpou"]:
        raise Invalid(mistakes)
    if find_centre(tx, code):
        raise Conflict(f"There is a centre {code} already; centre import changes it.")
    _upsert_centre(tx, None, cells)
    return [warning.detail for warning in warnings]


def import_centres(rows: Sequence[ImportedRow]) -> ImportResult:
    """Add or change every centre of the file; columns that the file does not have stay as they are."""
    return import_in_batches(rows, _import_centre_rows, lambda row: normalise_code(row.cells["code"]))


@transaction
def _import_centre_rows(tx: Session, rows: Sequence[ImportedRow]) -> ImportResult:
    result = ImportResult()
    centres = find_centres(tx, [row.cells["code"] for row in rows])
    for row in rows:
        try:
            code, cells, warnings = _parse_profile(row.cells)
        except Invalid as refusal:
            result.faults.append(RowMessage(row.line, refusal.errors))
            continue
        result.warnings += [RowMessage(row.line, (warning,)) for warning in warnings]
        centre = centres.get(code)
        result.count_row(is_new=centre is None, changed=_upsert_centre(tx, centre, cells))
    return result


def _parse_profile(columns: Mapping[str, str]) -> tuple[str, dict[str, str | None], list[FieldError]]:
    """Return the code, the normalised columns and warnings; raise ``Invalid`` for values that cannot be stored."""
    errors: list[FieldError] = []
    cells: dict[str, str | None] = {
        name: read_cell(columns, name, errors, MAX_TITLE_LENGTH, read_code if name in CODE_COLUMNS else read_line)
        or None
        for name in columns
        if name != "code"
    }
    code = normalise_code(columns["code"])
    edrpou, katottg = cells["edrpou"] or "", cells["katottg"] or ""
    if not state_codes.may_be_centre_code(code):
        errors.append(FieldError("/code", f"The centre code {code!r} is not like SN12000007."))
    if not cells["name"]:
        errors.append(FieldError("/name", "The name is empty."))
    if not state_codes.is_edrpou(edrpou):
        errors.append(FieldError("/edrpou", f"The ЄДРПОУ {edrpou!r} is not eight digits."))
    if not state_codes.is_katottg(katottg):
        errors.append(FieldError("/katottg", f"The КАТОТТГ {katottg!r} is not UA and 17 digits."))
    if errors:
        raise Invalid(errors)
    warnings: list[FieldError] = []
    if not state_codes.is_centre_code(code):
        warnings.append(FieldError("/code", f"The centre code {code} is not like SN12000007."))
    if not state_codes.has_valid_check_digit(edrpou):
        warnings.append(FieldError("/edrpou", f"The check digit of the ЄДРПОУ {edrpou} does not fit."))
    if not state_codes.is_known_territory(katottg):
        warnings.append(FieldError("/katottg", f"The codifier knows no territory {katottg}."))
    return code, cells | {"code": code}, warnings


def _upsert_centre(tx: Session, centre: Centre | None, cells: Mapping[str, str | None]) -> bool:
    """Add or change the centre; if anything changed, enqueue its profile event and return true."""
    if centre is not None:
        return bool(update_centre(tx, centre, cells))
    centre = Centre(id=uuid7(), prefix=_choose_free_prefix(tx), **cells)
    tx.add(centre)
    _publish_centre_profile(tx, centre)
    return True


def update_centre(tx: Session, centre: Centre, values: Mapping[str, Any]) -> list[str]:
    """Store the values of columns that differ, enqueue the profile event if there are any, and return their names."""
    changed_names = [name for name, value in values.items() if getattr(centre, name) != value]
    if changed_names:
        for name in changed_names:
            setattr(centre, name, values[name])
        centre.version += 1
        _publish_centre_profile(tx, centre)
    return changed_names


def _publish_centre_profile(tx: Session, centre: Centre) -> None:
    """Enqueue the event that reports the whole present profile of the centre to the central system."""
    tx.flush()
    now = clock.now()
    columns = sorted(REQUIRED_CENTRE_COLUMNS | OPTIONAL_CENTRE_COLUMNS)
    profile = {name: getattr(centre, name) for name in columns} | {
        "notice": centre.notice,
        "opening": centre.opening,
        "windows": [{"code": code, "name": name or None} for code, name in (centre.windows or {}).items()],
        "languages": list(centre.languages or current_settings().languages),
    }
    outbox.enqueue_events(tx.connection(), centre.id, [events.build_centre_profile(profile, now)], now=now)


def _choose_free_prefix(tx: Session) -> str:
    while find_by_prefix(tx, prefix := keyring.new_prefix()) is not None:
        pass  # one of 1,048,576 was in use
    return prefix
