"""Pages that are rendered once and filled in for each reader: rendering takes most of the time of a page view."""

import secrets
from collections.abc import Callable, Hashable
from functools import lru_cache

from flask import Response, request
from markupsafe import escape

from feedback_service.i18n import current_language
from kiosk_ui.languages import available_languages
from kiosk_ui.pages import current_path, respond, source_of_visit, wants_whole_page

_PLACEHOLDER_SECRET = secrets.token_hex(16)  # random, so that no stored name can look like a placeholder
_PATH = f"/path-{_PLACEHOLDER_SECRET}"


def make_placeholder(name: str) -> str:
    """Return what stands in a cached page where each reader gets a text of their own."""
    return f"{name}-{_PLACEHOLDER_SECRET}"


def respond_with_cached_page(
    render: Callable[..., str], *arguments: Hashable, status: int = 200, **placeholders: str
) -> Response:
    """Respond with the page that ``render`` makes of the arguments, with the placeholders filled in.

    ``render`` runs once for the same arguments, so it must depend on nothing else. Its first argument is a
    placeholder for the path of the page. The texts of the placeholders are escaped unless they are ``Markup``.
    """
    # What the HTML of every page depends on besides its own arguments.
    reader = (current_language(), available_languages(), source_of_visit(), request.script_root, wants_whole_page())
    html = _render_with_placeholders(render, reader, arguments).replace(_PATH, current_path())
    for name, text in placeholders.items():
        html = html.replace(make_placeholder(name), escape(text))
    return respond(html, status)


@lru_cache(maxsize=256)
def _render_with_placeholders(render: Callable[..., str], reader: Hashable, arguments: tuple[Hashable, ...]) -> str:
    return render(_PATH, *arguments)
