"""Compares the texts in the program with the translation catalogues: ``python -m tools.translations``.

It exits with 0 when every text is translated, no translation is fuzzy or left over, and no placeholder is lost.
With ``--update`` it first brings the catalogues up to date with the code.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
CATALOGUES = ROOT / "kiosk_ui" / "translations"
SOURCES = ("feedback_service", "kiosk_ui")
METHODS = [("**/templates/**", "jinja2"), ("**.py", "python")]
# An unreadable template is an error here; otherwise its texts would get lost.
OPTIONS = {"**/templates/**": {"silent": "false", "encoding": "utf-8"}}
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2), "_l": None}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def extract_texts() -> Catalog:
    """Return every text that is marked for translation, with its file; line numbers would change too often."""
    catalogue = Catalog(project="Vidhuk", charset="utf-8")
    for source in SOURCES:
        for name, _, msgid, comments, context in extract_from_dir(
            ROOT / source, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("translators:",)
        ):
            catalogue.add(msgid, locations=[(f"{source}/{name}", 0)], auto_comments=comments, context=context)
    return catalogue


def find_problems(catalogue: Catalog, source_texts: Catalog) -> Iterator[str]:
    """Yield a sentence for each text that makes this catalogue incomplete."""
    for text in _translatable_messages(source_texts):
        entry = catalogue.get(text.id, text.context)
        translations = _translated_strings(entry) if entry else ()
        if not translations or not all(translations):
            yield f"not translated: {text.id!r}"
        elif entry is not None and entry.fuzzy:
            yield f"marked fuzzy: {text.id!r}"
        elif isinstance(text.id, tuple) and len(translations) != catalogue.num_plurals:
            yield f"not all plurals: {text.id!r}"
        else:
            placeholders = set(PLACEHOLDER.findall(" ".join(_message_ids(text))))
            if any(set(PLACEHOLDER.findall(translation)) - placeholders for translation in translations):
                yield f"a placeholder that the text does not have: {text.id!r}"
            elif not isinstance(text.id, tuple) and set(PLACEHOLDER.findall(translations[0])) != placeholders:
                yield f"a placeholder got lost: {text.id!r}"
    for entry in _translatable_messages(catalogue):
        if source_texts.get(entry.id, entry.context) is None:
            yield f"no longer in the code: {entry.id!r}"


def read_catalogue(path: Path) -> Catalog:
    """Read the catalogue in this file."""
    return read_po(BytesIO(path.read_bytes()), locale=path.parts[-3])


def update_catalogue(path: Path, source_texts: Catalog) -> None:
    """Add an empty entry for each new text to the file, and remove entries of texts that no longer exist."""
    catalogue = read_catalogue(path)
    catalogue.update(source_texts, no_fuzzy_matching=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, include_lineno=False, ignore_obsolete=True, sort_by_file=True)


def main() -> int:
    """Return 0 when every catalogue is complete; else print the reasons to stderr and return 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--update", action="store_true", help="first bring the catalogues up to date with the code")
    arguments = parser.parse_args()
    source_texts = extract_texts()
    paths = sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po"))
    problem_count = 0
    for path in paths:
        if arguments.update:
            update_catalogue(path, source_texts)
        for problem in find_problems(read_catalogue(path), source_texts):
            print(f"{path.relative_to(ROOT)}: {problem}", file=sys.stderr)
            problem_count += 1
    if not paths:
        print(f"no catalogue under {CATALOGUES.relative_to(ROOT)}", file=sys.stderr)
    return 1 if problem_count or not paths else 0


def _translatable_messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _message_ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (list, tuple)) else (message.id,)


def _translated_strings(message: Message) -> tuple[str, ...]:
    strings = message.string
    return tuple(strings) if isinstance(strings, (list, tuple)) else (strings or "",)


if __name__ == "__main__":
    sys.exit(main())
