"""Cookies of the administration: one carries the session, one proves a known browser (``access.known_browsers``)."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from feedback_service.access.known_browsers import PROOF_PERIOD
from feedback_service.config import current_settings


def cookie_name() -> str:
    """Return the name of the session's cookie.

    Over HTTPS its prefix proves that no other host and no page outside has set it.
    """
    return "__Host-vidhuk" if _is_https() else "vidhuk"


def browser_cookie_name() -> str:
    """Return the name of the cookie that proves a known browser."""
    return f"{cookie_name()}-browser"


def read_browser_proof() -> str:
    """Return the proof that the browser sent; empty without one."""
    return request.cookies.get(browser_cookie_name(), "")


def set_session_cookie(response: Response, token: str, proof: str | None = None) -> Response:
    """Let the browser keep the session until it is closed, and the proof, if there is one, for half a year."""
    response.set_cookie(cookie_name(), token, **_cookie_attributes())
    return set_browser_cookie(response, proof) if proof else response


def set_browser_cookie(response: Response, proof: str) -> Response:
    """Let the browser keep the proof. No page needs it but the sign-in, so no link from elsewhere takes it along."""
    attributes = _cookie_attributes() | {"samesite": "Strict", "max_age": PROOF_PERIOD}
    response.set_cookie(browser_cookie_name(), proof, **attributes)
    return response


def delete_session_cookie(response: Response) -> Response:
    """Let the browser delete the cookie."""
    response.delete_cookie(cookie_name(), **_cookie_attributes())
    return response


def _cookie_attributes() -> dict[str, Any]:
    path = "/" if _is_https() else "/admin"  # the prefix __Host- demands the whole host
    return {"secure": _is_https(), "httponly": True, "samesite": "Lax", "path": path}


def _is_https() -> bool:
    return current_settings().public_url.startswith("https:")
