"""The poster for a centre's hall: a page to print, and its parts as SVG for a print shop."""

from flask import Response
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.addresses import hall_address
from feedback_service.facts import PublicCentre
from feedback_service.flow import uninvited_answers
from feedback_service.printing import poster, qr
from kiosk_ui.pages import respond_with_page


def hall_poster(code: str) -> ResponseReturnValue:
    """Show the poster with advice on how to print it."""
    centre = uninvited_answers.open_hall_survey(code).centre
    poster_markup = Markup(_draw_poster(centre).decode())  # render_poster escapes its texts
    return respond_with_page(
        "public/poster.html", centre=centre, poster_markup=poster_markup, address=hall_address(centre.code)
    )


def poster_svg(code: str) -> Response:
    """Send the poster alone as SVG."""
    return Response(_draw_poster(uninvited_answers.open_hall_survey(code).centre), mimetype="image/svg+xml")


def centre_qr(code: str) -> Response:
    """Send the QR code alone as SVG, for a centre's own design."""
    centre = uninvited_answers.open_hall_survey(code).centre
    return Response(qr.render_svg(hall_address(centre.code)), mimetype="image/svg+xml")


def _draw_poster(centre: PublicCentre) -> bytes:
    address = hall_address(centre.code)
    return poster.render_poster(address, centre.name, address.partition("://")[2])
