"""The pages that ask who somebody is: e-mail and password, a code, a new authenticator."""

from flask import Response, g
from markupsafe import Markup

from feedback_service.access.second_factor import build_provisioning_uri
from feedback_service.access.sessions import CODE_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.config import current_settings
from feedback_service.errors import N_, FeedbackError
from feedback_service.flow import second_factor
from feedback_service.printing import qr
from kiosk_ui.admin.forms import FormError, describe_refusal
from kiosk_ui.admin.layout import show
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.languages import translated_message

OVER = N_("Your session is over. What you sent is kept: sign in to go on.")


def come_back(kept: SavedForm) -> Response:
    """A form came when its session was over, or had not quite begun: it is kept while its sender signs in."""
    visitor: CurrentUser | None = g.visitor
    if visitor is not None and visitor.stage == CODE_STAGE:
        response = ask_for_code(kept)
    elif visitor is not None and visitor.stage == SET_UP_STAGE:
        response = ask_to_set_up(visitor, kept)
    else:
        response = ask_to_sign_in(kept, notice=translated_message(OVER))
    response.status_code = 401
    response.headers["WWW-Authenticate"] = 'Form realm="Vidhuk"'
    return response


def ask_to_sign_in(
    kept: SavedForm, refusal: FeedbackError | None = None, *, email: str = "", notice: str | None = None
) -> Response:
    """The page that asks for e-mail and password."""
    return _ask("admin/sign_in.html", kept, refusal, "email", email=email, notice=notice)


def ask_for_code(kept: SavedForm, refusal: FeedbackError | None = None) -> Response:
    """The page that asks for a code."""
    return _ask("admin/code.html", kept, refusal, "code")


def ask_to_set_up(visitor: CurrentUser, kept: SavedForm, refusal: FeedbackError | None = None) -> Response:
    """The page with a new secret for the authenticator."""
    secret = second_factor.offer_second_factor(visitor)
    address = build_provisioning_uri(secret, visitor.email)
    picture = qr.render_svg(
        address, translated_message(N_("QR code for the authenticator")), keep_case=True
    ).decode()
    return _ask(
        "admin/set_up.html",
        kept,
        refusal,
        "code",
        secret=secret,
        picture=Markup(picture),
        may_wait=current_settings().second_factor == "optional",
    )


def _ask(
    template: str, kept: SavedForm, refusal: FeedbackError | None, field: str, **context: object
) -> Response:
    wrong = [FormError(field, describe_refusal(refusal))] if refusal else []
    status = refusal.status if refusal else 200
    response = show(template, status, kept=kept, errors=wrong, **context)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Form realm="Vidhuk"'
    if refusal is not None and hasattr(refusal, "retry_after"):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
