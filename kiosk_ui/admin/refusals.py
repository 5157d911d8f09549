"""Errors inside the administration as pages with a text for staff."""

from flask import Response, g
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPage

from feedback_service.errors import N_, FeedbackError, NotRecognised
from kiosk_ui.admin.admission import SIGNED_IN, needs
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import ask_for_next_step
from kiosk_ui.errors import ErrorText, add_error_headers, find_error_text, find_status
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


def handle_error(error: FeedbackError | HTTPException) -> Response:
    """Answer an error with a page for staff, or with the sign-in when the session ended meanwhile."""
    if isinstance(error, NotRecognised):
        g.current_user = None
        return ask_for_next_step(SavedForm.from_request())
    status = find_status(error)
    text = STAFF_TEXT_BY_STATUS.get(status) or find_error_text(status)
    own_error = error if isinstance(error, FeedbackError) else None
    return add_error_headers(respond_with_page("admin/error.html", status, text=text, error=own_error), error)


@needs(SIGNED_IN)
def nowhere(path: str) -> Response:
    """Tell signed-in users that there is no such page. Everybody else has to sign in first and learns nothing."""
    raise NoSuchPage()
