"""The first page: who is signed in, and for which centres."""

from flask.typing import ResponseReturnValue

from kiosk_ui.admin.door import SIGNED_IN, bp, needs, show, sight


@bp.get("/")
@needs(SIGNED_IN)
def home() -> ResponseReturnValue:
    """Who is here, and what they may see."""
    return show("admin/home.html", sight=sight())
