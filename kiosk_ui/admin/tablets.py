"""The page of tablets: their state, adding and revoking them, importing answers that one saved to a file."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import N_, Invalid, NotFound, TooManyGuesses
from feedback_service.flow import tablet_files, tablet_health, tablet_pairing
from feedback_service.flow.tablet_files import NOT_A_TABLET_FILE
from feedback_service.flow.tablet_health import WARNINGS
from feedback_service.strict_json import NotJson, parse_strict_json
from kiosk_ui.admin.admission import current_user, current_visibility, needs, preselected_centres, visible_centres
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import cut_page
from kiosk_ui.forms import FormError, describe_refusal, form_errors
from kiosk_ui.languages import translated_message
from kiosk_ui.pages import respond_with_page

OUTCOME_LABELS = {
    "accepted": N_("taken"),
    "accepted_as_walkup": N_("taken as a rating of the hall"),
    "duplicate": N_("had arrived before"),
    "rejected": N_("refused"),
}


class TabletForm(NamedTuple):
    """The fields of the form for a new tablet."""

    name: str = ""
    mode: str = "desk"
    workplace: str = ""
    centre: str = ""
    pairing_code: str = ""


@needs(roles.DEVICES)
def tablets() -> ResponseReturnValue:
    """List the tablets of the user's centres, with a form to add one."""
    return _show_tablets()


@needs(roles.DEVICES)
def approve_tablet() -> ResponseReturnValue:
    """Show the form for a tablet that shows a code. The QR code on its screen leads here."""
    form = _empty_form(request.args.get("code", ""))
    try:
        if form.pairing_code:
            tablet_pairing.look_at_request(form.pairing_code)
    except NotFound as refusal:
        return _show_tablets(form, [FormError("pairing_code", describe_refusal(refusal))], 404)
    return _show_tablets(form)


@needs(roles.DEVICES)
def add_tablet() -> ResponseReturnValue:
    """Add a tablet: approve the one that shows the typed code, or make a code to type on the tablet."""
    form = request.form
    tablet_form = TabletForm(*(form.get(name, "").strip() for name in TabletForm._fields))
    name, mode, typed_workplace, centre, pairing_code = tablet_form
    workplace, actor = typed_workplace or None, current_user().actor
    try:
        if centre not in current_visibility().codes:
            raise Invalid.for_field("/centre", N_("Choose the centre that it stands in."))
        if pairing_code:
            tablet_pairing.approve_tablet(pairing_code, centre, name=name, mode=mode, workplace=workplace, actor=actor)
            return redirect_to("admin.tablets")
        code = tablet_pairing.add_tablet(centre, name=name, mode=mode, workplace=workplace, actor=actor)
    except (Invalid, NotFound) as refusal:
        return _show_tablets(tablet_form, form_errors(refusal, "pairing_code"), 422)
    return respond_with_page("admin/tablet_code.html", code=code, name=name)


@needs(roles.DEVICES)
def new_tablet_code(tablet: UUID) -> ResponseReturnValue:
    """Make another pairing code and show it once. The tablet's present key ends when the code is used."""
    code = tablet_pairing.renew_pairing_code(tablet, current_visibility().codes, current_user().actor)
    return respond_with_page("admin/tablet_code.html", code=code, name="")


@needs(roles.DEVICES)
def revoke_tablet(tablet: UUID) -> ResponseReturnValue:
    """Revoke a tablet. It may still deliver what was answered on it until now."""
    tablet_pairing.revoke_tablet(tablet, current_visibility().codes, current_user().actor)
    return redirect_to("admin.tablets")


@needs(roles.DEVICES)
def import_queue() -> ResponseReturnValue:
    """Import the answers that a tablet saved to a file. Each is stored once, however often it is imported."""
    file = request.files.get("file")
    try:
        document = parse_strict_json(file.read().decode("utf-8-sig")) if file and file.filename else None
        outcomes = tablet_files.import_tablet_file(document, current_visibility().codes, translated_message)
    except (NotJson, UnicodeDecodeError):
        return _show_tablets(None, [FormError("file", translated_message(NOT_A_TABLET_FILE))], 422)
    except (Invalid, TooManyGuesses) as refusal:
        return _show_tablets(None, [FormError("file", form_errors(refusal)[0].message)], refusal.status)
    return _show_tablets(outcomes=[(label, outcomes[outcome]) for outcome, label in OUTCOME_LABELS.items()])


def _empty_form(pairing_code: str = "") -> TabletForm:
    return TabletForm(centre="".join(preselected_centres()), pairing_code=pairing_code)


def _show_tablets(
    tablet_form: TabletForm | None = None,
    errors: Sequence[FormError] = (),
    status: int = 200,
    outcomes: Sequence[tuple[str, int]] = (),
) -> Response:
    return respond_with_page(
        "admin/tablets.html",
        status,
        tablet_page=cut_page(tablet_health.list_tablets(current_visibility().codes)),
        warning_labels=WARNINGS,
        centres=visible_centres(),
        tablet_form=tablet_form or _empty_form(),
        errors=errors,
        import_outcomes=outcomes,
    )
