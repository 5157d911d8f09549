"""Errors outside ``/api`` as pages that say what happened and what the reader can do now."""

from dataclasses import dataclass

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from feedback_service.errors import N_, FeedbackError
from kiosk_ui.pages import respond_with_page


@dataclass(frozen=True, slots=True)
class ErrorText:
    """A heading that says what happened, and sentences that say what to do."""

    heading: str
    advice: tuple[str, ...]


ASK_AT_CENTRE = N_(
    "If something keeps you from answering, tell the staff of the centre: they can write down what you say."
)
TRY_LATER = N_("Wait a little and try again. Nothing counts twice, so it is safe to repeat.")

TEXT_BY_STATUS = {
    400: ErrorText(N_("The request could not be read"), (N_("Go back to the page before, reload it and try again."),)),
    401: ErrorText(N_("You need to sign in"), (N_("This page is for the staff of the centre."),)),
    403: ErrorText(N_("This page is not open to you"), (N_("Ask whoever runs the service if you need it."),)),
    404: ErrorText(
        N_("There is nothing at this address"),
        (
            N_("A letter may have been lost on the way. Scan the code again, or type the code from your slip."),
            ASK_AT_CENTRE,
        ),
    ),
    405: ErrorText(
        N_("This address cannot be used like that"),
        (N_("Open the link from your slip again, or type the code printed on it."),),
    ),
    409: ErrorText(N_("This does not fit what is already known"), (N_("Reload the page to see how things are now."),)),
    410: ErrorText(N_("This link no longer works"), (ASK_AT_CENTRE,)),
    413: ErrorText(
        N_("That is too much text"), (N_("Go back and make it shorter: a comment has up to 1000 characters."),)
    ),
    415: ErrorText(
        N_("The form came in a way we do not read"), (N_("Go back to the page before, reload it and try again."),)
    ),
    422: ErrorText(N_("Something in the form is not right"), (N_("Go back, check what you chose and try again."),)),
    429: ErrorText(
        N_("Too many attempts"),
        (N_("Wait ten minutes and type the code again. The link in the QR code works all the time."),),
    ),
    500: ErrorText(N_("Something went wrong on our side"), (TRY_LATER,)),
    503: ErrorText(N_("The service is busy just now"), (TRY_LATER,)),
}
TEXT_BY_SLUG = {
    "too-many-answers": ErrorText(
        N_("This hall has very many answers just now"),
        (
            N_("Yours was counted, but what you chose was not kept: more came in this hour than people can give."),
            N_("Please try again in an hour, or answer by the link on your slip: that always works."),
        ),
    ),
    "invitation-expired": ErrorText(
        N_("The time to answer is over"),
        (
            N_("A link works until the day printed on the slip."),
            N_("You can still rate the centre by the code that hangs in its hall."),
        ),
    ),
    "invitation-cancelled": ErrorText(
        N_("This invitation was cancelled"),
        (N_("The centre withdrew it, for example because the case was entered by mistake."), ASK_AT_CENTRE),
    ),
}


def register(app: Flask) -> None:
    """Answer errors with these pages, unless a blueprint has pages of its own."""
    app.register_error_handler(FeedbackError, handle_error)
    app.register_error_handler(HTTPException, handle_error)


def handle_error(error: FeedbackError | HTTPException) -> Response:
    """Answer one of our own errors, or one of the web framework: no such address, a body too large, a fault of ours."""
    status = find_status(error)
    text = TEXT_BY_SLUG.get(getattr(error, "slug", "")) or find_error_text(status)
    page = respond_with_page("error.html", status, text=text, offers_code=status in (404, 405, 410))
    return add_error_headers(page, error)


def find_status(error: FeedbackError | HTTPException) -> int:
    """Return the status of HTTP that the error stands for."""
    return error.status if isinstance(error, FeedbackError) else error.code or 500


def add_error_headers(response: Response, error: FeedbackError | HTTPException) -> Response:
    """Say when to try again (``Retry-After``, in seconds) or which methods there are (``Allow``), if the error does."""
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def find_error_text(status: int) -> ErrorText:
    """Return the text for a status, or a general one for a status that has no text of its own."""
    return TEXT_BY_STATUS.get(status) or TEXT_BY_STATUS[400 if status < 500 else 500]
