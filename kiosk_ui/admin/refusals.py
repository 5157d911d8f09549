"""Errors inside the administration as pages with a text for staff."""

from flask import Response, g
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPage

from feedback_service.errors import N_, FeedbackError, NotRecognised
from kiosk_ui.admin.admission import SIGNED_IN, needs
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import ask_for_next_step
from kiosk_ui.errors import ErrorText, add_error_headers, find_error_text
from kiosk_ui.pages import respond_with_page

STAFF_TEXT_BY_STATUS = {
    403: ErrorText(
        N_("This page is not open to you"),
        (N_("Your role does not include it. Ask the head of the centre if you need it."),),
    ),
    404: ErrorText(
        N_("There is nothing at this address"),
        (N_("It may have been removed, or it belongs to a centre that is not yours."),),
    ),
    405: ErrorText(N_("This address cannot be used like that"), (N_("Go back to the page before and try again."),)),
    413: ErrorText(N_("That is too much at once"), (N_("A form or file may have up to 2 MB."),)),
    429: ErrorText(
        N_("Too many wrong attempts; please wait a little"),
        (N_("The wait grows with every wrong attempt, to fifteen minutes at most."),),
    ),
}


def handle_feedback_error(error: FeedbackError) -> ResponseReturnValue:
    """Answer one of our own errors with a page for staff, or with the sign-in when the session ended meanwhile."""
    if isinstance(error, NotRecognised):
        g.current_user = None
        return ask_for_next_step(SavedForm.from_request())
    return add_error_headers(_respond_with_refusal(error.status, error), error)


def handle_http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer an error of the web framework with a page for staff."""
    if error.code is None or error.code < 400:
        return error
    return add_error_headers(_respond_with_refusal(error.code), error)


@needs(SIGNED_IN)
def nowhere(path: str) -> ResponseReturnValue:
    """Tell signed-in users that there is no such page. Everybody else has to sign in first and learns nothing."""
    raise NoSuchPage()


def _respond_with_refusal(status: int, error: FeedbackError | None = None) -> Response:
    text = STAFF_TEXT_BY_STATUS.get(status) or find_error_text(status)
    return respond_with_page("admin/error.html", status, text=text, error=error)
