"""Which language a page is in, and how days and numbers are written in it.

Ukrainian comes first whatever the browser says (Law 2704-VIII, article 27); a page changes by ``?lang=``.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, g
from flask.globals import request_ctx
from flask_babel import force_locale, get_translations, gettext
from markupsafe import Markup

from feedback_service.config import current_settings
from feedback_service.i18n import NATIVE, current_language, own_name
from feedback_service.keyring import format_code

NBSP = "\u00a0"


def register(app: Flask) -> None:
    """Templates write days, numbers and names as their reader does."""
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
    """Read all that is known of the installation's languages: translations, names, how days are written."""
    for code in current_settings().languages:
        own_name(code)
        with force_locale(code):
            get_translations()


def available_languages() -> tuple[str, ...]:
    """The languages offered on this page, as codes: the installation's, or those of them that a centre chose."""
    page_languages: Collection[str] = g.get("languages") or current_settings().languages
    return tuple(code for code in current_settings().languages if code in page_languages)


def set_available_languages(languages: Collection[str] | None) -> None:
    """This page is about a centre that offers these languages; ``None``: all there are."""
    g.languages = languages


def choose_language() -> str:
    """The language for this request: Ukrainian, unless the address asks for another that is offered."""
    asked = request_ctx.request.args.get("lang")  # each look at the proxy costs a search
    return asked if asked and asked in available_languages() else NATIVE


def format_day(value: date) -> str:
    """«20 листопада 2026 року», "20 November 2026": a day that does not break over a line."""
    formatted = format_date(value, f"d{NBSP}MMMM{NBSP}y", locale=current_language())
    return f"{formatted}{NBSP}року" if current_language() == NATIVE else formatted


def format_month(value: date) -> str:
    """«листопад 2026», "November 2026"."""
    return format_date(value, f"LLLL{NBSP}y", locale=current_language())


def format_number(value: int | float | Decimal, digits: int = 0) -> str:
    """A number as the reader writes it: «1 234,5» with unbreakable spaces, a true minus sign."""
    return _format_number_cached(value, digits, current_language())


@lru_cache(maxsize=4096)
def _format_number_cached(value: int | float | Decimal, digits: int, locale: str) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, pattern, locale=locale).replace("-", "−")


def url_language() -> str | None:
    """The language as an address carries it: nothing for Ukrainian."""
    return None if current_language() == NATIVE else current_language()


def in_current_language(texts: Mapping[str, str]) -> str:
    """A text of a questionnaire in the language being spoken, else in Ukrainian."""
    return texts.get(current_language()) or texts[NATIVE]


def translated_message(message: str, params: Mapping[str, object] | None = None) -> str:
    """A message of the service in the reader's language."""
    return gettext(message) % (params or {})


def ukrainian_lang_attribute() -> Markup:
    """The attribute that a name from the register carries on a page in another language."""
    return Markup("") if current_language() == NATIVE else Markup(' lang="uk"')
