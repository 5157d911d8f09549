"""The maps in the packages' docstrings name every package and module that there is, and nothing else."""

import importlib
import re
from pathlib import Path

import pytest

ENTRY = re.compile(r"^ {0,4}(\w+)  +\S", re.MULTILINE)


@pytest.mark.parametrize(
    "package",
    ["feedback_service", "feedback_service.api", "feedback_service.flow", "kiosk_ui", "kiosk_ui.admin"],
)
def test_a_map_names_every_package_and_module_once(package: str) -> None:
    found = importlib.import_module(package)
    folder = Path(str(found.__file__)).parent
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__", "__main__"}
    packages = {each.name for each in folder.iterdir() if any(each.glob("*.py"))}

    assert sorted(ENTRY.findall(found.__doc__ or "")) == sorted(modules | packages)
