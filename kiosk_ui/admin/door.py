"""The administration's door: who comes in, what a view needs, where a form came from, what every page shows.

A view names what it needs with ``needs``; one that names nothing opens to nobody. An unsafe request must come
from a page of ours (``Sec-Fetch-Site``, or ``Origin`` from older browsers) and carry its session's token.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPage

from feedback_service import clock
from feedback_service.access import roles, sessions
from feedback_service.access.sessions import CODE, FULL, SET_UP, Visitor
from feedback_service.access.sight import CentreCard, Sight
from feedback_service.config import settings
from feedback_service.errors import N_, FeedbackError, NotAllowed, NotRecognised, TooManyAttempts, Unavailable
from feedback_service.flow import oversight, sign_in
from kiosk_ui.admin.kept import Kept
from kiosk_ui.errors import BY_STATUS, Words
from kiosk_ui.languages import NATIVE, spoken
from kiosk_ui.pages import LONGEST_FORM_OF_STAFF, page, path

NOBODY, SIGNED_IN = "nobody", "signed in"  # what a view may need beside a right or a stage
SAFE = ("GET", "HEAD", "OPTIONS")
# Pages that tell of nobody else; and one whose address is a secret.
UNREMARKABLE = ("admin.account", "admin.centres", "admin.new_user", "admin.choose_password")

V = TypeVar("V", bound=Callable[..., ResponseReturnValue])

bp = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates")

# What the pages of the administration are, in the order of the navigation: endpoint, words, right.
NAVIGATION: list[tuple[str, str, str]] = [
    ("admin.home", N_("Overview"), SIGNED_IN),
    ("admin.alarms", N_("Alarms"), roles.ALARMS),
    ("admin.comments", N_("Comments"), roles.COMMENTS),
    ("admin.centres", N_("Centre"), roles.PROFILE),
    ("admin.users", N_("Users"), roles.USERS),
    ("admin.keys", N_("Keys"), roles.KEYS),
    ("admin.tablets", N_("Tablets"), roles.DEVICES),
    ("admin.deliveries", N_("Deliveries"), roles.DELIVERIES),
    ("admin.journal", N_("Journal"), roles.JOURNAL),
]

ROLE_WORDS = {
    "administrator": N_("administrator of a centre"),
    "head": N_("head of a centre"),
    "council": N_("council"),
    "provider": N_("service provider"),
    "oblast": N_("oblast administration"),
    "central_body": N_("central executive body"),
    "ministry": N_("ministry"),
    "operator": N_("operator of the installation"),
}

FOR_STAFF = {
    403: Words(
        N_("This page is not open to you"),
        (N_("Your role does not include it. Ask the head of the centre if you need it."),),
    ),
    404: Words(
        N_("There is nothing at this address"),
        (N_("It may have been removed, or it belongs to a centre that is not yours."),),
    ),
    405: Words(
        N_("This address cannot be used like that"), (N_("Go back to the page before and try again."),)
    ),
    413: Words(N_("That is too much at once"), (N_("A form or file may have up to 2 MB."),)),
    429: Words(
        N_("Too many wrong attempts; please wait a little"),
        (N_("The wait grows with every wrong attempt, to fifteen minutes at most."),),
    ),
}


def needs(what: str) -> Callable[[V], V]:
    """The view opens to who has this right, or to ``NOBODY`` in particular, who is ``SIGNED_IN``, or at a stage."""

    def tell(view: V) -> V:
        vars(view)["needs"] = what
        return view

    return tell


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


# Admission ----------------------------------------------------------------------------------------------------


@bp.before_request
def admit() -> ResponseReturnValue | None:
    """Let in who may come in; everybody else learns what is missing."""
    assert request.endpoint is not None
    request.max_form_memory_size = LONGEST_FORM_OF_STAFF  # a table may be pasted as well as sent as a file
    need = getattr(current_app.view_functions[request.endpoint], "needs", None)
    if need is None:
        raise RuntimeError(f"{request.endpoint} does not say what it needs")
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
    from kiosk_ui.admin import session  # its pages are made of ours

    return session.come_back(kept)


def _step() -> str:
    """The endpoint of what is asked of the visitor next."""
    steps = {CODE: "admin.code", SET_UP: "admin.set_up", FULL: "admin.home"}
    return steps[g.visitor.stage] if g.visitor else "admin.sign_in"


@bp.after_request
def note(response: Response) -> Response:
    """The journal learns once a session who saw which page."""
    if (
        request.method == "GET"
        and response.status_code == 200
        and g.get("visitor") is not None
        and g.visitor.is_in
        and request.endpoint not in UNREMARKABLE
        and _seen() not in g.visitor.noted
    ):
        try:
            oversight.note_sight(g.visitor, _seen(), g.get("about", []))
        except Unavailable as busy:  # what cannot be noted is not shown
            return current_app.make_response(refused(busy))
    return response


def _seen() -> str:
    """The page as the journal names it: which, and what of."""
    given = [str(value) for value in (request.view_args or {}).values()]
    return " ".join([str(request.endpoint).removeprefix("admin."), *given])


# Sessions in cookies ------------------------------------------------------------------------------------------


def cookie_name() -> str:
    """What the cookie is called; over https no other host and no page outside can have set it."""
    return "__Host-vidhuk" if _secure() else "vidhuk"


def remember(response: Response, token: str) -> Response:
    """The browser keeps the session until it is closed."""
    response.set_cookie(
        cookie_name(),
        token,
        secure=_secure(),
        httponly=True,
        samesite="Lax",
        path="/" if _secure() else "/admin",
    )
    return response


def forget(response: Response) -> Response:
    """The browser keeps it no more."""
    response.delete_cookie(
        cookie_name(), secure=_secure(), httponly=True, samesite="Lax", path="/" if _secure() else "/admin"
    )
    return response


def _secure() -> bool:
    return settings().public_url.startswith("https:")


# Pages --------------------------------------------------------------------------------------------------------


def show(template: str, status: int = 200, **context: Any) -> Response:
    """A page of the administration."""
    return page(template, status, **context)


def offer_again(kept: Kept, status: int = 200) -> Response:
    """A form that was kept, with one button that sends it where it was going."""
    return show("admin/kept.html", status, kept=kept)


def back_to(endpoint: str, **values: Any) -> ResponseReturnValue:
    """After a change: go where a refresh does no harm."""
    return redirect(url_for(endpoint, lang=spoken(), **values), 303)


def this(**changes: object) -> str:
    """This page's address with all that it says, in its language, with these changes."""
    kept = {**request.args.to_dict(flat=False), "lang": spoken()} | changes
    query = urlencode(
        {name: value for name, value in kept.items() if value not in (None, NATIVE)}, doseq=True
    )
    return f"{path()}?{query}" if query else path()


@bp.context_processor
def shared() -> dict[str, Any]:
    """What every template here knows."""
    who: Visitor | None = g.get("visitor")
    inside = who is not None and who.is_in
    return {
        "visitor": who if inside else None,
        "navigation": [
            (endpoint, words)
            for endpoint, words, right in NAVIGATION
            if inside and who and (right == SIGNED_IN or who.may(right))
        ],
        "here_is": request.endpoint,
        "form_token": g.get("form_token", ""),
        "role_words": ROLE_WORDS,
        "this": this,
        "kyiv": lambda instant: instant.astimezone(clock.KYIV),
    }


@bp.errorhandler(FeedbackError)
def refused(error: FeedbackError) -> ResponseReturnValue:
    """Our own refusal, in words for staff."""
    if isinstance(error, NotRecognised):  # the session ended while the request was under way
        g.visitor = None
        from kiosk_ui.admin import session

        return session.come_back(Kept.of_request())
    response = sorry(error.status, error)
    if isinstance(error, TooManyAttempts) or hasattr(error, "retry_after"):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.errorhandler(HTTPException)
def lost(error: HTTPException) -> ResponseReturnValue:
    """A refusal of the web framework."""
    if error.code is None or error.code < 400:
        return error
    response = sorry(error.code)
    if allow := dict(error.get_headers()).get("Allow"):
        response.headers["Allow"] = allow
    return response


@bp.route("/<path:lost>", methods=["GET", "POST"])
@needs(SIGNED_IN)
def nowhere(lost: str) -> ResponseReturnValue:
    """Whoever is signed in learns that there is no such page; who is not learns nothing."""
    raise NoSuchPage()


def sorry(status: int, error: FeedbackError | None = None) -> Response:
    """The page for a refusal."""
    words = FOR_STAFF.get(status) or BY_STATUS.get(status) or BY_STATUS[400 if status < 500 else 500]
    return show("admin/error.html", status, words=words, error=error)
