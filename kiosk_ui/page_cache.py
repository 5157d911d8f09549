"""Pages drawn once and filled in for each reader: a template takes most of the time that a look at a survey takes."""

import secrets
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import NamedTuple

from flask import Response, request
from markupsafe import escape

from feedback_service.i18n import current_language
from kiosk_ui.languages import available_languages
from kiosk_ui.pages import current_path, respond, source_of_visit, wants_whole_page

_PLACEHOLDER_SECRET = secrets.token_hex(16)  # so that no name in the register can look like a blank


_PATH = f"/path-{_PLACEHOLDER_SECRET}"


class _ReaderContext(NamedTuple):
    """What every page depends on beside its own facts."""

    language: str
    languages: tuple[str, ...]
    via: str | None
    script_root: str
    whole_page: bool


def make_placeholder(name: str) -> str:
    """What stands in a prepared page where each reader gets something else."""
    return f"{name}-{_PLACEHOLDER_SECRET}"


def respond_with_cached_page(
    render: Callable[..., str], *arguments: Hashable, **placeholders: str
) -> Response:
    """The page that ``draw`` makes of the facts, with its blanks filled in; texts are escaped, Markup is not.

    ``draw`` runs once for the same facts, so it must look at nothing else. Its first argument stands for the page's
    own path.
    """
    reader = _ReaderContext(
        current_language(), available_languages(), source_of_visit(), request.script_root, wants_whole_page()
    )
    html = _render_with_placeholders(render, reader, arguments).replace(_PATH, current_path())
    for name, text in placeholders.items():
        html = html.replace(make_placeholder(name), escape(text))
    return respond(html)


@lru_cache(maxsize=256)
def _render_with_placeholders(
    render: Callable[..., str], reader: _ReaderContext, arguments: tuple[Hashable, ...]
) -> str:
    return render(_PATH, *arguments)
