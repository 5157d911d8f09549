"""Settings of a demonstration, stored in ``run.env`` under DATA_DIR."""

import base64
import os
from pathlib import Path

from feedback_service.config import read_run_env
from feedback_service.setting_parsers import KEY_BYTES

PASSWORD_VARIABLE = "DEMO_PASSWORD"  # the password of all demo users


def save_demo_settings(data_dir: Path, public_url: str) -> None:
    """Write ``run.env``: keys and a password, made at the first call, and the address; only its owner may read it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    variables = read_run_env(data_dir)
    for name in ("FEEDBACK_SECRET_KEY", "FEEDBACK_CASE_KEY", "FEEDBACK_TOKEN_KEYS"):
        variables.setdefault(name, os.urandom(KEY_BYTES).hex())
    central_secret = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    variables.setdefault("FEEDBACK_CENTRAL_SECRET", f"whsec_{central_secret}")
    variables.setdefault("FEEDBACK_SECOND_FACTOR", "optional")  # a demo user needs no telephone
    variables.setdefault(PASSWORD_VARIABLE, "-".join(os.urandom(2).hex() for _ in range(5)))
    variables["FEEDBACK_PUBLIC_URL"] = public_url
    new_file = data_dir / "run.env.new"
    with open(os.open(new_file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())
    new_file.replace(data_dir / "run.env")
