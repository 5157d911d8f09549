"""Public pages: the first page, a centre's figures, the privacy notice, the accessibility statement."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service import clock
from feedback_service.config import current_settings
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.flow import short_codes
from feedback_service.flow.summaries import read_privacy_notice, read_public_page
from feedback_service.keyring import RECEIPT_LENGTH, normalise_code
from kiosk_ui.errors import add_error_headers
from kiosk_ui.languages import url_language
from kiosk_ui.pages import respond_with_page
from kiosk_ui.public import poster
from kiosk_ui.public.figures import arrange_sections

bp = Blueprint("public", __name__, template_folder="templates")
bp.add_url_rule("/centres/<code>/poster", view_func=poster.hall_poster)
bp.add_url_rule("/centres/<code>/poster.svg", view_func=poster.poster_svg)
bp.add_url_rule("/centres/<code>/qr.svg", view_func=poster.centre_qr)


@bp.get("/")
def home() -> ResponseReturnValue:
    """Show the first page, where a person types a code."""
    return respond_with_page("public/home.html")


@bp.post("/")
def enter() -> ResponseReturnValue:
    """Redirect from the code of a slip to its survey, from that of a receipt to the page of its answer."""
    typed_code = request.form.get("code", "")
    code = normalise_code(typed_code) or ""
    if len(code) == RECEIPT_LENGTH:
        return redirect(url_for("survey.thanks", receipt=code, lang=url_language()), code=303)
    try:
        token = short_codes.find_token_by_short_code(code)
    except NotFound:
        return respond_with_page("public/home.html", 404, typed_code=typed_code, problem="unknown")
    except TooManyGuesses as error:
        response = respond_with_page("public/home.html", 429, typed_code=typed_code, problem="guesses")
        return add_error_headers(response, error)
    return redirect(url_for("survey.ask", token=token, lang=url_language()), code=303)


@bp.get("/centres/<code>")
def centre(code: str) -> ResponseReturnValue:
    """Show a centre's indicators since the beginning of the year."""
    last = clock.kyiv_day(clock.now())
    first = last.replace(month=1, day=1)
    page = read_public_page(code, first, last)
    return respond_with_page(
        "public/centre.html",
        centre=page.centre,
        summary=page.summary,
        sections=arrange_sections(page.summary, page.questionnaires),
        first=first,
        last=last,
        min_published=current_settings().min_published,
    )


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    """Show the privacy notice. With ``?centre=`` it names the controller of the data."""
    code = request.args.get("centre")
    centre, notice = read_privacy_notice(code) if code else (None, None)
    return respond_with_page(
        "public/privacy.html", centre=centre, notice=notice, retention_days=current_settings().retention_days
    )


@bp.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """Show the accessibility statement."""
    return respond_with_page("public/accessibility.html")
