"""The administration: pages under ``/admin/`` for people who run centres.

admission        checks who may open a view, and that a form came from one of our pages
cookies          the cookie that carries a session
saved_form       a form that is saved until its sender has signed in again
sign_in_pages    the pages that ask for e-mail, password and second factor
sign_in          signing in
account          a user's own account: password, sessions, signing out
layout           navigation, addresses, what all pages share
paging           long lists are shown in pages; how long a search may be
refusals         errors as pages for staff
figures          overview, breakdowns, channels compared, exports
figure_view      which figures an address asks for
figure_charts    the charts of the pages with figures
period           the period that an address asks for
labels           labels of the figures
tables           the tables that pages and exports share
alarms           alarms and what was done about them
comments         comments of one centre
comment_filters  which comments an address asks for
users            users and the links by which they choose passwords
keys             API keys of case systems
tablets          tablets in halls and at windows
deliveries       events that the central system refused
centre           a centre's profile, services and poster
audit_log        the audit log, and noting page views in it
audit_text       the entries of the audit log in words
"""

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException

from feedback_service.errors import FeedbackError
from kiosk_ui.admin import (
    account,
    alarms,
    audit_log,
    centre,
    comments,
    deliveries,
    figures,
    keys,
    layout,
    refusals,
    sign_in,
    tablets,
    users,
)
from kiosk_ui.admin.admission import GuardedView

# Every address of the administration. The decorator ``needs`` of each view says who may open it.
ADDRESSES: tuple[tuple[str, str, GuardedView], ...] = (
    ("GET", "/sign-in", sign_in.sign_in),
    ("POST", "/sign-in", sign_in.enter),
    ("GET", "/second-factor", sign_in.code),
    ("POST", "/second-factor", sign_in.enter_code),
    ("GET", "/second-factor/set-up", sign_in.set_up),
    ("POST", "/second-factor/set-up", sign_in.confirm),
    ("GET", "/set-password/<secret>", account.choose_password),
    ("POST", "/set-password/<secret>", account.set_password),
    ("GET", "/account", account.account),
    ("POST", "/account", account.change_password),
    ("POST", "/account/sessions/<uuid:session>", account.end_session),
    ("POST", "/sign-out", account.sign_out),
    ("GET", "/", figures.home),
    ("GET", "/figures", figures.breakdown),
    ("GET", "/sources-compared", figures.compared),
    ("POST", "/sources-compared", figures.explain),
    ("GET", "/figures/export", figures.export),
    ("GET", "/alarms", alarms.alarms),
    ("POST", "/centres/<centre>/alarms/<uuid:alarm>/acknowledge", alarms.acknowledge_alarm),
    ("POST", "/alarms/letters", alarms.choose_emails),
    ("GET", "/centres/<centre>/comments", comments.comments),
    ("GET", "/comments", comments.comments),
    ("GET", "/centres/<centre>/comments.<format>", comments.export_comments),
    ("POST", "/centres/<centre>/comments/<uuid:comment>/aside", comments.set_comment_aside),
    ("GET", "/centres", centre.centres),
    ("GET", "/centres/<centre>/profile", centre.profile),
    ("POST", "/centres/<centre>/profile", centre.change_profile),
    ("GET", "/centres/<centre>/services", centre.services),
    ("POST", "/centres/<centre>/services", centre.import_services),
    ("GET", "/centres/<centre>/poster", centre.poster),
    ("GET", "/users", users.users),
    ("GET", "/users/add", users.new_user),
    ("POST", "/users/add", users.add_user),
    ("GET", "/users/<uuid:user>", users.user),
    ("POST", "/users/<uuid:user>", users.change_user),
    ("POST", "/users/<uuid:user>/link", users.renew_link),
    ("POST", "/users/<uuid:user>/disable", users.disable_user),
    ("POST", "/users/<uuid:user>/enable", users.enable_user),
    ("POST", "/users/<uuid:user>/second-factor", users.reset_second_factor),
    ("GET", "/keys", keys.keys),
    ("POST", "/keys", keys.make_key),
    ("POST", "/keys/<uuid:key>/revoke", keys.revoke_key),
    ("GET", "/tablets", tablets.tablets),
    ("GET", "/tablets/approve", tablets.approve_tablet),
    ("POST", "/tablets", tablets.add_tablet),
    ("POST", "/tablets/<uuid:tablet>/code", tablets.new_tablet_code),
    ("POST", "/tablets/<uuid:tablet>/revoke", tablets.revoke_tablet),
    ("POST", "/tablets/import", tablets.import_queue),
    ("GET", "/deliveries", deliveries.deliveries),
    ("POST", "/deliveries/<uuid:event>/replay", deliveries.send_again),
    ("GET", "/journal", audit_log.journal),
    ("GET", "/<path:path>", refusals.nowhere),
    ("POST", "/<path:path>", refusals.nowhere),
)


def register(app: Flask) -> None:
    """Register the pages of the administration."""
    admin = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates")
    for method, address, view in ADDRESSES:
        if not isinstance(view, GuardedView):
            raise RuntimeError(f"the view of {method} {address} does not say who may open it")
        admin.add_url_rule(address, view_func=view, methods=[method])
    admin.context_processor(layout.shared_context)
    admin.after_request(audit_log.note_page_view)
    admin.register_error_handler(FeedbackError, refusals.handle_error)
    admin.register_error_handler(HTTPException, refusals.handle_error)
    app.register_blueprint(admin)
