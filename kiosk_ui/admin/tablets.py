"""Tablets: which there are, how they fare, who lets one in, and what a stuck one saved."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import N_, FeedbackError, FieldError, Invalid, NotFound
from feedback_service.flow import tablet_files, tablet_health, tablet_pairing
from feedback_service.flow.tablet_files import NOT_A_TABLET_FILE
from feedback_service.flow.tablet_health import WARNINGS
from feedback_service.strict_json import NotJson, parse_strict_json
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.forms import FormError, describe_refusal, form_errors
from kiosk_ui.admin.layout import back_to, show
from kiosk_ui.languages import translated_message

OUTCOME_LABELS = {
    "accepted": N_("taken"),
    "accepted_as_walkup": N_("taken as a rating of the hall"),
    "duplicate": N_("had arrived before"),
    "rejected": N_("refused"),
}


class TabletForm(NamedTuple):
    """What the form says of a new tablet."""

    name: str = ""
    mode: str = "desk"
    workplace: str = ""
    centre: str = ""
    pairing_code: str = ""


@needs(roles.DEVICES)
def tablets() -> ResponseReturnValue:
    """All tablets of the visitor's centres, and the form for another one."""
    return _show_tablets(TabletForm(centre=_default_centre()))


@needs(roles.DEVICES)
def approve_tablet() -> ResponseReturnValue:
    """The form for a tablet that shows a code; its own QR code leads here."""
    return _show_tablets(TabletForm(centre=_default_centre(), pairing_code=request.args.get("code", "")))


@needs(roles.DEVICES)
def add_tablet() -> ResponseReturnValue:
    """Let a tablet in: the one that shows this code, or whichever brings the code that is shown now."""
    form = request.form
    tablet_form = TabletForm(*(form.get(name, "").strip() for name in TabletForm._fields))
    name, mode, workplace, actor = (
        tablet_form.name,
        tablet_form.mode,
        tablet_form.workplace or None,
        visitor().actor,
    )
    try:
        if tablet_form.centre not in sight().codes:
            raise Invalid([FieldError("/centre", N_("Choose the centre that it stands in."))])
        if tablet_form.pairing_code:
            tablet_pairing.approve_tablet(
                tablet_form.pairing_code,
                tablet_form.centre,
                name=name,
                mode=mode,
                workplace=workplace,
                actor=actor,
            )
            return back_to("admin.tablets")
        code = tablet_pairing.add_device(
            tablet_form.centre, name=name, mode=mode, workplace=workplace, actor=actor
        )
    except Invalid as refusal:
        return _show_tablets(tablet_form, form_errors(refusal), 422)
    except NotFound as refusal:
        return _show_tablets(tablet_form, [FormError("pairing_code", describe_refusal(refusal))], 422)
    return show("admin/tablet_code.html", code=code, name=tablet_form.name)


@needs(roles.DEVICES)
def new_tablet_code(tablet: UUID) -> ResponseReturnValue:
    """Another code, shown this once; the tablet's key so far ends when it is used."""
    code = tablet_pairing.renew_pairing_code(tablet, sight().codes, visitor().actor)
    return show("admin/tablet_code.html", code=code, name="")


@needs(roles.DEVICES)
def revoke_tablet(tablet: UUID) -> ResponseReturnValue:
    """The tablet may only deliver what was answered on it until now."""
    tablet_pairing.revoke_device(tablet, sight().codes, visitor().actor)
    return back_to("admin.tablets")


@needs(roles.DEVICES)
def import_queue() -> ResponseReturnValue:
    """Take the answers that a stuck tablet saved; each is taken once, however often it is brought."""
    file = request.files.get("file")
    try:
        document = parse_strict_json(file.read().decode()) if file and file.filename else None
        outcomes = tablet_files.import_tablet_file(document, sight().codes, _describe_rejection)
    except (NotJson, UnicodeDecodeError):
        return _show_tablets(
            TabletForm(centre=_default_centre()),
            [FormError("file", translated_message(NOT_A_TABLET_FILE))],
            422,
        )
    except Invalid as refusal:
        return _show_tablets(
            TabletForm(centre=_default_centre()), [FormError("file", form_errors(refusal)[0].message)], 422
        )
    return _show_tablets(
        TabletForm(centre=_default_centre()),
        outcomes=[(label, outcomes[outcome]) for outcome, label in OUTCOME_LABELS.items()],
    )


def _describe_rejection(refusal: FeedbackError) -> str:
    """Why something in the file is no answer, in the reader's words."""
    errors = form_errors(refusal) if isinstance(refusal, Invalid) else ()
    return "; ".join(f"{error.field}: {error.message}" for error in errors) or describe_refusal(refusal)


def _default_centre() -> str:
    return sight().centres[0].code if len(sight().centres) == 1 else ""


def _show_tablets(
    tablet_form: TabletForm,
    errors: Sequence[FormError] = (),
    status: int = 200,
    outcomes: Sequence[tuple[str, int]] = (),
) -> Response:
    return show(
        "admin/tablets.html",
        status,
        known=tablet_health.list_tablets(sight().codes),
        warnings=WARNINGS,
        centres=sight().centres,
        typed=tablet_form,
        errors=errors,
        became=outcomes,
    )
