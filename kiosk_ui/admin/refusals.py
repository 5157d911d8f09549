"""Refusals inside the administration, in words for staff."""

from flask import Response, g
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPage

from feedback_service.errors import N_, FeedbackError, NotRecognised, TooManyAttempts
from kiosk_ui.admin.admission import SIGNED_IN, needs
from kiosk_ui.admin.layout import show
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import come_back
from kiosk_ui.errors import TEXT_BY_STATUS, ErrorText

FOR_STAFF = {
    403: ErrorText(
        N_("This page is not open to you"),
        (N_("Your role does not include it. Ask the head of the centre if you need it."),),
    ),
    404: ErrorText(
        N_("There is nothing at this address"),
        (N_("It may have been removed, or it belongs to a centre that is not yours."),),
    ),
    405: ErrorText(
        N_("This address cannot be used like that"), (N_("Go back to the page before and try again."),)
    ),
    413: ErrorText(N_("That is too much at once"), (N_("A form or file may have up to 2 MB."),)),
    429: ErrorText(
        N_("Too many wrong attempts; please wait a little"),
        (N_("The wait grows with every wrong attempt, to fifteen minutes at most."),),
    ),
}


def refused(error: FeedbackError) -> ResponseReturnValue:
    """Our own refusal, in words for staff."""
    if isinstance(error, NotRecognised):  # the session ended while the request was under way
        g.visitor = None
        return come_back(SavedForm.from_request())
    response = sorry(error.status, error)
    if isinstance(error, TooManyAttempts) or hasattr(error, "retry_after"):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def lost(error: HTTPException) -> ResponseReturnValue:
    """A refusal of the web framework."""
    if error.code is None or error.code < 400:
        return error
    response = sorry(error.code)
    if allow := dict(error.get_headers()).get("Allow"):
        response.headers["Allow"] = allow
    return response


@needs(SIGNED_IN)
def nowhere(lost: str) -> ResponseReturnValue:
    """Whoever is signed in learns that there is no such page; who is not learns nothing."""
    raise NoSuchPage()


def sorry(status: int, error: FeedbackError | None = None) -> Response:
    """The page for a refusal."""
    words = (
        FOR_STAFF.get(status) or TEXT_BY_STATUS.get(status) or TEXT_BY_STATUS[400 if status < 500 else 500]
    )
    return show("admin/error.html", status, words=words, error=error)
