"""Signing in and out, the second factor, one's own account."""

from uuid import UUID

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service.access.sessions import CODE, FULL, SET_UP, form_token
from feedback_service.errors import (
    N_,
    Invalid,
    NotRecognised,
    TooManyAttempts,
)
from feedback_service.flow import sign_in as sign_in_flow
from feedback_service.flow.sign_in import Entered
from kiosk_ui.admin.admission import NOBODY, SIGNED_IN, needs, visitor
from kiosk_ui.admin.cookies import forget, remember
from kiosk_ui.admin.forms import Mistake, mistakes, said
from kiosk_ui.admin.kept import Kept
from kiosk_ui.admin.layout import back_to, offer_again, show
from kiosk_ui.admin.sign_in_pages import ask_for_code, ask_to_set_up, ask_to_sign_in, come_back
from kiosk_ui.languages import spoken, told

OUT = N_("You are signed out.")
SET = N_("The password is set. Sign in with it now.")
CHANGED = N_("The password is changed. All other sessions are over.")
NOTICES = {"out": OUT, "set": SET, "changed": CHANGED}

# Signing in ---------------------------------------------------------------------------------------------------


@needs(NOBODY)
def sign_in() -> ResponseReturnValue:
    """E-mail and password; whoever is in already goes on."""
    kept = Kept.read({})
    if g.visitor is not None and g.visitor.is_in:
        return redirect(kept.to, 303)
    return ask_to_sign_in(kept, notice=notice())


@needs(NOBODY)
def enter() -> ResponseReturnValue:
    """Let in who has this e-mail and this password, as far as the next question."""
    kept, email = Kept.read(request.form), request.form.get("email", "")
    try:
        entered = sign_in_flow.sign_in(email, request.form.get("password", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_sign_in(kept, refusal, email=email)
    return go_on(entered, kept)


@needs(CODE)
def code() -> ResponseReturnValue:
    """A code from the authenticator."""
    return ask_for_code(Kept.read({}))


@needs(CODE)
def enter_code() -> ResponseReturnValue:
    """Let in who has the code."""
    kept = Kept.read(request.form)
    try:
        entered = sign_in_flow.enter_code(visitor(), request.form.get("code", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_for_code(kept, refusal)
    return go_on(entered, kept)


@needs(SET_UP)
def set_up() -> ResponseReturnValue:
    """A secret for the authenticator, as a QR code and in letters."""
    return ask_to_set_up(visitor(), Kept.read({}))


@needs(SET_UP)
def confirm() -> ResponseReturnValue:
    """The authenticator knows the secret; or, where that is allowed, it may wait."""
    kept = Kept.read(request.form)
    if "later" in request.form:
        return go_on(sign_in_flow.postpone_second_factor(visitor()), kept)
    try:
        entered = sign_in_flow.confirm_second_factor(visitor(), request.form.get("code", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_set_up(visitor(), kept, refusal)
    return go_on(entered, kept)


def go_on(entered: Entered, kept: Kept) -> Response:
    """To the next question; once there is none, to where they wanted to go, or to the form that was kept."""
    if entered.stage == FULL and kept.fields:
        g.form_token = form_token(entered.token)
        response = offer_again(kept)
    elif entered.stage == FULL:
        response = _response(redirect(kept.to, 303))
    elif kept.fields:
        g.visitor, g.form_token = sign_in_flow.visitor(entered.token), form_token(entered.token)
        response = come_back(kept)
        response.status_code = 200
    else:
        step = {CODE: "admin.code", SET_UP: "admin.set_up"}[entered.stage]
        following = None if kept.to == url_for("admin.home") else kept.to
        response = _response(redirect(url_for(step, next=following, lang=spoken()), 303))
    return remember(response, entered.token)


def _response(value: ResponseReturnValue) -> Response:
    assert isinstance(value, Response)
    return value


def notice() -> str | None:
    """What has just happened, as the address says."""
    words = NOTICES.get(request.args.get("notice", ""))
    return told(words) if words else None


# A password by a link -----------------------------------------------------------------------------------------


@needs(NOBODY)
def choose_password(secret: str) -> ResponseReturnValue:
    """Whoever holds the link chooses a password. Looking spends nothing."""
    return show("admin/set_password.html", email=sign_in_flow.whose_link(secret))


@needs(NOBODY)
def set_password(secret: str) -> ResponseReturnValue:
    """The password is set, and the link works no more."""
    try:
        sign_in_flow.set_password(secret, request.form.get("password", ""))
    except Invalid as refusal:
        email = sign_in_flow.whose_link(secret)
        return show("admin/set_password.html", 422, email=email, errors=mistakes(refusal))
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
        return _account(422, mistakes(refusal))
    except TooManyAttempts as refusal:
        response = _account(429, [Mistake("current", said(refusal))])
        response.headers["Retry-After"] = str(refusal.retry_after)
        return response
    return remember(_response(back_to("admin.account", notice="changed")), entered.token)


def _account(status: int = 200, wrong: list[Mistake] | None = None) -> Response:
    own = sign_in_flow.own_sessions(visitor())
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
