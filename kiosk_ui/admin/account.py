"""A user's own account: a password chosen by a link, a new password, sessions, signing out."""

from collections.abc import Sequence
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.errors import Invalid, TooManyAttempts
from feedback_service.flow import sign_in as sign_in_flow
from kiosk_ui.admin.admission import ANYBODY, SIGNED_IN, current_user, needs
from kiosk_ui.admin.cookies import delete_session_cookie, set_browser_cookie, set_session_cookie
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.sign_in_pages import read_notice
from kiosk_ui.errors import add_error_headers
from kiosk_ui.forms import FormError, form_errors
from kiosk_ui.pages import respond_with_page


@needs(ANYBODY)
def choose_password(secret: str) -> ResponseReturnValue:
    """Show the form for a first or a new password to whoever has the link. The link stays valid."""
    return respond_with_page("admin/set_password.html", email=sign_in_flow.find_email_by_link(secret))


@needs(ANYBODY)
def set_password(secret: str) -> ResponseReturnValue:
    """Set the password. The link works only once."""
    try:
        proof = sign_in_flow.set_password(secret, request.form.get("password", ""))
    except Invalid as refusal:
        email = sign_in_flow.find_email_by_link(secret)
        return respond_with_page("admin/set_password.html", 422, email=email, errors=form_errors(refusal))
    return set_browser_cookie(delete_session_cookie(redirect_to("admin.sign_in", notice="set")), proof)


@needs(SIGNED_IN)
def account() -> ResponseReturnValue:
    """Show the user's own account."""
    return _show_account()


@needs(SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Set a new password and end the user's other sessions."""
    old_password, new_password = request.form.get("current", ""), request.form.get("password", "")
    try:
        started = sign_in_flow.change_password(current_user(), old_password, new_password)
    except (Invalid, TooManyAttempts) as refusal:
        return add_error_headers(_show_account(refusal.status, form_errors(refusal, "current")), refusal)
    return set_session_cookie(redirect_to("admin.account", notice="changed"), started.token, started.proof)


@needs(SIGNED_IN)
def end_session(session: UUID) -> ResponseReturnValue:
    """End one of the user's own sessions."""
    sign_in_flow.end_session(current_user(), session)
    return redirect_to("admin.account")


@needs(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End this session, or all of the user's."""
    sign_in_flow.sign_out(current_user(), everywhere="everywhere" in request.form)
    return delete_session_cookie(redirect_to("admin.sign_in", notice="out"))


def _show_account(status: int = 200, errors: Sequence[FormError] = ()) -> Response:
    sessions, notice = sign_in_flow.list_own_sessions(current_user()), read_notice()
    return respond_with_page("admin/account.html", status, sessions=sessions, errors=errors, notice=notice)
