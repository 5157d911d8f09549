"""The services of centres are imported from a file, by an operator or by staff of the centre.

Both codes together identify a service. A code that looks mistyped is taken with a warning, because registers have odd
codes.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service.centres.register import find_centres, normalise_code
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, FieldError, Invalid
from feedback_service.flow.row_import import MAX_TITLE_LENGTH, ImportResult, RowMessage, import_in_batches, read_cell
from feedback_service.imports import ImportedRow
from feedback_service.lookalikes import fold_to_latin
from feedback_service.models import Centre, Service
from feedback_service.plain_text import normalise_identifier, read_code, read_line

MAX_CODE_LENGTH = 32  # characters
STATE_CODE_DIGITS = 5  # of a national code
REQUIRED_SERVICE_COLUMNS = frozenset({"title"})
OPTIONAL_SERVICE_COLUMNS = frozenset({"centre", "code", "local_code"})

# Sentences that pages show too.
SHORT_CODE = N_("The national code %(code)s has fewer than five digits; case systems send %(full)s.")
LACKS_ZEROS = N_("The service %(full)s is known already; %(code)s is another one, and their figures stay apart.")
LOOKS_ALIKE = N_(
    "%(code)s looks like %(known)s, which is known already, but is written with other letters (Latin or Cyrillic); "
    "it is another service, and their figures stay apart."
)

ServiceKey = tuple[uuid.UUID, str, str]  # the centre, and both codes


@dataclass(slots=True)
class KnownServices:
    """The services of the centres of a file: those stored before the import, and those of earlier rows."""

    codes: set[tuple[uuid.UUID, str]] = field(default_factory=set)
    keys_by_look: dict[ServiceKey, ServiceKey] = field(default_factory=dict)

    def add_service(self, key: ServiceKey) -> None:
        """Know this service too."""
        self.codes.add(key[:2])
        self.keys_by_look.setdefault(_fold_service_key(key), key)


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
            known.add_service(key)
        return result

    return import_in_batches(
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
        known.add_service((centre_id, code, local_code))
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
        result.count_row(is_new=service is None, changed=changed)
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
    alike = known.keys_by_look.get(_fold_service_key(key), key)
    if alike != key:
        names: dict[str, object] = {"code": code or local_code, "known": alike[1] or alike[2]}
        yield FieldError("/code" if code != alike[1] else "/local_code", LOOKS_ALIKE, names)


def _fold_service_key(key: ServiceKey) -> ServiceKey:
    """Return the key with Latin letters in place of Cyrillic ones that look the same."""
    centre_id, code, local_code = key
    return centre_id, fold_to_latin(code), fold_to_latin(local_code)


def _parse_service(columns: Mapping[str, str], centres: Mapping[str, Centre]) -> tuple[ServiceKey, str]:
    errors: list[FieldError] = []
    centre_code = normalise_code(read_cell(columns, "centre", errors, MAX_TITLE_LENGTH, read_code))
    if not errors and centre_code not in centres:
        sentence = f"There is no centre {centre_code}." if centre_code else "No centre is named."
        errors.append(FieldError("/centre", sentence))
    code = read_cell(columns, "code", errors, MAX_CODE_LENGTH, read_code)
    local_code = read_cell(columns, "local_code", errors, MAX_CODE_LENGTH, read_code)
    title = read_cell(columns, "title", errors, MAX_TITLE_LENGTH, read_line)
    if not code and not local_code:
        errors.append(FieldError("/code", N_("A service needs a code or a local code.")))
    if not title:
        errors.append(FieldError("/title", N_("The title is empty.")))
    if errors:
        raise Invalid(errors)
    return (centres[centre_code].id, code, local_code), title
