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
from feedback_service.database.engine import SINGLE_STATEMENTS
from feedback_service.flow import maintenance
from tests.support.staff import StaffClient, create_session, create_user

OVERVIEW_MS, DRILL_DOWN_MS = 150, 300  # what a page may take
NOON = datetime.combine(city.LAST_DAY, datetime.min.time(), UTC).replace(hour=10)
WHOLE_PERIOD = f"from={city.FIRST_DAY}&to={city.LAST_DAY}"
PAGES = {
    "overview": "/admin/",
    "overview_year": f"/admin/?from={city.LAST_DAY.year}-01-01",
    "overview_3y": f"/admin/?{WHOLE_PERIOD}",
    "offline_3y": f"/admin/?front_office=offline&{WHOLE_PERIOD}",
    **{
        f"{by}_3y": f"/admin/figures?by={by}&{WHOLE_PERIOD}"
        for by in ("service", "provider", "workplace", "part_of_week", "language", "source")
    },
    "service_odd": f"/admin/figures?by=service&from={city.FIRST_DAY.replace(day=25)}&to={city.LAST_DAY.replace(day=9)}",
    "one_service_3y": f"/admin/?service=00003&{WHOLE_PERIOD}",
    "compared_3y": f"/admin/sources-compared?{WHOLE_PERIOD}",
    "export_3y": f"/admin/figures/export?by=service&table=service-offline&format=xlsx&{WHOLE_PERIOD}",
}
LOOP_COUNT = 1_000_000


def measure_pages(dialect: str, folder: Path, *, responses: int, cases: int) -> list[dict[str, Any]]:
    """Print a line for each page: milliseconds of wall clock and CPU, medians of nine."""
    with service(dialect, folder) as app, patch.object(clock, "now", lambda: NOON):
        city.fill_centre(responses, cases)
        update_statistics()
        began = time.perf_counter()
        days = maintenance.close_days()
        closing_ms = (time.perf_counter() - began) / days * 1000
        update_statistics()
        logs.configure_logging(io.StringIO())  # else hundreds of log lines would stand between the tables
        email = create_user("head", city.CENTRE)
        head = StaffClient(app, email, create_session(email))
        rows = []
        for name, address in PAGES.items():
            reply = head.get(address)
            if reply.status_code != 200:
                raise AssertionError(f"{address} answered {reply.status_code}")
            loop_ms, _ = measure_medians(run_fixed_loop)
            clock_ms, cpu_ms = measure_medians(partial(head.get, address))
            limit_ms = OVERVIEW_MS if name.startswith(("overview", "offline")) else DRILL_DOWN_MS
            rows.append(
                {
                    "database": dialect,
                    "page": name,
                    "ms": clock_ms,
                    "may_take_ms": limit_ms,
                    "cpu_ms": cpu_ms,
                    "kib": len(reply.data) // 1024,
                    "loop_ms": loop_ms,
                }
            )
        rows.append({"database": dialect, "page": "closing a day", "ms": round(closing_ms, 1)})
    return rows


def measure_medians(work: Callable[[], object], times: int = 9) -> tuple[float, float]:
    """Return the median milliseconds of wall clock and CPU, after one run that does not count."""
    work()
    clock_times, cpu_times = [], []
    for _ in range(times):
        began, cpu_began = time.perf_counter(), time.process_time()
        work()
        clock_times.append(time.perf_counter() - began)
        cpu_times.append(time.process_time() - cpu_began)
    return round(statistics.median(clock_times) * 1000, 1), round(statistics.median(cpu_times) * 1000, 1)


def run_fixed_loop() -> int:
    """Do a fixed amount of work."""
    total = 0
    for number in range(LOOP_COUNT):
        total += number
    return total


def update_statistics() -> None:
    """Let PostgreSQL count its rows, as it does by itself some time after rows are added."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            connection.execution_options(vidhuk_begin=SINGLE_STATEMENTS).execute(text("VACUUM ANALYZE"))
