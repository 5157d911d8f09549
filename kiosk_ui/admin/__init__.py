"""The administration: what people who run centres see and do, under ``/admin/``.

admission      who may open a view, and where a form came from
cookies        the cookie that carries a session
saved_form     a form that came too late is kept until its sender is back
sign_in_pages  the pages that ask who somebody is
session        signing in and out, second factor, one's own account
layout         navigation, addresses, what every page shares
forms          what was wrong with a form, in words
refusals       refusals in words for staff
figures        the overview, what is behind it told apart, sources compared, exports
view_query     which figures an address asks for
period         a period as people type it
labels         what figures are called
tables         the tables that pages and exports share
alarms         what calls a human
comments       what people wrote
users          people who may come in
keys           keys of case systems
tablets        tablets in halls and at windows
deliveries     what the central system refused
centre         the centre's profile, services and poster
audit_log      who saw and did what
"""

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException

from feedback_service.errors import FeedbackError
from kiosk_ui.admin import (
    alarms,
    audit_log,
    centre,
    comments,
    deliveries,
    figures,
    keys,
    layout,
    refusals,
    session,
    tablets,
    users,
)
from kiosk_ui.admin.admission import GuardedView

# Every address of the administration; each view says by ``needs`` who may open it.
ADDRESSES: tuple[tuple[str, str, GuardedView], ...] = (
    ("GET", "/sign-in", session.sign_in),
    ("POST", "/sign-in", session.enter),
    ("GET", "/second-factor", session.code),
    ("POST", "/second-factor", session.enter_code),
    ("GET", "/second-factor/set-up", session.set_up),
    ("POST", "/second-factor/set-up", session.confirm),
    ("GET", "/set-password/<secret>", session.choose_password),
    ("POST", "/set-password/<secret>", session.set_password),
    ("GET", "/account", session.account),
    ("POST", "/account", session.change_password),
    ("POST", "/account/sessions/<uuid:session>", session.end_session),
    ("POST", "/sign-out", session.sign_out),
    ("GET", "/", figures.home),
    ("GET", "/figures", figures.breakdown),
    ("GET", "/sources-compared", figures.compared),
    ("POST", "/sources-compared", figures.explain),
    ("GET", "/figures/export", figures.export),
    ("GET", "/alarms", alarms.alarms),
    ("POST", "/centres/<centre>/alarms/<alarm>/acknowledge", alarms.acknowledge_alarm),
    ("POST", "/alarms/letters", alarms.want_letters),
    ("GET", "/centres/<centre>/comments", comments.comments),
    ("GET", "/comments", comments.comments),
    ("GET", "/centres/<centre>/comments.<format>", comments.export_comments),
    ("POST", "/centres/<centre>/comments/<comment>/aside", comments.set_comment_aside),
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
    ("GET", "/<path:lost>", refusals.nowhere),
    ("POST", "/<path:lost>", refusals.nowhere),
)


def register(app: Flask) -> None:
    """The application answers people who run centres."""
    admin = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates")
    for method, address, view in ADDRESSES:
        if not isinstance(view, GuardedView):
            raise RuntimeError(f"the view of {method} {address} does not say who may open it")
        admin.add_url_rule(address, view_func=view, methods=[method])
    admin.context_processor(layout.shared)
    admin.after_request(audit_log.note_page)
    admin.register_error_handler(FeedbackError, refusals.refused)
    admin.register_error_handler(HTTPException, refusals.lost)
    app.register_blueprint(admin)
