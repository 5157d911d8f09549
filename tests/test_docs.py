"""Documents point to files that exist, name things that exist, and their examples work."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

from feedback_service.indicators.compatibility import refuse_misfit
from feedback_service.indicators.methodology import parse_methodology
from feedback_service.surveys.questionnaires import DOCUMENTS_FOLDER, parse_questionnaire
from tests.support.environment import ROOT

PROGRAM = (ROOT / "feedback_service", ROOT / "kiosk_ui")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
RECORDS = sorted((ROOT / "docs/decisions").glob("0*.md"))
GLOSSARY = ROOT / "docs/glossary.md"
METHODOLOGIES = ROOT / "feedback_service/indicators/methodologies"

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
MODULE_PATH = re.compile(r"`((?:[a-z_0-9]+/)+(?:[a-z_0-9]+\.(?:py|toml|json|md|js|css|txt))?)`")
CODE_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SNAKE_CASE_NAME = re.compile(r"`([a-z]+(?:_[a-z0-9]+)+)(?:\(\))?`")
NAMES_OF_OTHERS = {"max_prepared_statements", "graceful_timeout"}  # of PgBouncer and gunicorn
SOURCE_SUFFIXES = {".py", ".js", ".html", ".json", ".toml"}
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


@cache
def find_functions_and_imports() -> set[str]:
    """The names of all functions and classes of the program, and of all that it imports."""
    names: set[str] = set()
    for file in (file for package in PROGRAM for file in package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name for alias in node.names}
    return names


def find_words() -> set[str]:
    """All words in the files of the program and its tests."""
    folders = (*PROGRAM, ROOT / "tests", ROOT / "migrations", ROOT / "benchmarks", ROOT / "tools")
    files = [file for folder in folders for file in folder.rglob("*") if file.suffix in SOURCE_SUFFIXES]
    return {word for file in files for word in re.findall(r"\w+", file.read_text())}


def is_in_repository(path: str) -> bool:
    """Whether the path exists, seen from the root or from one of the two packages."""
    return any((base / path).exists() for base in (ROOT, *PROGRAM))


@pytest.mark.parametrize("pattern", [LINK, MODULE_PATH])
def test_documents_link_to_files_and_name_modules(pattern: re.Pattern[str]) -> None:
    assert len({found for document in DOCUMENTS for found in pattern.findall(document.read_text())}) > 20


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


def test_documents_name_functions_columns_and_settings_that_exist() -> None:
    words = find_words() | NAMES_OF_OTHERS
    named = {(file.name, name) for file in DOCUMENTS for name in SNAKE_CASE_NAME.findall(file.read_text())}

    assert len(named) > 100
    assert {(file, name) for file, name in named if name.removeprefix("vidhuk_") not in words} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_python_in_a_document_calls_functions_that_exist(document: Path) -> None:
    blocks = [block for language, block in CODE_BLOCK.findall(document.read_text()) if language == "python"]
    called = {
        node.func.id
        for block in blocks
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert called - find_functions_and_imports() == set()


def test_the_question_of_the_guide_can_be_added() -> None:
    guide = (ROOT / "docs/adding-a-question.md").read_text()
    question, place = (json.loads(text) for language, text in CODE_BLOCK.findall(guide) if language == "json")
    questionnaire = json.loads((DOCUMENTS_FOLDER / "offline-2026.1.json").read_text())
    methodology = json.loads((METHODOLOGIES / "864-2021.json").read_text())
    questionnaire["questions"].append(question)

    with pytest.raises(ValueError, match=r"counts no answers to off\.signs"):
        refuse_misfit(parse_questionnaire(questionnaire), [parse_methodology(methodology)])
    methodology["operational"]["questions"]["offline"] |= place
    refuse_misfit(parse_questionnaire(questionnaire), [parse_methodology(methodology)])


def test_decisions_are_numbered_without_gaps_and_all_listed() -> None:
    listed = re.findall(r"\((0\d+-[\w-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text())

    assert [int(file.name[:4]) for file in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert listed == [file.name for file in RECORDS]
    for number, record in enumerate(RECORDS, 1):
        assert record.read_text().startswith(f"# {number}. ")
