"""The rights of each role, and what its scopes mean.

A scope is a centre's code for ``administrator`` and ``head``; for ``council`` the ЄДРПОУ that its centres carry,
or single centres' codes; for ``provider`` its ЄДРПОУ; for ``oblast`` the first four characters of its КАТОТТГ
(``UA05``); for ``central_body`` national codes of services, or ``*``; for ``ministry`` and ``operator`` ``*``.
"""

import re
from collections.abc import Mapping

from feedback_service.errors import N_
from feedback_service.vocabulary import ROLES, SCOPES

# The rights; a page or an action needs one of them.
AGGREGATES, COMMENTS, BREACHES, REPORTS = "aggregates", "comments", "breaches", "reports"
ALARMS, EXPLANATIONS = "alarms", "explanations"
PROFILE, USERS, KEYS, DEVICES = "profile", "users", "keys", "devices"
DELIVERIES, JOURNAL, INSTALLATION = "deliveries", "journal", "installation"

_SETTINGS_RIGHTS = frozenset({PROFILE, USERS, KEYS, DEVICES, DELIVERIES, JOURNAL})

RIGHTS: Mapping[str, frozenset[str]] = {
    "administrator": _SETTINGS_RIGHTS | {AGGREGATES, ALARMS, EXPLANATIONS},
    "head": _SETTINGS_RIGHTS | {AGGREGATES, ALARMS, EXPLANATIONS, COMMENTS, BREACHES, REPORTS},
    "council": frozenset({AGGREGATES}),
    "provider": frozenset({AGGREGATES}),
    "oblast": frozenset({AGGREGATES}),
    "central_body": frozenset({AGGREGATES}),
    "ministry": frozenset({AGGREGATES}),
    "operator": _SETTINGS_RIGHTS | {INSTALLATION},  # it sees no answers, and no figures either
}

# Nobody may create a user who sees more, except the operator, who sees no figures at all.
GRANTABLE_ROLES: Mapping[str, tuple[str, ...]] = {
    "administrator": ("administrator",),
    "head": ("administrator", "head"),
    "operator": ROLES,
}

# What an API key with a scope may do.
SCOPE_LABELS = {
    "cases:write": N_("register cases, cancel invitations"),
    "cases:read": N_("read cases"),
    "responses:write": N_("enter answers given by phone, on paper, by message or on the map of centres"),
    "summaries:read": N_("read figures"),
    "reports:read": N_("read reports"),
    "deliveries:manage": N_("see and repeat deliveries to the central monitoring system"),
}

# The right that somebody needs to put the scope into a key: a key must not show more than its maker may see.
_RIGHT_BEHIND_SCOPE = {"summaries:read": AGGREGATES, "reports:read": AGGREGATES}

CENTRE_ROLES = frozenset({"administrator", "head"})  # roles whose scopes are centres' codes
EVERYTHING = "*"

_CENTRE_CODE = re.compile(r"[A-Z0-9]{1,10}")
_EDRPOU = re.compile(r"[0-9]{8}")
_OBLAST_CODE = re.compile(r"(UA[0-9]{2})([0-9]{15})?")
_SERVICE_CODE = re.compile(r"[0-9A-Za-z.\-]{1,32}")


def has_right(role: str, right: str) -> bool:
    """Whether the role has the right."""
    return right in RIGHTS[role]


def list_key_scopes(role: str) -> tuple[str, ...]:
    """List the scopes that somebody of this role may put into an API key."""
    if not has_right(role, KEYS):
        return ()
    return tuple(scope for scope in SCOPES if has_right(role, _RIGHT_BEHIND_SCOPE.get(scope, KEYS)))


def normalise_scope(role: str, scope: str) -> str:
    """Return the scope in its stored form; raise ``ValueError`` with a sentence if it means nothing for this role."""
    text = scope.strip()
    if role in CENTRE_ROLES and _CENTRE_CODE.fullmatch(text.upper()):
        return text.upper()
    if role == "council" and (_EDRPOU.fullmatch(text) or _CENTRE_CODE.fullmatch(text.upper())):
        return text.upper()
    if role == "provider" and _EDRPOU.fullmatch(text):
        return text
    if role == "oblast" and (oblast := _OBLAST_CODE.fullmatch(text.upper())):
        return oblast[1]
    if role == "central_body" and (text == EVERYTHING or _SERVICE_CODE.fullmatch(text)):
        return text
    if role in ("ministry", "operator") and text == EVERYTHING:
        return text
    raise ValueError(f"{text!r} is no scope for the role {role}: {_SCOPE_MEANINGS[role]}")


_SCOPE_MEANINGS = {
    "administrator": "it is a centre's code",
    "head": "it is a centre's code",
    "council": "it is the ЄДРПОУ of the council's centres, or a centre's code",
    "provider": "it is the provider's ЄДРПОУ",
    "oblast": "it is the КАТОТТГ of the oblast, or its beginning such as UA05",
    "central_body": "it is the national code of a service, or *",
    "ministry": "it is *",
    "operator": "it is *",
}
