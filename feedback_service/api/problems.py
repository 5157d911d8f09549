"""Writes every refusal of the API as ``application/problem+json`` (RFC 9457)."""

from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from werkzeug.exceptions import HTTPException

from feedback_service import errors, logs
from feedback_service.api.json_reply import json_response
from feedback_service.config import current_settings
from feedback_service.errors import (
    N_,
    BegunElsewhere,
    FeedbackError,
    ForeignCentre,
    Invalid,
    Malformed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
)

MAX_FIELD_ERRORS = 50  # that a refusal names, so that it never gets much longer than the request


class WrongMethod(FeedbackError):
    """This address does something else."""

    status, slug, title = 405, "wrong-method", N_("This address does something else")


# By slug: what a refusal means and what to do. It is the text of its page, and its ``detail`` if the error has none.
EXPLANATIONS = {
    "malformed": N_("Send one JSON object in UTF-8, each name once, without NaN or Infinity."),
    "not-authenticated": N_("Send a key that is still valid in the header “Authorization: Bearer KEY”."),
    "not-allowed": N_("Use a key with the scope that this operation needs."),
    "not-found": N_("It does not exist, or it belongs to a centre that the key is not for."),
    "wrong-method": N_("The header “Allow” names the methods that this address takes."),
    "conflict": N_("Read what is known now and decide again."),
    "already-answered": N_("Every link takes one answer. Sending again with the same client_id is safe."),
    "begun-elsewhere": N_(
        "Whoever answers a question first keeps it. Nothing was stored. Send an answer of your own, to another "
        "question than “errors” points to."
    ),
    "other-answer": N_("Nothing was stored. Give every answer a client_id of its own; repeat one only unchanged."),
    "another-case": N_("A case keeps its service and its front office. Check the case number."),
    "already-final": N_("After “completed” or “refused” only the other of the two or “cancelled” may follow."),
    "too-many-statuses": N_("Report changes of the case only."),
    "too-many-services": N_("Name a service that the centre has already, or let the centre import the new one."),
    "purge-refused": N_("Mend the clock of the machine; then what is old is deleted again."),
    "gone": N_("The link will not work again."),
    "invitation-expired": N_("The last day to answer is over."),
    "invitation-cancelled": N_("The centre withdrew the invitation."),
    "too-large": N_("A body may have 64 KiB, a batch of cases 2 MiB."),
    "wrong-media-type": N_("Send “Content-Type: application/json”, in UTF-8 and not compressed."),
    "invalid": N_("Every member of “errors” points to a field and says what is wrong with it."),
    "too-many-guesses": N_("Wait as many seconds as the header “Retry-After” says."),
    "too-many-answers": N_("Wait as many seconds as the header “Retry-After” says."),
    "unavailable": N_("Wait as many seconds as the header “Retry-After” says; sending again is safe."),
    "not-ready": N_("The service will answer when what “detail” names is mended."),
    "error": N_("The fault is ours and is in our log. Quote “instance” when you report it."),
}

_ERROR_BY_STATUS = {
    kind.status: kind for kind in (Malformed, NotFound, WrongMethod, errors.TooLarge, errors.WrongMediaType)
}


def problem_types() -> dict[str, type[FeedbackError]]:
    """Return every error class, by its slug."""
    types_by_slug: dict[str, type[FeedbackError]] = {}
    pending: list[type[FeedbackError]] = [FeedbackError]
    while pending:
        error_type = pending.pop()
        types_by_slug.setdefault(error_type.slug, error_type)
        pending.extend(error_type.__subclasses__())
    return types_by_slug


def problem_to_json(error: FeedbackError, *, pointer_prefix: str = "") -> dict[str, Any]:
    """Return the members of a refusal; ``pointer_prefix`` points to the refused item of a batch."""
    members: dict[str, Any] = {
        "type": f"{current_settings().public_url}/problems/{error.slug}",
        "title": gettext(error.title),
        "status": error.status,
        "detail": _translate(error.detail or EXPLANATIONS.get(error.slug, error.title), error.params),
        "instance": logs.request_id(),
    }
    if isinstance(error, Invalid | BegunElsewhere | ForeignCentre):
        members["errors"] = [
            {
                "pointer": pointer_prefix + field_error.pointer,
                "detail": _translate(field_error.detail, field_error.params),
            }
            for field_error in error.errors[:MAX_FIELD_ERRORS]
        ]
    return members


def problem_from_error(error: FeedbackError) -> Response:
    """Return the response for an error of ours."""
    response = json_response(problem_to_json(error), error.status, "application/problem+json")
    response.content_language = [str(get_locale() or "uk")]
    response.vary.add("Accept-Language")
    if isinstance(error, NotAuthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, NotAllowed) and (scope := error.params.get("scope")):
        response.headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{scope}"'
    if (wait_seconds := getattr(error, "retry_after", None)) is not None:
        response.headers["Retry-After"] = str(wait_seconds)
    return response


def problem_from_http_error(error: HTTPException) -> ResponseReturnValue:
    """Return the response for an error of the web framework: no such address, wrong method, internal error."""
    if error.code is None or error.code < 400:
        return error
    error_type = _ERROR_BY_STATUS.get(error.code, Malformed if error.code < 500 else FeedbackError)
    response = problem_from_error(error_type())
    if allow := dict(error.get_headers()).get("Allow"):
        response.headers["Allow"] = allow
    return response


def _translate(message: str, params: dict[str, object]) -> str:
    return gettext(message) % params if params else gettext(message)
