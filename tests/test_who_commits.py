"""Only stories commit: the flow, the relay and the packages for the receiver. Rooms write on what they are given."""

import ast
from collections.abc import Iterator
from pathlib import Path

import feedback_service

ROOT = Path(feedback_service.__file__).parent
MAY_COMMIT = {
    "flow",
    "database",  # where transactions are made
    "delivery/clock_repair.py",
    "delivery/relay.py",
    "delivery/packaging.py",
    "sandbox",  # demo data, and a central system with a database of its own
}
WAYS_TO_COMMIT = {
    "transaction",
    "optimistic_transaction",
    "OptimisticTransaction",
    "DeferredWriter",
    "writing",
    "commit",
}


def find_ways_to_commit(source: str) -> set[str]:
    """Return which names and attributes of the source open or end a transaction."""

    def find_names() -> Iterator[str]:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.alias):
                yield node.name

    return WAYS_TO_COMMIT.intersection(find_names())


def test_only_stories_commit() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): ways
        for path in ROOT.rglob("*.py")
        if (ways := find_ways_to_commit(path.read_text()))
    }
    assert "flow/answers.py" in found, "the search finds nothing"

    assert {name: ways for name, ways in found.items() if not {name, name.split("/")[0]} & MAY_COMMIT} == {}
