"""A made-up window of the made-up centre: a case ends there every minute, and its tablet waits for whoever opens it.

``CENTRE`` names the centre, ``PAIRING`` the code in the demonstration's address of the tablet. The code is made
valid again whenever it was used or expired, so that every browser that opens the address becomes a tablet.
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

from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.cases.register import CaseUpdate
from feedback_service.cases.services import ServiceRef
from feedback_service.config import Settings
from feedback_service.database import transaction
from feedback_service.errors import FeedbackError
from feedback_service.flow import cases
from feedback_service.keyring import current_keyring
from feedback_service.models import Centre, Device
from feedback_service.sandbox import demo_data
from feedback_service.tablets import devices

DEVICE_NAME = "Вікно 1 (демонстрація)"
WORKPLACE = demo_data.WORKPLACES[0]
SECONDS_BETWEEN_CASES = 60
SECONDS_BETWEEN_CHECKS = 2  # between two checks whether the pairing code was used


@transaction
def keep_pairing_open(tx: Session, centre: str, pairing_code: str) -> None:
    """Make the code pair a tablet of the window."""
    now, code_hash = clock.now(), current_keyring().signing_key.hash_secret("pairing", pairing_code)
    centre_row = tx.scalars(select(Centre).where(Centre.code == centre)).one()
    unpaired = select(Device).where(Device.centre_id == centre_row.id, Device.key_hash.is_(None))
    unpaired = unpaired.where(Device.name == DEVICE_NAME)
    device = tx.scalar(unpaired.order_by(Device.created_at).limit(1))
    if device is None:
        device = Device(
            centre_id=centre_row.id,
            id=uuid.uuid4(),
            name=DEVICE_NAME,
            mode="desk",
            workplace=WORKPLACE,
            created_at=now,
            skew=0,
            wrong_codes=0,
        )
        tx.add(device)
    elif device.pairing_hash == code_hash and _has_time_left(device, now):
        return
    devices.allow_pairing(device, code_hash, now)


def _has_time_left(device: Device, now: datetime) -> bool:
    return device.pairing_until is not None and device.pairing_until > now + devices.PAIRING_PERIOD / 2


def complete_case(centre: str) -> None:
    """Complete a case at the window now."""
    [service] = random.choices(demo_data.SERVICES, [candidate.weight for candidate in demo_data.SERVICES])
    now = clock.now().replace(microsecond=0)
    case_update = CaseUpdate(
        centre=centre,
        case_number=f"DEMO-{secrets.token_hex(6)}",
        service=ServiceRef(**service.names),
        front_office="offline",
        status="completed",
        status_at=now,
        registered_at=now - timedelta(days=2),
        provider_edrpou=service.provider,
        workplace=WORKPLACE,
        workplace_kind="centre",
    )
    cases.register_cases([case_update], {centre})


def main() -> int:
    """Run until a signal stops it."""
    centre, pairing_code = os.environ["CENTRE"], os.environ["PAIRING"]
    app, next_case_at = create_app(Settings.from_env(os.environ)), 0.0
    with app.app_context():
        while True:
            try:
                keep_pairing_open(centre, pairing_code)
                if time.monotonic() >= next_case_at:
                    complete_case(centre)
                    next_case_at = time.monotonic() + SECONDS_BETWEEN_CASES
            except FeedbackError as error:
                print(error, file=sys.stderr, flush=True)
            time.sleep(SECONDS_BETWEEN_CHECKS)


if __name__ == "__main__":
    sys.exit(main())
