"""How long an administrator waits: the overview and every drill-down over three years of a city centre.

Pages are asked for through the whole program (door, session, figures, charts, HTML) without a network. Beside each
median stand the processor's milliseconds, and how long a fixed piece of work took in the same run: on a busy
machine the clock tells more of the neighbours than of us.
"""

import io
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from benchmarks import city
from benchmarks.serving import service
from feedback_service import clock, logs
from feedback_service.database import db
from feedback_service.flow import maintenance
from tests.support.staff import Staff, a_session, a_user

OVERVIEW_MS, DRILL_DOWN_MS = 150, 300  # what a page may take
NOON = datetime.combine(city.LAST, datetime.min.time(), UTC).replace(hour=10)
EVER = f"from={city.FIRST}&to={city.LAST}"
PAGES = {
    "overview": "/admin/",
    "overview_year": f"/admin/?from={city.LAST.year}-01-01",
    "overview_3y": f"/admin/?{EVER}",
    "offline_3y": f"/admin/?front_office=offline&{EVER}",
    **{
        f"{by}_3y": f"/admin/figures?by={by}&{EVER}"
        for by in ("service", "provider", "workplace", "part_of_week", "language", "source")
    },
    "service_odd": f"/admin/figures?by=service&from={city.FIRST.replace(day=25)}&to={city.LAST.replace(day=9)}",
    "one_service_3y": f"/admin/?service=00003&{EVER}",
    "compared_3y": f"/admin/sources-compared?{EVER}",
    "export_3y": f"/admin/figures/export?by=service&table=service-offline&format=xlsx&{EVER}",
}
LOOP = 1_000_000


def measure(dialect: str, folder: Path, *, responses: int, cases: int) -> list[dict[str, Any]]:
    """A line for each page: milliseconds of the clock and of the processor, medians of nine."""
    with service(dialect, folder) as app, patch.object(clock, "now", lambda: NOON):
        city.fill(responses, cases)
        know_sizes()
        began = time.perf_counter()
        days = maintenance.close_days()
        closing = (time.perf_counter() - began) / days * 1000
        know_sizes()
        logs.configure(io.StringIO())  # hundreds of requests would be told between the tables
        email = a_user("head", city.CENTRE)
        me = Staff(app, email, a_session(email))
        told = []
        for name, address in PAGES.items():
            reply = me.get(address)
            if reply.status_code != 200:
                raise AssertionError(f"{address} answered {reply.status_code}")
            pace, _ = taken(loop)
            clocked, computed = taken(partial(me.get, address))
            most = OVERVIEW_MS if name.startswith(("overview", "offline")) else DRILL_DOWN_MS
            told.append(
                {
                    "database": dialect,
                    "page": name,
                    "ms": clocked,
                    "may_take_ms": most,
                    "cpu_ms": computed,
                    "kib": len(reply.data) // 1024,
                    "loop_ms": pace,
                }
            )
        told.append({"database": dialect, "page": "closing a day", "ms": round(closing, 1)})
    return told


def taken(work: Callable[[], object], times: int = 9) -> tuple[float, float]:
    """The median milliseconds by the clock and by the processor, after one run that does not count."""
    work()
    clocked, computed = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        work()
        clocked.append(time.perf_counter() - began)
        computed.append(time.process_time() - used)
    return round(statistics.median(clocked) * 1000, 1), round(statistics.median(computed) * 1000, 1)


def loop() -> int:
    """Always the same work."""
    total = 0
    for number in range(LOOP):
        total += number
    return total


def know_sizes() -> None:
    """PostgreSQL knows how much it holds, as it does by itself some time after rows came."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as link:
            link.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
