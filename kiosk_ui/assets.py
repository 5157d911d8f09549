"""Style sheets and scripts: read once, sent compressed, cached by browsers for a year.

The address carries a hash of the content, so a changed file has a new address and browsers never use an old copy.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, request, url_for

STATIC = Path(__file__).parent / "static"

# The files of which each asset is made, so that a page needs one request for all of them.
BUNDLES = {
    "survey.css": ("tokens.css", "base.css", "survey.css"),
    "public.css": ("tokens.css", "base.css", "public.css"),
    "admin.css": ("tokens.css", "base.css", "admin.css", "reading.css", "charts.css", "figures.css"),
    "poster.css": ("tokens.css", "base.css", "poster.css"),
    "survey.js": ("vendor/htmx-4.0.1.min.js", "survey.js"),
    "kiosk.css": ("tokens.css", "kiosk.css"),
    "kiosk.js": ("kiosk-queue.js", "kiosk-screens.js", "kiosk.js"),
    "kiosk-worker.js": ("kiosk-queue.js", "kiosk-worker.js"),
    "icon.svg": ("icon.svg",),
}
CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

bp = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset as it is sent."""

    body: bytes
    compressed: bytes
    version: str
    content_type: str


@cache
def load_asset(name: str) -> Asset:
    """Return the asset with this name. Raises ``KeyError`` if there is none."""
    body = b"\n".join((STATIC / file_name).read_bytes() for file_name in BUNDLES[name])
    return Asset(
        body,
        gzip.compress(body, 9, mtime=0),
        hashlib.sha256(body).hexdigest()[:12],
        CONTENT_TYPES[name.rpartition(".")[2]],
    )


def asset_url(name: str) -> str:
    """Return the address of the asset. It changes with the content."""
    return url_for("assets.send", name=name, v=load_asset(name).version)


@bp.get("/assets/<name>")
def send(name: str) -> Response:
    """Send the asset, compressed if the browser accepts that."""
    if name not in BUNDLES:
        abort(404)
    asset = load_asset(name)
    accepts_gzip = request.accept_encodings["gzip"] > 0
    response = Response(asset.compressed if accepts_gzip else asset.body, content_type=asset.content_type)
    if accepts_gzip:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(asset.version + ("-gzip" if accepts_gzip else ""))
    is_current_version = request.args.get("v") == asset.version
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_current_version else "no-cache"
    response.make_conditional(request)
    return response


@bp.get("/favicon.ico")
def icon() -> Response:
    """Send the icon to browsers that ask for it without reading a page."""
    return send("icon.svg")
