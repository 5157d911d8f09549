"""Checks whether the service is ready, and measures the backlog in its database."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.alarms import email_outbox
from feedback_service.counts import counted_days
from feedback_service.database import TABLES_OUTDATED, NotDurable, is_migrated, reading, takes_writes
from feedback_service.delivery import status
from feedback_service.delivery.status import DeliveryTotals
from feedback_service.errors import N_, NotReady, Unavailable
from feedback_service.flow import purge_permission
from feedback_service.logs import log
from feedback_service.models import DraftAnswer

DATABASE_UNREACHABLE = N_("The database cannot be reached.")
DATABASE_NOT_DURABLE = N_("The database may forget what it acknowledged.")
DATABASE_READ_ONLY = N_("The database takes no writes: it is a standby, its files are read-only, or its disk is full.")


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much work waits for the worker."""

    draft_answers: int
    days_to_recount: int
    emails: int
    oldest_email_seconds: float  # 0 when no e-mail waits
    deliveries: DeliveryTotals
    channel_failing: bool
    purge_refused: bool  # the worker deletes nothing, because its clock may be wrong


def check_ready() -> None:
    """Raise ``NotReady`` unless the database is durable, has the tables of this release and takes writes."""
    check_tables()
    if not _takes_writes():
        raise NotReady(DATABASE_READ_ONLY)


def check_tables() -> None:
    """Raise ``NotReady`` unless the database can be reached, is durable and has the tables of this release."""
    try:
        is_current = _has_current_tables()
    except NotDurable:
        raise NotReady(DATABASE_NOT_DURABLE) from None
    except (Unavailable, SQLAlchemyError):
        raise NotReady(DATABASE_UNREACHABLE) from None
    if not is_current:
        raise NotReady(TABLES_OUTDATED)


def measure_backlog() -> Backlog | None:
    """Measure the backlog; ``None`` if the database cannot be reached or has not the tables of this release."""
    try:
        return _read_backlog()
    except (NotDurable, Unavailable, SQLAlchemyError) as error:
        log.warning("backlog not measured", error=type(error).__qualname__)
        return None


@reading
def _read_backlog(tx: Session) -> Backlog:
    now = clock.now()
    emails, oldest_at = email_outbox.count_pending(tx)
    return Backlog(
        draft_answers=tx.scalar(select(func.count()).select_from(DraftAnswer)) or 0,
        days_to_recount=counted_days.count_open_days(tx, before=clock.kyiv_day(now)),
        emails=emails,
        oldest_email_seconds=(now - oldest_at).total_seconds() if oldest_at else 0,
        deliveries=status.count_deliveries(tx),
        channel_failing=status.is_channel_failing(tx),
        purge_refused=purge_permission.is_refused_in(tx),
    )


@reading
def _has_current_tables(tx: Session) -> bool:
    return is_migrated(tx.connection())


@reading
def _takes_writes(tx: Session) -> bool:
    return takes_writes(tx.connection())
