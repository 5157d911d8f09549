"""The cookie that carries a session of the administration."""

from typing import Any

from werkzeug.wrappers import Response

from feedback_service.config import current_settings


def cookie_name() -> str:
    """Return the name of the cookie. Over HTTPS its prefix proves that no other host and no page outside has set it."""
    return "__Host-vidhuk" if _is_https() else "vidhuk"


def set_session_cookie(response: Response, token: str) -> Response:
    """Let the browser keep the session until it is closed."""
    response.set_cookie(cookie_name(), token, **_cookie_attributes())
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
