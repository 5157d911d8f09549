"""A centre's people keep its profile: what people are told, when it is open, its windows, languages, services.

Code, ЄДРПОУ and territory come from the State's register and change by ``centre import`` alone. Who edits an old
version is told so, and nothing is overwritten.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import journal, sight
from feedback_service.access.sessions import Visitor
from feedback_service.cases import opening
from feedback_service.config import settings
from feedback_service.database import reading, transaction
from feedback_service.errors import N_, ChangedMeanwhile, FieldError, Invalid
from feedback_service.files import Row
from feedback_service.flow import setup
from feedback_service.flow.setup import Imported
from feedback_service.models import Centre, Service
from feedback_service.text import clean

LONGEST_NOTICE = 4000  # characters
MOST_WINDOWS = 200
SERVICE_COLUMNS = frozenset({"code", "local_code"})  # beside the title; never the centre: it is this one

EMPTY = N_("This cannot be empty.")
TOO_LONG = N_("This is longer than %(longest)s characters.")
INVISIBLE = N_("This holds an invisible control character.")
NO_HOURS = N_("“%(typed)s” is not like 09:00–13:00, 14:00–18:00; leave it empty for a closed day.")
NO_EXCEPTION = N_("“%(typed)s” is not like 25.12.2026 closed, or 24.12.2026 09:00–15:00; every day once.")
NO_WINDOW = N_("“%(typed)s” is not like window-3 Window 3; every code once.")
NO_LANGUAGE = N_("Ukrainian is always among the languages.")

_WINDOW = re.compile(r"(\S{1,64})(?:\s+(.{1,100}))?")
_TEXTS = ("name", "controller", "contact", "notice")


@dataclass(frozen=True, slots=True)
class Profile:
    """A centre's profile, with the version that an edit begins from."""

    code: str
    edrpou: str
    katottg: str
    version: int
    name: str
    controller: str
    contact: str
    notice: str
    hours: Mapping[str, str]  # by weekday, as they may be typed
    exceptions: str
    windows: str
    languages: tuple[str, ...]

    def typed(self) -> dict[str, Any]:
        """The fields as a form holds them."""
        return {
            **{name: getattr(self, name) for name in (*_TEXTS, "exceptions", "windows")},
            **{f"hours-{day}": self.hours.get(day, "") for day in opening.WEEKDAYS},
            "languages": list(self.languages),
        }


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """A service as the centre lists it."""

    id: uuid.UUID
    code: str
    local_code: str
    title: str


@reading
def read_profile(tx: Session, by: Visitor, code: str) -> Profile:
    """The profile of one of the visitor's centres; ``NotFound`` for any other."""
    return _profile(_centre(tx, by, code))


@transaction
def change_profile(tx: Session, by: Visitor, code: str, version: int, typed: Mapping[str, Any]) -> bool:
    """The profile is as typed, and the central system will get it; tells whether that changed anything.

    Raises ``ChangedMeanwhile`` when somebody saved after ``version``, ``Invalid`` naming every field at fault.
    """
    centre = _centre(tx, by, code, lock=True)
    if centre.version != version:
        raise ChangedMeanwhile()
    fresh = _checked(typed)
    changed = [name for name, value in fresh.items() if getattr(centre, name) != value]
    if not changed:
        return False
    for name in changed:
        setattr(centre, name, fresh[name])
    centre.version += 1
    setup.tell_profile(tx, centre)
    journal.note(
        tx, [centre.id], by.actor, "profile_changed", f"{centre.code} {', '.join(changed)}", clock.now()
    )
    return True


@reading
def services_of(tx: Session, by: Visitor, code: str) -> list[ServiceCard]:
    """The services of one of the visitor's centres, by code."""
    query = select(Service).where(Service.centre_id == _centre(tx, by, code).id)
    query = query.order_by(Service.code, Service.local_code)
    return [ServiceCard(row.id, row.code, row.local_code, row.title) for row in tx.scalars(query)]


def import_services(by: Visitor, code: str, rows: Sequence[Row]) -> Imported:
    """Every service of a file is known in this centre; ``NotFound`` if it is not the visitor's."""
    centre = read_profile(by, code).code
    done = setup.import_services(rows, centre)
    if done.added or done.changed:
        _note_import(by, centre, done.added, done.changed)
    return done


@transaction
def _note_import(tx: Session, by: Visitor, code: str, added: int, changed: int) -> None:
    centre = _centre(tx, by, code)
    journal.note(tx, [centre.id], by.actor, "services_imported", f"{code} +{added} ~{changed}", clock.now())


def _centre(tx: Session, by: Visitor, code: str, *, lock: bool = False) -> Centre:
    card = sight.of(tx, by.role, by.scopes).centre(code)
    return tx.get_one(Centre, card.id, with_for_update=lock)


def _profile(centre: Centre) -> Profile:
    hours = centre.opening or {}
    return Profile(
        code=centre.code,
        edrpou=centre.edrpou,
        katottg=centre.katottg,
        version=centre.version,
        name=centre.name,
        controller=centre.controller or "",
        contact=centre.contact or "",
        notice=centre.notice or "",
        hours={day: opening.spell_hours(each) for day, each in hours.get("week", {}).items()},
        exceptions=opening.spell_exceptions(hours.get("except", {})),
        windows="\n".join(f"{code} {name}".strip() for code, name in (centre.windows or {}).items()),
        languages=tuple(centre.languages or settings().languages),
    )


def _checked(typed: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as they shall be."""
    errors = list[FieldError]()
    longest = {
        "name": setup.TITLE,
        "controller": setup.TITLE,
        "contact": setup.TITLE,
        "notice": LONGEST_NOTICE,
    }
    texts = {name: _text(typed, name, longest[name], errors) for name in _TEXTS}
    if not texts["name"] and not any(error.pointer == "/name" for error in errors):
        errors.append(FieldError("/name", EMPTY))
    week = {}
    for day in opening.WEEKDAYS:
        written = str(typed.get(f"hours-{day}", ""))
        try:
            if hours := opening.read_hours(written):
                week[day] = hours
        except ValueError:
            errors.append(FieldError(f"/hours-{day}", NO_HOURS, {"typed": written[:60]}))
    other: dict[str, Any] = {}
    try:
        other = opening.read_exceptions(str(typed.get("exceptions", "")))
    except ValueError as wrong:
        errors.append(FieldError("/exceptions", NO_EXCEPTION, {"typed": str(wrong)[:60]}))
    windows = _windows(_text(typed, "windows", 20_000, errors) or "", errors)
    languages = [code for code in settings().languages if code in typed.get("languages", ())]
    if "uk" not in languages:
        errors.append(FieldError("/languages", NO_LANGUAGE))
    if errors:
        raise Invalid(errors)
    return {
        **texts,
        "opening": {"week": week, "except": other} if week or other else None,
        "windows": windows or None,
        "languages": None if len(languages) == len(settings().languages) else languages,
    }


def _text(typed: Mapping[str, Any], name: str, longest: int, errors: list[FieldError]) -> str | None:
    try:
        text = clean(str(typed.get(name, ""))).replace("\r\n", "\n").strip()
    except ValueError:
        errors.append(FieldError(f"/{name}", INVISIBLE))
        return None
    if len(text) > longest:
        errors.append(FieldError(f"/{name}", TOO_LONG, {"longest": longest}))
    return text or None


def _windows(text: str, errors: list[FieldError]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        parts = _WINDOW.fullmatch(line)
        if parts is None or parts[1] in found or len(found) == MOST_WINDOWS:
            errors.append(FieldError("/windows", NO_WINDOW, {"typed": line[:60]}))
            break
        found[parts[1]] = parts[2] or ""
    return found
