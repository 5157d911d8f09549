"""The texts of the program against their catalogues.

``python -m tests.support.translations`` exits 0 when every text is translated, none is fuzzy or left over,
and every placeholder survived; with ``--update`` it brings the catalogues up to the code first.
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

from tests.support.environment import ROOT

CATALOGUES = ROOT / "kiosk_ui" / "translations"
SOURCES = ("feedback_service", "kiosk_ui")
METHODS = [("**/templates/**", "jinja2"), ("**.py", "python")]
# A template that cannot be read must fail here, not lose its texts.
OPTIONS = {"**/templates/**": {"silent": "false", "encoding": "utf-8"}}
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2), "_l": None}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def texts() -> Catalog:
    """Every text marked for translation, with its files but no line numbers, so that nothing goes stale."""
    found = Catalog(project="Vidhuk", charset="utf-8")
    for source in SOURCES:
        for name, _, msgid, comments, context in extract_from_dir(
            ROOT / source, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("translators:",)
        ):
            found.add(msgid, locations=[(f"{source}/{name}", 0)], auto_comments=comments, context=context)
    return found


def complaints(catalogue: Catalog, wanted: Catalog) -> Iterator[str]:
    """What keeps this catalogue from being complete, one sentence each."""
    for text in _messages(wanted):
        entry = catalogue.get(text.id, text.context)
        words = _strings(entry) if entry else ()
        if not words or not all(words):
            yield f"not translated: {text.id!r}"
        elif entry is not None and entry.fuzzy:
            yield f"marked fuzzy: {text.id!r}"
        elif isinstance(text.id, tuple) and len(words) != catalogue.num_plurals:
            yield f"not all plurals: {text.id!r}"
        else:
            named = set(PLACEHOLDER.findall(" ".join(_ids(text))))
            if any(set(PLACEHOLDER.findall(word)) - named for word in words):
                yield f"a placeholder that the text does not have: {text.id!r}"
            elif not isinstance(text.id, tuple) and set(PLACEHOLDER.findall(words[0])) != named:
                yield f"a placeholder got lost: {text.id!r}"
    for entry in _messages(catalogue):
        if wanted.get(entry.id, entry.context) is None:
            yield f"no longer in the code: {entry.id!r}"


def read(path: Path) -> Catalog:
    """The catalogue in this file."""
    return read_po(BytesIO(path.read_bytes()), locale=path.parts[-3])


def update(path: Path, wanted: Catalog) -> None:
    """The file has an entry for every text and none for texts that are gone; new entries are empty."""
    catalogue = read(path)
    catalogue.update(wanted, no_fuzzy_matching=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, include_lineno=False, ignore_obsolete=True, sort_by_file=True)


def main() -> int:
    """0 when every catalogue is complete, 1 with the reasons on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--update", action="store_true", help="bring the catalogues up to the code first")
    asked = parser.parse_args()
    wanted = texts()
    paths = sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po"))
    wrong = 0
    for path in paths:
        if asked.update:
            update(path, wanted)
        for complaint in complaints(read(path), wanted):
            print(f"{path.relative_to(ROOT)}: {complaint}", file=sys.stderr)
            wrong += 1
    if not paths:
        print(f"no catalogue under {CATALOGUES.relative_to(ROOT)}", file=sys.stderr)
    return 1 if wrong or not paths else 0


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (list, tuple)) else (message.id,)


def _strings(message: Message) -> tuple[str, ...]:
    words = message.string
    return tuple(words) if isinstance(words, (list, tuple)) else (words or "",)


if __name__ == "__main__":
    sys.exit(main())
