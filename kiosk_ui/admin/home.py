"""The first page: the figures, for who may see any; else who is signed in, and for which centres."""

from flask.typing import ResponseReturnValue

from kiosk_ui.admin import figures
from kiosk_ui.admin.door import SIGNED_IN, bp, needs


@bp.get("/")
@needs(SIGNED_IN)
def home() -> ResponseReturnValue:
    """The overview of the visitor's centres."""
    return figures.first_page()
