"""Documents point to files that exist, and the glossary names things that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.environment import ROOT

PROGRAM = (ROOT / "feedback_service", ROOT / "kiosk_ui")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECORDS = sorted((ROOT / "docs/decisions").glob("0*.md"))
GLOSSARY = ROOT / "docs/glossary.md"

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
MODULE_PATH = re.compile(r"`((?:[a-z_0-9]+/)+(?:[a-z_0-9]+\.(?:py|toml|json|md|js|css|txt))?)`")
GLOSSARY_NAME = re.compile(r"`([A-Z][A-Za-z]+|[a-z_]+(?:/[a-z_]*)+)`")


def make_anchor(heading: str) -> str:
    """The name by which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def find_classes() -> set[str]:
    """The names of all classes of the program."""
    return {
        node.name
        for package in PROGRAM
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    }


def is_in_repository(path: str) -> bool:
    """Whether the path exists, seen from the root or from one of the two packages."""
    return any((base / path).exists() for base in (ROOT, *PROGRAM))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_document_links_to_files_and_headings_that_exist(document: Path) -> None:
    for path, anchor in LINK.findall(document.read_text()):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {make_anchor(heading) for heading in headings}, f"{path}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_document_names_folders_and_modules_that_exist(document: Path) -> None:
    named = MODULE_PATH.findall(document.read_text())

    assert [path for path in named if not is_in_repository(path)] == []


def test_the_glossary_names_classes_and_modules_that_exist() -> None:
    classes, named = find_classes(), set(GLOSSARY_NAME.findall(GLOSSARY.read_text()))

    unknown = {
        name
        for name in named - classes
        if not ("/" in name and (is_in_repository(name) or is_in_repository(f"{name}.py")))
    }
    assert unknown == set()


def test_decisions_are_numbered_without_gaps_and_all_listed() -> None:
    listed = re.findall(r"\((0\d+-[\w-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text())

    assert [int(file.name[:4]) for file in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert listed == [file.name for file in RECORDS]
    for number, record in enumerate(RECORDS, 1):
        assert record.read_text().startswith(f"# {number}. ")
