"""The author of an answer reads its receipt, or withdraws the answer."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from feedback_service import clock, keyring
from feedback_service.centres.register import make_public_centre
from feedback_service.counts import counted_days
from feedback_service.database import reading, transaction
from feedback_service.delivery import outbox
from feedback_service.errors import NotFound
from feedback_service.facts import PublicCentre
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Response
from feedback_service.surveys import responses


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What the author may read of an answer: that it is stored or was withdrawn, but never what it says."""

    centre: PublicCentre
    front_office: str
    answered_on: date
    withdrawn_on: date | None


@reading
def read_receipt(tx: Session, receipt: str) -> ReceiptView:
    """Return the answer of this receipt; raises ``NotFound``."""
    return _make_receipt_view(tx, _find_response(tx, receipt))


@transaction
def withdraw_answer(tx: Session, receipt: str) -> ReceiptView:
    """Withdraw the answer of this receipt; raises ``NotFound``. Withdrawing it twice changes nothing.

    1. Lock the response.
    2. Delete its answers and its comment.
    3. Delete what the event of the answer says, if it was delivered or has no number yet; put the event of the
       withdrawal into the outbox.
    4. If its day is already over, mark that day for recounting; today is always counted live.
    """
    response, now = _find_response(tx, receipt, lock=True), clock.now()
    if response.withdrawn_on is None:
        today = clock.kyiv_day(now)
        responses.withdraw_response(tx, response, withdrawn_on=today)
        outbox.enqueue_withdrawal(tx, response.centre_id, response.id, now=now)
        counted_days.reopen_past_day(tx.connection(), response.centre_id, response.answered_on, today=today)
    return _make_receipt_view(tx, response)


def _find_response(tx: Session, receipt: str, *, lock: bool = False) -> Response:
    normal_code = keyring.normalise_code(receipt)
    hashes = current_keyring().hash_secret_with_all("receipt", normal_code) if normal_code else []
    response = responses.find_by_receipt(tx, hashes, lock=lock) if hashes else None
    if response is None:
        raise NotFound()
    return response


def _make_receipt_view(tx: Session, response: Response) -> ReceiptView:
    centre = make_public_centre(tx.get_one(Centre, response.centre_id))
    return ReceiptView(centre, response.front_office, response.answered_on, response.withdrawn_on)
