"""The poster of a centre's hall: a page to look at and print, and its parts for whoever prints elsewhere."""

from flask import Response
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.addresses import hall_address
from feedback_service.cases import poster, qr
from feedback_service.flow import direct
from feedback_service.flow.answers import CentreFacts
from kiosk_ui.pages import page


def hall_poster(code: str) -> ResponseReturnValue:
    """The poster with a word on how to print it."""
    centre = direct.open_hall(code).centre
    drawn = Markup(_poster(centre).decode())  # escaped where it was drawn
    return page("public/poster.html", centre=centre, drawn=drawn, address=hall_address(centre.code))


def poster_svg(code: str) -> Response:
    """The poster alone."""
    return _image(_poster(direct.open_hall(code).centre))


def centre_qr(code: str) -> Response:
    """The code alone, for what a centre designs itself."""
    return _image(qr.svg(hall_address(direct.open_hall(code).centre.code)))


def _poster(centre: CentreFacts) -> bytes:
    address = hall_address(centre.code)
    return poster.svg(address, centre.name, address.partition("://")[2])


def _image(drawn: bytes) -> Response:
    return Response(drawn, mimetype="image/svg+xml")
