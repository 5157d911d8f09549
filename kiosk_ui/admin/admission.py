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
from feedback_service.access.sessions import CODE, FULL, SET_UP, Visitor
from feedback_service.access.sight import CentreCard, Sight
from feedback_service.config import settings
from feedback_service.errors import N_, NotAllowed
from feedback_service.flow import oversight, sign_in
from kiosk_ui.admin.cookies import cookie_name
from kiosk_ui.admin.kept import Kept
from kiosk_ui.admin.layout import offer_again
from kiosk_ui.admin.sign_in_pages import come_back
from kiosk_ui.languages import spoken
from kiosk_ui.pages import LONGEST_FORM_OF_STAFF

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
    request.max_form_memory_size = LONGEST_FORM_OF_STAFF  # a table may be pasted as well as sent as a file
    if request.method not in SAFE and not came_from_here():
        raise NotAllowed(N_("This form did not come from a page of ours."))
    token = request.cookies.get(cookie_name(), "")
    g.visitor = sign_in.visitor(token) if token else None
    g.form_token = sessions.form_token(token) if g.visitor else ""
    if need == NOBODY:
        return None
    if g.visitor is None or g.visitor.stage != (need if need in (CODE, SET_UP) else FULL):
        return _elsewhere(need)
    if request.method not in SAFE and not sessions.is_form_token(token, request.form.get("csrf", "")):
        return offer_again(Kept.of_request(), 403)
    if need not in (SIGNED_IN, CODE, SET_UP) and not visitor().may(need):
        raise NotAllowed()
    return None


def visitor() -> Visitor:
    """Who is here. Only for views that need somebody."""
    return cast(Visitor, g.visitor)


def sight() -> Sight:
    """Which centres the visitor may see, and which rows in them; asked once a request."""
    if "sight" not in g:
        g.sight = oversight.sight_of(visitor())
    return cast(Sight, g.sight)


def centre_of(code: str) -> CentreCard:
    """The centre of this code, if the visitor may see it, else ``NotFound``; the journal will name it."""
    found = sight().centre(code)
    g.setdefault("about", []).append(found.id)
    return found


def came_from_here() -> bool:
    """Whether an unsafe request was made by a page of this very origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    return origin in (settings().public_url, request.host_url.rstrip("/"))


def _elsewhere(need: str) -> ResponseReturnValue:
    """Where somebody goes who is not far enough through the door, or too far."""
    asked_between = need in (CODE, SET_UP)  # what matters then is what waits behind the question
    kept = Kept.read(request.form) if asked_between else Kept.of_request()
    if g.visitor is not None and asked_between:
        return redirect(url_for(_step(), lang=spoken()), 303)
    if request.method in SAFE:
        following = None if kept.to == url_for("admin.home") else kept.to
        return redirect(url_for(_step(), next=following, lang=spoken()), 303)
    return come_back(kept)


def _step() -> str:
    """The endpoint of what is asked of the visitor next."""
    steps = {CODE: "admin.code", SET_UP: "admin.set_up", FULL: "admin.home"}
    return steps[g.visitor.stage] if g.visitor else "admin.sign_in"
