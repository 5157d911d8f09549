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
from feedback_service.figures.shapes import FigureQuery
from feedback_service.figures.summary_json import summary_json
from feedback_service.flow.summaries import read_both_totals
from feedback_service.models import Centre, Service

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
SERVICES = 40
QUESTIONS = ("off.nps", "off.premises", "off.services", "off.staff", "off.quality", "off.process")
VIEWS = (None, "month", "source", "service")
RAW_UP_TO = 2_000_000  # answers that are counted raw too

# What is random is chosen once for each row: SQLite would choose anew wherever it is named, hence MATERIALIZED.
# Every figure is taken from the number of a response or from the digits of its random id, a digit for each thing.
SERIES = {
    "sqlite": "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :number)",
    "postgresql": "WITH series(n) AS (SELECT generate_series(0, :number - 1))",
}
RANDOM = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
DAY = {
    "sqlite": "date('2026-01-01', '+' || (n % 365) || ' days')",
    "postgresql": "date '2026-01-01' + (n % 365)",
}
SOME_DAY = {
    "sqlite": "date('2026-01-01', '+' || (abs(random()) % 365) || ' days')",
    "postgresql": "date '2026-01-01' + (random() * 364)::int",
}
LAST_DAY = {"sqlite": "date(day, '+30 days')", "postgresql": "day + 30"}
DIGIT = {
    "sqlite": "(instr('0123456789abcdef', substr(made.id, {place}, 1)) - 1)",
    "postgresql": "(strpos('0123456789abcdef', substr(replace(made.id::text, '-', ''), {place}, 1)) - 1)",
}
AS_JSON = {"sqlite": "{}", "postgresql": "CAST({} AS JSON)"}
BYTES = {"sqlite": "CAST(id AS BLOB)", "postgresql": "decode(replace(id::text, '-', ''), 'hex')"}
CASES = """
    INSERT INTO cases (centre_id, id, number_hash, service_id, front_office, workplace, status, status_at)
    {series}
    SELECT :centre, made.id, {bytes}, service_id, 'offline', 'window-' || (n % 11), 'completed',
           '2026-01-02 10:00:00+00:00'
    FROM (SELECT n, {random} AS id FROM series ORDER BY 2) AS made
    JOIN (SELECT id AS service_id, local_code FROM services WHERE centre_id = :centre) AS services
      ON services.local_code = 'L' || (n % {services})
"""
INVITATIONS = """
    INSERT INTO invitations (centre_id, id, case_id, key_id, token_hash, short_code_hash, questionnaire, issued_on,
                             last_day, cancelled, opened, started, answered_on, client_hash, left_begun)
    WITH issued AS MATERIALIZED (SELECT centre_id, id, {some_day} AS day FROM cases WHERE centre_id = :centre)
    SELECT centre_id, id, id, 'k', {bytes}, {bytes}, 'offline-2026.1', day, {last_day}, false, true, true, day,
           {bytes}, false
    FROM issued ORDER BY day
"""
RESPONSES = """
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
RATING = "CASE WHEN {digit} < 11 THEN CAST({digit} AS VARCHAR) ELSE '10' END"
WORD = """CASE WHEN {digit} < 13 THEN 'great' WHEN {digit} = 13 THEN 'good'
               WHEN {digit} = 14 THEN 'acceptable' ELSE 'awful' END"""
# Of a hundred answers on a tablet one looks odd.
SIGNALS = """
    INSERT INTO signals (centre_id, response_id, reason)
    SELECT centre_id, id, 'hurried' FROM responses
    WHERE centre_id = :centre AND source = 'tablet_hall' AND substr(CAST(id AS VARCHAR), 1, 2) IN ('00', '5a', 'ff')
"""


@transaction
def make_centre(tx: Session, number: int) -> uuid.UUID:
    """A centre with its services."""
    centre = uuid.uuid4()
    facts = {
        "name": "Центр",
        "edrpou": "00032112",
        "katottg": "UA80000000000093317",
        "prefix": f"K7{number:02}",
    }
    tx.execute(insert(Centre).values(id=centre, code=_code(number), **facts))
    listed = [
        {"centre_id": centre, "id": uuid.uuid4(), "code": "", "local_code": f"L{place}", "title": "Послуга"}
        for place in range(SERVICES)
    ]
    tx.execute(insert(Service), listed)
    return centre


@transaction
def answer(tx: Session, centre: uuid.UUID, people: int) -> None:
    """So many people answered every question, evenly over the year."""
    dialect = tx.get_bind().dialect.name
    tx.execute(text(_made(RESPONSES, dialect)), {"centre": _key(dialect, centre), "number": people})
    tx.execute(text(SIGNALS), {"centre": _key(dialect, centre)})


@transaction
def invite(tx: Session, centre: uuid.UUID, people: int) -> None:
    """So many cases were completed, and their applicants invited; all of them answered."""
    dialect = tx.get_bind().dialect.name
    tx.execute(text(_made(CASES, dialect)), {"centre": _key(dialect, centre), "number": people})
    tx.execute(text(_made(INVITATIONS, dialect)), {"centre": _key(dialect, centre)})


def close(centre: uuid.UUID) -> int:
    """The year is closed and settled, as the worker does it; tells how many days were closed."""
    close_days = transaction(closing.close_days)
    close_invitations = transaction(closing.close_invitation_days)
    closed, over = 0, LAST + timedelta(days=1)
    while done := close_days(centre, before=over):
        closed += done
    while close_invitations(centre, before=over):
        pass
    return closed


def know_sizes() -> None:
    """PostgreSQL knows how much it holds, as it does by itself some time after rows came."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as link:
            link.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def median_ms(work: Callable[[], object], times: int = 5) -> float:
    """The median time of some repetitions, after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 1)


def measure(dialect: str, folder: Path, *, answers: int, centres: int) -> dict[str, Any]:
    """What the year's summary costs over so many answers, of one centre or of several pooled."""
    people = answers // len(QUESTIONS) // centres

    def summary(by: str | None = None) -> dict[str, object]:
        codes = frozenset(_code(number) for number in range(centres))
        return summary_json(*read_both_totals(FigureQuery(codes, FIRST, LAST), by=by))

    with service(dialect, folder):
        began = time.perf_counter()
        ids = [make_centre(number) for number in range(centres)]
        for centre in ids:
            answer(centre, people)
            invite(centre, people)
        know_sizes()
        filled, raw = time.perf_counter() - began, None
        counted = summary("month") if answers <= RAW_UP_TO else None
        if counted:
            raw = median_ms(summary, 3)
        began = time.perf_counter()
        days = sum(map(close, ids))
        closing = (time.perf_counter() - began) / days * 1000
        know_sizes()
        if counted and summary("month") != counted:
            raise AssertionError("the stored counts tell something else than the answers")
        told = {f"by_{by}_ms" if by else "summary_ms": median_ms(partial(summary, by)) for by in VIEWS}
    return {
        "database": dialect,
        "answers": people * len(QUESTIONS) * centres,
        "centres": centres,
        "fill_s": round(filled, 1),
        "closing_ms_a_day": round(closing, 1),
        "raw_ms": raw,
        **told,
        "times_quicker": round(raw / told["summary_ms"], 1) if raw else None,
    }


def _code(number: int) -> str:
    return f"SN120000{number:02}"


def _made(statement: str, dialect: str) -> str:
    """The statement in the words of that database."""
    return statement.format(
        series=SERIES[dialect],
        random=RANDOM[dialect],
        bytes=BYTES[dialect],
        day=DAY[dialect],
        some_day=SOME_DAY[dialect],
        last_day=LAST_DAY[dialect],
        services=SERVICES,
        answers=_answers(dialect),
    )


def _answers(dialect: str) -> str:
    """The values of every question, as JSON that the database puts together; a colon would name a parameter."""
    said = []
    for place, question in enumerate(QUESTIONS, start=1):
        value = RATING if question == "off.nps" else WORD
        digit = DIGIT[dialect].format(place=place)
        said.append(f"""'"{question}"\\: ["' || {value.format(digit=digit)} || '"]'""")
    whole = " || ', ' || ".join(said)
    return AS_JSON[dialect].format(f"('{{' || {whole} || '}}')")


def _key(dialect: str, id: uuid.UUID) -> object:
    return id.hex if dialect == "sqlite" else id
