"""Who is let in: users of one's centres, the links by which they choose passwords."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.access.users import LINK_DAYS
from feedback_service.addresses import set_password_address
from feedback_service.errors import ChangedMeanwhile, Conflict, Invalid
from feedback_service.flow import users as staff
from feedback_service.flow.users import VisibleUser
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.forms import FormError, describe_refusal, form_errors, sent_version
from kiosk_ui.admin.layout import back_to, show


class UserForm(NamedTuple):
    """What the form says of a user."""

    email: str
    role: str
    scope: Sequence[str]


@needs(roles.USERS)
def users() -> ResponseReturnValue:
    """Everybody who reaches one of the visitor's centres."""
    return show("admin/users.html", known=staff.list_users(visitor()))


@needs(roles.USERS)
def new_user() -> ResponseReturnValue:
    """The form for another one."""
    preselected_centres = [centre.code for centre in sight().centres] if len(sight().centres) == 1 else []
    return _show_add_form(UserForm("", _grantable_roles()[0], preselected_centres))


@needs(roles.USERS)
def add_user() -> ResponseReturnValue:
    """A new user, and the link for them, shown this once."""
    user_form = _read_form()
    try:
        added_user = staff.add_user(visitor(), user_form.email, user_form.role, user_form.scope)
    except Invalid as refusal:
        return _show_add_form(user_form, form_errors(refusal), 422)
    except Conflict as refusal:
        return _show_add_form(user_form, [FormError("email", describe_refusal(refusal))], 409)
    return _show_password_link(added_user.link, user_form.email.strip())


@needs(roles.USERS)
def user(user: UUID) -> ResponseReturnValue:
    """One user: role, what it reaches, what may be done."""
    return _show_user(staff.find_user(visitor(), user))


@needs(roles.USERS)
def change_user(user: UUID) -> ResponseReturnValue:
    """Another role, or another reach."""
    user_form, known_user = _read_form(), staff.find_user(visitor(), user)
    try:
        staff.change_user(visitor(), user, sent_version(), user_form.role, user_form.scope)
    except ChangedMeanwhile:
        return _show_user(staff.find_user(visitor(), user), 409, user_form=user_form, changed=True)
    except Invalid as refusal:
        return _show_user(known_user, 422, user_form=user_form, errors=form_errors(refusal))
    return back_to("admin.users")


@needs(roles.USERS)
def renew_link(user: UUID) -> ResponseReturnValue:
    """A new link for a new password, shown this once."""
    known_user = staff.find_user(visitor(), user)
    return _show_password_link(staff.renew_password_link(visitor(), user), known_user.user.email)


@needs(roles.USERS)
def disable_user(user: UUID) -> ResponseReturnValue:
    """Let in no more."""
    staff.disable_user(visitor(), user)
    return back_to("admin.user", user=user)


@needs(roles.USERS)
def enable_user(user: UUID) -> ResponseReturnValue:
    """Let in again."""
    staff.enable_user(visitor(), user)
    return back_to("admin.user", user=user)


@needs(roles.USERS)
def reset_second_factor(user: UUID) -> ResponseReturnValue:
    """A new telephone: the second factor is set up anew."""
    staff.reset_second_factor(visitor(), user)
    return back_to("admin.user", user=user)


def _read_form() -> UserForm:
    """What the form says; scopes are ticked, or typed one a line."""
    form = request.form
    scopes = [*form.getlist("centre"), *form.get("scope", "").split()]
    return UserForm(form.get("email", ""), form.get("role", ""), scopes)


def _grantable_roles() -> tuple[str, ...]:
    return roles.GRANTABLE_ROLES[visitor().role]


def _show_add_form(user_form: UserForm, errors: Sequence[FormError] = (), status: int = 200) -> Response:
    return show("admin/user_add.html", status, typed=user_form, errors=errors, **_form_choices())


def _show_user(
    known_user: VisibleUser,
    status: int = 200,
    *,
    user_form: UserForm | None = None,
    errors: Sequence[FormError] = (),
    changed: bool = False,
) -> Response:
    shown_form = user_form or UserForm(known_user.user.email, known_user.user.role, known_user.user.scopes)
    return show(
        "admin/user.html",
        status,
        known=known_user,
        typed=shown_form,
        errors=errors,
        changed=changed,
        **_form_choices(),
    )


def _form_choices() -> dict[str, object]:
    """Roles that the visitor may give; centres to tick, or a field to type what a role reaches."""
    picks_centres = visitor().role in roles.CENTRE_ROLES
    return {
        "roles": _grantable_roles(),
        "centres": sight().centres if picks_centres else (),
        "types_scopes": not picks_centres,
    }


def _show_password_link(secret: str, email: str) -> Response:
    return show("admin/link.html", address=set_password_address(secret), email=email, days=LINK_DAYS)
