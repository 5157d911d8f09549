"""An invitation as an image: its QR code, and the slip that a receipt printer puts beside it.

Drawn when somebody looks at them, not when a case is registered.
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
SLIP_58_WIDTH: Literal[384] = 384  # dots across the paper at 203 dpi
SLIP_80_WIDTH: Literal[576] = 576


@bp.get("/s/<token>/qr.svg")
@bp.get("/S/<token>/qr.svg")
def qr_code_svg(token: str) -> Response:
    """The QR code to scale at will."""
    return Response(
        qr.render_svg(survey_address(cases.read_slip_facts(token).token)), mimetype="image/svg+xml"
    )


@bp.get("/s/<token>/qr.png")
@bp.get("/S/<token>/qr.png")
def qr_code_png(token: str) -> Response:
    """The QR code in whole printer dots: ``?dots=`` 1 to 20 for a module, 6 when nobody says."""
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
    """The slip for paper of 58 mm."""
    return _respond_with_slip(token, SLIP_58_WIDTH)


@bp.get("/s/<token>/slip-80.png")
@bp.get("/S/<token>/slip-80.png")
def slip_for_80_mm(token: str) -> Response:
    """The slip for paper of 80 mm."""
    return _respond_with_slip(token, SLIP_80_WIDTH)


def _respond_with_slip(token: str, width: Literal[384, 576]) -> Response:
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
