"""The way from the administration to a centre's poster."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from kiosk_ui.admin.door import bp, centre_of, needs
from kiosk_ui.languages import spoken


@bp.get("/centres/<centre>/poster")
@needs(roles.PROFILE)
def poster(centre: str) -> ResponseReturnValue:
    """To the poster, which is for everybody."""
    return redirect(url_for("public.hall_poster", code=centre_of(centre).code, lang=spoken()), 303)
