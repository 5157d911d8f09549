"""Pages drawn once and filled in for each reader: a template takes most of the time that a look at a survey takes."""

import secrets
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import NamedTuple

from flask import Response, request
from markupsafe import escape

from feedback_service.i18n import language
from kiosk_ui.languages import offered
from kiosk_ui.pages import asks_for_whole, path, reply, way

_SECRET = secrets.token_hex(16)  # so that no name in the register can look like a blank


_PATH = f"/path-{_SECRET}"


class _Frame(NamedTuple):
    """What every page depends on beside its own facts."""

    language: str
    languages: tuple[str, ...]
    via: str | None
    root: str
    whole: bool


def blank(name: str) -> str:
    """What stands in a prepared page where each reader gets something else."""
    return f"{name}-{_SECRET}"


def prepared(draw: Callable[..., str], *facts: Hashable, **blanks: str) -> Response:
    """The page that ``draw`` makes of the facts, with its blanks filled in; texts are escaped, Markup is not.

    ``draw`` runs once for the same facts, so it must look at nothing else. Its first argument stands for the page's
    own path.
    """
    frame = _Frame(language(), offered(), way(), request.script_root, asks_for_whole())
    page = _draw(draw, frame, facts).replace(_PATH, path())
    for name, text in blanks.items():
        page = page.replace(blank(name), escape(text))
    return reply(page)


@lru_cache(maxsize=256)
def _draw(draw: Callable[..., str], frame: _Frame, facts: tuple[Hashable, ...]) -> str:
    return draw(_PATH, *facts)
