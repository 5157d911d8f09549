"""The environment in which tests run the service: complete, and the same every time."""

from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SECRET_KEY = "5e" * 32
CASE_KEY = "ca" * 32
TOKEN_KEYS = "70" * 32


def build_environment(data_dir: Path, database_url: str, public_url: str = "http://127.0.0.1:8000") -> dict[str, str]:
    """Return every required setting; the machine's own FEEDBACK_ variables are ignored."""
    return {
        "DATA_DIR": str(data_dir),
        "FEEDBACK_DATABASE_URL": database_url,
        "FEEDBACK_SECRET_KEY": SECRET_KEY,
        "FEEDBACK_CASE_KEY": CASE_KEY,
        "FEEDBACK_TOKEN_KEYS": TOKEN_KEYS,
        "FEEDBACK_PUBLIC_URL": public_url,
    }


def build_process_environment(
    machine_variables: Mapping[str, str], service_variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a child process: the machine's variables without our settings, then the service's."""
    inherited_variables = {name: value for name, value in machine_variables.items() if not name.startswith("FEEDBACK_")}
    return inherited_variables | dict(service_variables)
