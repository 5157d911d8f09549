"""The shipped methodology as a document of its own for each test to change."""

import json

import pytest

from feedback_service.indicators.methodology import FOLDER


@pytest.fixture
def methodology_document() -> dict[str, object]:
    """A fresh copy of the shipped document."""
    document: dict[str, object] = json.loads((FOLDER / "864-2021.json").read_text(encoding="utf-8"))
    return document
