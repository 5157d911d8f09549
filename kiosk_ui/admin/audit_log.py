"""Who saw and did what."""

from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import N_, Unavailable
from feedback_service.flow import audit
from kiosk_ui.admin.admission import centre_of, needs, sight, visitor
from kiosk_ui.admin.layout import show
from kiosk_ui.admin.refusals import refused

# Pages that tell of nobody else; and one whose address is a secret.
UNREMARKABLE = ("admin.account", "admin.centres", "admin.new_user", "admin.choose_password")


ACTION_LABELS = {
    "alarm_acknowledged": N_("took charge of an alarm"),
    "explained": N_("explained why sources differ"),
    "attempts": N_("wrong passwords or codes in a row"),
    "comment_set_aside": N_("set a comment aside"),
    "comment_taken_back": N_("took a comment back among the others"),
    "key_made": N_("made a key"),
    "key_revoked": N_("ended a key"),
    "link_made": N_("made a link for a password"),
    "password_set": N_("set a password"),
    "profile_changed": N_("changed the profile"),
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

# Pages by their endpoints; what is not named here is shown as it is.
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


@needs(roles.JOURNAL)
def journal() -> ResponseReturnValue:
    """A centre's journal, or the installation's; the newest first, ``?before=`` goes back."""
    sees_installation = visitor().has_right(roles.INSTALLATION)
    requested_code = request.args.get("centre", "")
    default_code = "" if sees_installation or not sight().centres else sight().centres[0].code
    code = requested_code or default_code
    centre_summary = centre_of(code) if code else None
    entries = (
        audit.read_audit_log(visitor(), code or None, _read_before_number())
        if centre_summary or sees_installation
        else []
    )
    return show(
        "admin/journal.html",
        card=centre_summary,
        centres=sight().centres,
        of_installation=sees_installation,
        entries=entries,
        earlier=entries[-1].number if len(entries) == audit.PAGE_SIZE and entries[-1].number > 1 else None,
        newest=_read_before_number() is None,
        actions=ACTION_LABELS,
        pages=PAGE_LABELS,
    )


def _read_before_number() -> int | None:
    number = request.args.get("before", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 16 else None


def note_page(response: Response) -> Response:
    """The journal learns once a session who saw which page."""
    if (
        request.method == "GET"
        and response.status_code == 200
        and g.get("visitor") is not None
        and g.visitor.is_signed_in
        and request.endpoint not in UNREMARKABLE
        and _seen() not in g.visitor.noted_pages
    ):
        try:
            audit.record_page_view(g.visitor, _seen(), g.get("about", []))
        except Unavailable as busy:  # what cannot be noted is not shown
            return current_app.make_response(refused(busy))
    return response


def _seen() -> str:
    """The page as the journal names it: which, and what of."""
    given = [str(value) for value in (request.view_args or {}).values()]
    return " ".join([str(request.endpoint).removeprefix("admin."), *given])
