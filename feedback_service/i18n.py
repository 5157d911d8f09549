"""Translation for both doors: Babel with our catalogues, and the names of languages.

Ukrainian comes first (Law 2704-VIII, article 27). Each door says by which rule it chooses a reader's language;
``app`` says which door an address belongs to.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from flask import Flask
from flask_babel import Babel, get_locale

NATIVE = "uk"


def init(app: Flask, catalogues: Path, choose_language: Callable[[], str]) -> None:
    """The application translates by these catalogues, in the language that is chosen for each request."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", NATIVE)
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(catalogues))
    Babel(app, locale_selector=lambda: _locale(choose_language()))


def language() -> str:
    """The code of the language that is used now."""
    locale = get_locale()
    return locale.language if locale else NATIVE


@lru_cache(maxsize=256)
def own_name(code: str) -> str:
    """A language in its own words: «Українська», "English"; one that nobody knows as it was written."""
    try:
        name = Locale.parse(code).get_display_name(code) or code
    except (ValueError, UnknownLocaleError):
        return code
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=16)
def _locale(code: str) -> Locale:
    return Locale.parse(code)  # once: Babel would build its key anew at every request
