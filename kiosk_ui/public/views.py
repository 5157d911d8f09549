"""Pages for everybody: the way in, a centre's figures, how answers are protected, accessibility."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service import clock
from feedback_service.config import current_settings
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.flow import receipts, uninvited_answers
from feedback_service.flow.summaries import read_public_page
from feedback_service.keyring import RECEIPT_LENGTH, normalise_code
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
    """What this is, and where a code is typed."""
    return respond_with_page("public/home.html")


@bp.post("/")
def enter() -> ResponseReturnValue:
    """Follow a typed code: from a slip to the survey, from a receipt to the answer's page."""
    typed_code = request.form.get("code", "")
    code = normalise_code(typed_code) or ""
    if len(code) == RECEIPT_LENGTH:
        return redirect(url_for("survey.thanks", receipt=code, lang=url_language()), code=303)
    try:
        token = receipts.find_token_by_short_code(code)
    except NotFound:
        return respond_with_page("public/home.html", 404, typed=typed_code, problem="unknown")
    except TooManyGuesses as error:
        response = respond_with_page("public/home.html", 429, typed=typed_code, problem="guesses")
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    return redirect(url_for("survey.ask", token=token, lang=url_language()), code=303)


@bp.get("/centres/<code>")
def centre(code: str) -> ResponseReturnValue:
    """A centre's indicators since the beginning of the year, as anybody may see them."""
    last = clock.kyiv_day(clock.now())
    first = last.replace(month=1, day=1)
    figures = read_public_page(code, first, last)
    return respond_with_page(
        "public/centre.html",
        centre=figures.centre,
        summary=figures.summary,
        sections=arrange_sections(figures.summary, figures.questionnaires),
        first=first,
        last=last,
        least=current_settings().min_published,
    )


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    """The notice at the moment of collection; ``?centre=`` names who answers for the data."""
    code = request.args.get("centre")
    centre, notice = uninvited_answers.read_privacy_notice(code) if code else (None, None)
    return respond_with_page(
        "public/privacy.html", centre=centre, notice=notice, retention_days=current_settings().retention_days
    )


@bp.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """What these pages do for everybody, and where they may fall short."""
    return respond_with_page("public/accessibility.html")
