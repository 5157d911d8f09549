"""Signing in: e-mail and password, then the second factor."""

from flask import g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, derive_form_token
from feedback_service.errors import NotRecognised, SignInBusy, TooManyAttempts
from feedback_service.flow import second_factor
from feedback_service.flow import sign_in as sign_in_flow
from feedback_service.flow.sign_in import SessionStarted
from kiosk_ui.admin.admission import ANYBODY, current_user, needs
from kiosk_ui.admin.cookies import read_browser_proof, set_session_cookie
from kiosk_ui.admin.layout import offer_saved_form
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import (
    ask_for_code,
    ask_for_next_step,
    ask_to_set_up,
    ask_to_sign_in,
    read_notice,
    redirect_to_stage,
)


@needs(ANYBODY)
def sign_in() -> ResponseReturnValue:
    """Show the form for e-mail and password. A user who is signed in is redirected."""
    saved_form = SavedForm.from_form({})
    if g.current_user is not None and g.current_user.is_signed_in:
        return redirect(saved_form.target_url, 303)
    return ask_to_sign_in(saved_form, notice=read_notice())


@needs(ANYBODY)
def enter() -> ResponseReturnValue:
    """Check e-mail and password and start a session at its next stage."""
    saved_form, email = SavedForm.from_form(request.form), request.form.get("email", "")
    try:
        started = sign_in_flow.sign_in(email, request.form.get("password", ""), read_browser_proof())
    except (NotRecognised, TooManyAttempts, SignInBusy) as refusal:
        return ask_to_sign_in(saved_form, refusal, email=email)
    return _continue_sign_in(started, saved_form)


@needs(CODE_STAGE)
def code() -> ResponseReturnValue:
    """Show the form for a code from the authenticator."""
    return ask_for_code(SavedForm.from_form({}))


@needs(CODE_STAGE)
def enter_code() -> ResponseReturnValue:
    """Check the code and complete the sign-in."""
    saved_form = SavedForm.from_form(request.form)
    try:
        started = second_factor.enter_code(current_user(), request.form.get("code", ""), read_browser_proof())
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_for_code(saved_form, refusal)
    return _continue_sign_in(started, saved_form)


@needs(SET_UP_STAGE)
def set_up() -> ResponseReturnValue:
    """Show a new secret for the authenticator, as a QR code and as text."""
    return ask_to_set_up(current_user(), SavedForm.from_form({}))


@needs(SET_UP_STAGE)
def confirm() -> ResponseReturnValue:
    """Check the first code of the authenticator, or postpone the second factor where the settings allow it."""
    saved_form = SavedForm.from_form(request.form)
    if "later" in request.form:
        return _continue_sign_in(second_factor.postpone_second_factor(current_user()), saved_form)
    try:
        started = second_factor.confirm_second_factor(
            current_user(), request.form.get("code", ""), read_browser_proof()
        )
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_set_up(current_user(), saved_form, refusal)
    return _continue_sign_in(started, saved_form)


def _continue_sign_in(started: SessionStarted, saved_form: SavedForm) -> Response:
    """Lead a user whose session has just started to the next stage.

    1. A complete sign-in leads to the address that the user wanted, or to the saved form.
    2. A saved form stays in the page, so the page of the next stage is shown at once.
    3. Without one the browser is redirected to that page.
    """
    response: Response
    if started.stage == FULL_STAGE and saved_form.fields:
        g.form_token = derive_form_token(started.token)
        response = offer_saved_form(saved_form)
    elif started.stage == FULL_STAGE:
        response = redirect(saved_form.target_url, 303)
    elif saved_form.fields:
        g.current_user = sign_in_flow.find_current_user(started.token)
        g.form_token = derive_form_token(started.token)
        response = ask_for_next_step(saved_form)
        response.status_code = 200
    else:
        response = redirect_to_stage(started.stage, saved_form)
    return set_session_cookie(response, started.token, started.proof)
