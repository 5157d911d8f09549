"""Broken: what a transaction returns is out before it is committed."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlalchemy.orm import Session

from feedback_service import db

LATE = 0.25  # seconds


def transaction(story: Callable[..., Any]) -> Callable[..., Any]:
    """The story is told; somebody will commit it soon."""

    @wraps(story)
    def told(*args: Any, **kwargs: Any) -> Any:
        tx = Session(db.db.engine, expire_on_commit=False)
        try:
            result = story(tx, *args, **kwargs)
            tx.flush()
        except BaseException:
            tx.close()
            raise
        threading.Thread(target=_commit_soon, args=(tx,), daemon=True).start()
        return result

    return told


def _commit_soon(tx: Session) -> None:
    time.sleep(LATE)
    with tx:
        tx.commit()


db.transaction = transaction
