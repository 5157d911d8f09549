"""Every write but the relay's own books: one function, one thing that happens, one transaction, readable aloud.

Pages that show figures are read here too, each in one snapshot.

    cases       a case system tells; an invitation is issued or cancelled
    answers     a person answers by an invitation: taps, sends, or leaves it begun
    direct      an answer comes without an invitation: from the hall's poster, or typed in by staff
    pairing     a tablet is let in, or its key ended
    tablets     a tablet asks what to show and brings what people answered on it
    queue_files the same from a file that a stuck tablet saved
    receipts    a person reads the receipt, takes the answer back, types a short code
    deliveries  an operator sees how deliveries go, and has an event sent again
    summaries   the figures of a period for systems, the command line and everybody
    dashboard   the administrators' pages of figures
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
from feedback_service.flow.direct import (
    AssistedAnswer,
    open_hall,
    read_notice,
    record_assisted,
    record_in_hall,
)
from feedback_service.flow.pairing import (
    Asking,
    Paired,
    add_device,
    approve,
    ask_to_pair,
    new_code,
    pair,
    revoke_device,
)
from feedback_service.flow.queue_files import take_queue_file
from feedback_service.flow.receipts import Thanks, find_by_short_code, read_receipt, withdraw
from feedback_service.flow.tablets import beat, deliver, find_open_case, note_refused
from feedback_service.flow.tablets import look as look_for_tablet

__all__ = [
    "Asking",
    "AssistedAnswer",
    "CaseView",
    "CentreFacts",
    "Given",
    "InvitationView",
    "Paired",
    "Recorded",
    "Registered",
    "SlipFacts",
    "Survey",
    "Thanks",
    "add_device",
    "approve",
    "ask_to_pair",
    "beat",
    "cancel_invitation",
    "complete_left",
    "deliver",
    "find_by_short_code",
    "find_case",
    "find_open_case",
    "finish",
    "keep_begun",
    "look_for_tablet",
    "new_code",
    "note_refused",
    "open_hall",
    "open_survey",
    "pair",
    "read_notice",
    "read_receipt",
    "record_assisted",
    "record_in_hall",
    "register_cases",
    "replay",
    "revoke_device",
    "slip_facts",
    "take_queue_file",
    "withdraw",
]
