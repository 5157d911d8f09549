"""A tablet delivers what people answered on it, perhaps days ago.

Each answer is checked in a transaction of its own, and stored once by its client id. An answer with the short code of
a case uses up the invitation; if the answer was begun on a phone, what was tapped there stays, and the tablet's answers
join it. If the code is used up, closed or unknown, the answer is stored as a walk-up: an answer about the hall, which
never counts in the official figures.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from unicodedata import category

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import drafts, invitations
from feedback_service.cases.invitations import InvitationContext
from feedback_service.centres import opening_hours
from feedback_service.centres.register import make_public_centre
from feedback_service.counts import counted_days
from feedback_service.database import transaction
from feedback_service.errors import N_, FeedbackError, Gone, Invalid, NotAuthenticated, OtherAnswer, json_pointer
from feedback_service.facts import AnswerFacts, ServiceContext
from feedback_service.flow.answers import is_abandoned, join_with_draft
from feedback_service.flow.recording import MAX_ANSWER_AGE, make_service_context, record_answer
from feedback_service.flow.tablet_screens import lock_invitation_by_code
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Device, Response
from feedback_service.surveys import published, responses
from feedback_service.surveys.answers import Submission, require_some_answer
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.tablets import devices, signals
from feedback_service.tablets.devices import AuthenticatedTablet
from feedback_service.tablets.signals import UNKNOWN_PACE, AnsweringPace
from feedback_service.vocabulary import CONTINUED_ELSEWHERE, FRONT_OFFICES

Bringer = Literal["tablet", "staff", "operator"]  # who brings the answers; staff and operators import a file
MAX_WALKUPS = 2000  # of a centre on a day; more cannot be people
LEAST_SHARE = 200  # of these that each tablet may bring, however many tablets the centre has


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletAnswer:
    """What one person answered; ``answered_at`` is the time of the tablet's clock."""

    client_id: uuid.UUID
    questionnaire: str
    language: str
    submission: Submission
    answered_at: datetime
    short_code: str | None = None
    pace: AnsweringPace = UNKNOWN_PACE


def accept_answers(
    tablet: AuthenticatedTablet, items: Sequence[TabletAnswer | FeedbackError], *, bringer: Bringer = "tablet"
) -> list[str | FeedbackError]:
    """Store what a tablet delivers; return the result of each item, in the same order.

    A result is ``accepted``, ``accepted_as_walkup``, ``duplicate``, or the error that refuses the item. An item that
    is an error already stays one.

    1. Store each answer, or refuse it. Raise ``TooManyGuesses`` at an answer with a code if the tablet has sent too
       many wrong codes by then; those before it are stored, and are duplicates when they are sent again.
    2. If a revoked tablet delivered nothing from before, delete its key and raise ``NotAuthenticated``.

    Step 2 is left out for a file. Staff can pair a browser and write such a file themselves, so the limit of codes and
    of age holds for theirs too; only an operator, who has the command line, is trusted to go beyond it.
    """
    results = [
        item if isinstance(item, FeedbackError) else _accept_or_refuse(tablet, item, bringer=bringer) for item in items
    ]
    is_refused = all(isinstance(result, NotAuthenticated) for result in results)
    if bringer == "tablet" and tablet.revoked_at is not None and is_refused:
        _delete_device_key(tablet)
        raise NotAuthenticated()
    return results


@transaction
def record_refused_answer(
    tx: Session,
    tablet: AuthenticatedTablet,
    client_id: str,
    refusal: FeedbackError,
    translate: Callable[[str], str] = str,
) -> None:
    """Store why an item of this tablet was refused; the device page shows it. ``translate`` is that of the door.

    Both texts may repeat what was sent, so characters that a database or a page cannot take are replaced.
    """
    reason = _describe_refusal(refusal, translate)
    printable_id = client_id.encode("utf-8", "backslashreplace").decode()
    client_hash = current_keyring().signing_key.hash_secret("refused", printable_id)
    printable_reason = "".join("\ufffd" if category(character).startswith("C") else character for character in reason)
    devices.note_refused_answer(tx, tablet, client_hash, printable_reason, clock.now())


def _describe_refusal(refusal: FeedbackError, translate: Callable[[str], str]) -> str:
    """Return why an item was refused; every mistake with its place."""

    def translate_message(message: str, params: dict[str, object]) -> str:
        return translate(message) % params if params else translate(message)  # without params, “%” is a character

    if not isinstance(refusal, Invalid):
        return translate_message(refusal.detail or refusal.title, refusal.params)
    return "; ".join(
        f"{error.pointer}: {translate_message(error.detail, error.params)}".lstrip(": ") for error in refusal.errors
    )


def _accept_or_refuse(tablet: AuthenticatedTablet, answer: TabletAnswer, *, bringer: Bringer) -> str | FeedbackError:
    try:
        return _accept_answer(tablet, answer, bringer=bringer)
    except (Invalid, NotAuthenticated, OtherAnswer) as refusal:
        return refusal


@transaction
def _delete_device_key(tx: Session, tablet: AuthenticatedTablet) -> None:
    """Let the revoked tablet in no more: it has delivered what it had."""
    devices.get_device(tx, tablet, lock=True).key_hash = None


@transaction
def _accept_answer(
    tx: Session, tablet: AuthenticatedTablet, answer: TabletAnswer, *, bringer: Bringer
) -> str | Invalid:
    """Store one answer on the day it was given; return ``accepted``, ``accepted_as_walkup`` or ``duplicate``.

    If the hall has no room for a walk-up, the refusal is returned and not raised: the transaction must commit the count
    of wrong codes, because otherwise a stolen tablet could try codes without limit.

    1. Return ``duplicate`` if this client's answer is stored already; refuse another answer with its client id.
    2. Refuse an answer that is too old, or given after the tablet's key was revoked. Unless an operator brings it,
       refuse one that is older than the tablet; if the tablet brings it, one that it cannot have held when revoked.
    3. Check the submission against the questionnaire that was asked; a tablet takes no comment.
    4. Mark the invitation of the short code as answered, if it is open, and join the answers with its draft. A joint
       answer keeps the day, the source and the language of the draft. If the draft has all its questions, they are
       a walk-up, and whoever began the draft goes on.
    5. Store the answer with its event and the signals of a hasty answer, see ``recording.record_answer``.

    Raises ``Invalid``, ``NotAuthenticated``, ``OtherAnswer`` or ``TooManyGuesses``.
    """
    centre, ring, now = tx.get_one(Centre, tablet.centre_id), current_keyring(), clock.now()
    namespace = centre.id.bytes
    client_hashes = [key.hash_client_id(namespace, answer.client_id) for key in ring.keys]
    stored = responses.find_by_client(tx, centre.id, client_hashes)
    if stored is not None:
        asked = published.get_by_version(tx.connection(), stored.questionnaire)
        submitted = answer.submission.read_answers(asked)
        if responses.has_other_content(tx.connection(), centre.id, stored.id, submitted):
            raise OtherAnswer()
        return "duplicate"
    must_prove_age = tablet.revoked_at is not None and bringer == "tablet"
    device = devices.get_device(tx, tablet, lock=must_prove_age or answer.short_code is not None)
    answered_at = devices.to_server_time(device, answer.answered_at, now)
    if tablet.revoked_at is not None and answered_at > tablet.revoked_at:
        raise NotAuthenticated(N_("This answer was given after the tablet's key was revoked."))
    day = clock.kyiv_day(answered_at)
    if day < clock.kyiv_day(now) - MAX_ANSWER_AGE:
        raise Invalid.for_field("/answered_at", N_("This answer was given more than a year ago."))
    if bringer != "operator" and devices.is_older_than_tablet(device, answered_at):
        raise Invalid.for_field("/answered_at", N_("This answer is dated before the tablet was added."))
    reported = device.waiting, device.unreported
    if must_prove_age and not devices.take_late_answer(device, answered_at):
        sentence = N_("The tablet had not reported this answer when its key was revoked. Import it from its file.")
        raise Invalid.for_field("/answered_at", sentence)
    questionnaire = _find_questionnaire(tx, answer, day)
    answers = answer.submission.read_answers(questionnaire)
    require_some_answer(answers)
    if answers.comment is not None:
        raise Invalid.for_field(json_pointer("answers", answers.comment_id), N_("A tablet takes no free text."))
    signal_reasons = signals.find_signals(answer.pace, was_open=opening_hours.is_open(centre.opening, answered_at))
    source, language = "tablet_walkup", answer.language
    if answer.short_code is not None and bringer != "operator":
        devices.refuse_too_many_guesses(device, now)
    invited = _find_open_invitation(tx, device, centre, answer, questionnaire, answered_at, now)
    joint, taken = join_with_draft(invited, answer.client_id, answers) if invited else (None, frozenset[str]())
    if taken == answers.question_ids:
        invited = None
    if invited is not None:
        source = "tablet_hall"
        if joint is not None and (draft := invited.draft) is not None:
            answers, source, language, answered_at = joint.answers, draft.source, draft.language, draft.begun_at
            day, signal_reasons = clock.kyiv_day(answered_at), (*signal_reasons, CONTINUED_ELSEWHERE)
            drafts.delete_draft(tx.connection(), invited, draft)
        invitations.mark_answered(tx.connection(), invited, answer.client_id, answered_on=day)
        if invited.invitation.last_day < clock.kyiv_day(now):  # counts of its day may be stored already
            counted_days.reopen_invitations(tx, centre.id, since=invited.invitation.issued_on)
        service_context = make_service_context(invited.centre, invited.case, invited.service)
    elif (refusal := _take_walkup(tx, centre, device, day, now)) is not None:
        device.waiting, device.unreported = reported  # an answer that is not taken leaves room for the next one
        return refusal
    else:
        service_context = ServiceContext(
            centre=make_public_centre(centre), front_office=questionnaire.front_office, workplace=device.workplace
        )
    facts = AnswerFacts(
        response_id=ring.signing_key.derive_response_id(namespace, answer.client_id),
        context=service_context,
        questionnaire=questionnaire.version,
        language=language,
        source=source,
        answered_on=day,
        answered_at=answered_at,
        receipt_hash=None,
        client_hash=client_hashes[0],
    )
    record_answer(tx.connection(), facts, questionnaire, answers, signal_reasons)
    return "accepted" if invited or answer.short_code is None else "accepted_as_walkup"


def _take_walkup(tx: Session, centre: Centre, device: Device, day: date, now: datetime) -> Invalid | None:
    """Count a walk-up of this day, or return why there is no room for it.

    Each tablet has a share of the room, so that one in the wrong hands does not cost the answers of the others.
    """
    if _count_walkups(tx, centre, day) >= MAX_WALKUPS:
        return Invalid.for_field("/answered_at", N_("The hall has more answers of this day than can be people."))
    share = max(LEAST_SHARE, MAX_WALKUPS // devices.count_active_tablets(tx, device, now))
    if not devices.take_walkup(tx, device, day, share, oldest_day=clock.kyiv_day(now) - MAX_ANSWER_AGE):
        sentence = N_(
            "This tablet has brought %(share)s answers of this day already. The hall's other tablets keep the rest of "
            "what can be people."
        )
        return Invalid.for_field("/answered_at", sentence, share=share)
    return None


def _count_walkups(tx: Session, centre: Centre, day: date) -> int:
    of_day = select(func.count()).where(
        Response.centre_id == centre.id,
        Response.answered_on == day,
        Response.front_office.in_(FRONT_OFFICES),
        Response.source == "tablet_walkup",
    )
    return tx.scalars(of_day).one()


def _find_questionnaire(tx: Session, answer: TabletAnswer, day: date) -> Questionnaire:
    """Return the questionnaire that was asked: of that version, or in force that day at that front office."""
    try:
        if answer.questionnaire in FRONT_OFFICES:
            return published.find_in_force(tx.connection(), answer.questionnaire, day)
        return published.get_by_version(tx.connection(), answer.questionnaire)
    except LookupError:
        sentence = N_("There is no questionnaire %(version)s.")
        raise Invalid.for_field("/questionnaire", sentence, version=answer.questionnaire) from None


def _find_open_invitation(
    tx: Session,
    device: Device,
    centre: Centre,
    answer: TabletAnswer,
    questionnaire: Questionnaire,
    answered_at: datetime,
    now: datetime,
) -> InvitationContext | None:
    """Return the invitation of the answer's code; ``None`` without a code, or if it is used up, closed or unknown."""
    if answer.short_code is None:
        return None
    context = lock_invitation_by_code(tx, device, centre, answer.short_code, now)
    if context is None or context.invitation.answered_on is not None:
        return None
    if context.draft is not None and is_abandoned(context.draft, now):
        return None  # it counts as an answer, even before the worker has submitted it
    if context.draft is not None and context.invitation.questionnaire != questionnaire.version:
        return None  # the answers to two versions cannot be joined
    if context.case.front_office != questionnaire.front_office:
        return None  # the tablet could not look up the code, and asked about the hall
    try:
        context.refuse_cancelled_or_expired(clock.kyiv_day(answered_at))
    except Gone:
        return None
    return context
