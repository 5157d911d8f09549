"""The files of the tablet's page: the shell, the service worker that keeps it without a network, the app manifest.

All three are the same for every tablet. Its script reads from the API which tablet it is and what it asks.
"""

import hashlib
import json
from functools import lru_cache

from flask import Blueprint, Response, render_template, url_for
from flask_babel import force_locale

from feedback_service.config import current_settings
from feedback_service.i18n import NATIVE, own_name
from feedback_service.tablets.screen_texts import translate_texts
from kiosk_ui import assets
from kiosk_ui.pages import CONTENT_SECURITY_POLICY

bp = Blueprint("kiosk", __name__, template_folder="templates")

SCRIPT, STYLE, WORKER = "kiosk.js", "kiosk.css", "kiosk-worker.js"
MANIFEST_TYPE = "application/manifest+json"
TABLET_POLICY = f"{CONTENT_SECURITY_POLICY}; worker-src 'self'; manifest-src 'self'"


@bp.get("/kiosk", strict_slashes=False)
@bp.get("/kiosk/", strict_slashes=False)
def shell() -> Response:
    """Send the page in which the script draws every screen."""
    languages = current_settings().languages
    html = _render_shell(languages, shell_version(languages))
    return Response(html, headers={"Content-Security-Policy": TABLET_POLICY})


@bp.get("/kiosk/worker.js")
def worker() -> Response:
    """Send the service worker with the files that it keeps, and the type of each. A changed file changes the worker."""
    files = {assets.asset_url(name): assets.load_asset(name).content_type for name in (SCRIPT, STYLE, "icon.svg")}
    files |= {"/kiosk": "text/html", manifest_url(): MANIFEST_TYPE}
    types = {address: content_type.partition(";")[0] for address, content_type in files.items()}
    worker_constants = json.dumps({"version": shell_version(current_settings().languages), "files": types})
    response = Response(f"const SHELL = {worker_constants};\n".encode() + assets.load_asset(WORKER).body)
    response.content_type = assets.CONTENT_TYPES["js"]
    response.headers["Service-Worker-Allowed"] = "/kiosk"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = TABLET_POLICY
    return response


@bp.get("/kiosk/manifest.webmanifest")
def manifest() -> Response:
    """Send the manifest with which a device installs the page as an app without the browser around it."""
    return Response(_render_manifest(), content_type=MANIFEST_TYPE)


def manifest_url() -> str:
    """Return the address of the manifest. It changes with the content, as those of the other files do."""
    return url_for("kiosk.manifest", v=hashlib.sha256(_render_manifest().encode()).hexdigest()[:12])


def _render_manifest() -> str:
    manifest_fields = {
        "name": translate_texts("uk")["title"],
        "short_name": "Відгук",
        "lang": "uk",
        "start_url": "/kiosk",
        "scope": "/kiosk",
        "display": "fullscreen",
        "icons": [{"src": assets.asset_url("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return json.dumps(manifest_fields, ensure_ascii=False)


@lru_cache(maxsize=8)
def shell_version(languages: tuple[str, ...]) -> str:
    """Return the version of the shell. It changes with any of the files, the texts of the page and its policy."""
    parts = [assets.load_asset(name).version for name in (SCRIPT, STYLE, WORKER, "icon.svg")]
    parts += [_render_shell(languages, ""), _render_manifest(), TABLET_POLICY]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


@lru_cache(maxsize=8)
def _render_shell(languages: tuple[str, ...], version: str) -> str:
    with force_locale(NATIVE):  # the page is cached for everybody, so it must not depend on who asks first
        return render_template(
            "kiosk/shell.html",
            version=version,
            manifest_url=manifest_url(),
            texts={language: translate_texts(language) for language in languages},
            names={language: own_name(language) for language in languages},
        )
