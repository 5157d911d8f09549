"""The rights of each role, and what a user's scopes mean (``_SCOPE_FORMS``); also the scopes of API keys.

A user's scope says which centres the user sees; a key's scope says which calls of the API the key may make.
"""

import re
from collections.abc import Mapping

from feedback_service.errors import N_
from feedback_service.vocabulary import CENTRE_CODE, EDRPOU, ROLES, SCOPES

# The rights; a page or an action needs one of them.
AGGREGATES, COMMENTS, BREACHES, REPORTS = "aggregates", "comments", "breaches", "reports"
ALARMS, EXPLANATIONS = "alarms", "explanations"
PROFILE, USERS, KEYS, DEVICES = "profile", "users", "keys", "devices"
DELIVERIES, AUDIT_LOG, INSTALLATION = "deliveries", "journal", "installation"

_SETTINGS_RIGHTS = frozenset({PROFILE, USERS, KEYS, DEVICES, DELIVERIES, AUDIT_LOG})

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
KEY_SCOPE_LABELS = {
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
OBLAST_LENGTH = 4  # the characters of a КАТОТТГ that name the oblast

# By role: the form of a scope in capitals, and what it is.
_SCOPE_FORMS = {
    "administrator": (CENTRE_CODE, "it is a centre's code"),
    "head": (CENTRE_CODE, "it is a centre's code"),
    "council": (CENTRE_CODE, "it is the ЄДРПОУ of the council's centres, or a centre's code"),
    "provider": (EDRPOU, "it is the provider's ЄДРПОУ"),
    "oblast": ("UA[0-9]{2}([0-9]{15})?", "it is the КАТОТТГ of the oblast, or its beginning such as UA05"),
    "central_body": (r"[0-9A-Za-z.\-]{1,32}|[*]", "it is the national code of a service, or *"),
    "ministry": ("[*]", "it is *"),
    "operator": ("[*]", "it is *"),
}


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
    form, meaning = _SCOPE_FORMS[role]
    stored_scope = text if role == "central_body" else text.upper()
    if not re.fullmatch(form, stored_scope):
        raise ValueError(f"{text!r} is no scope for the role {role}: {meaning}")
    return stored_scope[:OBLAST_LENGTH] if role == "oblast" else stored_scope
