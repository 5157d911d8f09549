"""A centre's profile and services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.cases.opening import WEEKDAYS
from feedback_service.errors import N_, ChangedMeanwhile, Invalid
from feedback_service.files import BadFile, rows_in
from feedback_service.flow import profile as profile_flow
from feedback_service.flow.profile import Profile
from feedback_service.flow.registers import SERVICE_NEEDED, Imported, Remark
from feedback_service.i18n import own_name
from kiosk_ui.admin.admission import centre_of, needs, sight, visitor
from kiosk_ui.admin.forms import Mistake, mistakes, sent_version
from kiosk_ui.admin.layout import back_to, show
from kiosk_ui.languages import offered, spoken, told

DAYS = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
}
LABELS = {
    "name": N_("Full name, as people know it"),
    "controller": N_("Who answers for personal data"),
    "contact": N_("Where to turn about personal data"),
    "notice": N_("What the centre adds to the privacy notice"),
    **{f"hours-{day}": words for day, words in DAYS.items()},
    "exceptions": N_("Days with other hours"),
    "windows": N_("Windows"),
    "languages": N_("Languages of the survey"),
}
NO_FILE = N_("Choose a file, or paste a table.")


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that two people changed: what is stored now, what was typed here."""

    field: str
    label: str
    stored: str
    typed: str


@needs(roles.PROFILE)
def centres() -> ResponseReturnValue:
    """The visitor's centres; with one only, straight to it."""
    if len(sight().centres) == 1:
        return redirect(url_for("admin.profile", centre=sight().centres[0].code, lang=spoken()), 303)
    return show("admin/centres.html", centres=sight().centres)


@needs(roles.PROFILE)
def profile(centre: str) -> ResponseReturnValue:
    """What people are told of the centre, and when it is open."""
    centre_of(centre)
    known = profile_flow.read_profile(visitor(), centre)
    return _page(known, known.typed(), saved="saved" in request.args)


@needs(roles.PROFILE)
def change_profile(centre: str) -> ResponseReturnValue:
    """The profile is as typed, unless somebody else saved meanwhile: then both versions are shown."""
    known, typed = profile_flow.read_profile(visitor(), centre), _typed()
    try:
        profile_flow.change_profile(visitor(), centre, sent_version(), typed)
    except ChangedMeanwhile:
        known = profile_flow.read_profile(visitor(), centre)
        return _page(known, typed, status=409, differences=_differences(known.typed(), typed), changed=True)
    except Invalid as refusal:
        return _page(known, typed, mistakes(refusal), status=422, version=sent_version())
    return back_to("admin.profile", centre=centre, saved=1)


@needs(roles.PROFILE)
def services(centre: str) -> ResponseReturnValue:
    """What the centre gives, and the form to bring a list of it."""
    return _services(centre)


@needs(roles.PROFILE)
def import_services(centre: str) -> ResponseReturnValue:
    """Bring the services up to a file or a pasted table; a row at fault is named, the rest is taken."""
    centre_of(centre)
    file, table = request.files.get("file"), request.form.get("table", "")
    name, data = (file.filename, file.read()) if file and file.filename else ("", table.encode())
    if not data.strip():
        return _services(centre, 422, table, [Mistake("file", told(NO_FILE))])
    field = "file" if name else "table"
    try:
        rows = rows_in(name or told(N_("The table")), data, SERVICE_NEEDED, profile_flow.SERVICE_COLUMNS)
    except BadFile as wrong:
        return _services(centre, 422, table, [Mistake(field, told(wrong.detail, wrong.params) + ".")])
    done = profile_flow.import_services(visitor(), centre, rows)
    return _services(centre, 422 if done.faults else 200, table if done.faults else "", done=done)


@needs(roles.PROFILE)
def poster(centre: str) -> ResponseReturnValue:
    """To the centre's poster, which is for everybody."""
    return redirect(url_for("public.hall_poster", code=centre_of(centre).code, lang=spoken()), 303)


def _services(
    centre: str,
    status: int = 200,
    table: str = "",
    wrong: Sequence[Mistake] = (),
    done: Imported | None = None,
) -> Response:
    return show(
        "admin/services.html",
        status,
        card=centre_of(centre),
        services=profile_flow.services_of(visitor(), centre),
        table=table,
        errors=wrong,
        done=done,
        faults=[(fault.line, _sentence(fault)) for fault in done.faults] if done else [],
    )


def _sentence(remark: Remark) -> str:
    return " ".join(told(error.detail, error.params) for error in remark.said)


def _typed() -> dict[str, Any]:
    texts = {name: request.form.get(name, "").replace("\r\n", "\n") for name in LABELS if name != "languages"}
    return {**texts, "languages": request.form.getlist("languages")}


def _page(
    known: Profile,
    typed: Mapping[str, Any],
    wrong: Sequence[Mistake] = (),
    *,
    status: int = 200,
    version: int | None = None,
    **context: Any,
) -> Response:
    return show(
        "admin/profile.html",
        status,
        known=known,
        typed=typed,
        errors=wrong,
        version=known.version if version is None else version,
        labels=LABELS,
        weekdays=[f"hours-{day}" for day in WEEKDAYS],
        spoken_here=offered(),
        **context,
    )


def _differences(stored: Mapping[str, Any], typed: Mapping[str, Any]) -> list[Difference]:
    """What is not the same in both, field by field."""
    found = []
    for name, label in LABELS.items():
        ours, theirs = _shown(stored[name]), _shown(typed[name])
        if ours != theirs:
            found.append(Difference(name, told(label), ours, theirs))
    return found


def _shown(value: Any) -> str:
    return str(value).strip() if isinstance(value, str) else ", ".join(own_name(code) for code in value)
