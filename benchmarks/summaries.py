"""How long a year's summary takes, from roll-ups and in one raw pass over the same answers, in one run.

It is what ``GET /summaries`` gives, with the figures without odd answers beside.
A database fills itself: one statement for each table, in the order of its keys, and for invitations of their days, as
they come in life; there is an answered invitation for each response. Days are closed and settled as the worker does it
on New Year's day, so that the invitations of the last month are still counted live.
"""

import statistics
import time
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from benchmarks.serving import service
from feedback_service.counts import closing
from feedback_service.database import db, transaction
from feedback_service.database.engine import SINGLE_STATEMENTS
from feedback_service.figures.shapes import FigureQuery
from feedback_service.figures.summary_json import summary_json
from feedback_service.flow.summaries import read_both_totals
from feedback_service.models import Centre, Service

YEAR_START, YEAR_END = date(2026, 1, 1), date(2026, 12, 31)
SERVICES = 40
QUESTIONS = ("off.nps", "off.premises", "off.services", "off.staff", "off.quality", "off.process")
BREAKDOWNS = (None, "month", "source", "service")
MAX_RAW_ANSWERS = 2_000_000  # answers that are counted raw too

# MATERIALIZED: SQLite would choose another random value wherever the column is named.
# Every figure is taken from the number of a response or from the digits of its random id, a digit for each thing.
SERIES_SQL = {
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :number)",
    "postgresql": "WITH series(n) AS (SELECT generate_series(0, :number - 1))",
}
RANDOM_ID_SQL = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
DAY_SQL = {
    "sqlite": "date('2026-01-01', '+' || (n % 365) || ' days')",
    "postgresql": "date '2026-01-01' + (n % 365)",
}
RANDOM_DAY_SQL = {
    "sqlite": "date('2026-01-01', '+' || (abs(random()) % 365) || ' days')",
    "postgresql": "date '2026-01-01' + (random() * 364)::int",
}
LAST_DAY_SQL = {"sqlite": "date(day, '+30 days')", "postgresql": "day + 30"}
DIGIT_SQL = {
    "sqlite": "(instr('0123456789abcdef', substr(made.id, {place}, 1)) - 1)",
    "postgresql": "(strpos('0123456789abcdef', substr(replace(made.id::text, '-', ''), {place}, 1)) - 1)",
}
JSON_SQL = {"sqlite": "{}", "postgresql": "CAST({} AS JSON)"}
ID_BYTES_SQL = {"sqlite": "CAST(id AS BLOB)", "postgresql": "decode(replace(id::text, '-', ''), 'hex')"}
INSERT_CASES = """
    INSERT INTO cases (centre_id, id, number_hash, service_id, front_office, workplace, status, status_at)
    {series}
    SELECT :centre, made.id, {bytes}, service_id, 'offline', 'window-' || (n % 11), 'completed',
           '2026-01-02 10:00:00+00:00'
    FROM (SELECT n, {random} AS id FROM series ORDER BY 2) AS made
    JOIN (SELECT id AS service_id, local_code FROM services WHERE centre_id = :centre) AS services
      ON services.local_code = 'L' || (n % {services})
"""
INSERT_INVITATIONS = """
    INSERT INTO invitations (centre_id, id, case_id, key_id, token_hash, short_code_hash, questionnaire, issued_on,
                             last_day, cancelled, opened, started, answered_on, client_hash, left_begun)
    WITH issued AS MATERIALIZED (SELECT centre_id, id, {some_day} AS day FROM cases WHERE centre_id = :centre)
    SELECT centre_id, id, id, 'k', {bytes}, {bytes}, 'offline-2026.1', day, {last_day}, false, true, true, day,
           {bytes}, false
    FROM issued ORDER BY day
"""
INSERT_RESPONSES = """
    INSERT INTO responses (centre_id, id, questionnaire, front_office, source, service_id, workplace, answered_on,
                           part_of_day, language, answers)
    {series}, made AS MATERIALIZED (SELECT n, {random} AS id FROM series ORDER BY 2)
    SELECT :centre, made.id, 'offline-2026.1', 'offline',
           CASE WHEN n % 12 < 6 THEN 'qr_case' WHEN n % 12 < 9 THEN 'tablet_hall'
                WHEN n % 12 < 11 THEN 'sms_viber' ELSE 'qr_hall' END,
           services.id, 'window-' || (n % 11), {day}, 'midday', 'uk', {answers}
    FROM made
    JOIN services ON services.centre_id = :centre AND services.local_code = 'L' || (n % {services})
"""
RATING_SQL = "CASE WHEN {digit} < 11 THEN CAST({digit} AS VARCHAR) ELSE '10' END"
WORD_SQL = """CASE WHEN {digit} < 13 THEN 'great' WHEN {digit} = 13 THEN 'good'
               WHEN {digit} = 14 THEN 'acceptable' ELSE 'awful' END"""
# Of a hundred answers on a tablet one looks odd.
INSERT_SIGNALS = """
    INSERT INTO signals (centre_id, response_id, reason)
    SELECT centre_id, id, 'hurried' FROM responses
    WHERE centre_id = :centre AND source = 'tablet_hall' AND substr(CAST(id AS VARCHAR), 1, 2) IN ('00', '5a', 'ff')
"""


@transaction
def make_centre(tx: Session, number: int) -> uuid.UUID:
    """Create a centre with its services."""
    centre_id = uuid.uuid4()
    facts = {
        "name": "Центр",
        "edrpou": "00032112",
        "katottg": "UA80000000000093317",
        "prefix": f"K7{number:02}",
    }
    tx.execute(insert(Centre).values(id=centre_id, code=_centre_code(number), **facts))
    services = [
        {
            "centre_id": centre_id,
            "id": uuid.uuid4(),
            "code": "",
            "local_code": f"L{position}",
            "title": "Послуга",
        }
        for position in range(SERVICES)
    ]
    tx.execute(insert(Service), services)
    return centre_id


@transaction
def insert_responses(tx: Session, centre_id: uuid.UUID, count: int) -> None:
    """Store answers of so many people to every question, evenly over the year."""
    dialect = tx.get_bind().dialect.name
    tx.execute(
        text(_fill_in_sql(INSERT_RESPONSES, dialect)),
        {"centre": _id_value(dialect, centre_id), "number": count},
    )
    tx.execute(text(INSERT_SIGNALS), {"centre": _id_value(dialect, centre_id)})


@transaction
def insert_invitations(tx: Session, centre_id: uuid.UUID, count: int) -> None:
    """Store so many completed cases with invitations that were all answered."""
    dialect = tx.get_bind().dialect.name
    tx.execute(text(_fill_in_sql(INSERT_CASES, dialect)), {"centre": _id_value(dialect, centre_id), "number": count})
    tx.execute(text(_fill_in_sql(INSERT_INVITATIONS, dialect)), {"centre": _id_value(dialect, centre_id)})


def close_year(centre_id: uuid.UUID) -> int:
    """Close the days of the year as the worker does; return how many were closed."""
    close_days = transaction(closing.close_days)
    close_invitations = transaction(closing.close_invitation_days)
    closed_days, after_year = 0, YEAR_END + timedelta(days=1)
    while closed_now := close_days(centre_id, before=after_year):
        closed_days += closed_now
    while close_invitations(centre_id, before=after_year):
        pass
    return closed_days


def update_statistics() -> None:
    """Let PostgreSQL count its rows, as it does by itself some time after rows are added."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            connection.execution_options(vidhuk_begin=SINGLE_STATEMENTS).execute(text("VACUUM ANALYZE"))


def measure_median_ms(work: Callable[[], object], times: int = 5) -> float:
    """Return the median time of some repetitions, after one that does not count."""
    work()
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return round(statistics.median(durations) * 1000, 1)


def measure_summaries(dialect: str, folder: Path, *, answers: int, centres: int) -> dict[str, Any]:
    """Measure the year's summary over so many answers, of one centre or of several together."""
    people_per_centre = answers // len(QUESTIONS) // centres

    def read_summary(by: str | None = None) -> dict[str, object]:
        codes = frozenset(_centre_code(number) for number in range(centres))
        return summary_json(*read_both_totals(FigureQuery(codes, YEAR_START, YEAR_END), by=by))

    with service(dialect, folder):
        began = time.perf_counter()
        centre_ids = [make_centre(number) for number in range(centres)]
        for centre_id in centre_ids:
            insert_responses(centre_id, people_per_centre)
            insert_invitations(centre_id, people_per_centre)
        update_statistics()
        fill_seconds, raw_ms = time.perf_counter() - began, None
        raw_summary = read_summary("month") if answers <= MAX_RAW_ANSWERS else None
        if raw_summary:
            raw_ms = measure_median_ms(read_summary, 3)
        began = time.perf_counter()
        days = sum(map(close_year, centre_ids))
        closing_ms = (time.perf_counter() - began) / days * 1000
        update_statistics()
        if raw_summary and read_summary("month") != raw_summary:
            raise AssertionError("the stored counts tell something else than the answers")
        view_times = {
            f"by_{by}_ms" if by else "summary_ms": measure_median_ms(partial(read_summary, by)) for by in BREAKDOWNS
        }
    return {
        "database": dialect,
        "answers": people_per_centre * len(QUESTIONS) * centres,
        "centres": centres,
        "fill_s": round(fill_seconds, 1),
        "closing_ms_a_day": round(closing_ms, 1),
        "raw_ms": raw_ms,
        **view_times,
        "times_quicker": round(raw_ms / view_times["summary_ms"], 1) if raw_ms else None,
    }


def _centre_code(number: int) -> str:
    return f"SN120000{number:02}"


def _fill_in_sql(statement: str, dialect: str) -> str:
    """Return the statement in the SQL of that database."""
    return statement.format(
        series=SERIES_SQL[dialect],
        random=RANDOM_ID_SQL[dialect],
        bytes=ID_BYTES_SQL[dialect],
        day=DAY_SQL[dialect],
        some_day=RANDOM_DAY_SQL[dialect],
        last_day=LAST_DAY_SQL[dialect],
        services=SERVICES,
        answers=_answers_sql(dialect),
    )


def _answers_sql(dialect: str) -> str:
    """The values of every question, as JSON that the database puts together; a colon would name a parameter."""
    members = []
    for position, question in enumerate(QUESTIONS, start=1):
        value = RATING_SQL if question == "off.nps" else WORD_SQL
        digit = DIGIT_SQL[dialect].format(place=position)
        members.append(f"""'"{question}"\\: ["' || {value.format(digit=digit)} || '"]'""")
    joined_members = " || ', ' || ".join(members)
    return JSON_SQL[dialect].format(f"('{{' || {joined_members} || '}}')")


def _id_value(dialect: str, centre_id: uuid.UUID) -> object:
    return centre_id.hex if dialect == "sqlite" else centre_id
