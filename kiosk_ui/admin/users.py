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
from feedback_service.flow import staff
from feedback_service.flow.staff import Known
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.forms import Mistake, mistakes, said, sent_version
from kiosk_ui.admin.layout import back_to, show


class Typed(NamedTuple):
    """What the form says of a user."""

    email: str
    role: str
    scope: Sequence[str]


@needs(roles.USERS)
def users() -> ResponseReturnValue:
    """Everybody who reaches one of the visitor's centres."""
    return show("admin/users.html", known=staff.known_users(visitor()))


@needs(roles.USERS)
def new_user() -> ResponseReturnValue:
    """The form for another one."""
    only = [card.code for card in sight().centres] if len(sight().centres) == 1 else []
    return _form(Typed("", _offered()[0], only))


@needs(roles.USERS)
def add_user() -> ResponseReturnValue:
    """A new user, and the link for them, shown this once."""
    typed = _typed()
    try:
        added = staff.add_user(visitor(), typed.email, typed.role, typed.scope)
    except Invalid as refusal:
        return _form(typed, mistakes(refusal), 422)
    except Conflict as refusal:
        return _form(typed, [Mistake("email", said(refusal))], 409)
    return _link(added.link, typed.email.strip())


@needs(roles.USERS)
def user(user: UUID) -> ResponseReturnValue:
    """One user: role, what it reaches, what may be done."""
    return _user(staff.known_user(visitor(), user))


@needs(roles.USERS)
def change_user(user: UUID) -> ResponseReturnValue:
    """Another role, or another reach."""
    typed, known = _typed(), staff.known_user(visitor(), user)
    try:
        staff.change_user(visitor(), user, sent_version(), typed.role, typed.scope)
    except ChangedMeanwhile:
        return _user(staff.known_user(visitor(), user), 409, typed=typed, changed=True)
    except Invalid as refusal:
        return _user(known, 422, typed=typed, wrong=mistakes(refusal))
    return back_to("admin.users")


@needs(roles.USERS)
def renew_link(user: UUID) -> ResponseReturnValue:
    """A new link for a new password, shown this once."""
    known = staff.known_user(visitor(), user)
    return _link(staff.renew_link(visitor(), user), known.card.email)


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


def _typed() -> Typed:
    """What the form says; scopes are ticked, or typed one a line."""
    form = request.form
    scopes = [*form.getlist("centre"), *form.get("scope", "").split()]
    return Typed(form.get("email", ""), form.get("role", ""), scopes)


def _offered() -> tuple[str, ...]:
    return roles.GRANTS[visitor().role]


def _form(typed: Typed, wrong: Sequence[Mistake] = (), status: int = 200) -> Response:
    return show("admin/user_add.html", status, typed=typed, errors=wrong, **_choices())


def _user(
    known: Known,
    status: int = 200,
    *,
    typed: Typed | None = None,
    wrong: Sequence[Mistake] = (),
    changed: bool = False,
) -> Response:
    shown = typed or Typed(known.card.email, known.card.role, known.card.scopes)
    return show(
        "admin/user.html", status, known=known, typed=shown, errors=wrong, changed=changed, **_choices()
    )


def _choices() -> dict[str, object]:
    """Roles that the visitor may give; centres to tick, or a field to type what a role reaches."""
    own = visitor().role in roles.OF_CENTRES
    return {"roles": _offered(), "centres": sight().centres if own else (), "types_scopes": not own}


def _link(secret: str, email: str) -> Response:
    return show("admin/link.html", address=set_password_address(secret), email=email, days=LINK_DAYS)
