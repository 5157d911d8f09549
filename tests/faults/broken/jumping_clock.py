"""Not broken: the service's clock is off by as many seconds as the file ``JUMPING_CLOCK`` says."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedback_service import clock

_offset_file = Path(os.environ["JUMPING_CLOCK"])


def shifted_now() -> datetime:
    """Return the time, wrong by as many seconds as the file says."""
    return datetime.now(UTC) + timedelta(seconds=float(_offset_file.read_text()))


clock.now = shifted_now
