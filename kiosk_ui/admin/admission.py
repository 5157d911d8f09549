"""Who may open which page of the administration. ``needs`` wraps every view and says who may open it.

A request that changes something must come from one of our own pages and carry the form token of its session. Browsers
say where it comes from in ``Sec-Fetch-Site``, older ones in ``Origin``.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import cast

from flask import g, request
from flask.typing import ResponseReturnValue

from feedback_service.access import sessions
from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.access.visibility import CentreSummary, Visibility
from feedback_service.config import current_settings
from feedback_service.errors import N_, NotAllowed
from feedback_service.flow import audit, sign_in
from kiosk_ui.admin.cookies import cookie_name
from kiosk_ui.admin.layout import offer_saved_form
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import ask_for_next_step, redirect_to_stage
from kiosk_ui.pages import MAX_STAFF_FORM_BYTES

View = Callable[..., ResponseReturnValue]

# What a view may need, besides a right or a stage of the sign-in.
ANYBODY, SIGNED_IN = "anybody", "signed in"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
SIGN_IN_STAGES = (CODE_STAGE, SET_UP_STAGE)  # the password was right, the second factor is still missing


class GuardedView:
    """A view of the administration that runs only for people who may open it."""

    def __init__(self, need: str, view: View) -> None:
        self.need = need
        self.name = view.__name__
        self._view = view
        update_wrapper(self, view)

    def __call__(self, **url_arguments: object) -> ResponseReturnValue:
        """Return the answer of the view, or a refusal to people who may not open it."""
        refusal = _find_refusal(self.need)
        return self._view(**url_arguments) if refusal is None else refusal


def needs(need: str) -> Callable[[View], GuardedView]:
    """Open the view to users with this right, at this stage of the sign-in, to all ``SIGNED_IN``, or to ``ANYBODY``."""
    return lambda view: GuardedView(need, view)


def _find_refusal(need: str) -> ResponseReturnValue | None:
    """Return what a person gets who may not open the view, ``None`` if they may. Raises ``NotAllowed``."""
    request.max_form_memory_size = MAX_STAFF_FORM_BYTES  # a table may be pasted as well as sent as a file
    is_unsafe = request.method not in SAFE_METHODS
    if is_unsafe and not is_same_origin():
        raise NotAllowed(N_("This form did not come from a page of ours."))
    token = request.cookies.get(cookie_name(), "")
    g.current_user = sign_in.find_current_user(token) if token else None
    g.form_token = sessions.derive_form_token(token) if g.current_user else ""
    if need == ANYBODY:
        return None
    if g.current_user is None or g.current_user.stage != (need if need in SIGN_IN_STAGES else FULL_STAGE):
        return _respond_with_sign_in(need)
    if is_unsafe and not sessions.is_form_token(token, request.form.get("csrf", "")):
        return offer_saved_form(SavedForm.from_request(), 403)
    if need not in (SIGNED_IN, *SIGN_IN_STAGES) and not current_user().has_right(need):
        raise NotAllowed()
    return None


def current_user() -> CurrentUser:
    """Return the user of this request. Only for views that somebody must be signed in for."""
    return cast(CurrentUser, g.current_user)


def current_visibility() -> Visibility:
    """Return which centres the current user may see, and which rows in them. It is read once a request."""
    if "visibility" not in g:
        g.visibility = audit.find_visibility(current_user())
    return cast(Visibility, g.visibility)


def visible_centres() -> tuple[CentreSummary, ...]:
    """Return the centres that the current user may see, by name."""
    return current_visibility().centres


def preselected_centres() -> list[str]:
    """Return the code of the user's only centre, for forms to preselect it; nothing if there are several."""
    return [centre.code for centre in visible_centres()] if len(visible_centres()) == 1 else []


def find_visible_centre(code: str) -> CentreSummary:
    """Return the centre with this code and note it for the audit log.

    Raises ``NotFound`` for a centre that the current user may not see.
    """
    centre = current_visibility().get_centre(code)
    g.setdefault("viewed_centre_ids", []).append(centre.id)
    return centre


def is_same_origin() -> bool:
    """Whether the request was made by a page of this very origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    return origin in (current_settings().public_url, request.host_url.rstrip("/"))


def _respond_with_sign_in(need: str) -> ResponseReturnValue:
    """Send a person whose sign-in is at another stage than the view needs to the page of their stage."""
    is_sign_in_view = need in SIGN_IN_STAGES
    # A form of the sign-in itself is not worth saving; the form that it carries is.
    saved_form = SavedForm.from_form(request.form) if is_sign_in_view else SavedForm.from_request()
    if g.current_user is not None and is_sign_in_view:
        return redirect_to_stage(g.current_user.stage)
    if request.method in SAFE_METHODS:
        return redirect_to_stage(g.current_user.stage if g.current_user else None, saved_form)
    return ask_for_next_step(saved_form)
