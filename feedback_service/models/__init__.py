"""The data dictionary, in the order data flows: columns, keys and named checks, nothing else.

Every operational table starts its key with ``centre_id``: one centre, one fence. Its other unique promises name
their selective column first: a PostgreSQL that has no statistics yet may take any index that begins with
``centre_id`` for the way to one row, and reads the whole centre for each (measured: a thousand cases took 13 s).
What must not be known has no column: see docs/privacy.md.
"""

from feedback_service.models.access import (
    ApiKey,
    ApiKeyCentre,
    JournalEntry,
    JournalHead,
    ShortCodeGuesses,
    SignInAttempts,
    User,
    UserScope,
    UserSession,
)
from feedback_service.models.alarms import Alarm, AlarmCheck, EmailDigest, EmailPreference, QueuedEmail
from feedback_service.models.answers import Comment, Response
from feedback_service.models.cases import Case, CaseStatus, DraftAnswer, Invitation
from feedback_service.models.centres import Centre, PublishedDocument, Service
from feedback_service.models.delivery import Event, EventSequence, ReceiverChannel
from feedback_service.models.devices import Device, PairingRequest, RefusedTabletAnswer, Signal
from feedback_service.models.figures import CountedDay, CountRollup, Explanation

__all__ = [
    "Alarm",
    "AlarmCheck",
    "ApiKey",
    "ApiKeyCentre",
    "Case",
    "CaseStatus",
    "Centre",
    "Comment",
    "CountRollup",
    "CountedDay",
    "Device",
    "DraftAnswer",
    "EmailDigest",
    "EmailPreference",
    "Event",
    "EventSequence",
    "Explanation",
    "Invitation",
    "JournalEntry",
    "JournalHead",
    "PairingRequest",
    "PublishedDocument",
    "QueuedEmail",
    "ReceiverChannel",
    "RefusedTabletAnswer",
    "Response",
    "Service",
    "ShortCodeGuesses",
    "SignInAttempts",
    "Signal",
    "User",
    "UserScope",
    "UserSession",
]
