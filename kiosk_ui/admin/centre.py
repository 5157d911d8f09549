"""The pages of a centre's profile, its services and its poster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.centres.opening_hours import WEEKDAYS
from feedback_service.errors import N_, ChangedMeanwhile, Invalid
from feedback_service.flow import centre_profile as profile_flow
from feedback_service.flow.centre_profile import CentreProfile
from feedback_service.flow.row_import import ImportResult, RowMessage
from feedback_service.flow.service_import import REQUIRED_SERVICE_COLUMNS
from feedback_service.i18n import own_name
from feedback_service.imports import UnreadableFile, parse_table
from kiosk_ui.admin.admission import current_user, find_visible_centre, needs, visible_centres
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import MAX_SEARCH_LENGTH, asked_page, cut_page
from kiosk_ui.forms import FormError, form_errors, sent_version
from kiosk_ui.languages import available_languages, translated_message
from kiosk_ui.pages import respond_with_page

WEEKDAY_LABELS = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
}
FIELD_LABELS = {
    "name": N_("Full name, as people know it"),
    "controller": N_("Who answers for personal data"),
    "contact": N_("Where to turn about personal data"),
    "notice": N_("What the centre adds to the privacy notice"),
    **{f"hours-{day}": words for day, words in WEEKDAY_LABELS.items()},
    "exceptions": N_("Days with other hours"),
    "windows": N_("Windows"),
    "languages": N_("Languages of the survey"),
}
NO_FILE = N_("Choose a file, or paste a table.")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of the profile that two people changed: what is stored now, and what was typed here."""

    field: str
    label: str
    stored: str
    typed: str


@needs(roles.PROFILE)
def centres() -> ResponseReturnValue:
    """List the user's centres, or redirect to the profile if there is only one."""
    if len(visible_centres()) == 1:
        return redirect_to("admin.profile", centre=visible_centres()[0].code)
    return respond_with_page("admin/centres.html", centre_page=cut_page(visible_centres()))


@needs(roles.PROFILE)
def profile(centre: str) -> ResponseReturnValue:
    """Show the form with the profile."""
    find_visible_centre(centre)
    stored_profile = profile_flow.read_profile(current_user(), centre)
    return _show_profile(stored_profile, stored_profile.form, saved="saved" in request.args)


@needs(roles.PROFILE)
def change_profile(centre: str) -> ResponseReturnValue:
    """Store the profile as typed. If somebody else saved meanwhile, show both versions instead."""
    stored_profile, form_values = profile_flow.read_profile(current_user(), centre), _read_form()
    try:
        profile_flow.change_profile(current_user(), centre, sent_version(), form_values)
    except ChangedMeanwhile:
        stored_profile = profile_flow.read_profile(current_user(), centre)
        changes = _find_field_changes(stored_profile.form, form_values)
        return _show_profile(stored_profile, form_values, status=409, field_changes=changes, changed_meanwhile=True)
    except Invalid as refusal:
        errors = form_errors(refusal)
        return _show_profile(stored_profile, form_values, errors, status=422, version=sent_version())
    return redirect_to("admin.profile", centre=centre, saved=1)


@needs(roles.PROFILE)
def services(centre: str) -> ResponseReturnValue:
    """List the centre's services, with a form to import a list."""
    return _show_services(centre)


@needs(roles.PROFILE)
def import_services(centre: str) -> ResponseReturnValue:
    """Import services from a file or a pasted table. Rows with faults are named, the others are imported."""
    find_visible_centre(centre)
    file, table = request.files.get("file"), request.form.get("table", "")
    file_name, data = (file.filename, file.read()) if file and file.filename else ("", table.encode())
    if not data.strip():
        return _show_services(centre, 422, table, [FormError("file", translated_message(NO_FILE))])
    field = "file" if file_name else "table"
    shown_name = file_name or translated_message(N_("The table"))
    try:
        rows = parse_table(shown_name, data, REQUIRED_SERVICE_COLUMNS, profile_flow.SERVICE_COLUMNS)
    except UnreadableFile as error:
        message = translated_message(error.detail, error.params) + "."
        return _show_services(centre, 422, table, [FormError(field, message)])
    import_result = profile_flow.import_services(current_user(), centre, rows)
    if import_result.faults:
        return _show_services(centre, 422, table, import_result=import_result)
    return _show_services(centre, import_result=import_result)


@needs(roles.PROFILE)
def poster(centre: str) -> ResponseReturnValue:
    """Redirect to the centre's poster, which is public."""
    return redirect_to("public.hall_poster", code=find_visible_centre(centre).code)


def _show_services(
    centre: str,
    status: int = 200,
    table: str = "",
    errors: Sequence[FormError] = (),
    import_result: ImportResult | None = None,
) -> Response:
    search = request.args.get("q", "").strip()[:MAX_SEARCH_LENGTH]
    return respond_with_page(
        "admin/services.html",
        status,
        centre_summary=find_visible_centre(centre),
        service_page=profile_flow.list_services(current_user(), centre, search=search, page=asked_page()),
        search=search,
        max_search_length=MAX_SEARCH_LENGTH,
        pasted_table=table,
        errors=errors,
        import_result=import_result,
        row_faults=_translate_row_messages(import_result.faults if import_result else ()),
        row_warnings=_translate_row_messages(import_result.warnings if import_result else ()),
    )


def _translate_row_messages(messages: Sequence[RowMessage]) -> list[tuple[int, str]]:
    """Return the line and the sentences of each message in the reader's language."""
    return [
        (message.line, " ".join(translated_message(error.detail, error.params) for error in message.errors))
        for message in messages
    ]


def _read_form() -> dict[str, Any]:
    texts = {name: request.form.get(name, "").replace("\r\n", "\n") for name in FIELD_LABELS if name != "languages"}
    return {**texts, "languages": request.form.getlist("languages")}


def _show_profile(
    stored_profile: CentreProfile,
    form_values: Mapping[str, Any],
    errors: Sequence[FormError] = (),
    *,
    status: int = 200,
    version: int | None = None,
    **context: Any,
) -> Response:
    return respond_with_page(
        "admin/profile.html",
        status,
        stored_profile=stored_profile,
        form_values=form_values,
        errors=errors,
        version=stored_profile.version if version is None else version,
        field_labels=FIELD_LABELS,
        weekdays=[f"hours-{day}" for day in WEEKDAYS],
        installation_languages=available_languages(),
        **context,
    )


def _find_field_changes(stored: Mapping[str, Any], form_values: Mapping[str, Any]) -> list[FieldChange]:
    """Compare both versions field by field and return the fields that differ."""
    changes = []
    for name, label in FIELD_LABELS.items():
        stored_text, typed_text = _format_value(stored[name]), _format_value(form_values[name])
        if stored_text != typed_text:
            changes.append(FieldChange(name, translated_message(label), stored_text, typed_text))
    return changes


def _format_value(value: Any) -> str:
    return str(value).strip() if isinstance(value, str) else ", ".join(own_name(code) for code in value)
