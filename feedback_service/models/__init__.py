"""The data dictionary, in the order data flows: columns, keys and named checks, nothing else.

Every operational table starts its key with ``centre_id``: one centre, one fence. Its other unique promises name
their selective column first: a PostgreSQL that has no statistics yet may take any index that begins with
``centre_id`` for the way to one row, and reads the whole centre for each (measured: a thousand cases took 13 s).
What must not be known has no column: see docs/privacy.md.
"""

from feedback_service.models.access import (
    ApiKey,
    ApiKeyCentre,
    Attempts,
    CodeGuesses,
    JournalEntry,
    JournalHead,
    SignIn,
    User,
    UserScope,
)
from feedback_service.models.alarms import Alarm, Concern, Gathering, Letter, MailWish
from feedback_service.models.answers import Comment, Response
from feedback_service.models.cases import BegunAnswer, Case, CaseStatus, Invitation
from feedback_service.models.centres import Centre, Document, Service
from feedback_service.models.delivery import Channel, Event, Queue
from feedback_service.models.devices import Device, PairingRequest, RefusedItem, Signal
from feedback_service.models.figures import CountedDay, Explanation, Tally

__all__ = [
    "Alarm",
    "ApiKey",
    "ApiKeyCentre",
    "Attempts",
    "BegunAnswer",
    "Case",
    "CaseStatus",
    "Centre",
    "Channel",
    "CodeGuesses",
    "Comment",
    "Concern",
    "CountedDay",
    "Device",
    "Document",
    "Event",
    "Explanation",
    "Gathering",
    "Invitation",
    "JournalEntry",
    "JournalHead",
    "Letter",
    "MailWish",
    "PairingRequest",
    "Queue",
    "RefusedItem",
    "Response",
    "Service",
    "SignIn",
    "Signal",
    "Tally",
    "User",
    "UserScope",
]
