"""The data dictionary, in the order data flows: columns, keys and named checks, nothing else.

Every operational table starts its key with ``centre_id``: one centre, one fence. What must not be known has
no column: see section "What can be known about a person" of the data protection notes in docs/privacy.md.
"""

from feedback_service.models.access import ApiKey, ApiKeyCentre, CodeGuesses
from feedback_service.models.answers import Answer, Comment, Response
from feedback_service.models.cases import BegunAnswer, Case, CaseStatus, Invitation
from feedback_service.models.centres import Centre, Document, Service
from feedback_service.models.delivery import Event
from feedback_service.models.figures import CountedDay, DayCount

__all__ = [
    "Answer",
    "ApiKey",
    "ApiKeyCentre",
    "BegunAnswer",
    "Case",
    "CaseStatus",
    "Centre",
    "CodeGuesses",
    "Comment",
    "CountedDay",
    "DayCount",
    "Document",
    "Event",
    "Invitation",
    "Response",
    "Service",
]
