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
        smallest, largest = qr.MODULE_DOTS[0], qr.MODULE_DOTS[-1]
        raise Invalid.for_field(
            "/dots", N_("Choose a whole number from %(few)d to %(many)d."), few=smallest, many=largest
        )
    return Response(qr.render_png(survey_address(facts.token), DOT_SIZES[dots]), mimetype="image/png")


@bp.get("/s/<token>/slip-58.png")
@bp.get("/S/<token>/slip-58.png")
def slip_for_58_mm(token: str) -> Response:
    """Return the slip for paper 58 mm wide."""
    return _respond_with_slip(token, 384)


@bp.get("/s/<token>/slip-80.png")
@bp.get("/S/<token>/slip-80.png")
def slip_for_80_mm(token: str) -> Response:
    """Return the slip for paper 80 mm wide."""
    return _respond_with_slip(token, 576)


def _respond_with_slip(token: str, width: Literal[384, 576]) -> Response:
    """Respond with the slip; ``width`` is in dots across the paper, at 203 dpi."""
    facts = cases.read_slip_facts(token)
    image = slip.render_slip(
        address=survey_address(facts.token),
        width=width,
        centre=facts.centre,
        domain=public_host(),
        short_code=facts.short_code,
        last_day=facts.last_day,
        language=current_language(),
    )
    return Response(image, mimetype="image/png")
