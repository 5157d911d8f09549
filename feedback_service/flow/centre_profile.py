"""Staff of a centre edit its profile (name, notices, opening hours, windows, languages) and import its services.

Code, ЄДРПОУ and territory come from the register of the State; only ``centre import`` changes them. An edit of an old
version is refused, so that nothing is overwritten.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import audit_log, visibility
from feedback_service.access.sessions import CurrentUser
from feedback_service.centres import opening_hours
from feedback_service.config import current_settings
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ChangedMeanwhile, FieldError, Invalid
from feedback_service.flow import registers, service_import
from feedback_service.flow.row_import import MAX_TITLE_LENGTH, ImportResult
from feedback_service.imports import ImportedRow
from feedback_service.models import Centre, Service
from feedback_service.plain_text import (
    TOO_LONG,
    UnusableText,
    normalise_identifier,
    read_code,
    read_line,
    read_text,
    refuse_odd_characters,
)

MAX_WINDOWS = 200
SERVICES_ON_PAGE = 200
MAX_LISTED_SERVICES = 500  # in a form's list to choose from
SERVICE_COLUMNS = frozenset({"code", "local_code"})  # optional; the centre is never a column

BAD_HOURS = N_("“%(typed)s” is not like 09:00–13:00, 14:00–18:00; leave it empty for a closed day.")
BAD_EXCEPTION = N_("“%(typed)s” is not like 25.12.2026 closed, or 24.12.2026 09:00–15:00; every day once.")
ODD_IN_LINE = N_(
    "Line %(line)d: remove character %(position)d, %(character)s; it is invisible, breaks the line or has no fixed "
    "meaning."
)
BAD_WINDOW = N_("“%(typed)s” is not like window-3 Window 3; every code once.")

_WINDOW_LINE = re.compile(r"(\S{1,64})(?:\s+(.{1,100}))?")
_LINE_FIELDS = ("name", "controller", "contact")
MAX_NOTICE_LENGTH, MAX_LIST_LENGTH = 4000, 20_000  # characters


@dataclass(frozen=True, slots=True)
class CentreProfile:
    """The profile of a centre, and the version that an edit begins from; ``form`` has the values of the form fields."""

    code: str
    edrpou: str
    katottg: str
    version: int
    name: str
    form: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service in the list of a centre."""

    id: uuid.UUID
    code: str
    local_code: str
    title: str


@reading
def read_profile(tx: Session, current_user: CurrentUser, centre_code: str) -> CentreProfile:
    """Return the profile of one of the user's centres; raise ``NotFound`` for any other."""
    return _make_profile(_find_centre(tx, current_user, centre_code))


@transaction
def change_profile(
    tx: Session, current_user: CurrentUser, centre_code: str, version: int, form: Mapping[str, Any]
) -> bool:
    """Store the profile and enqueue the event for the central system; return whether anything changed.

    Raises ``ChangedMeanwhile`` if somebody saved after ``version``, ``Invalid`` naming every field at fault.
    """
    centre = _find_centre(tx, current_user, centre_code, lock=True)
    if centre.version != version:
        raise ChangedMeanwhile()
    changed_names = registers.update_centre(tx, centre, _check_form(form))
    if changed_names:
        changes = f"{centre.code} {', '.join(changed_names)}"
        audit_log.append_entry(tx, [centre.id], current_user.actor, "profile_changed", changes, clock.now())
    return bool(changed_names)


@dataclass(frozen=True, slots=True)
class ServicePage:
    """Some services of a centre; ``number`` is how many there are altogether, ``page`` counts from 1."""

    services: list[ServiceSummary]
    number: int
    page: int
    pages: int


@reading
def list_services(
    tx: Session, current_user: CurrentUser, centre_code: str, *, search: str = "", page: int = 1
) -> ServicePage:
    """Return a page of the services of one of the user's centres, ordered by code.

    ``search``: only those with these words in the title, or with a code that begins so. The nearest page is returned
    if there is none of that number.
    """
    conditions = [Service.centre_id == _find_centre(tx, current_user, centre_code).id]
    if search:
        # SQLite ignores the case of Latin letters only.
        variants = {search, search.lower(), search.upper(), search.capitalize()}
        titles = [Service.title.contains(variant, autoescape=True) for variant in variants]
        codes = [column.startswith(search, autoescape=True) for column in (Service.code, Service.local_code)]
        conditions.append(or_(*titles, *codes))
    number = tx.scalars(select(func.count()).select_from(Service).where(*conditions)).one()
    pages = max(1, -(-number // SERVICES_ON_PAGE))
    page = min(max(page, 1), pages)
    query = select(Service.id, Service.code, Service.local_code, Service.title).where(*conditions)
    query = query.order_by(Service.code, Service.local_code)
    rows = tx.execute(query.limit(SERVICES_ON_PAGE).offset((page - 1) * SERVICES_ON_PAGE))
    return ServicePage([ServiceSummary(*row) for row in rows], number, page, pages)


@reading
def list_service_choices(
    tx: Session, current_user: CurrentUser, centre_code: str, chosen: str | None = None
) -> dict[str, str]:
    """Return the titles of the centre's first services by their codes, and of the chosen one wherever it stands."""
    key = func.coalesce(func.nullif(Service.code, ""), Service.local_code)
    query = select(key, Service.title).where(Service.centre_id == _find_centre(tx, current_user, centre_code).id)
    rows = tx.execute(query.order_by(Service.code, Service.local_code).limit(MAX_LISTED_SERVICES)).all()
    choices: dict[str, str] = {code: title for code, title in rows}
    if chosen and chosen not in choices:
        chosen_rows = tx.execute(query.where(or_(Service.code == chosen, Service.local_code == chosen)).limit(10))
        choices |= {code: title for code, title in chosen_rows if code == chosen}
    return choices


def import_services(current_user: CurrentUser, centre_code: str, rows: Sequence[ImportedRow]) -> ImportResult:
    """Add or rename the services of a file in this centre; raise ``NotFound`` if it is not the user's."""
    centre = read_profile(current_user, centre_code).code

    def write_audit_entry(tx: Session, result: ImportResult) -> None:
        changes = f"{centre} +{result.added} ~{result.changed}"
        centre_id = _find_centre(tx, current_user, centre).id
        audit_log.append_entry(tx, [centre_id], current_user.actor, "services_imported", changes, clock.now())

    return service_import.import_services(rows, centre, write_audit_entry)


def _find_centre(tx: Session, current_user: CurrentUser, centre_code: str, *, lock: bool = False) -> Centre:
    centre_summary = visibility.find_visibility(tx, current_user).get_centre(centre_code)
    return tx.get_one(Centre, centre_summary.id, with_for_update=lock)


def _make_profile(centre: Centre) -> CentreProfile:
    hours = centre.opening or {}
    week = hours.get("week", {})
    form = {
        **{name: getattr(centre, name) or "" for name in (*_LINE_FIELDS, "notice")},
        **{f"hours-{day}": opening_hours.format_hours(week.get(day, [])) for day in opening_hours.WEEKDAYS},
        "exceptions": opening_hours.format_exceptions(hours.get("except", {})),
        "windows": "\n".join(f"{code} {name}".strip() for code, name in (centre.windows or {}).items()),
        "languages": list(centre.languages or current_settings().languages),
    }
    return CentreProfile(centre.code, centre.edrpou, centre.katottg, centre.version, centre.name, form)


def _check_form(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new values of the columns; raise ``Invalid`` naming every field at fault."""
    errors = list[FieldError]()
    texts = {name: _read_field(form, name, read_line, MAX_TITLE_LENGTH, errors) for name in _LINE_FIELDS}
    texts["notice"] = _read_field(form, "notice", read_text, MAX_NOTICE_LENGTH, errors)
    if not texts["name"] and not any(error.pointer == "/name" for error in errors):
        errors.append(FieldError("/name", N_("This cannot be empty.")))
    week = {}
    for day in opening_hours.WEEKDAYS:
        typed_hours = _read_field(form, f"hours-{day}", read_code, MAX_LIST_LENGTH, errors) or ""
        try:
            if hours := opening_hours.parse_hours(typed_hours):
                week[day] = hours
        except ValueError:
            errors.append(FieldError(f"/hours-{day}", BAD_HOURS, {"typed": typed_hours[:60]}))
    exceptions: dict[str, Any] = {}
    try:
        exceptions = opening_hours.parse_exceptions("\n".join(_read_lines(form, "exceptions", errors)))
    except ValueError as failure:
        errors.append(FieldError("/exceptions", BAD_EXCEPTION, {"typed": str(failure)[:60]}))
    windows = _parse_windows(_read_lines(form, "windows", errors), errors)
    languages = [code for code in current_settings().languages if code in form.get("languages", ())]
    if "uk" not in languages:
        errors.append(FieldError("/languages", N_("Ukrainian is always among the languages.")))
    if errors:
        raise Invalid(errors)
    return {
        **texts,
        "opening": {"week": week, "except": exceptions} if week or exceptions else None,
        "windows": windows or None,
        "languages": None if len(languages) == len(current_settings().languages) else languages,
    }


def _read_field(
    form: Mapping[str, Any],
    name: str,
    read: Callable[[str, int], str],
    max_length: int,
    errors: list[FieldError],
) -> str | None:
    """Return the field as ``read`` gives it, ``None`` for a blank one; add what is wrong with it to ``errors``."""
    value = str(form.get(name, ""))
    try:
        return (read(value, max_length) or None) if value.strip() else None
    except UnusableText as error:
        errors.append(FieldError(f"/{name}", error.message, error.params))
        return None


def _read_lines(form: Mapping[str, Any], name: str, errors: list[FieldError]) -> list[str]:
    """Return the lines of a field that are not blank; add a character that nobody can see to ``errors``."""
    text = str(form.get(name, "")).replace("\r\n", "\n").replace("\t", " ")
    if len(text) > MAX_LIST_LENGTH:
        errors.append(FieldError(f"/{name}", TOO_LONG, {"limit": MAX_LIST_LENGTH}))
        return []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            refuse_odd_characters(line, with_emoji=False)
        except UnusableText as error:
            errors.append(FieldError(f"/{name}", ODD_IN_LINE, {"line": number} | error.params))
            return []
    return [line.strip() for line in lines if line.strip()]


def _parse_windows(lines: Sequence[str], errors: list[FieldError]) -> dict[str, str]:
    windows: dict[str, str] = {}
    for line in lines:
        parts = _WINDOW_LINE.fullmatch(line)
        code = normalise_identifier(parts[1]) if parts else ""
        if parts is None or code in windows or len(windows) == MAX_WINDOWS:
            errors.append(FieldError("/windows", BAD_WINDOW, {"typed": line[:60]}))
            break
        windows[code] = read_line(parts[2]) if parts[2] else ""
    return windows
