"""Every table of the service: columns, keys and named checks, nothing else.

The primary key of every table of a centre begins with ``centre_id``, so that rows of two centres never mix. Other
unique constraints begin with their selective column: PostgreSQL without statistics may use any index that begins
with ``centre_id`` to find one row, and then reads the whole centre for it (measured: 13 s for a thousand cases).
Classes have the words of the glossary; some tables and columns keep older ones (``AlarmCheck`` is ``concerns``,
``EventSequence`` ``queues``, ``ReceiverChannel`` ``channels``, ``EmailDigest`` ``gatherings``, ``QueuedEmail``
``letters``). What the service must not know has no column: see docs/privacy.md.
"""

from feedback_service.models.access import (
    ApiKey,
    ApiKeyCentre,
    JournalEntry,
    JournalHead,
    NotedRead,
    SignInAttempts,
    User,
    UserScope,
    UserSession,
)
from feedback_service.models.alarms import Alarm, AlarmCheck, EmailDigest, EmailPreference, QueuedEmail
from feedback_service.models.answers import Comment, HallAnswerCount, Response, Signal
from feedback_service.models.cases import Case, CaseStatus, DraftAnswer, Invitation, ShortCodeGuesses
from feedback_service.models.centres import Centre, Service
from feedback_service.models.delivery import Event, EventSequence, ReceiverChannel
from feedback_service.models.devices import Device, PairingRequest, RefusedTabletAnswer, WalkupCount
from feedback_service.models.documents import PublishedDocument
from feedback_service.models.figures import CountedDay, CountRollup, Explanation
