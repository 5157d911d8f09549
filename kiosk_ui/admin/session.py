"""Signing in and out, the second factor, one's own account."""

from uuid import UUID

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from feedback_service.access import second_factor
from feedback_service.access.sessions import CODE, FULL, SET_UP, form_token
from feedback_service.cases import qr
from feedback_service.config import settings
from feedback_service.errors import (
    N_,
    FeedbackError,
    Invalid,
    NotRecognised,
    TooManyAttempts,
)
from feedback_service.flow import sign_in as sign_in_flow
from feedback_service.flow.sign_in import Entered
from kiosk_ui.admin.door import (
    NOBODY,
    SIGNED_IN,
    back_to,
    bp,
    forget,
    needs,
    offer_again,
    remember,
    show,
    visitor,
)
from kiosk_ui.admin.forms import Mistake, mistakes, said
from kiosk_ui.admin.kept import Kept
from kiosk_ui.languages import spoken, told

OUT = N_("You are signed out.")
SET = N_("The password is set. Sign in with it now.")
OVER = N_("Your session is over. What you sent is kept: sign in to go on.")
CHANGED = N_("The password is changed. All other sessions are over.")
NOTICES = {"out": OUT, "set": SET, "changed": CHANGED}

# Signing in ---------------------------------------------------------------------------------------------------


@bp.get("/sign-in")
@needs(NOBODY)
def sign_in() -> ResponseReturnValue:
    """E-mail and password; whoever is in already goes on."""
    kept = Kept.read({})
    if g.visitor is not None and g.visitor.is_in:
        return redirect(kept.to, 303)
    return ask_to_sign_in(kept, notice=notice())


@bp.post("/sign-in")
@needs(NOBODY)
def enter() -> ResponseReturnValue:
    """Let in who has this e-mail and this password, as far as the next question."""
    kept, email = Kept.read(request.form), request.form.get("email", "")
    try:
        entered = sign_in_flow.sign_in(email, request.form.get("password", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_sign_in(kept, refusal, email=email)
    return go_on(entered, kept)


@bp.get("/second-factor")
@needs(CODE)
def code() -> ResponseReturnValue:
    """A code from the authenticator."""
    return ask_for_code(Kept.read({}))


@bp.post("/second-factor")
@needs(CODE)
def enter_code() -> ResponseReturnValue:
    """Let in who has the code."""
    kept = Kept.read(request.form)
    try:
        entered = sign_in_flow.enter_code(visitor(), request.form.get("code", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_for_code(kept, refusal)
    return go_on(entered, kept)


@bp.get("/second-factor/set-up")
@needs(SET_UP)
def set_up() -> ResponseReturnValue:
    """A secret for the authenticator, as a QR code and in letters."""
    return ask_to_set_up(Kept.read({}))


@bp.post("/second-factor/set-up")
@needs(SET_UP)
def confirm() -> ResponseReturnValue:
    """The authenticator knows the secret; or, where that is allowed, it may wait."""
    kept = Kept.read(request.form)
    if "later" in request.form:
        return go_on(sign_in_flow.postpone_second_factor(visitor()), kept)
    try:
        entered = sign_in_flow.confirm_second_factor(visitor(), request.form.get("code", ""))
    except (NotRecognised, TooManyAttempts) as refusal:
        return ask_to_set_up(kept, refusal)
    return go_on(entered, kept)


def come_back(kept: Kept) -> Response:
    """A form came when its session was over, or had not quite begun: it is kept while its sender signs in."""
    if g.visitor is not None and g.visitor.stage == CODE:
        response = ask_for_code(kept)
    elif g.visitor is not None and g.visitor.stage == SET_UP:
        response = ask_to_set_up(kept)
    else:
        response = ask_to_sign_in(kept, notice=told(OVER))
    response.status_code = 401
    response.headers["WWW-Authenticate"] = 'Form realm="Vidhuk"'
    return response


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


def ask_to_sign_in(
    kept: Kept, refusal: FeedbackError | None = None, *, email: str = "", notice: str | None = None
) -> Response:
    """The page that asks for e-mail and password."""
    return _ask("admin/sign_in.html", kept, refusal, "email", email=email, notice=notice)


def ask_for_code(kept: Kept, refusal: FeedbackError | None = None) -> Response:
    """The page that asks for a code."""
    return _ask("admin/code.html", kept, refusal, "code")


def ask_to_set_up(kept: Kept, refusal: FeedbackError | None = None) -> Response:
    """The page with a new secret for the authenticator."""
    secret = sign_in_flow.offer_second_factor(visitor())
    address = second_factor.address(secret, visitor().email)
    picture = qr.svg(address, told(N_("QR code for the authenticator")), as_written=True).decode()
    return _ask(
        "admin/set_up.html",
        kept,
        refusal,
        "code",
        secret=secret,
        picture=Markup(picture),
        may_wait=settings().second_factor == "optional",
    )


def _ask(template: str, kept: Kept, refusal: FeedbackError | None, field: str, **context: object) -> Response:
    wrong = [Mistake(field, said(refusal))] if refusal else []
    status = refusal.status if refusal else 200
    response = show(template, status, kept=kept, errors=wrong, **context)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Form realm="Vidhuk"'
    if refusal is not None and hasattr(refusal, "retry_after"):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _response(value: ResponseReturnValue) -> Response:
    assert isinstance(value, Response)
    return value


def notice() -> str | None:
    """What has just happened, as the address says."""
    words = NOTICES.get(request.args.get("notice", ""))
    return told(words) if words else None


# A password by a link -----------------------------------------------------------------------------------------


@bp.get("/set-password/<secret>")
@needs(NOBODY)
def choose_password(secret: str) -> ResponseReturnValue:
    """Whoever holds the link chooses a password. Looking spends nothing."""
    return show("admin/set_password.html", email=sign_in_flow.whose_link(secret))


@bp.post("/set-password/<secret>")
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


@bp.get("/account")
@needs(SIGNED_IN)
def account() -> ResponseReturnValue:
    """Who I am here, my password, my sessions."""
    return _account()


@bp.post("/account")
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


@bp.post("/account/sessions/<uuid:session>")
@needs(SIGNED_IN)
def end_session(session: UUID) -> ResponseReturnValue:
    """One of my sessions is over."""
    sign_in_flow.end_session(visitor(), session)
    return back_to("admin.account")


@bp.post("/sign-out")
@needs(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """This session is over, or all of mine."""
    sign_in_flow.sign_out(visitor(), everywhere="everywhere" in request.form)
    return forget(_response(back_to("admin.sign_in", notice="out")))
