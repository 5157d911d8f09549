"""The pages that ask who somebody is: e-mail and password, a code, a new authenticator."""

from flask import Response, g, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from feedback_service.access.second_factor import build_provisioning_uri
from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.config import current_settings
from feedback_service.errors import N_, FeedbackError, TooManyAttempts
from feedback_service.flow import second_factor
from feedback_service.printing import qr
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.errors import add_error_headers
from kiosk_ui.forms import form_errors
from kiosk_ui.languages import translated_message, url_language
from kiosk_ui.pages import respond_with_page

SESSION_OVER = N_("Your session is over. What you sent is kept: sign in to go on.")
NOTICES = {  # by what ``?notice=`` says
    "out": N_("You are signed out."),
    "set": N_("The password is set. Sign in with it now."),
    "changed": N_("The password is changed. All other sessions are over."),
}
STAGE_ENDPOINTS = {  # by the stage of the session; None without one
    None: "admin.sign_in",
    CODE_STAGE: "admin.code",
    SET_UP_STAGE: "admin.set_up",
    FULL_STAGE: "admin.home",
}


def ask_for_next_step(saved_form: SavedForm) -> Response:
    """Save a form whose sender is not fully signed in, and ask for what is missing: password, code or authenticator."""
    user: CurrentUser | None = g.current_user
    if user is not None and user.stage == CODE_STAGE:
        response = ask_for_code(saved_form)
    elif user is not None and user.stage == SET_UP_STAGE:
        response = ask_to_set_up(user, saved_form)
    else:
        response = ask_to_sign_in(saved_form, notice=translated_message(SESSION_OVER))
    response.status_code = 401
    _add_challenge(response)
    return response


def redirect_to_stage(stage: str | None, saved_form: SavedForm | None = None) -> BaseResponse:
    """Redirect to the page where a person at this stage of the sign-in goes on, and later to the saved address."""
    next_url = saved_form.target_url if saved_form else None
    next_url = None if next_url == url_for("admin.home") else next_url
    return redirect(url_for(STAGE_ENDPOINTS[stage], next=next_url, lang=url_language()), 303)


def ask_to_sign_in(
    saved_form: SavedForm, refusal: FeedbackError | None = None, *, email: str = "", notice: str | None = None
) -> Response:
    """Show the form for e-mail and password."""
    is_waiting = isinstance(refusal, TooManyAttempts)
    return _respond_with_form(
        "admin/sign_in.html", saved_form, refusal, "email", email=email, notice=notice, is_waiting=is_waiting
    )


def ask_for_code(saved_form: SavedForm, refusal: FeedbackError | None = None) -> Response:
    """Show the form for a code from the authenticator."""
    return _respond_with_form("admin/code.html", saved_form, refusal, "code")


def ask_to_set_up(user: CurrentUser, saved_form: SavedForm, refusal: FeedbackError | None = None) -> Response:
    """Show a new secret for the authenticator and the form for its first code."""
    secret = second_factor.offer_second_factor(user)
    uri = build_provisioning_uri(secret, user.email)
    qr_code = qr.render_svg(uri, translated_message(N_("QR code for the authenticator")), keep_case=True)
    return _respond_with_form(
        "admin/set_up.html",
        saved_form,
        refusal,
        "code",
        secret=secret,
        qr_code=Markup(qr_code.decode()),
        may_postpone=current_settings().second_factor == "optional",
    )


def read_notice() -> str | None:
    """Return the sentence about what has just happened, if the address names one."""
    notice = NOTICES.get(request.args.get("notice", ""))
    return translated_message(notice) if notice else None


def _respond_with_form(
    template: str, saved_form: SavedForm, refusal: FeedbackError | None, field: str, **context: object
) -> Response:
    """Show a form of the sign-in; a refusal stands at ``field`` and gives the status."""
    errors = form_errors(refusal, field) if refusal else []
    status = refusal.status if refusal else 200
    response = respond_with_page(template, status, saved_form=saved_form, errors=errors, **context)
    if status == 401:
        _add_challenge(response)
    return add_error_headers(response, refusal) if refusal else response


def _add_challenge(response: Response) -> None:
    """Say how to sign in, as every answer 401 must (RFC 9110, section 15.5.2)."""
    response.headers["WWW-Authenticate"] = 'Form realm="Vidhuk"'
