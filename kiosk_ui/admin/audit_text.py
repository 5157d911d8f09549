"""The entries of the audit log in words: actions, pages, and the parameters of reads."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from babel.dates import format_date
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from feedback_service.access.noted_reads import MORE, ReadDetails
from feedback_service.errors import N_
from feedback_service.flow.audit import AuditEntry
from feedback_service.i18n import own_name
from kiosk_ui.admin.labels import FRONT_OFFICE_LABELS, SOURCE_LABELS
from kiosk_ui.languages import format_number

ACTION_LABELS = {
    "alarm_acknowledged": N_("took charge of an alarm"),
    "explained": N_("explained why channels differ"),
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
    "compared": N_("Channels compared"),
    "deliveries": N_("Deliveries"),
    "export": N_("a file of figures"),
    "export_comments": N_("a file of comments"),
    "home": N_("Overview"),
    "journal": N_("Journal"),
    "keys": N_("Keys"),
    "profile": N_("Profile of the centre"),
    "services": N_("Services of the centre"),
    "summaries": N_("figures, asked by a program"),
    "tablets": N_("Tablets"),
    "user": N_("a user"),
    "users": N_("Users"),
}

KIND_LABELS = {
    "figures": N_("reads of figures"),
    "exports": N_("files taken away"),
    "comments": N_("reads of comments"),
    "other_pages": N_("other pages seen"),
    "changes": N_("changes and sign-ins"),
}
BY_LABELS = {
    "day": N_("by day"),
    "week": N_("by week"),
    "month": N_("by month"),
    "quarter": N_("by quarter"),
    "centre": N_("by centre"),
    "service": N_("by service"),
    "provider": N_("by provider"),
    "source": N_("by source"),
    "workplace": N_("by window"),
    "front_office": N_("by front office"),
    "part_of_week": N_("by time of the week"),
    "language": N_("by language"),
}
TICKS = {
    "poor": N_("only beside poor answers"),
    "breach": N_("only where something serious is told"),
    "set_aside": N_("those set aside"),
    "searched": N_("with words sought"),
}


def name_reader(entry: AuditEntry) -> str:
    """Name who did it: a user by e-mail, a program by the name of its key."""
    if entry.email:
        return entry.email
    if entry.read is None or entry.read.key_name is None:
        return _("the command line")
    return _("key “%(name)s”", name=entry.read.key_name) if entry.read.key_name else _("a key without a name")


def describe_object(entry: AuditEntry) -> str:
    """Say what was seen or done: the page by its name, and the parameters of a read."""
    if entry.action != "saw":
        return entry.object
    name, _space, page_object = entry.object.partition(" ")
    page = " ".join([_(PAGE_LABELS[name]) if name in PAGE_LABELS else name, page_object]).strip()
    return page if entry.read is None else f"{page}: {describe_parameters(entry.read)}"


def describe_parameters(read: ReadDetails) -> str:
    """Say by which parameters somebody read: «1.11.2026–30.11.2026, за послугами, SN12000007»."""
    parameters = read.parameters
    if MORE in parameters:
        return ngettext(
            "and %(count)s more read", "and %(count)s more reads", read.times, count=format_number(read.times)
        )
    words = [_PARAMETERS[name](parameters[name]) for name in _PARAMETERS if name in parameters]
    words += [f"{name}: {value}" for name, value in parameters.items() if name not in _PARAMETERS]
    return ", ".join(words)


def _describe_period(period: Mapping[str, str]) -> str:
    ends = (date.fromisoformat(period[end]) for end in ("from", "to"))
    return "–".join(format_date(end, "d.MM.yyyy", locale=get_locale()) for end in ends)


def _describe_centres(centres: list[str] | int) -> str:
    if isinstance(centres, int):
        return ngettext("%(count)s centre", "%(count)s centres", centres, count=format_number(centres))
    return ", ".join(centres)


def _labelled(labels: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: _(labels[value]) if value in labels else value


def _tick(name: str) -> Callable[[Any], str]:
    return lambda _ticked: _(TICKS[name])


# In the order of the page.
_PARAMETERS: Mapping[str, Callable[[Any], str]] = {
    "period": _describe_period,
    "asked": lambda period: _("asked for %(period)s", period=_describe_period(period)),
    "by": _labelled(BY_LABELS),
    "table": lambda name: _("table “%(name)s”", name=name),
    "format": lambda name: str(name).upper(),
    "front_office": _labelled(FRONT_OFFICE_LABELS),
    "source": _labelled(SOURCE_LABELS),
    "service": lambda key: _("service %(key)s", key=key),
    "provider": lambda key: _("provider %(key)s", key=key),
    "workplace": lambda key: _("window %(key)s", key=key),
    "language": own_name,
    "reasons": lambda reasons: _("reasons: %(reasons)s", reasons=", ".join(reasons)),
    **{name: _tick(name) for name in TICKS},
    "centres": _describe_centres,
}
