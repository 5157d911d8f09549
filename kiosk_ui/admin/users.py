"""The pages of users: those with access to the user's centres, and the links by which they choose passwords."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.access.users import LINK_DAYS
from feedback_service.addresses import set_password_address
from feedback_service.errors import ChangedMeanwhile, Conflict, FieldError, Invalid
from feedback_service.flow import users as users_flow
from feedback_service.flow.users import VisibleUser
from kiosk_ui.admin.admission import current_user, needs, preselected_centres, visible_centres
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import cut_page
from kiosk_ui.forms import FormError, form_errors, sent_version
from kiosk_ui.languages import translated_message
from kiosk_ui.pages import respond_with_page


class UserForm(NamedTuple):
    """The fields of the form for a user."""

    email: str
    role: str
    scope: Sequence[str]


@needs(roles.USERS)
def users() -> ResponseReturnValue:
    """List everybody who has access to one of the user's centres."""
    return respond_with_page("admin/users.html", user_page=cut_page(users_flow.list_users(current_user())))


@needs(roles.USERS)
def new_user() -> ResponseReturnValue:
    """Show the form to add a user."""
    return _show_add_form(UserForm("", _grantable_roles()[0], preselected_centres()))


@needs(roles.USERS)
def add_user() -> ResponseReturnValue:
    """Add a user and show the link to choose a password, only this once."""
    user_form = _read_form()
    try:
        added_user = users_flow.add_user(current_user(), user_form.email, user_form.role, user_form.scope)
    except (Invalid, Conflict) as refusal:
        return _show_add_form(user_form, form_errors(refusal, "email"), refusal.status)
    return _show_password_link(added_user.link, user_form.email.strip(), added_user.warning)


@needs(roles.USERS)
def user(user: UUID) -> ResponseReturnValue:
    """Show one user with role and scopes, and the forms to change them."""
    return _show_user(users_flow.find_user(current_user(), user))


@needs(roles.USERS)
def change_user(user: UUID) -> ResponseReturnValue:
    """Store another role or other scopes. If somebody else changed the user meanwhile, say so."""
    user_form, visible_user = _read_form(), users_flow.find_user(current_user(), user)
    try:
        users_flow.change_user(current_user(), user, sent_version(), user_form.role, user_form.scope)
    except ChangedMeanwhile:
        visible_user = users_flow.find_user(current_user(), user)
        return _show_user(visible_user, 409, user_form, changed_meanwhile=True)
    except Invalid as refusal:
        return _show_user(visible_user, 422, user_form, errors=form_errors(refusal))
    return redirect_to("admin.users")


@needs(roles.USERS)
def renew_link(user: UUID) -> ResponseReturnValue:
    """Make a link to choose a new password and show it, only this once."""
    visible_user = users_flow.find_user(current_user(), user)
    return _show_password_link(users_flow.renew_password_link(current_user(), user), visible_user.user.email)


@needs(roles.USERS)
def disable_user(user: UUID) -> ResponseReturnValue:
    """Disable a user, who can then no longer sign in."""
    users_flow.disable_user(current_user(), user)
    return redirect_to("admin.user", user=user)


@needs(roles.USERS)
def enable_user(user: UUID) -> ResponseReturnValue:
    """Enable a user who was disabled."""
    users_flow.enable_user(current_user(), user)
    return redirect_to("admin.user", user=user)


@needs(roles.USERS)
def reset_second_factor(user: UUID) -> ResponseReturnValue:
    """Delete the second factor, so that the user sets up a new one at the next sign-in."""
    users_flow.reset_second_factor(current_user(), user)
    return redirect_to("admin.user", user=user)


def _read_form() -> UserForm:
    """Read the form. Scopes are centres that were ticked, or codes that were typed."""
    form = request.form
    scopes = [*form.getlist("centre"), *form.get("scope", "").split()]
    return UserForm(form.get("email", ""), form.get("role", ""), scopes)


def _grantable_roles() -> tuple[str, ...]:
    return roles.GRANTABLE_ROLES[current_user().role]


def _show_add_form(user_form: UserForm, errors: Sequence[FormError] = (), status: int = 200) -> Response:
    return respond_with_page("admin/user_add.html", status, user_form=user_form, errors=errors, **_form_choices())


def _show_user(
    visible_user: VisibleUser, status: int = 200, user_form: UserForm | None = None, **context: object
) -> Response:
    user = visible_user.user
    return respond_with_page(
        "admin/user.html",
        status,
        visible_user=visible_user,
        user_form=user_form or UserForm(user.email, user.role, user.scopes),
        **context,
        **_form_choices(),
    )


def _form_choices() -> dict[str, object]:
    """Return the roles that the user may grant, and the centres to tick or a field to type scopes."""
    picks_centres = current_user().role in roles.CENTRE_ROLES
    return {
        "grantable_roles": _grantable_roles(),
        "centres": visible_centres() if picks_centres else (),
        "types_scopes": not picks_centres,
    }


def _show_password_link(secret: str, email: str, warning: FieldError | None = None) -> Response:
    return respond_with_page(
        "admin/link.html",
        address=set_password_address(secret),
        email=email,
        days=LINK_DAYS,
        warning=translated_message(warning.detail, warning.params) if warning else None,
    )
