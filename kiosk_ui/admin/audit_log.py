"""The audit log: its page, and the entry that every page view leaves in it."""

from collections.abc import Collection, Mapping
from datetime import date

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.access.noted_reads import KINDS, EntryFilter
from feedback_service.errors import Unavailable
from feedback_service.flow import audit
from kiosk_ui.admin import audit_text
from kiosk_ui.admin.admission import current_user, find_visible_centre, needs, visible_centres
from kiosk_ui.admin.refusals import handle_error
from kiosk_ui.pages import respond_with_page

# Page views that are not noted: these pages show nothing about others, and the address of the last is a secret.
UNNOTED_ENDPOINTS = ("admin.account", "admin.centres", "admin.new_user", "admin.choose_password")

MAX_NAME_LENGTH = 254  # characters of an e-mail


# The log itself names pages by their views, so this view keeps its name.
@needs(roles.AUDIT_LOG)
def journal() -> ResponseReturnValue:
    """Show the audit log of a centre or of the installation, the newest entry first; ``?before=`` goes back."""
    may_see_installation = current_user().has_right(roles.INSTALLATION)
    code = request.args.get("centre") or None
    if code is None and not may_see_installation and visible_centres():
        code = visible_centres()[0].code
    centre_summary = find_visible_centre(code) if code else None
    before, wanted = _read_before_number(), _read_filter()
    page = audit.AuditPage([], [])
    if centre_summary or may_see_installation:
        page = audit.read_audit_log(current_user(), code, before, wanted)
    entries = page.entries
    earlier_before = entries[-1].number if len(entries) == audit.PAGE_SIZE and entries[-1].number != 1 else None
    return respond_with_page(
        "admin/journal.html",
        centre_summary=centre_summary,
        centres=visible_centres(),
        may_see_installation=may_see_installation,
        page=page,
        page_size=audit.PAGE_SIZE,
        wanted=wanted,
        kinds={kind: audit_text.KIND_LABELS[kind] for kind in KINDS},
        earlier_before=earlier_before,
        is_newest_page=before is None,
        audit_text=audit_text,
    )


def _read_filter() -> EntryFilter:
    """Return which entries the address asks for; what is no kind of entries leaves all of them."""
    kind = request.args.get("what", "")
    who = request.args.get("who", "").strip()[:MAX_NAME_LENGTH]
    return EntryFilter(who, kind if kind in KINDS else "")


def _read_before_number() -> int | None:
    number = request.args.get("before", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 16 else None


def note_read(page: str, centres: Collection[str], parameters: Mapping[str, object]) -> None:
    """Note in the audit log that the current user read figures or comments of these centres (codes)."""
    audit.note_read(current_user(), page, centres, parameters)
    g.is_read_noted = True


def period_parameter(first: date, last: date) -> dict[str, str]:
    """Write a period as the audit log does."""
    return {"from": first.isoformat(), "to": last.isoformat()}


def note_page_view(response: Response) -> Response:
    """Note once a session in the audit log who saw which page. A page that cannot be noted is not shown.

    Reads of figures and comments are noted each time, by ``note_read``.
    """
    if (
        request.method in ("GET", "HEAD")
        and not g.get("is_read_noted")
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
