"""The poster of a centre's hall: a page to look at and print, and its parts for whoever prints elsewhere."""

from urllib.parse import urlsplit

from flask import Response
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.cases import poster, qr
from feedback_service.config import settings
from feedback_service.flow import direct
from feedback_service.flow.answers import CentreFacts
from kiosk_ui.pages import page


def hall_poster(code: str) -> ResponseReturnValue:
    """The poster with a word on how to print it."""
    centre = direct.open_hall(code).centre
    drawn = Markup(_poster(centre).decode())  # escaped where it was drawn
    return page("public/poster.html", centre=centre, drawn=drawn, address=_address(centre))


def poster_svg(code: str) -> Response:
    """The poster alone."""
    return _image(_poster(direct.open_hall(code).centre))


def centre_qr(code: str) -> Response:
    """The code alone, for what a centre designs itself."""
    return _image(qr.svg(_address(direct.open_hall(code).centre)))


def _poster(centre: CentreFacts) -> bytes:
    place = urlsplit(settings().public_url).netloc
    return poster.svg(_address(centre), centre.name, f"{place}/C/{centre.code}")


def _address(centre: CentreFacts) -> str:
    return f"{settings().public_url}/C/{centre.code}"


def _image(drawn: bytes) -> Response:
    return Response(drawn, mimetype="image/svg+xml")
