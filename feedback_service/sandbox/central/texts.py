"""The words of the demo central system's page, Ukrainian and English."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))

TEXTS: Mapping[str, Mapping[str, str]] = {language: words["text"] for language, words in _WORDS.items()}
# Modes in groups, each with its name and what it does.
MODE_TEXTS: Mapping[str, Mapping[str, Mapping[str, tuple[str, str]]]] = {
    language: words["modes"] for language, words in _WORDS.items()
}
LABELS: Mapping[str, Mapping[str, str]] = {language: words["labels"] for language, words in _WORDS.items()}
