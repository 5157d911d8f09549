"""The page of API keys for case systems: they are made here, shown once, and revoked here."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import Conflict, Invalid
from feedback_service.flow import api_keys
from kiosk_ui.admin.admission import current_user, needs, preselected_centres, visible_centres
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import cut_page
from kiosk_ui.forms import FormError, form_errors
from kiosk_ui.pages import respond_with_page


class KeyForm(NamedTuple):
    """The fields of the form for a new key."""

    name: str
    scope: Sequence[str]
    centre: Sequence[str]


@needs(roles.KEYS)
def keys() -> ResponseReturnValue:
    """List the keys for the user's centres, with a form to make one."""
    return _show_keys(KeyForm("", [], preselected_centres()), uuid4())


@needs(roles.KEYS)
def make_key() -> ResponseReturnValue:
    """Make a key and show it, only this once. The same form sent again makes no second key."""
    form = request.form
    key_form = KeyForm(form.get("name", ""), form.getlist("scope"), " ".join(form.getlist("centre")).split())
    key_id = form.get("id", type=UUID) or uuid4()
    try:
        secret = api_keys.make_api_key(current_user(), key_id, key_form.name, key_form.scope, key_form.centre)
    except Invalid as refusal:
        return _show_keys(key_form, key_id, form_errors(refusal), 422)
    except Conflict as refusal:
        return _show_keys(key_form, uuid4(), form_errors(refusal, "name"), 409)
    return respond_with_page("admin/key.html", secret=secret, name=key_form.name.strip())


@needs(roles.KEYS)
def revoke_key(key: UUID) -> ResponseReturnValue:
    """Revoke a key for good."""
    api_keys.revoke_api_key(current_user(), key)
    return redirect_to("admin.keys")


def _show_keys(key_form: KeyForm, key_id: UUID, errors: Sequence[FormError] = (), status: int = 200) -> Response:
    allowed_scopes = roles.list_key_scopes(current_user().role)
    return respond_with_page(
        "admin/keys.html",
        status,
        key_page=cut_page(api_keys.list_api_keys(current_user())),
        scopes=[(scope, roles.KEY_SCOPE_LABELS[scope]) for scope in allowed_scopes],
        centres=visible_centres(),
        key_form=key_form,
        key_id=key_id,
        errors=errors,
    )
