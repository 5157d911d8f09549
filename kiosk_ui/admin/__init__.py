"""The administration: what people who run centres see and do, under ``/admin/``.

door        who comes in: every view says what it needs, every form proves where it came from
kept        a form that came too late is kept until its sender is back
session     signing in and out, second factor, one's own account
home        the first page
figures     the overview, what is behind it told apart, sources compared, exports
asked words tables
            which figures an address asks for, what they are called, the tables that pages and exports share
alarms comments
            what calls a human, what people wrote
users keys tablets deliveries centre journal
            what is managed: people, keys of case systems, tablets, what the central system refused, the centre's
            profile, who saw and did what
"""

from kiosk_ui.admin import (  # noqa: F401
    alarms,
    centre,
    comments,
    deliveries,
    figures,
    home,
    journal,
    keys,
    poster,
    session,
    tablets,
    users,
)
from kiosk_ui.admin.door import bp

__all__ = ["bp"]
