"""The cookie that carries a session of the administration."""

from flask import Response

from feedback_service.config import current_settings


def cookie_name() -> str:
    """What the cookie is called; over https no other host and no page outside can have set it."""
    return "__Host-vidhuk" if _secure() else "vidhuk"


def remember(response: Response, token: str) -> Response:
    """The browser keeps the session until it is closed."""
    response.set_cookie(
        cookie_name(),
        token,
        secure=_secure(),
        httponly=True,
        samesite="Lax",
        path="/" if _secure() else "/admin",
    )
    return response


def forget(response: Response) -> Response:
    """The browser keeps it no more."""
    response.delete_cookie(
        cookie_name(), secure=_secure(), httponly=True, samesite="Lax", path="/" if _secure() else "/admin"
    )
    return response


def _secure() -> bool:
    return current_settings().public_url.startswith("https:")
