"""The registers of an installation: centres and the services they give, typed in or imported from a file.

A ЄДРПОУ that a person types in is refused when its check digit fails; from a register's file it is taken with a
warning, because registers hold about one real code in a hundred that fails. In a file one row at
fault spoils no other: it is named by its line, the rest is taken, and the mended file may be imported again.
Sentences are for operators, in English; those that pages repeat are marked for translation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from feedback_service import clock, keyring
from feedback_service.centres import state_codes
from feedback_service.centres.register import find_by_prefix, find_centre, find_centres, normalise_code
from feedback_service.database import transaction
from feedback_service.delivery import events, outbox
from feedback_service.errors import N_, Conflict, FieldError, Invalid
from feedback_service.imports import ImportedRow
from feedback_service.models import Centre, Service
from feedback_service.plain_text import TextTooLong, UnusableText, read_text

PORTION = 500  # rows of a file that are taken in one transaction
TITLE = 500  # characters
CODE = 32  # characters of a service's code

CENTRE_NEEDED = frozenset({"code", "name", "edrpou", "katottg"})
CENTRE_OPTIONAL = frozenset({"controller", "contact"})
SERVICE_NEEDED = frozenset({"title"})
SERVICE_OPTIONAL = frozenset({"centre", "code", "local_code"})

# What pages say too.
INVISIBLE = N_("%(field)s holds an invisible control character.")
TOO_LONG = N_("%(field)s is longer than %(longest)s characters.")
NO_CODE = N_("A service needs a code or a local code.")
NO_TITLE = N_("The title is empty.")
REPEATS = N_("It repeats line %(line)s.")


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to say about one line of a file."""

    line: int
    said: tuple[FieldError, ...]

    @property
    def sentence(self) -> str:
        """It in English."""
        return " ".join(error.detail % error.params if error.params else error.detail for error in self.said)


@dataclass(slots=True)
class Imported:
    """What became of a file's rows; those with a fault changed nothing, those with a warning were taken."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)


# Centres ------------------------------------------------------------------------------------------------------


@transaction
def add_centre(tx: Session, profile: Mapping[str, str]) -> list[str]:
    """A new centre; the central system will get its profile. Returns warnings.

    Raises ``Invalid`` naming every field that looks mistyped, ``Conflict`` when the code is taken.
    """
    code, cells, doubts = _read_profile(profile)
    if mistyped := [doubt for doubt in doubts if doubt.pointer == "/edrpou"]:
        raise Invalid(mistyped)
    if find_centre(tx, code):
        raise Conflict(f"There is a centre {code} already; centre import changes it.")
    _put_centre(tx, None, cells)
    return [doubt.detail for doubt in doubts]


def import_centres(rows: Sequence[ImportedRow]) -> Imported:
    """Every centre of the file is known as its row says; a column that is not there changes nothing."""
    return _import(rows, _take_centres, lambda row: normalise_code(row.cells["code"]))


@transaction
def _take_centres(tx: Session, rows: Sequence[ImportedRow]) -> Imported:
    done = Imported()
    known = find_centres(tx, [row.cells["code"] for row in rows])
    for row in rows:
        try:
            code, cells, doubts = _read_profile(row.cells)
        except Invalid as refusal:
            done.faults.append(Remark(row.line, refusal.errors))
            continue
        done.warnings += [Remark(row.line, (doubt,)) for doubt in doubts]
        centre = known.get(code)
        _count(done, is_new=centre is None, changed=_put_centre(tx, centre, cells))
    return done


def _read_profile(given: Mapping[str, str]) -> tuple[str, dict[str, str | None], list[FieldError]]:
    """The code, all cells in their normal form, and what is doubtful; ``Invalid`` for what cannot be kept."""
    errors: list[FieldError] = []
    cells: dict[str, str | None] = {
        name: _text(given[name], f"/{name}", errors, TITLE) or None for name in given if name != "code"
    }
    code = normalise_code(given["code"])
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
    doubts: list[FieldError] = []
    if not state_codes.is_centre_code(code):
        doubts.append(FieldError("/code", f"The centre code {code} is not like SN12000007."))
    if not state_codes.has_valid_check_digit(edrpou):
        doubts.append(FieldError("/edrpou", f"The check digit of the ЄДРПОУ {edrpou} does not fit."))
    if not state_codes.is_known_territory(katottg):
        doubts.append(FieldError("/katottg", f"The codifier knows no territory {katottg}."))
    return code, cells | {"code": code}, doubts


def _put_centre(tx: Session, centre: Centre | None, cells: Mapping[str, str | None]) -> bool:
    """The centre is as the cells say; tells whether that changed anything, and promises the event if so."""
    if centre is None:
        centre = Centre(id=uuid7(), prefix=_free_prefix(tx), **cells)
        tx.add(centre)
    elif all(getattr(centre, name) == value for name, value in cells.items()):
        return False
    else:
        for name, value in cells.items():
            setattr(centre, name, value)
        centre.version += 1
    tell_profile(tx, centre)
    return True


def tell_profile(tx: Session, centre: Centre) -> None:
    """Promise the central system the centre's profile as it is now."""
    tx.flush()
    now = clock.now()
    outbox.enqueue_events(
        tx.connection(), centre.id, [events.build_centre_profile(_profile(centre), now)], now=now
    )


def _profile(centre: Centre) -> dict[str, str | None]:
    return {name: getattr(centre, name) for name in sorted(CENTRE_NEEDED | CENTRE_OPTIONAL)}


def _free_prefix(tx: Session) -> str:
    while find_by_prefix(tx, prefix := keyring.new_prefix()) is not None:
        pass  # one of 1,048,576 was taken
    return prefix


# Services -----------------------------------------------------------------------------------------------------


def import_services(rows: Sequence[ImportedRow], centre: str | None = None) -> Imported:
    """Every service of the file is known under its row's title, in the row's centre or else in ``centre``.

    A service is the same when both its codes are; titles change, and nothing is ever removed.
    """
    by_default = {"centre": centre or "", "code": "", "local_code": ""}
    whole = [
        ImportedRow(row.line, by_default | {name: cell for name, cell in row.cells.items() if cell})
        for row in rows
    ]
    return _import(whole, _take_services, lambda row: tuple(row.cells[name].strip() for name in by_default))


@transaction
def _take_services(tx: Session, rows: Sequence[ImportedRow]) -> Imported:
    done = Imported()
    centres = find_centres(tx, [row.cells["centre"] for row in rows])
    ids = {centre.id for centre in centres.values()}
    query = select(Service).where(Service.centre_id.in_(ids))
    known = {(service.centre_id, service.code, service.local_code): service for service in tx.scalars(query)}
    for row in rows:
        try:
            centre, code, local_code, title = _read_service(row.cells, centres)
        except Invalid as refusal:
            done.faults.append(Remark(row.line, refusal.errors))
            continue
        service = known.get((centre.id, code, local_code))
        changed = service is None or service.title != title
        if service is None:
            tx.add(Service(centre_id=centre.id, id=uuid7(), code=code, local_code=local_code, title=title))
        else:
            service.title = title
        _count(done, is_new=service is None, changed=changed)
    return done


def _read_service(given: Mapping[str, str], centres: Mapping[str, Centre]) -> tuple[Centre, str, str, str]:
    errors: list[FieldError] = []
    named = normalise_code(given["centre"])
    code = _text(given["code"], "/code", errors, CODE)
    local_code = _text(given["local_code"], "/local_code", errors, CODE)
    title = _text(given.get("title", ""), "/title", errors, TITLE)
    if named not in centres:
        sentence = f"There is no centre {named}." if named else "No centre is named."
        errors.append(FieldError("/centre", sentence))
    if not code and not local_code:
        errors.append(FieldError("/code", NO_CODE))
    if not title:
        errors.append(FieldError("/title", NO_TITLE))
    if errors:
        raise Invalid(errors)
    return centres[named], code, local_code, title


# What the imports share ---------------------------------------------------------------------------------------


def _import(
    rows: Sequence[ImportedRow],
    take: Callable[[Sequence[ImportedRow]], Imported],
    name: Callable[[ImportedRow], object],
) -> Imported:
    """Take the rows in portions; a row that names again what an earlier one named is at fault."""
    done, first_line, fresh = Imported(), dict[object, int](), list[ImportedRow]()
    for row in rows:
        if (earlier := first_line.setdefault(name(row), row.line)) == row.line:
            fresh.append(row)
        else:
            done.faults.append(Remark(row.line, (FieldError("", REPEATS, {"line": earlier}),)))
    for start in range(0, len(fresh), PORTION):
        part = take(fresh[start : start + PORTION])
        done.added, done.changed = done.added + part.added, done.changed + part.changed
        done.unchanged += part.unchanged
        done.faults += part.faults
        done.warnings += part.warnings
    done.faults.sort(key=lambda remark: remark.line)
    return done


def _count(done: Imported, *, is_new: bool, changed: bool) -> None:
    done.added += is_new
    done.changed += changed and not is_new
    done.unchanged += not changed


def _text(value: str, pointer: str, errors: list[FieldError], longest: int) -> str:
    try:
        return read_text(value, longest)
    except TextTooLong:
        errors.append(FieldError(pointer, TOO_LONG, {"field": pointer[1:], "longest": longest}))
        return value
    except UnusableText:
        errors.append(FieldError(pointer, INVISIBLE, {"field": pointer[1:]}))
        return ""
