"""What all pages of the administration share: navigation, addresses, names of roles."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from feedback_service import clock
from feedback_service.access import roles
from feedback_service.access.sessions import CurrentUser
from feedback_service.errors import N_
from feedback_service.i18n import NATIVE
from kiosk_ui.admin.saved_form import SavedForm
from kiosk_ui.languages import url_language
from kiosk_ui.pages import current_path, respond_with_page

MOST_CENTRES_LISTED = 200  # in a form; beyond that, codes are typed

# The navigation in its order: endpoint, label, the right that a user needs to see the link.
NAVIGATION: list[tuple[str, str, str | None]] = [
    ("admin.home", N_("Overview"), None),
    ("admin.alarms", N_("Alarms"), roles.ALARMS),
    ("admin.comments", N_("Comments"), roles.COMMENTS),
    ("admin.centres", N_("Centre"), roles.PROFILE),
    ("admin.users", N_("Users"), roles.USERS),
    ("admin.keys", N_("Keys"), roles.KEYS),
    ("admin.tablets", N_("Tablets"), roles.DEVICES),
    ("admin.deliveries", N_("Deliveries"), roles.DELIVERIES),
    ("admin.journal", N_("Journal"), roles.AUDIT_LOG),
]

FAILED_ATTEMPTS_SHOWN = timedelta(minutes=10)  # after the sign-in on each page, later on that of the own account

ROLE_LABELS = {
    "administrator": N_("administrator of a centre"),
    "head": N_("head of a centre"),
    "council": N_("council"),
    "provider": N_("service provider"),
    "oblast": N_("oblast administration"),
    "central_body": N_("central executive body"),
    "ministry": N_("ministry"),
    "operator": N_("operator of the installation"),
}


def offer_saved_form(saved_form: SavedForm, status: int = 200) -> Response:
    """Show a form that was saved, with one button that sends it to its address."""
    return respond_with_page("admin/saved_form.html", status, saved_form=saved_form)


def redirect_to(endpoint: str, **values: Any) -> BaseResponse:
    """Redirect after a change to a page where a refresh changes nothing again."""
    return redirect(url_for(endpoint, lang=url_language(), **values), 303)


def same_page_url(**changes: object) -> str:
    """Return the address of this page with all its arguments and its language, and with these changes."""
    arguments = {**request.args.to_dict(flat=False), "lang": url_language()} | changes
    query = urlencode({name: value for name, value in arguments.items() if value not in (None, NATIVE)}, doseq=True)
    return f"{current_path()}?{query}" if query else current_path()


def _has_just_signed_in(user: CurrentUser) -> bool:
    return clock.now() - user.began_at < FAILED_ATTEMPTS_SHOWN


def shared_context() -> dict[str, Any]:
    """Return what every template of the administration can use."""
    user: CurrentUser | None = g.get("current_user")
    if user is not None and not user.is_signed_in:
        user = None
    return {
        "current_user": user,
        "failed_before": user.failed_before if user and _has_just_signed_in(user) else 0,
        "navigation": [
            (endpoint, label)
            for endpoint, label, right in NAVIGATION
            if user and (right is None or user.has_right(right))
        ],
        "current_endpoint": request.endpoint,
        "form_token": g.get("form_token", ""),
        "role_labels": ROLE_LABELS,
        "same_page_url": same_page_url,
        "MOST_CENTRES_LISTED": MOST_CENTRES_LISTED,
        "kyiv_time": lambda instant: instant.astimezone(clock.KYIV),
    }
