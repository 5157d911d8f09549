"""What every page of the administration shares: navigation, addresses, names of roles."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service import clock
from feedback_service.access import roles
from feedback_service.access.sessions import CurrentUser
from feedback_service.errors import N_
from feedback_service.i18n import NATIVE
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.languages import url_language
from kiosk_ui.pages import current_path, respond_with_page

# What the pages of the administration are, in the order of the navigation: endpoint, words, right
# that it needs.
NAVIGATION: list[tuple[str, str, str | None]] = [
    ("admin.home", N_("Overview"), None),
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


def show(template: str, status: int = 200, **context: Any) -> Response:
    """A page of the administration."""
    return respond_with_page(template, status, **context)


def offer_again(kept: SavedForm, status: int = 200) -> Response:
    """A form that was kept, with one button that sends it where it was going."""
    return show("admin/kept.html", status, kept=kept)


def back_to(endpoint: str, **values: Any) -> ResponseReturnValue:
    """After a change: go where a refresh does no harm."""
    return redirect(url_for(endpoint, lang=url_language(), **values), 303)


def this(**changes: object) -> str:
    """This page's address with all that it says, in its language, with these changes."""
    kept = {**request.args.to_dict(flat=False), "lang": url_language()} | changes
    query = urlencode(
        {name: value for name, value in kept.items() if value not in (None, NATIVE)}, doseq=True
    )
    return f"{current_path()}?{query}" if query else current_path()


def shared() -> dict[str, Any]:
    """What every template here knows."""
    who: CurrentUser | None = g.get("visitor")
    inside = who is not None and who.is_signed_in
    return {
        "visitor": who if inside else None,
        "navigation": [
            (endpoint, words)
            for endpoint, words, right in NAVIGATION
            if inside and who and (right is None or who.has_right(right))
        ],
        "here_is": request.endpoint,
        "form_token": g.get("form_token", ""),
        "role_words": ROLE_WORDS,
        "this": this,
        "kyiv": lambda instant: instant.astimezone(clock.KYIV),
    }
