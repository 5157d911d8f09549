"""A made-up window of the made-up centre: a case ends there every minute, and its tablet waits for whoever opens it.

``CENTRE`` names the centre, ``PAIRING`` the code that the demonstration's address of the tablet carries. It is made
good again whenever it was used or grew old, so that every browser that opens the address is a tablet of its own.
"""

import os
import random
import secrets
import sys
import time
import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock, flow
from feedback_service.access import devices
from feedback_service.app import create_app
from feedback_service.cases.registry import CaseReport, ServiceRef
from feedback_service.cases.tokens import keyring
from feedback_service.config import Settings
from feedback_service.database import transaction
from feedback_service.errors import FeedbackError
from feedback_service.models import Centre, Device
from feedback_service.sandbox import town

NAME = "Вікно 1 (демонстрація)"
WORKPLACE = town.WORKPLACES[0]
EVERY = 60  # seconds between two cases
LOOK = 2  # seconds between two looks at whether the code was used


@transaction
def keep_open(tx: Session, centre: str, code: str) -> None:
    """Whoever brings the code is a tablet of the window."""
    now, code_hash = clock.now(), keyring().signing.fingerprint("pairing", code)
    home = tx.scalars(select(Centre).where(Centre.code == centre)).one()
    never_used = (Device.centre_id == home.id, Device.name == NAME, Device.key_hash.is_(None))
    open_one = tx.scalar(select(Device).where(*never_used).order_by(Device.created_at).limit(1))
    if open_one is None:
        open_one = Device(
            centre_id=home.id,
            id=uuid.uuid4(),
            name=NAME,
            mode="desk",
            workplace=WORKPLACE,
            created_at=now,
            skew=0,
            wrong_codes=0,
        )
        tx.add(open_one)
    elif open_one.pairing_hash == code_hash and _lives_on(open_one, now):
        return
    devices.open_to_pairing(open_one, code_hash, now)


def _lives_on(device: Device, now: datetime) -> bool:
    return device.pairing_until is not None and device.pairing_until > now + devices.PAIRING / 2


def complete_a_case(centre: str) -> None:
    """Somebody's case ends at the window now."""
    [service] = random.choices(town.SERVICES, [each.weight for each in town.SERVICES])
    now = clock.now().replace(microsecond=0)
    report = CaseReport(
        centre=centre,
        case_number=f"DEMO-{secrets.token_hex(6)}",
        service=ServiceRef(service.code, service.local_code, service.title),
        front_office="offline",
        status="completed",
        status_at=now,
        registered_at=now - timedelta(days=2),
        provider_edrpou=service.provider,
        workplace=WORKPLACE,
        workplace_kind="centre",
    )
    flow.register_cases([report], {centre})


def main() -> int:
    """Go on until told to stop."""
    centre, code = os.environ["CENTRE"], os.environ["PAIRING"]
    app, due = create_app(Settings.from_env(os.environ)), 0.0
    with app.app_context():
        while True:
            try:
                keep_open(centre, code)
                if time.monotonic() >= due:
                    complete_a_case(centre)
                    due = time.monotonic() + EVERY
            except FeedbackError as busy:
                print(busy, file=sys.stderr, flush=True)
            time.sleep(LOOK)


if __name__ == "__main__":
    sys.exit(main())
