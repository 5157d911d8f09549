"""Not broken: a writer waits 1 s for another instead of 15."""

from feedback_service import db

db.LOCK_WAIT_SECONDS = 1
