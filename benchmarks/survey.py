"""A person's whole visit, beside the same visit to a bare program, in one run.

A visit: one connection, GET of the survey's first page, POST of every answer with ``finish``; the answer is
durable. Both programs run on the same database engine under the same gunicorn settings, behind the same nginx. They
take turns, so that whatever else the machine does hits both; the ratio is what to compare.
"""

import secrets
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import baseline
from benchmarks.proxy import in_front_of
from benchmarks.serving import Served, postmaster, served
from benchmarks.visits import Round, measure
from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.cases.register import CaseUpdate
from feedback_service.cases.services import ServiceRef
from feedback_service.config import Settings
from feedback_service.flow import cases, registers
from tests.support.database import migrate_database
from tests.support.environment import build_environment
from tests.support.postgres import PostgresServer

PROFILE = {
    "code": "SN05000042",
    "name": "ЦНАП міста Вінниці",
    "edrpou": "00032112",
    "katottg": "UA05020030010063857",
    "controller": "Вінницька міська рада",
}
BATCH = 1000
WARM_UP = 100  # visits to each before anything counts


@dataclass(frozen=True, slots=True)
class Rivals:
    """The service and the bare program, both running with one kind of database."""

    ours: Served
    bare: Served
    settings: Settings
    postgresql: tuple[str, ...] = ()

    def get_to_know(self) -> None:
        """Let PostgreSQL analyse its tables, as autovacuum does a minute after they fill.

        Plans made for empty tables, above all those of foreign keys, read a whole centre for each row.
        """
        for database in self.postgresql:
            baseline.open_connection(database).execute("ANALYZE")


def compare(dialect: str, folder: Path, *, visits: int, pairs: int, clients: int) -> dict[str, Any]:
    """``pairs`` rounds of ``visits`` each, in turns; the medians, and the ratios with their spread."""
    with rivals(dialect, folder) as both:
        links = iter(invitations(both.settings, WARM_UP + visits * pairs))
        _round(both.ours, links, WARM_UP, clients)
        _round(both.bare, _anything(), WARM_UP, clients)
        both.get_to_know()
        told = [
            (_round(both.ours, links, visits, clients), _round(both.bare, _anything(), visits, clients))
            for _ in range(pairs)
        ]
        memory = {"ours": round(both.ours.pss_mib(), 1), "bare": round(both.bare.pss_mib(), 1)}
    ratios = [ours.per_second / bare.per_second for ours, bare in told]
    return {
        "database": dialect,
        "clients": clients,
        "visits": visits * pairs,
        "ours": _medians([ours for ours, _ in told]),
        "bare": _medians([bare for _, bare in told]),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_p99": round(statistics.median(ours.p99_ms / bare.p99_ms for ours, bare in told), 3),
        "ratio_cpu": round(statistics.median(bare.cpu_ms / ours.cpu_ms for ours, bare in told), 3),
        "ratio_from_to": [round(min(ratios), 3), round(max(ratios), 3)],
        "pss_mib": memory,
    }


@contextmanager
def rivals(dialect: str, folder: Path) -> Iterator[Rivals]:
    """Run both programs, each with a new database of its own."""
    roots: tuple[int, ...] = ()
    known: tuple[str, ...] = ()
    with ExitStack() as stack:
        if dialect == "sqlite":
            ours, bare = f"sqlite:///{folder / 'ours.db'}", str(folder / "bare.db")
        else:
            server = stack.enter_context(PostgresServer())
            ours = server.create_database("ours")
            bare = server.create_database("bare").replace("+psycopg", "")
            roots = (postmaster(server),)
            known = (ours.replace("+psycopg", ""), bare)
        migrate_database(ours, folder)
        baseline.open_connection(bare).execute(baseline.CREATE_TABLE)
        settings = build_environment(folder, ours)
        service = stack.enter_context(served("wsgi:app", settings, folder / "ours.log", roots))
        bare_settings = {"BASELINE_DATABASE": bare}
        rival = stack.enter_context(served("benchmarks.baseline:app", bare_settings, folder / "bare.log", roots))
        fronts = stack.enter_context(in_front_of([service.port, rival.port], folder))
        yield Rivals(
            replace(service, port=fronts[0]),
            replace(rival, port=fronts[1]),
            Settings.from_env(settings),
            known,
        )


def invitations(settings: Settings, number: int) -> list[str]:
    """Create so many surveys and return their paths."""
    with create_app(settings).app_context():
        registers.add_centre(PROFILE)
        told = []
        for first in range(0, number, BATCH):
            reports = [a_report(place) for place in range(first, min(first + BATCH, number))]
            told += cases.register_cases(reports, {PROFILE["code"]})
    return [f"/S/{one.case.invitation.token}" for one in told if one.case and one.case.invitation]


def a_report(number: int) -> CaseUpdate:
    """Return a case that was completed just now."""
    return CaseUpdate(
        centre=PROFILE["code"],
        case_number=f"12-2026/{number:06}",
        service=ServiceRef("00034", "14-13", "Реєстрація місця проживання"),
        front_office="offline",
        status="completed",
        status_at=clock.now(),
        workplace="window-3",
        workplace_kind="centre",
    )


def _anything() -> Iterator[str]:
    while True:
        yield f"/S/{secrets.token_hex(13).upper()}"


def _round(program: Served, links: Iterator[str], visits: int, clients: int) -> Round:
    return measure(program, list(islice(links, visits)), clients)


def _medians(rounds: list[Round]) -> dict[str, float]:
    columns = {name: [asdict(one)[name] for one in rounds] for name in asdict(rounds[0])}
    return {name: round(statistics.median(values), 2) for name, values in columns.items()}
