"""The audit log: its page, and the entry that every page view leaves in it."""

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import N_, Unavailable
from feedback_service.flow import audit
from kiosk_ui.admin.admission import current_user, find_visible_centre, needs, visible_centres
from kiosk_ui.admin.refusals import handle_error
from kiosk_ui.pages import respond_with_page

# Page views that are not noted: these pages show nothing about others, and the address of the last is a secret.
UNNOTED_ENDPOINTS = ("admin.account", "admin.centres", "admin.new_user", "admin.choose_password")

ACTION_LABELS = {
    "alarm_acknowledged": N_("took charge of an alarm"),
    "explained": N_("explained why sources differ"),
    "attempts": N_("wrong passwords or codes in a row"),
    "attempts_before": N_("failed attempts before this sign-in"),
    "comment_set_aside": N_("set a comment aside"),
    "comment_taken_back": N_("took a comment back among the others"),
    "key_made": N_("made a key"),
    "key_revoked": N_("ended a key"),
    "link_made": N_("made a link for a password"),
    "password_set": N_("set a password"),
    "profile_changed": N_("changed the profile"),
    "purge_refused": N_("deleted nothing, because the clock may be wrong: its day, the newest known day"),
    "purge_resumed": N_("deletes what is old again"),
    "saw": N_("saw"),
    "sent_again": N_("had an event sent again"),
    "second_factor_reset": N_("reset a second factor"),
    "second_factor_set": N_("set a second factor up"),
    "services_imported": N_("imported services"),
    "signed_in": N_("signed in"),
    "signed_out": N_("signed out"),
    "signed_out_everywhere": N_("signed out everywhere"),
    "tablet_added": N_("added a tablet"),
    "tablet_code": N_("made a pairing code"),
    "tablet_revoked": N_("revoked a tablet"),
    "user_added": N_("added a user"),
    "user_changed": N_("changed a user"),
    "user_disabled": N_("disabled a user"),
    "user_enabled": N_("let a user in again"),
}

# Pages by the names of their endpoints. A name without a label is shown as it is.
PAGE_LABELS = {
    "alarms": N_("Alarms"),
    "approve_tablet": N_("Tablets"),
    "breakdown": N_("Figures told apart"),
    "comments": N_("Comments"),
    "compared": N_("Sources compared"),
    "deliveries": N_("Deliveries"),
    "export": N_("a file of figures"),
    "export_comments": N_("a file of comments"),
    "home": N_("Overview"),
    "journal": N_("Journal"),
    "keys": N_("Keys"),
    "profile": N_("Profile of the centre"),
    "services": N_("Services of the centre"),
    "tablets": N_("Tablets"),
    "user": N_("a user"),
    "users": N_("Users"),
}


# The log itself names pages by their views, so this view keeps its name.
@needs(roles.AUDIT_LOG)
def journal() -> ResponseReturnValue:
    """Show the audit log of a centre or of the installation, the newest entry first; ``?before=`` goes back."""
    may_see_installation = current_user().has_right(roles.INSTALLATION)
    code = request.args.get("centre") or None
    if code is None and not may_see_installation and visible_centres():
        code = visible_centres()[0].code
    centre_summary = find_visible_centre(code) if code else None
    before, entries = _read_before_number(), []
    if centre_summary or may_see_installation:
        entries = audit.read_audit_log(current_user(), code, before)
    has_earlier = len(entries) == audit.PAGE_SIZE and entries[-1].number > 1
    return respond_with_page(
        "admin/journal.html",
        centre_summary=centre_summary,
        centres=visible_centres(),
        may_see_installation=may_see_installation,
        entries=entries,
        earlier_before=entries[-1].number if has_earlier else None,
        is_newest_page=before is None,
        action_labels=ACTION_LABELS,
        page_labels=PAGE_LABELS,
    )


def _read_before_number() -> int | None:
    number = request.args.get("before", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 16 else None


def note_page_view(response: Response) -> Response:
    """Note once a session in the audit log who saw which page. A page that cannot be noted is not shown."""
    if (
        request.method == "GET"
        and response.status_code == 200
        and g.get("current_user") is not None
        and g.current_user.is_signed_in
        and request.endpoint not in UNNOTED_ENDPOINTS
        and _page_name() not in g.current_user.noted_pages
    ):
        try:
            audit.record_page_view(g.current_user, _page_name(), g.get("viewed_centre_ids", []))
        except Unavailable as error:
            return handle_error(error)
    return response


def _page_name() -> str:
    """Name the page as the audit log does: its endpoint, and what the address names in it."""
    url_values = [str(value) for value in (request.view_args or {}).values()]
    return " ".join([str(request.endpoint).removeprefix("admin."), *url_values])
