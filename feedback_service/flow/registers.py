"""An operator adds a centre, or imports centres and their services from a file.

A ЄДРПОУ that a person types in is refused if its check digit is wrong. In a file it is accepted with a warning,
because about one real code in a hundred has a wrong check digit. A faulty row of a file is reported by its line and
changes nothing, all other rows are imported, and the corrected file may be imported again.
Error sentences are in English, for operators; those that pages show too are marked for translation.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service import clock, keyring
from feedback_service.centres import state_codes
from feedback_service.centres.register import find_by_prefix, find_centre, find_centres, normalise_code
from feedback_service.config import current_settings
from feedback_service.database import in_portions, reading, transaction
from feedback_service.delivery import events, outbox
from feedback_service.errors import N_, Conflict, FieldError, Invalid
from feedback_service.imports import ImportedRow
from feedback_service.lookalikes import to_latin_letters
from feedback_service.models import Centre, Service
from feedback_service.plain_text import TextTooLong, UnusableText, normalise_identifier, read_code, read_line

ROWS_AT_ONCE = 100  # of a file, in one transaction; on SQLite other writers wait meanwhile
MAX_TITLE_LENGTH = 500  # characters
MAX_CODE_LENGTH = 32  # characters of the code of a service

REQUIRED_CENTRE_COLUMNS = frozenset({"code", "name", "edrpou", "katottg"})
OPTIONAL_CENTRE_COLUMNS = frozenset({"controller", "contact"})
CODE_COLUMNS = frozenset({"edrpou", "katottg"})
REQUIRED_SERVICE_COLUMNS = frozenset({"title"})
OPTIONAL_SERVICE_COLUMNS = frozenset({"centre", "code", "local_code"})

STATE_CODE_DIGITS = 5  # of the national code of a service

# Sentences that pages show too.
ODD_CHARACTER = N_(
    "%(field)s: remove character %(position)d, %(character)s; it is invisible, breaks the line or has no fixed meaning."
)
TOO_LONG = N_("%(field)s is longer than %(longest)s characters.")
REPEATED_ROW = N_("It repeats line %(line)s.")
SHORT_CODE = N_("The national code %(code)s has fewer than five digits; case systems send %(full)s.")
LACKS_ZEROS = N_("The service %(full)s is known already; %(code)s is another one, and their figures stay apart.")
LOOKS_ALIKE = N_(
    "%(code)s looks like %(known)s, which is known already, but is written with other letters (Latin or Cyrillic); "
    "it is another service, and their figures stay apart."
)

ServiceKey = tuple[uuid.UUID, str, str]  # the centre, and both codes


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
class KnownServices:
    """The services of the centres of a file: those stored before the import, and those of earlier rows."""

    codes: set[tuple[uuid.UUID, str]] = field(default_factory=set)
    keys_by_look: dict[ServiceKey, ServiceKey] = field(default_factory=dict)

    def add(self, key: ServiceKey) -> None:
        """Know this service too."""
        self.codes.add(key[:2])
        self.keys_by_look.setdefault(_look_of(key), key)


@dataclass(slots=True)
class ImportResult:
    """The result of an import: rows with a fault changed nothing, rows with a warning were imported."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[RowMessage] = field(default_factory=list)
    warnings: list[RowMessage] = field(default_factory=list)


# Centres ------------------------------------------------------------------------------------------------------


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
    return _import_in_batches(rows, _import_centre_rows, lambda row: normalise_code(row.cells["code"]))


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
        _count_row(result, is_new=centre is None, changed=_upsert_centre(tx, centre, cells))
    return result


def _parse_profile(columns: Mapping[str, str]) -> tuple[str, dict[str, str | None], list[FieldError]]:
    """Return the code, the normalised columns and warnings; raise ``Invalid`` for values that cannot be stored."""
    errors: list[FieldError] = []
    cells: dict[str, str | None] = {
        name: _read_cell(columns, name, errors, MAX_TITLE_LENGTH, read_code if name in CODE_COLUMNS else read_line)
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


# Services -----------------------------------------------------------------------------------------------------


def import_services(
    rows: Sequence[ImportedRow],
    centre: str | None = None,
    note_changes: Callable[[Session, ImportResult], None] = lambda tx, result: None,
) -> ImportResult:
    """Add or rename every service of the file, in the centre that its row names or else in ``centre``.

    Both codes together identify a service. No service is ever removed. ``note_changes`` is called in each transaction
    that changed something, so that nothing changes without a note.
    """
    defaults = {"centre": centre or "", "code": "", "local_code": ""}
    complete_rows = [
        ImportedRow(row.line, defaults | {name: cell for name, cell in row.cells.items() if cell}) for row in rows
    ]
    known = _find_known_services([row.cells["centre"] for row in complete_rows])

    def import_batch(batch: Sequence[ImportedRow]) -> ImportResult:
        result, keys = _import_service_rows(batch, note_changes)
        for line, key in keys:  # after the commit, because a lost race lets the transaction run again
            result.warnings += [RowMessage(line, (warning,)) for warning in _find_code_warnings(key, known)]
            known.add(key)
        return result

    return _import_in_batches(
        complete_rows,
        import_batch,
        lambda row: (
            normalise_code(row.cells["centre"]),
            *(normalise_identifier(row.cells[name]) for name in ("code", "local_code")),
        ),
    )


@reading
def _find_known_services(tx: Session, centre_codes: Sequence[str]) -> KnownServices:
    ids = {centre.id for centre in find_centres(tx, centre_codes).values()}
    known = KnownServices()
    query = select(Service.centre_id, Service.code, Service.local_code).where(Service.centre_id.in_(ids))
    for centre_id, code, local_code in tx.execute(query):
        known.add((centre_id, code, local_code))
    return known


@transaction
def _import_service_rows(
    tx: Session,
    rows: Sequence[ImportedRow],
    note_changes: Callable[[Session, ImportResult], None],
) -> tuple[ImportResult, list[tuple[int, ServiceKey]]]:
    """Add or rename the services; return the result, and the keys with the lines that they stand in."""
    result = ImportResult()
    centres = find_centres(tx, [row.cells["centre"] for row in rows])
    titles: dict[ServiceKey, str] = {}
    keys: list[tuple[int, ServiceKey]] = []
    for row in rows:
        try:
            key, title = _parse_service(row.cells, centres)
        except Invalid as refusal:
            result.faults.append(RowMessage(row.line, refusal.errors))
            continue
        titles[key] = title
        keys.append((row.line, key))
    services = _find_services(tx, titles)
    for key, title in titles.items():
        service = services.get(key)
        changed = service is None or service.title != title
        if service is None:
            centre_id, code, local_code = key
            tx.add(Service(centre_id=centre_id, id=uuid7(), code=code, local_code=local_code, title=title))
        else:
            service.title = title
        _count_row(result, is_new=service is None, changed=changed)
    if result.added or result.changed:
        note_changes(tx, result)
    return result, keys


def _find_services(tx: Session, keys: Collection[ServiceKey]) -> dict[ServiceKey, Service]:
    """Return the stored services with these keys.

    All services of their centres would be too many: a long file would take longer and longer.
    """
    ids, codes, local_codes = ({key[part] for key in keys} for part in range(3))
    query = select(Service).where(
        Service.centre_id.in_(ids), Service.code.in_(codes), Service.local_code.in_(local_codes)
    )
    return {(service.centre_id, service.code, service.local_code): service for service in tx.scalars(query)}


def _find_code_warnings(key: ServiceKey, known: KnownServices) -> Iterator[FieldError]:
    """Yield what is suspicious about the codes of a service, beside those of the services that are known."""
    centre_id, code, local_code = key
    full_code = code.zfill(STATE_CODE_DIGITS)
    if code.isascii() and code.isdecimal() and code != full_code:
        is_known = (centre_id, full_code) in known.codes
        yield FieldError("/code", LACKS_ZEROS if is_known else SHORT_CODE, {"code": code, "full": full_code})
    alike = known.keys_by_look.get(_look_of(key), key)
    if alike != key:
        names: dict[str, object] = {"code": code or local_code, "known": alike[1] or alike[2]}
        yield FieldError("/code" if code != alike[1] else "/local_code", LOOKS_ALIKE, names)


def _look_of(key: ServiceKey) -> ServiceKey:
    """Return the key with Latin letters in place of Cyrillic ones that look the same."""
    centre_id, code, local_code = key
    return centre_id, to_latin_letters(code), to_latin_letters(local_code)


def _parse_service(columns: Mapping[str, str], centres: Mapping[str, Centre]) -> tuple[ServiceKey, str]:
    errors: list[FieldError] = []
    centre_code = normalise_code(_read_cell(columns, "centre", errors, MAX_TITLE_LENGTH, read_code))
    if not errors and centre_code not in centres:
        sentence = f"There is no centre {centre_code}." if centre_code else "No centre is named."
        errors.append(FieldError("/centre", sentence))
    code = _read_cell(columns, "code", errors, MAX_CODE_LENGTH, read_code)
    local_code = _read_cell(columns, "local_code", errors, MAX_CODE_LENGTH, read_code)
    title = _read_cell(columns, "title", errors, MAX_TITLE_LENGTH, read_line)
    if not code and not local_code:
        errors.append(FieldError("/code", N_("A service needs a code or a local code.")))
    if not title:
        errors.append(FieldError("/title", N_("The title is empty.")))
    if errors:
        raise Invalid(errors)
    return (centres[centre_code].id, code, local_code), title


# What the imports share ---------------------------------------------------------------------------------------


def _import_in_batches(
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


def _count_row(result: ImportResult, *, is_new: bool, changed: bool) -> None:
    result.added += is_new
    result.changed += changed and not is_new
    result.unchanged += not changed


def _read_cell(
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
