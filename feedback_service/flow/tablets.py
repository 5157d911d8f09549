"""A tablet asks what to show, says how it fares, and brings what people answered on it, perhaps days ago.

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

from feedback_service import clock
from feedback_service.access import devices
from feedback_service.access.devices import Tablet
from feedback_service.cases import invitations, opening, tokens
from feedback_service.cases.invitations import Held
from feedback_service.cases.tokens import keyring
from feedback_service.config import settings
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
from feedback_service.flow.answers import NOTHING_ANSWERED, CentreFacts, Given
from feedback_service.flow.recording import Origin, record
from feedback_service.models import Case, Centre, Device, Invitation, Service, Signal
from feedback_service.surveys import library, responses, signals
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.surveys.signals import UNKNOWN, Pace
from feedback_service.words import FINAL_STATUSES, FRONT_OFFICES

JUST_NOW = timedelta(minutes=3)  # that a desk's tablet offers a case after its end
OLDEST = timedelta(days=366)  # how long a tablet may have held an answer
LONG_AGO = datetime(
    1970, 1, 1, tzinfo=UTC
)  # no clock means an earlier instant; the first years of all have no zones
UNKNOWN_VERSION = N_("There is no questionnaire %(version)s.")
TOO_OLD = N_("This answer was given more than a year ago.")
FREE_TEXT = N_("A tablet takes no free text.")
AFTER_REVOCATION = N_("This answer was given after the tablet's key was revoked.")

_SIGNALS = insert(table(Signal))


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case that may be rated on a tablet: enough to see whose it is, and the code that spends it."""

    short_code: str
    service: str
    front_office: str
    until: datetime | None  # how long to offer it


@dataclass(frozen=True, slots=True)
class TabletView:
    """What a tablet is told about itself and what to ask."""

    id: uuid.UUID
    name: str
    mode: str
    workplace: str | None
    centre: CentreFacts
    prefix: str
    languages: tuple[str, ...]
    questionnaires: Mapping[str, Questionnaire]
    pending: OpenCase | None
    queue_key_id: str
    queue_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """How a tablet fares; ``time`` and ``oldest_at`` by its own clock."""

    time: datetime
    version: str | None = None
    waiting: int | None = None
    oldest_at: datetime | None = None
    persisted: bool | None = None
    battery: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletAnswer:
    """What one person answered; ``answered_at`` by the tablet's clock."""

    client_id: uuid.UUID
    questionnaire: str
    language: str
    given: Given
    answered_at: datetime
    short_code: str | None = None
    pace: Pace = UNKNOWN


@reading
def look(tx: Session, tablet: Tablet) -> TabletView:
    """What the tablet shows; ``NotAuthenticated`` once it is revoked."""
    device, centre, now = (
        _live(tablet, devices.held(tx, tablet)),
        tx.get_one(Centre, tablet.centre_id),
        clock.now(),
    )
    today = clock.kyiv_day(now)
    return TabletView(
        id=device.id,
        name=device.name,
        mode=device.mode,
        workplace=device.workplace,
        centre=CentreFacts.of(centre),
        prefix=centre.prefix,
        languages=tuple(centre.languages or settings().languages),
        questionnaires={office: library.in_force(tx.connection(), office, today) for office in FRONT_OFFICES},
        pending=_just_completed(tx, centre, device, now) if device.mode == "desk" else None,
        queue_key_id=f"{keyring().signing.id}-{device.id}",  # each place has a key of its own
        queue_key=keyring().signing.queue_key(device.id),
    )


@transaction
def beat(tx: Session, tablet: Tablet, told: Heartbeat) -> int:
    """The tablet lives; the seconds that its clock runs ahead of ours. ``NotAuthenticated`` once revoked."""
    device, now = _live(tablet, devices.held(tx, tablet, lock=True)), clock.now()
    device.skew = round((told.time - now).total_seconds())
    device.seen_at, device.version, device.waiting = now, told.version, told.waiting
    device.persisted, device.battery = told.persisted, told.battery
    device.oldest_at = _by_our_clock(device, told.oldest_at, now) if told.oldest_at else None
    return device.skew


def find_open_case(tablet: Tablet, short_code: str) -> OpenCase:
    """The case that a typed code belongs to, if it may still be rated.

    Raises ``NotFound``, ``AlreadyAnswered``, ``Gone``, ``NotAuthenticated``, and ``TooManyGuesses`` when the
    tablet brought too many codes that nobody has.
    """
    found = _find_open_case(tablet, short_code)
    if found is None:
        raise NotFound()  # only now: the wrong code has been counted for good
    return found


@transaction
def _find_open_case(tx: Session, tablet: Tablet, short_code: str) -> OpenCase | None:
    device, now = _live(tablet, devices.held(tx, tablet, lock=True)), clock.now()
    _refuse_guessing(device, now)
    held = _by_code(tx, device, tx.get_one(Centre, tablet.centre_id), short_code, now)
    if held is None:
        return None
    if held.invitation.answered_on is not None:
        raise AlreadyAnswered(held.invitation.answered_on)
    if held.invitation.started:
        raise AlreadyAnswered(clock.kyiv_day(now))
    held.refuse_if_closed(clock.kyiv_day(now))
    code = held.key.short_code(held.invitation.id)
    return OpenCase(tokens.spelled(code), held.service.title, held.case.front_office, None)


def deliver(
    tablet: Tablet, brought: Sequence[TabletAnswer | FeedbackError], *, by_hand: bool = False
) -> list[str | FeedbackError]:
    """What became of each thing that a tablet brought, in its order: a word, or why it is no answer.

    The words are ``accepted``, ``accepted_as_walkup`` and ``duplicate``. ``by_hand``: an operator brings what
    the tablet could not. Else it raises ``NotAuthenticated`` when a revoked tablet brings nothing from before,
    and ``TooManyGuesses``, before anything is taken.
    """
    if by_hand:
        return [one if isinstance(one, FeedbackError) else _judged(tablet, one) for one in brought]
    _may_deliver(tablet, any(isinstance(one, TabletAnswer) and one.short_code for one in brought))
    results = [one if isinstance(one, FeedbackError) else _judged(tablet, one) for one in brought]
    if tablet.revoked_at is not None and all(isinstance(result, NotAuthenticated) for result in results):
        _end(tablet)
        raise NotAuthenticated()
    return results


@transaction
def note_refused(tx: Session, tablet: Tablet, client_id: str, reason: str) -> None:
    """The device page will tell why something this tablet brought is no answer.

    Both may repeat what was sent, which may hold what no database keeps and no page should show.
    """
    named = client_id.encode("utf-8", "backslashreplace").decode()
    client_hash = keyring().signing.fingerprint("refused", named)
    shown = "".join("\ufffd" if category(one).startswith("C") else one for one in reason)
    devices.note_refused(tx, tablet, client_hash, shown, clock.now())


def _judged(tablet: Tablet, answer: TabletAnswer) -> str | FeedbackError:
    try:
        return _take(tablet, answer)
    except (Invalid, NotAuthenticated) as refusal:
        return refusal


@reading
def _may_deliver(tx: Session, tablet: Tablet, has_codes: bool) -> None:
    if has_codes:
        _refuse_guessing(devices.held(tx, tablet), clock.now())


@transaction
def _end(tx: Session, tablet: Tablet) -> None:
    """The revoked tablet has brought what it held."""
    devices.held(tx, tablet, lock=True).key_hash = None


@transaction
def _take(tx: Session, tablet: Tablet, answer: TabletAnswer) -> str:
    """The answer is stored with the day it was given, and its event promised; or it was before."""
    centre, ring, now = tx.get_one(Centre, tablet.centre_id), keyring(), clock.now()
    scope = centre.id.bytes
    known = [key.client_hash(scope, answer.client_id) for key in ring.keys]
    if responses.by_client(tx, centre.id, known) is not None:
        return "duplicate"
    device = devices.held(tx, tablet, lock=answer.short_code is not None)
    at = _by_our_clock(device, answer.answered_at, now)
    if tablet.revoked_at is not None and at > tablet.revoked_at:
        raise NotAuthenticated(AFTER_REVOCATION)
    if at < now - OLDEST:
        raise Invalid.field("/answered_at", TOO_OLD)
    day = clock.kyiv_day(at)
    try:
        questionnaire = (
            library.in_force(tx.connection(), answer.questionnaire, day)
            if answer.questionnaire in FRONT_OFFICES
            else library.by_version(tx.connection(), answer.questionnaire)
        )
    except LookupError:
        raise Invalid.field("/questionnaire", UNKNOWN_VERSION, version=answer.questionnaire) from None
    answers = answer.given(questionnaire)
    if answers.empty:
        raise Invalid.field("/answers", NOTHING_ANSWERED)
    if answers.comment is not None:
        raise Invalid.field("/answers/any.comment", FREE_TEXT)
    held = _spendable(tx, device, centre, answer, questionnaire, at, now)
    if held is not None:
        invitations.spend(tx.connection(), held, answer.client_id, on=day)
        if held.invitation.last_day < clock.kyiv_day(now):  # its day's invitations may be counted for good
            rollups.reopen_invitations(tx, centre.id, since=held.invitation.issued_on)
    front_office = questionnaire.front_office
    response_id = ring.signing.response_id(scope, answer.client_id)
    record(
        tx.connection(),
        Origin.of_case(held.centre, held.case, held.service)
        if held
        else Origin(centre=centre, front_office=front_office, workplace=device.workplace),
        response_id=response_id,
        receipt_hash=None,
        client_hash=known[0],
        questionnaire=questionnaire.version,
        answers=answers,
        language=answer.language,
        source="tablet_hall" if held else "tablet_walkup",
        day=day,
        instant=at,
    )
    if odd := signals.reasons(answer.pace, open_then=opening.is_open(centre.opening, at)):
        flagged = {"centre_id": centre.id, "response_id": response_id}
        tx.execute(_SIGNALS, [flagged | {"reason": reason} for reason in odd])
    return "accepted" if held or answer.short_code is None else "accepted_as_walkup"


def _spendable(
    tx: Session,
    device: Device,
    centre: Centre,
    answer: TabletAnswer,
    questionnaire: Questionnaire,
    at: datetime,
    now: datetime,
) -> Held | None:
    """The invitation that the answer may spend; ``None`` if it has no code, or one that is spent, closed or unknown."""
    held = _by_code(tx, device, centre, answer.short_code, now) if answer.short_code is not None else None
    if held is None or held.invitation.answered_on is not None:
        return None
    if held.invitation.started:
        return None  # begun on a phone: that tap counts, whatever comes
    if held.case.front_office != questionnaire.front_office:
        return None  # asked about the hall, because the tablet could not look the code up
    try:
        held.refuse_if_closed(clock.kyiv_day(at))
    except Gone:
        return None
    return held


def _by_code(tx: Session, device: Device, centre: Centre, typed: str, now: datetime) -> Held | None:
    """The centre's invitation with this short code, locked; a code that nobody has is counted."""
    code = tokens.normal_code(typed) or ""
    if len(code) == tokens.PREFIX_LENGTH + tokens.CODE_LENGTH and code.startswith(centre.prefix):
        code = code[tokens.PREFIX_LENGTH :]
    token = (
        invitations.by_short_code(tx, keyring(), centre, code) if len(code) == tokens.CODE_LENGTH else None
    )
    if token is None:
        devices.note_wrong_code(device, now)
        return None
    return invitations.hold(tx.connection(), keyring(), token, lock=True)


def _just_completed(tx: Session, centre: Centre, device: Device, now: datetime) -> OpenCase | None:
    """The case that ended last at the tablet's window, if that was just now and nobody has rated it.

    The one before it is offered no more: who it belongs to has left the window to the next person.
    """
    query = (
        select(Invitation, Case, Service)
        .join(Case, (Case.centre_id == Invitation.centre_id) & (Case.id == Invitation.case_id))
        .join(Service, (Service.centre_id == Case.centre_id) & (Service.id == Case.service_id))
        .where(
            Invitation.centre_id == centre.id,
            Invitation.issued_on >= clock.kyiv_day(now - JUST_NOW),  # there is an index for the day
            Case.workplace == device.workplace,
            Case.status.in_(FINAL_STATUSES),
            Case.status_at > now - JUST_NOW,
        )
        .order_by(Case.status_at.desc(), Invitation.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    invitation, case, service = row
    if invitation.started or invitation.cancelled:
        return None
    try:
        code = keyring().by_id(invitation.key_id).short_code(invitation.id)
    except LookupError:
        return None  # its key was taken off the ring
    return OpenCase(
        tokens.spelled(centre.prefix + code), service.title, case.front_office, case.status_at + JUST_NOW
    )


def _by_our_clock(device: Device, told: datetime, now: datetime) -> datetime:
    """An instant that the tablet's clock told, put right; nothing was answered after now."""
    try:
        return max(min(told - timedelta(seconds=device.skew), now), LONG_AGO)
    except OverflowError:
        return now


def _live(tablet: Tablet, device: Device) -> Device:
    if tablet.revoked_at is not None or device.revoked_at is not None:
        raise NotAuthenticated()
    return device


def _refuse_guessing(device: Device, now: datetime) -> None:
    if wait := devices.seconds_to_wait(device, now):
        raise TooManyGuesses(retry_after=wait)
