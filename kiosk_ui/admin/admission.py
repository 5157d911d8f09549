"""Who comes into the administration: every view is wrapped by ``needs``, which says who may open it.

An unsafe request must come from a page of ours (``Sec-Fetch-Site``, or ``Origin`` from older browsers) and carry
its session's token.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import cast

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service.access import sessions
from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.access.visibility import CentreSummary, Visibility
from feedback_service.config import current_settings
from feedback_service.errors import N_, NotAllowed
from feedback_service.flow import audit, sign_in
from kiosk_ui.admin.cookies import cookie_name
from kiosk_ui.admin.layout import offer_again
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.admin.sign_in_pages import come_back
from kiosk_ui.languages import url_language
from kiosk_ui.pages import MAX_STAFF_FORM_BYTES

View = Callable[..., ResponseReturnValue]

NOBODY, SIGNED_IN = "nobody", "signed in"  # what a view may need beside a right or a stage
SAFE = ("GET", "HEAD", "OPTIONS")


class GuardedView:
    """A view of the administration that runs only for who may open it."""

    def __init__(self, need: str, view: View) -> None:
        self.need = need
        self._view = view
        update_wrapper(self, view)

    def __call__(self, **parts: object) -> ResponseReturnValue:
        """What the view answers; to whom it does not open, what is missing."""
        refusal = _refuse(self.need)
        return self._view(**parts) if refusal is None else refusal


def needs(what: str) -> Callable[[View], GuardedView]:
    """The view opens to who has this right, or to ``NOBODY`` in particular, who is ``SIGNED_IN``, or at a stage."""
    return lambda view: GuardedView(what, view)


def _refuse(need: str) -> ResponseReturnValue | None:
    """What somebody gets who may not come in; ``None`` for who may. Raises ``NotAllowed``."""
    request.max_form_memory_size = MAX_STAFF_FORM_BYTES  # a table may be pasted as well as sent as a file
    if request.method not in SAFE and not came_from_here():
        raise NotAllowed(N_("This form did not come from a page of ours."))
    token = request.cookies.get(cookie_name(), "")
    g.visitor = sign_in.find_current_user(token) if token else None
    g.form_token = sessions.derive_form_token(token) if g.visitor else ""
    if need == NOBODY:
        return None
    if g.visitor is None or g.visitor.stage != (need if need in (CODE_STAGE, SET_UP_STAGE) else FULL_STAGE):
        return _elsewhere(need)
    if request.method not in SAFE and not sessions.is_form_token(token, request.form.get("csrf", "")):
        return offer_again(SavedForm.from_request(), 403)
    if need not in (SIGNED_IN, CODE_STAGE, SET_UP_STAGE) and not visitor().has_right(need):
        raise NotAllowed()
    return None


def visitor() -> CurrentUser:
    """Who is here. Only for views that need somebody."""
    return cast(CurrentUser, g.visitor)


def sight() -> Visibility:
    """Which centres the visitor may see, and which rows in them; asked once a request."""
    if "sight" not in g:
        g.sight = audit.read_visibility(visitor())
    return cast(Visibility, g.sight)


def centre_of(code: str) -> CentreSummary:
    """The centre of this code, if the visitor may see it, else ``NotFound``; the journal will name it."""
    found = sight().get_centre(code)
    g.setdefault("about", []).append(found.id)
    return found


def came_from_here() -> bool:
    """Whether an unsafe request was made by a page of this very origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    return origin in (current_settings().public_url, request.host_url.rstrip("/"))


def _elsewhere(need: str) -> ResponseReturnValue:
    """Where somebody goes who is not far enough through the door, or too far."""
    asked_between = need in (CODE_STAGE, SET_UP_STAGE)  # what matters then is what waits behind the question
    kept = SavedForm.from_form(request.form) if asked_between else SavedForm.from_request()
    if g.visitor is not None and asked_between:
        return redirect(url_for(_step(), lang=url_language()), 303)
    if request.method in SAFE:
        following = None if kept.target_url == url_for("admin.home") else kept.target_url
        return redirect(url_for(_step(), next=following, lang=url_language()), 303)
    return come_back(kept)


def _step() -> str:
    """The endpoint of what is asked of the visitor next."""
    steps = {CODE_STAGE: "admin.code", SET_UP_STAGE: "admin.set_up", FULL_STAGE: "admin.home"}
    return steps[g.visitor.stage] if g.visitor else "admin.sign_in"
