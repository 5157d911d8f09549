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

from feedback_service.cases.tokens import spelled
from feedback_service.config import settings
from feedback_service.i18n import NATIVE, language, own_name

NBSP = "\u00a0"


def register(app: Flask) -> None:
    """Templates write days, numbers and names as their reader does."""
    app.jinja_env.filters |= {
        "day": day,
        "month": month,
        "number": number,
        "own_name": own_name,
        "in_language": in_language,
        "grouped": spelled,
    }
    app.jinja_env.globals |= {
        "language": language,
        "languages": offered,
        "spoken": spoken,
        "in_ukrainian": in_ukrainian,
    }


def read_ahead() -> None:
    """Read all that is known of the installation's languages: translations, names, how days are written."""
    for code in settings().languages:
        own_name(code)
        with force_locale(code):
            get_translations()


def offered() -> tuple[str, ...]:
    """The languages offered on this page, as codes: the installation's, or those of them that a centre chose."""
    here: Collection[str] = g.get("languages") or settings().languages
    return tuple(code for code in settings().languages if code in here)


def offer(chosen: Collection[str] | None) -> None:
    """This page is about a centre that offers these languages; ``None``: all there are."""
    g.languages = chosen


def choose_language() -> str:
    """The language for this request: Ukrainian, unless the address asks for another that is offered."""
    asked = request_ctx.request.args.get("lang")  # each look at the proxy costs a search
    return asked if asked and asked in offered() else NATIVE


def day(value: date) -> str:
    """«20 листопада 2026 року», "20 November 2026": a day that does not break over a line."""
    words = format_date(value, f"d{NBSP}MMMM{NBSP}y", locale=language())
    return f"{words}{NBSP}року" if language() == NATIVE else words


def month(value: date) -> str:
    """«листопад 2026», "November 2026"."""
    return format_date(value, f"LLLL{NBSP}y", locale=language())


def number(value: int | float | Decimal, digits: int = 0) -> str:
    """A number as the reader writes it: «1 234,5» with unbreakable spaces, a true minus sign."""
    return _number(value, digits, language())


@lru_cache(maxsize=4096)
def _number(value: int | float | Decimal, digits: int, locale: str) -> str:
    shape = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, shape, locale=locale).replace("-", "−")


def spoken() -> str | None:
    """The language as an address carries it: nothing for Ukrainian."""
    return None if language() == NATIVE else language()


def in_language(texts: Mapping[str, str]) -> str:
    """A text of a questionnaire in the language being spoken, else in Ukrainian."""
    return texts.get(language()) or texts[NATIVE]


def told(message: str, params: Mapping[str, object] | None = None) -> str:
    """A message of the service in the reader's language."""
    return gettext(message) % (params or {})


def in_ukrainian() -> Markup:
    """The attribute that a name from the register carries on a page in another language."""
    return Markup("") if language() == NATIVE else Markup(' lang="uk"')
