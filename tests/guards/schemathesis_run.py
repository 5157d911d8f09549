"""Calls the running API with all that its OpenAPI document allows and forbids, for a time, on both databases.

``python -m tests.guards.schemathesis_run --minutes 30`` prints a table; schemathesis reports each fault above it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from feedback_service.config import Settings
from feedback_service.flow import api_keys, tablet_pairing
from feedback_service.vocabulary import SCOPES
from tests.support import story
from tests.support.application import build_application, release_application
from tests.support.database import PostgresDatabases, SqliteDatabases
from tests.support.environment import ROOT, build_process_environment
from tests.support.outside import make_case, open_client, survey_path
from tests.support.postgres import PostgresServer
from tests.support.server import RunningService

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
OPEN_SURVEYS = 200
UNKNOWN_TOKEN = "A" * 26
DATABASES = ("sqlite", "postgresql")


def run_schemathesis(folder: Path, database_url: str, options: Sequence[str]) -> dict[str, Any]:
    """Call a service on this database; return schemathesis's report, and what it printed as ``output``."""
    report = folder / "schemathesis.json"
    with RunningService(folder / "service", database_url, workers=1) as service:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)),
            *("run", str(ROOT / "docs" / "openapi.json"), "--url", service.url, "--continue-on-failure", "--no-color"),
            *("--report-json-path", str(report), *options),
        ]
        variables = prepare_service(service) | {
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        result = subprocess.run(
            command,
            cwd=folder,  # where it keeps the calls of a fault
            env=build_process_environment(os.environ, variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if not report.exists():
        raise RuntimeError(f"schemathesis failed:\n{result.stdout}")
    members: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return members | {"output": result.stdout}


def prepare_service(service: RunningService) -> dict[str, str]:
    """Add a centre with a key of all scopes, a tablet, open surveys and an event; return them as variables."""
    app = build_application(Settings.from_env(service.environment))
    with app.app_context():
        story.create_centre(story.CENTRE)
        key = api_keys.add_key(SCOPES, [story.CENTRE])
        pairing_code = tablet_pairing.add_tablet(story.CENTRE, name="Планшет", mode="hall")
        tablet_key = tablet_pairing.pair_tablet(pairing_code).key
    release_application(app)
    cases = [make_case(f"open {number}", centre=story.CENTRE) for number in range(OPEN_SURVEYS)]
    with open_client(service, key) as client:
        results = client.post("/api/v1/cases/batch", json={"cases": cases}).raise_for_status().json()["results"]
        events = client.get("/api/v1/deliveries").raise_for_status().json()["items"]
    tokens = [survey_path(result["case"]).rpartition("/")[2] for result in results]
    return {
        "API_KEY": key,
        "TABLET_KEY": tablet_key,
        "CENTRE": story.CENTRE,
        "TOKENS": ",".join([*tokens, UNKNOWN_TOKEN]),
        "EVENT_ID": events[0]["id"],
    }


def run_on(database: str, options: Sequence[str]) -> dict[str, Any]:
    """Call a service on a fresh database of this kind; return the report."""
    with tempfile.TemporaryDirectory(prefix="vidhuk-guards-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        if database == "sqlite":
            return run_schemathesis(folder, SqliteDatabases(folder).create_database(), options)
        with PostgresServer() as server:
            return run_schemathesis(folder, PostgresDatabases(server, folder).create_database(), options)


def print_table(reports: dict[str, dict[str, Any]]) -> None:
    """Print what was called and found on each database."""
    columns: dict[str, Callable[[dict[str, Any]], object]] = {
        "operations": lambda report: report["operations"]["tested"],
        "calls": lambda report: report["test_cases"]["generated"],
        "faults": lambda report: report["test_cases"]["unique_failures"],
        "errors": lambda report: report["test_cases"]["errored"],
        "seconds": lambda report: round(report["running_time"]),
        "seed": lambda report: f"  {report['seed']}",
    }
    print(f"{'database':12}" + "".join(f"{name:>12}" for name in columns))
    for database, report in reports.items():
        print(f"{database:12}" + "".join(f"{read(report)!s:>12}" for read in columns.values()))


def main() -> int:
    """Run by the arguments; return 0 when nothing was found."""
    parser = argparse.ArgumentParser(description="Calls the API by its OpenAPI document.")
    parser.add_argument("--minutes", type=float, default=30, help="in all, half on each database")
    parser.add_argument("--seed", type=int, help="of a run to repeat")
    arguments = parser.parse_args()
    options = [
        "--generation-database",
        "none",
        "--max-time",
        str(max(1, round(arguments.minutes * 60 / len(DATABASES)))),
    ]
    if arguments.seed is not None:
        options += ["--seed", str(arguments.seed)]
    reports = {}
    for database in DATABASES:
        reports[database] = run_on(database, options)
        print(reports[database]["output"], flush=True)
    print_table(reports)
    return max(int(report["exit_code"]) for report in reports.values())


if __name__ == "__main__":
    sys.exit(main())
