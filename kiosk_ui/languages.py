"""The language of a page, and how days and numbers are written in it.

A page is in Ukrainian, whatever the browser prefers (Law 2704-VIII, article 27), unless ``?lang=`` names another.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, g
from flask.globals import request_ctx
from flask_babel import force_locale, get_translations, gettext, refresh
from markupsafe import Markup

from feedback_service.config import current_settings
from feedback_service.i18n import NATIVE, current_language, own_name
from feedback_service.keyring import format_code

NBSP = "\u00a0"


def register(app: Flask) -> None:
    """Register the filters and functions with which templates write days, numbers and names."""
    app.jinja_env.filters |= {
        "day": format_day,
        "month": format_month,
        "number": format_number,
        "native_name": own_name,
        "in_current_language": in_current_language,
        "grouped": format_code,
    }
    app.jinja_env.globals |= {
        "current_language": current_language,
        "available_languages": available_languages,
        "url_language": url_language,
        "ukrainian_lang_attribute": ukrainian_lang_attribute,
    }


def preload_languages() -> None:
    """Load translations, names and date formats of the installation's languages."""
    for code in current_settings().languages:
        own_name(code)
        with force_locale(code):
            get_translations()


def available_languages() -> tuple[str, ...]:
    """Return the codes of this page's languages: the installation's, or those of them that a centre chose."""
    page_languages: Collection[str] = g.get("languages") or current_settings().languages
    return tuple(code for code in current_settings().languages if code in page_languages)


def set_available_languages(languages: Collection[str] | None) -> None:
    """Offer these languages on this page, as its centre does; ``None`` offers all."""
    g.languages = languages
    if languages is not None:
        refresh()  # the language of this request may have been chosen before


def choose_language() -> str:
    """Return the language of this request: Ukrainian, unless the address asks for another that is offered."""
    code = request_ctx.request.args.get("lang")  # the proxy ``request`` looks it up at every use
    return code if code and code in available_languages() else NATIVE


def format_day(value: date) -> str:
    """Write a day that does not break over a line: «20 листопада 2026 року», "20 November 2026"."""
    formatted = format_date(value, f"d{NBSP}MMMM{NBSP}y", locale=current_language())
    return f"{formatted}{NBSP}року" if current_language() == NATIVE else formatted


def format_month(value: date) -> str:
    """Write a month: «листопад 2026», "November 2026"."""
    return format_date(value, f"LLLL{NBSP}y", locale=current_language())


def format_number(value: int | float | Decimal, digits: int = 0) -> str:
    """Write a number in the page's language: «1 234,5», with no-break spaces and a true minus sign."""
    return _format_number_cached(value, digits, current_language())


@lru_cache(maxsize=4096)
def _format_number_cached(value: int | float | Decimal, digits: int, locale: str) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, pattern, locale=locale).replace("-", "−")


def url_language() -> str | None:
    """Return the language for the argument ``lang`` of an address: ``None`` for Ukrainian."""
    return None if current_language() == NATIVE else current_language()


def in_current_language(texts: Mapping[str, str]) -> str:
    """Return a text of a questionnaire in the page's language, else in Ukrainian."""
    return texts.get(current_language()) or texts[NATIVE]


def translated_message(message: str, params: Mapping[str, object] | None = None) -> str:
    """Translate a message into the page's language and fill in its placeholders."""
    return gettext(message) % (params or {})


def ukrainian_lang_attribute() -> Markup:
    """Return the attribute that marks a stored Ukrainian name on a page in another language."""
    return Markup("") if current_language() == NATIVE else Markup(' lang="uk"')
