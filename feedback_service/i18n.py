"""Translation for both doors: Babel with the service's catalogues, and the names of languages.

The default language is Ukrainian (Law 2704-VIII, article 27). Each door has its rule for a reader's language; ``app``
knows which door an address belongs to.
"""

from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from flask import Flask
from flask_babel import Babel, get_locale
from werkzeug.datastructures import LanguageAccept

NATIVE = "uk"


def init_translation(app: Flask, catalogues: Path, choose_language: Callable[[], str]) -> None:
    """Set up translation by these catalogues; ``choose_language`` is called once for each request."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", NATIVE)
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(catalogues))
    Babel(app, locale_selector=lambda: _parse_locale(choose_language()))


def current_language() -> str:
    """Return the code of the language of the current request."""
    locale = get_locale()
    return locale.language if locale else NATIVE


def choose_accepted_language(accepted: LanguageAccept, offered: Collection[str]) -> str:
    """Return the offered language with the highest quality in ``Accept-Language``, else Ukrainian.

    Only primary tags count, so that ``uk-UA`` asks for Ukrainian as much as ``uk`` does.
    """
    for tag, quality in accepted:  # Werkzeug sorts them by quality
        primary = tag.partition("-")[0].lower()
        if quality > 0 and primary in offered:
            return primary
    return NATIVE


@lru_cache(maxsize=256)
def own_name(code: str) -> str:
    """Return the name of a language in this language: «Українська», "English"; the code if Babel has no name."""
    try:
        name = Locale.parse(code).get_display_name(code) or code
    except (ValueError, UnknownLocaleError):
        return code
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=16)
def _parse_locale(code: str) -> Locale:
    return Locale.parse(code)  # cached: Babel's own cache computes its key at every request
