"""Images of an invitation: its QR code, and the slip for a receipt printer.

They are drawn when somebody requests them, not when a case is registered.
"""

from typing import Literal

from flask import Blueprint, Response, request

from feedback_service.addresses import public_host, survey_address
from feedback_service.errors import N_, Invalid
from feedback_service.flow import cases
from feedback_service.i18n import current_language
from feedback_service.printing import qr, slip

bp = Blueprint("images", __name__)

SLIP_DOTS: dict[str, Literal[384, 576]] = {"58": 384, "80": 576}  # across the paper in mm, at 203 dpi
DOT_SIZES = {str(dots): dots for dots in qr.MODULE_DOTS}


@bp.get("/s/<token>/qr.svg")
@bp.get("/S/<token>/qr.svg")
def qr_code_svg(token: str) -> Response:
    """Return the QR code as an SVG image, which can be scaled."""
    facts = cases.read_slip_facts(token)
    return Response(qr.render_svg(survey_address(facts.token)), mimetype="image/svg+xml")


@bp.get("/s/<token>/qr.png")
@bp.get("/S/<token>/qr.png")
def qr_code_png(token: str) -> Response:
    """Return the QR code as a PNG image; ``?dots=`` is the size of a module in printer dots, 1 to 20, by default 6."""
    facts, dots = cases.read_slip_facts(token), request.args.get("dots", "6")
    if dots not in DOT_SIZES:
        message = N_("Choose a whole number from %(few)d to %(many)d.")
        raise Invalid.for_field("/dots", message, few=qr.MODULE_DOTS[0], many=qr.MODULE_DOTS[-1])
    return Response(qr.render_png(survey_address(facts.token), DOT_SIZES[dots]), mimetype="image/png")


@bp.get("/s/<token>/slip-<any('58', '80'):paper>.png")
@bp.get("/S/<token>/slip-<any('58', '80'):paper>.png")
def slip_png(token: str, paper: Literal["58", "80"]) -> Response:
    """Return the slip for paper 58 or 80 mm wide."""
    facts = cases.read_slip_facts(token)
    image = slip.render_slip(
        address=survey_address(facts.token),
        width=SLIP_DOTS[paper],
        centre=facts.centre,
        domain=public_host(),
        short_code=facts.short_code,
        last_day=facts.last_day,
        language=current_language(),
    )
    return Response(image, mimetype="image/png")
