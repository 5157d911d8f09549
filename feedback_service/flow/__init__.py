"""Every write but the relay's own books: one function, one thing that happens, one transaction, readable aloud.

    cases       a case system tells; an invitation is issued or cancelled
    answers     a person answers by an invitation: taps, sends, or leaves it begun
    direct      an answer comes without an invitation: from the hall's poster, or typed in by staff
    receipts    a person reads the receipt, takes the answer back, types a short code
    deliveries  an operator has an event sent again
    sign_in     staff come in and go out
    oversight   which centres they may see; the journal knows who saw what
    staff       people are let into the administration, and kept out of it
    profile     a centre's people keep its profile and services
    integrations  they make keys for case systems, and end them
    setup       an operator adds centres, services, keys, documents
    upkeep      what time does: days are recounted, old things are deleted

What the doors for people and systems need is here by name; operators, the worker and the administration ask their
modules themselves. ``recording`` is the step that every way of answering ends in. Which event is carried by
whom, and how that went, the relay writes down in ``delivery.courier``.
"""

from feedback_service.flow.answers import (
    CentreFacts,
    Given,
    Recorded,
    Survey,
    complete_left,
    finish,
    keep_begun,
    open_survey,
)
from feedback_service.flow.cases import (
    CaseView,
    InvitationView,
    Registered,
    SlipFacts,
    cancel_invitation,
    find_case,
    register_cases,
    slip_facts,
)
from feedback_service.flow.deliveries import replay
from feedback_service.flow.direct import AssistedAnswer, open_hall, record_assisted, record_in_hall
from feedback_service.flow.receipts import Thanks, find_by_short_code, read_receipt, withdraw

__all__ = [
    "AssistedAnswer",
    "CaseView",
    "CentreFacts",
    "Given",
    "InvitationView",
    "Recorded",
    "Registered",
    "SlipFacts",
    "Survey",
    "Thanks",
    "cancel_invitation",
    "complete_left",
    "find_by_short_code",
    "find_case",
    "finish",
    "keep_begun",
    "open_hall",
    "open_survey",
    "read_receipt",
    "record_assisted",
    "record_in_hall",
    "register_cases",
    "replay",
    "slip_facts",
    "withdraw",
]
