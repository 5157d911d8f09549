"""Public addresses of the service: on slips and posters, for case systems and tablets, in links for staff."""

from urllib.parse import urlsplit

from feedback_service.config import current_settings


def survey_address(token: str) -> str:
    """Return the address of the survey that an invitation opens."""
    return f"{current_settings().public_url}/S/{token}"


def picture_addresses(token: str) -> dict[str, str]:
    """Return the addresses of the pictures of an invitation's QR code, and of the slips to print."""
    files = {"svg": "qr.svg", "png": "qr.png", "slip_58": "slip-58.png", "slip_80": "slip-80.png"}
    return {name: f"{survey_address(token)}/{file}" for name, file in files.items()}


def hall_address(centre_code: str) -> str:
    """Return the address of a centre's survey without an invitation; the poster of the hall shows it."""
    return f"{current_settings().public_url}/C/{centre_code}"


def set_password_address(secret: str) -> str:
    """Return the address at which a user sets a password; the secret works once."""
    return f"{current_settings().public_url}/admin/set-password/{secret}"


def public_host() -> str:
    """Return the host as people read it, with its port unless that is the usual one."""
    return urlsplit(current_settings().public_url).netloc
