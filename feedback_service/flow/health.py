"""Checks whether the service is ready, and measures the backlog in its database."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.alarms import email_outbox
from feedback_service.counts import counted_days
from feedback_service.database import NotDurable, reading
from feedback_service.delivery import status
from feedback_service.delivery.status import DeliveryTotals
from feedback_service.errors import N_, Unavailable
from feedback_service.flow import purge_permission
from feedback_service.models import DraftAnswer

MIGRATIONS = Path(__file__).parents[2] / "migrations"
RETRY_SECONDS = 5


class NotReady(Unavailable):
    """The service is not ready."""

    slug, title = "not-ready", N_("The service is not ready")

    def __init__(self, detail: str) -> None:
        super().__init__(RETRY_SECONDS)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much work waits for the worker."""

    draft_answers: int
    days_to_recount: int
    emails: int
    oldest_email_seconds: float  # 0 when no e-mail waits
    deliveries: DeliveryTotals
    channel_paused: bool
    purge_refused: bool  # the worker deletes nothing, because its clock may be wrong


def check_ready() -> None:
    """Raise ``NotReady`` unless the database can be reached, is durable and has the tables of this release."""
    try:
        revision = _read_revision()
    except NotDurable:
        raise NotReady(N_("The database may forget what it acknowledged.")) from None
    except (Unavailable, SQLAlchemyError):
        raise NotReady(N_("The database cannot be reached.")) from None
    if revision != _newest_revision():
        raise NotReady(N_("The tables are not those of this release: run “flask db upgrade”."))


@reading
def measure_backlog(tx: Session) -> Backlog:
    """Measure the backlog. Raises ``Unavailable``."""
    now = clock.now()
    emails, oldest_at = email_outbox.count_pending(tx)
    return Backlog(
        draft_answers=tx.scalar(select(func.count()).select_from(DraftAnswer)) or 0,
        days_to_recount=counted_days.count_open_days(tx, before=clock.kyiv_day(now)),
        emails=emails,
        oldest_email_seconds=(now - oldest_at).total_seconds() if oldest_at else 0,
        deliveries=status.count_deliveries(tx),
        channel_paused=status.is_channel_paused(tx),
        purge_refused=purge_permission.is_refused_in(tx),
    )


@reading
def _read_revision(tx: Session) -> set[str]:
    return set(MigrationContext.configure(tx.connection()).get_current_heads())


@cache
def _newest_revision() -> set[str]:
    return set(ScriptDirectory(str(MIGRATIONS)).get_heads())
