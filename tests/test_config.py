"""Settings from the environment, and the message about wrong ones."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from feedback_service.config import BadSettings, Settings
from tests.support.environment import ROOT, build_environment

GOOD_DATABASE = "sqlite:////tmp/feedback.db"


def test_operators_can_read_about_every_setting_and_about_no_other() -> None:
    rows = (ROOT / "docs/operations.md").read_text()
    documented = set(re.findall(r"^\| `(FEEDBACK_\w+)`", rows, re.MULTILINE))
    assert documented == {f"FEEDBACK_{setting.name.upper()}" for setting in fields(Settings)}


def test_defaults_of_settings_are_those_in_the_documentation(tmp_path: Path) -> None:
    rows = (ROOT / "docs/operations.md").read_text()
    settings = Settings.from_env(build_environment(tmp_path, GOOD_DATABASE))
    documented = dict(re.findall(r"^\| `FEEDBACK_(\w+)` \|.*\| `?([\w,]+)`? \|$", rows, re.MULTILINE))
    for name, value in documented.items():
        if value.isdecimal():
            assert getattr(settings, name.lower()) == int(value)
    assert documented["LANGUAGES"] == ",".join(settings.languages)


@pytest.mark.parametrize("name", ["50%41", "a#b", "a?b=c", "a b", "Дані"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    url = Settings.from_env(build_environment(folder, "")).database_url

    with create_engine(url).connect() as connection:
        connection.exec_driver_sql("CREATE TABLE answers (id)")
    connection.engine.dispose()

    assert [path.name for path in folder.iterdir()] == ["feedback.db"]
    assert list(tmp_path.iterdir()) == [folder]


def test_everything_missing_or_weak_is_named_at_once_and_never_quoted(tmp_path: Path) -> None:
    environment = {
        "DATA_DIR": str(tmp_path),
        "FEEDBACK_DATABASE_URL": "mysql://root:pa55word@db/feedback",
        "FEEDBACK_SECRET_KEY": "deadbeef",
        "FEEDBACK_PUBLIC_URL": "http://vidhuk.example",
        "FEEDBACK_CENTRAL_SECRET": "whsec_!",
        "FEEDBACK_MIN_GROUP": "few",
        "FEEDBACK_LANGUAGES": "en",
    }

    with pytest.raises(BadSettings) as refusal:
        Settings.from_env(environment)

    message = str(refusal.value)
    wrong = {name for name in environment if name != "DATA_DIR"} | {
        "FEEDBACK_CASE_KEY",
        "FEEDBACK_TOKEN_KEYS",
    }
    assert set(re.findall(r"FEEDBACK_\w+", message)) == wrong
    for value in ("pa55word", "deadbeef", "vidhuk.example", "whsec_!", "few"):
        assert value not in message


def test_without_event_keys_one_is_derived_and_it_opens_for_ever(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, GOOD_DATABASE)
    [derived] = Settings.from_env(environment).event_keys
    given = {"FEEDBACK_EVENT_KEYS": f"{'ab' * 32},{'cd' * 32}"}

    assert Settings.from_env(environment | given).event_keys == (b"\xab" * 32, b"\xcd" * 32, derived)
    assert len(derived) == 32
    assert derived != Settings.from_env(environment | {"FEEDBACK_SECRET_KEY": "5f" * 32}).event_keys[0]


def test_weak_event_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="FEEDBACK_EVENT_KEYS is shorter than 32 bytes"):
        Settings.from_env(build_environment(tmp_path, GOOD_DATABASE) | {"FEEDBACK_EVENT_KEYS": "ab" * 31})
