"""The poster of a centre's hall: a page to look at and print, and its parts for whoever prints elsewhere."""

from flask import Response
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.addresses import hall_address
from feedback_service.facts import PublicCentre
from feedback_service.flow import uninvited_answers
from feedback_service.printing import poster, qr
from kiosk_ui.pages import respond_with_page


def hall_poster(code: str) -> ResponseReturnValue:
    """The poster with a word on how to print it."""
    centre = uninvited_answers.open_hall_survey(code).centre
    poster_markup = Markup(_draw_poster(centre).decode())  # escaped where it was drawn
    return respond_with_page(
        "public/poster.html", centre=centre, drawn=poster_markup, address=hall_address(centre.code)
    )


def poster_svg(code: str) -> Response:
    """The poster alone."""
    return _respond_with_svg(_draw_poster(uninvited_answers.open_hall_survey(code).centre))


def centre_qr(code: str) -> Response:
    """The code alone, for what a centre designs itself."""
    return _respond_with_svg(
        qr.render_svg(hall_address(uninvited_answers.open_hall_survey(code).centre.code))
    )


def _draw_poster(centre: PublicCentre) -> bytes:
    address = hall_address(centre.code)
    return poster.render_poster(address, centre.name, address.partition("://")[2])


def _respond_with_svg(svg_bytes: bytes) -> Response:
    return Response(svg_bytes, mimetype="image/svg+xml")
