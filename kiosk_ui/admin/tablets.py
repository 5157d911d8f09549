"""Tablets: which there are, how they fare, who lets one in, and what a stuck one saved."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.documents import NotJson, strict_json
from feedback_service.errors import N_, FeedbackError, FieldError, Invalid, NotFound
from feedback_service.flow import pairing, queue_files, tablet_list
from feedback_service.flow.queue_files import NOT_A_QUEUE
from feedback_service.flow.tablet_list import WARNINGS
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.forms import Mistake, mistakes, said
from kiosk_ui.admin.layout import back_to, show
from kiosk_ui.languages import told

BECAME = {
    "accepted": N_("taken"),
    "accepted_as_walkup": N_("taken as a rating of the hall"),
    "duplicate": N_("had arrived before"),
    "rejected": N_("refused"),
}


class Typed(NamedTuple):
    """What the form says of a new tablet."""

    name: str = ""
    mode: str = "desk"
    workplace: str = ""
    centre: str = ""
    pairing_code: str = ""


@needs(roles.DEVICES)
def tablets() -> ResponseReturnValue:
    """All tablets of the visitor's centres, and the form for another one."""
    return _page(Typed(centre=_usual()))


@needs(roles.DEVICES)
def approve_tablet() -> ResponseReturnValue:
    """The form for a tablet that shows a code; its own QR code leads here."""
    return _page(Typed(centre=_usual(), pairing_code=request.args.get("code", "")))


@needs(roles.DEVICES)
def add_tablet() -> ResponseReturnValue:
    """Let a tablet in: the one that shows this code, or whichever brings the code that is shown now."""
    form = request.form
    typed = Typed(*(form.get(name, "").strip() for name in Typed._fields))
    name, mode, workplace, by = typed.name, typed.mode, typed.workplace or None, visitor().actor
    try:
        if typed.centre not in sight().codes:
            raise Invalid([FieldError("/centre", N_("Choose the centre that it stands in."))])
        if typed.pairing_code:
            pairing.approve(
                typed.pairing_code, typed.centre, name=name, mode=mode, workplace=workplace, by=by
            )
            return back_to("admin.tablets")
        code = pairing.add_device(typed.centre, name=name, mode=mode, workplace=workplace, by=by)
    except Invalid as refusal:
        return _page(typed, mistakes(refusal), 422)
    except NotFound as refusal:
        return _page(typed, [Mistake("pairing_code", said(refusal))], 422)
    return show("admin/tablet_code.html", code=code, name=typed.name)


@needs(roles.DEVICES)
def new_tablet_code(tablet: UUID) -> ResponseReturnValue:
    """Another code, shown this once; the tablet's key so far ends when it is used."""
    code = pairing.new_code(tablet, sight().codes, visitor().actor)
    return show("admin/tablet_code.html", code=code, name="")


@needs(roles.DEVICES)
def revoke_tablet(tablet: UUID) -> ResponseReturnValue:
    """The tablet may only deliver what was answered on it until now."""
    pairing.revoke_device(tablet, sight().codes, visitor().actor)
    return back_to("admin.tablets")


@needs(roles.DEVICES)
def import_queue() -> ResponseReturnValue:
    """Take the answers that a stuck tablet saved; each is taken once, however often it is brought."""
    file = request.files.get("file")
    try:
        document = strict_json(file.read().decode()) if file and file.filename else None
        became = queue_files.take_queue_file(document, sight().codes, _reason)
    except (NotJson, UnicodeDecodeError):
        return _page(Typed(centre=_usual()), [Mistake("file", told(NOT_A_QUEUE))], 422)
    except Invalid as refusal:
        return _page(Typed(centre=_usual()), [Mistake("file", mistakes(refusal)[0].message)], 422)
    return _page(Typed(centre=_usual()), became=[(words, became[word]) for word, words in BECAME.items()])


def _reason(refusal: FeedbackError) -> str:
    """Why something in the file is no answer, in the reader's words."""
    wrong = mistakes(refusal) if isinstance(refusal, Invalid) else ()
    return "; ".join(f"{each.field}: {each.message}" for each in wrong) or said(refusal)


def _usual() -> str:
    return sight().centres[0].code if len(sight().centres) == 1 else ""


def _page(
    typed: Typed,
    wrong: Sequence[Mistake] = (),
    status: int = 200,
    became: Sequence[tuple[str, int]] = (),
) -> Response:
    return show(
        "admin/tablets.html",
        status,
        known=tablet_list.tablets(sight().codes),
        warnings=WARNINGS,
        centres=sight().centres,
        typed=typed,
        errors=wrong,
        became=became,
    )
