"""Signing in and out, the second factor, one's own account."""

from uuid import UUID

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, derive_form_token
from feedback_service.errors import (
    N_,
    Invalid,
    NotRecognised,
    TooManyAttempts,
)
from feedback_service.flow import second_factor
from feedback_service.flow import sign_in as sign_in_flow
from feedback_service.flow.sign_in import SessionStarted
from kiosk_ui.admin.admission import NOBODY, SIGNED_IN, needs, visitor
from kiosk_ui.admin.cookies import forget, remember
from kiosk_ui.admin.forms import FormError, describe_refusal, form_errors
from kiosk_ui.admin.layout import back_to, offer_again, show
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import ask_for_code, ask_to_set_up, ask_to_sign_in, come_back
from kiosk_ui.languages import translated_message, url_language

OUT = N_("You are signed out.")
SET = N_("The password is set. Sign in with it now.")
CHANGED = N_("The password is changed. All other sessions are over.")
NOTICES = {"out": OUT, "set": SET, "changed": CHANGED}

# Signing in ---------------------------------------------------------------------------------------------------


@needs(NOBODY)
def sign_in() -> ResponseReturnValue:
    """E-mail and password; whoever is in already goes on."""
    kept = SavedForm.from_form({})
    if g.visitor is not None and g.visitor.is_signed_in:
        return redirect(kept.target_url, 303)
    return ask_to_sign_in(kept, notice=notice())


@needs(NOBODY)
def enter() -> ResponseReturnValue:
    """Let in who has this e-mail and this password, as far as the next question."""
    kept, email = SavedForm.from_form(request.form), request.form.get("email", "")
    try:
        entered = sign_in_flow.sign_in(email, request.form.get("password", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_sign_in(kept, refusal, email=email)
    return go_on(entered, kept)


@needs(CODE_STAGE)
def code() -> ResponseReturnValue:
    """A code from the authenticator."""
    return ask_for_code(SavedForm.from_form({}))


@needs(CODE_STAGE)
def enter_code() -> ResponseReturnValue:
    """Let in who has the code."""
    kept = SavedForm.from_form(request.form)
    try:
        entered = second_factor.enter_code(visitor(), request.form.get("code", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_for_code(kept, refusal)
    return go_on(entered, kept)


@needs(SET_UP_STAGE)
def set_up() -> ResponseReturnValue:
    """A secret for the authenticator, as a QR code and in letters."""
    return ask_to_set_up(visitor(), SavedForm.from_form({}))


@needs(SET_UP_STAGE)
def confirm() -> ResponseReturnValue:
    """The authenticator knows the secret; or, where that is allowed, it may wait."""
    kept = SavedForm.from_form(request.form)
    if "later" in request.form:
        return go_on(second_factor.postpone_second_factor(visitor()), kept)
    try:
        entered = second_factor.confirm_second_factor(visitor(), request.form.get("code", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_set_up(visitor(), kept, refusal)
    return go_on(entered, kept)


def go_on(entered: SessionStarted, kept: SavedForm) -> Response:
    """To the next question; once there is none, to where they wanted to go, or to the form that was kept."""
    if entered.stage == FULL_STAGE and kept.fields:
        g.form_token = derive_form_token(entered.token)
        response = offer_again(kept)
    elif entered.stage == FULL_STAGE:
        response = _response(redirect(kept.target_url, 303))
    elif kept.fields:
        g.visitor, g.form_token = (
            sign_in_flow.find_current_user(entered.token),
            derive_form_token(entered.token),
        )
        response = come_back(kept)
        response.status_code = 200
    else:
        step = {CODE_STAGE: "admin.code", SET_UP_STAGE: "admin.set_up"}[entered.stage]
        following = None if kept.target_url == url_for("admin.home") else kept.target_url
        response = _response(redirect(url_for(step, next=following, lang=url_language()), 303))
    return remember(response, entered.token)


def _response(value: ResponseReturnValue) -> Response:
    assert isinstance(value, Response)
    return value


def notice() -> str | None:
    """What has just happened, as the address says."""
    words = NOTICES.get(request.args.get("notice", ""))
    return translated_message(words) if words else None


# A password by a link -----------------------------------------------------------------------------------------


@needs(NOBODY)
def choose_password(secret: str) -> ResponseReturnValue:
    """Whoever holds the link chooses a password. Looking spends nothing."""
    return show("admin/set_password.html", email=sign_in_flow.find_email_by_link(secret))


@needs(NOBODY)
def set_password(secret: str) -> ResponseReturnValue:
    """The password is set, and the link works no more."""
    try:
        sign_in_flow.set_password(secret, request.form.get("password", ""))
    except Invalid as refusal:
        email = sign_in_flow.find_email_by_link(secret)
        return show("admin/set_password.html", 422, email=email, errors=form_errors(refusal))
    return forget(_response(back_to("admin.sign_in", notice="set")))


# One's own account --------------------------------------------------------------------------------------------


@needs(SIGNED_IN)
def account() -> ResponseReturnValue:
    """Who I am here, my password, my sessions."""
    return _account()


@needs(SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """A new password; the other sessions end."""
    form = request.form
    try:
        entered = sign_in_flow.change_password(visitor(), form.get("current", ""), form.get("password", ""))
    except Invalid as refusal:
        return _account(422, form_errors(refusal))
    except TooManyAttempts as refusal:
        response = _account(429, [FormError("current", describe_refusal(refusal))])
        response.headers["Retry-After"] = str(refusal.retry_after)
        return response
    return remember(_response(back_to("admin.account", notice="changed")), entered.token)


def _account(status: int = 200, wrong: list[FormError] | None = None) -> Response:
    own = sign_in_flow.list_own_sessions(visitor())
    return show("admin/account.html", status, sessions=own, errors=wrong or [], notice=notice())


@needs(SIGNED_IN)
def end_session(session: UUID) -> ResponseReturnValue:
    """One of my sessions is over."""
    sign_in_flow.end_session(visitor(), session)
    return back_to("admin.account")


@needs(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """This session is over, or all of mine."""
    sign_in_flow.sign_out(visitor(), everywhere="everywhere" in request.form)
    return forget(_response(back_to("admin.sign_in", notice="out")))
