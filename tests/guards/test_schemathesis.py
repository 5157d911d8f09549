"""The API keeps its OpenAPI document for whatever schemathesis makes of it; ``make security`` does so for longer."""

from pathlib import Path

import pytest

from tests.guards.schemathesis_run import run_schemathesis
from tests.support.database import FreshDatabase

SHORT_DOSE = ("--generation-deterministic", "--max-examples", "4")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_api_keeps_its_openapi_document(tmp_path: Path, fresh_database: FreshDatabase, database: str) -> None:
    report = run_schemathesis(tmp_path, fresh_database(database), SHORT_DOSE)
    assert report["exit_code"] == 0, report["output"]
    assert report["operations"]["tested"] == report["operations"]["total"]
    assert all(phase["status"] == "success" for phase in report["phases"].values()), report["phases"]
