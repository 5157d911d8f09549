"""What people hold in their hands: the receipt of an answer, and the short code of an invitation."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.cases import invitations, tokens
from feedback_service.cases.tokens import keyring
from feedback_service.centres.register import find_by_prefix
from feedback_service.counts import rollups
from feedback_service.database import reading, transaction
from feedback_service.delivery import events, outbox
from feedback_service.errors import NotFound, TooManyGuesses
from feedback_service.flow.answers import CentreFacts
from feedback_service.models import Centre, Response
from feedback_service.surveys import responses


@dataclass(frozen=True, slots=True)
class Thanks:
    """What its author may read of an answer: that it is here, or was taken back; never what it says."""

    centre: CentreFacts
    front_office: str
    answered_on: date
    withdrawn_on: date | None


@reading
def read_receipt(tx: Session, receipt: str) -> Thanks:
    """The answer that the receipt belongs to; ``NotFound`` if there is none."""
    return _thanks(tx, _response(tx, receipt))


@transaction
def withdraw(tx: Session, receipt: str) -> Thanks:
    """Its author takes an answer back: what was said is deleted, and the central system will be told."""
    response, now = _response(tx, receipt, lock=True), clock.now()
    if response.withdrawn_on is None:
        today = clock.kyiv_day(now)
        responses.take_back(tx, response, on=today)
        telling = events.response_withdrawn(str(response.id), clock.whole_hour(now))
        outbox.put(tx.connection(), response.centre_id, [telling], at=now)
        rollups.reopen_day(tx.connection(), response.centre_id, response.answered_on, today=today)
    return _thanks(tx, response)


def find_by_short_code(code: str) -> str:
    """The token of the invitation with this short code, however it was typed.

    Raises ``NotFound``, or ``TooManyGuesses`` when too many wrong codes came for that centre; nobody is
    counted, only the centre's wrong codes.
    """
    normal = tokens.normal_code(code)
    if normal is None or len(normal) != tokens.PREFIX_LENGTH + tokens.CODE_LENGTH:
        raise NotFound()
    token = _try_code(normal[: tokens.PREFIX_LENGTH], normal[tokens.PREFIX_LENGTH :])
    if token is None:
        raise NotFound()  # only now: the wrong guess has been counted for good
    return token


@transaction
def _try_code(tx: Session, prefix: str, code: str) -> str | None:
    centre, now = find_by_prefix(tx, prefix), clock.now()
    if centre is None:
        return None
    counted = invitations.wrong_guesses(tx, centre, now)
    if wait := invitations.seconds_to_wait(counted, now):
        raise TooManyGuesses(retry_after=wait)
    token = invitations.by_short_code(tx, keyring(), centre, code)
    if token is None:
        counted.wrong += 1
    return token


def _response(tx: Session, receipt: str, *, lock: bool = False) -> Response:
    normal = tokens.normal_code(receipt)
    hashes = keyring().fingerprints("receipt", normal) if normal else []
    response = responses.by_receipt(tx, hashes, lock=lock) if hashes else None
    if response is None:
        raise NotFound()
    return response


def _thanks(tx: Session, response: Response) -> Thanks:
    centre = CentreFacts.of(tx.get_one(Centre, response.centre_id))
    return Thanks(centre, response.front_office, response.answered_on, response.withdrawn_on)
