"""Not broken: a writer waits 1 s for another instead of 15."""

from feedback_service.database import engine

engine.LOCK_WAIT_SECONDS = 1
