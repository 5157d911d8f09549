"""A tablet brings what people answered on it, perhaps days ago.

Every answer it brings is judged alone, in a transaction of its own, and taken once by its client id. A case's
answer spends its invitation; one whose code is spent, closed or unknown is kept as a walk-up: it is told of the
hall, and never counts in the official figures.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unicodedata import category
from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from feedback_service import clock, keyring
from feedback_service.cases import invitations
from feedback_service.cases.invitations import InvitationContext
from feedback_service.centres import opening_hours
from feedback_service.config import current_settings
from feedback_service.counts import rollups
from feedback_service.database import reading, table, transaction
from feedback_service.errors import (
    N_,
    AlreadyAnswered,
    FeedbackError,
    Gone,
    Invalid,
    NotAuthenticated,
    NotFound,
    TooManyGuesses,
)
from feedback_service.flow.answers import NOTHING_ANSWERED, AnswerChecker, PublicCentre
from feedback_service.flow.recording import Origin, record_answer
from feedback_service.keyring import current_keyring
from feedback_service.models import Case, Centre, Device, Invitation, Service, Signal
from feedback_service.surveys import library, responses
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.tablets import devices, signals
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.tablets.signals import UNKNOWN_PACE, AnsweringPace
from feedback_service.vocabulary import FINAL_STATUSES, FRONT_OFFICES
from feedback_service.flow.tablet_screens import hold_by_code

UNKNOWN_VERSION = N_("There is no questionnaire %(version)s.")
TOO_OLD = N_("This answer was given more than a year ago.")
AFTER_REVOCATION = N_("This answer was given after the tablet's key was revoked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletAnswer:
    """What one person answered; ``answered_at`` by the tablet's clock."""

    client_id: uuid.UUID
    questionnaire: str
    language: str
    check_answers: AnswerChecker
    answered_at: datetime
    short_code: str | None = None
    pace: AnsweringPace = UNKNOWN_PACE
