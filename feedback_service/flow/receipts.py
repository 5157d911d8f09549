"""The author of an answer reads its receipt, or withdraws the answer."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.centres.register import make_public_centre
from feedback_service.counts import counted_days
from feedback_service.database import reading, transaction
from feedback_service.delivery import outbox
from feedback_service.errors import N_, Conflict, NotFound
from feedback_service.facts import PublicCentre
from feedback_service.keyring import RECEIPT_OF_FIRST_CLIENT, RECEIPT_OF_OTHER_CLIENT, current_keyring
from feedback_service.models import Centre, Response
from feedback_service.surveys import responses


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What the author may read of an answer: that it is stored or was withdrawn, but never what it says.

    ``may_withdraw``: this receipt can take the answer back. It cannot if another client began the answer (decision 29).
    """

    centre: PublicCentre
    front_office: str
    answered_on: date
    withdrawn_on: date | None
    may_withdraw: bool


@reading
def read_receipt(tx: Session, receipt: str) -> ReceiptView:
    """Return the answer of this receipt; raises ``NotFound``."""
    return _make_receipt_view(tx, *_find_response(tx, receipt))


@transaction
def withdraw_answer(tx: Session, receipt: str) -> ReceiptView:
    """Withdraw the answer of this receipt; raises ``NotFound``. Withdrawing it twice changes nothing.

    1. Lock the response. Raises ``Conflict`` if another client began the answer.
    2. Delete its answers and its comment.
    3. Delete what the event of the answer says, if it was delivered or has no number yet; put the event of the
       withdrawal into the outbox.
    4. If its day is already over, mark that day for recounting; today is always counted live.
    """
    (response, may_withdraw), now = _find_response(tx, receipt, lock=True), clock.now()
    if not may_withdraw:
        raise Conflict(N_("This answer was begun on another page, so this code cannot take it back."))
    if response.withdrawn_on is None:
        today = clock.kyiv_day(now)
        responses.withdraw_response(tx, response, withdrawn_on=today)
        outbox.enqueue_withdrawal(tx, response.centre_id, response.id, now=now)
        counted_days.reopen_past_day(tx.connection(), response.centre_id, response.answered_on, today=today)
    return _make_receipt_view(tx, response, may_withdraw)


def _find_response(tx: Session, receipt: str, *, lock: bool = False) -> tuple[Response, bool]:
    """Return the response, and whether this receipt can take it back."""
    code, ring = keyring.normalise_code(receipt) or "", current_keyring()
    own_hashes = ring.hash_secret_with_all(RECEIPT_OF_FIRST_CLIENT, code)
    hashes = own_hashes + ring.hash_secret_with_all(RECEIPT_OF_OTHER_CLIENT, code)
    response = responses.find_by_receipt(tx, hashes, lock=lock) if code else None
    if response is None:
        raise NotFound()
    return response, response.receipt_hash in own_hashes


def _make_receipt_view(tx: Session, response: Response, may_withdraw: bool) -> ReceiptView:
    centre = make_public_centre(tx.get_one(Centre, response.centre_id))
    return ReceiptView(centre, response.front_office, response.answered_on, response.withdrawn_on, may_withdraw)
