"""What every page shares: the whole of it or a piece, and the headers that keep it private."""

import gzip
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request
from flask.globals import request_ctx
from werkzeug.datastructures import ImmutableMultiDict

from feedback_service.i18n import NATIVE
from kiosk_ui import assets
from kiosk_ui.languages import url_language

# Our own files only: no inline script or style, nobody frames us, forms go nowhere else.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {  # of every answer, see ``app``
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
VISIT_SOURCES = frozenset({"sms", "viber"})
MIN_COMPRESSED_BYTES = (
    4_000  # bytes; less goes in the first three packets anyway, and packing takes a tenth of a look
)
MAX_FORM_BYTES = 64 * 1024  # bytes
MAX_STAFF_FORM_BYTES = 2 * 1024 * 1024  # bytes, a file of services with it
MAX_FORM_FIELDS, MAX_STAFF_FORM_FIELDS = 1_000, 10_000  # a box for each centre of the country

bp = Blueprint("pages", __name__, template_folder="templates")


def register(app: Flask) -> None:
    """Pages know their assets, say what browsers may do with them, and travel compressed."""
    app.register_blueprint(bp)
    for name in assets.BUNDLES:
        assets.load_asset(name)  # a missing file is noticed at start-up, and workers share what was read
    app.jinja_env.globals |= {"asset_url": assets.asset_url, "current_url": current_url}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_limit_form)
    app.after_request(_compress)


def respond_with_page(template: str, status: int = 200, **context: Any) -> Response:
    """The whole page, or only its title and ``#page`` when htmx will put them in place.

    htmx also announces itself when it restores its history, but then it wants the whole page.
    """
    return respond(render(template, **context), status)


def render(template: str, **context: Any) -> str:
    """The same before it is a response."""
    return render_template(template, whole=wants_whole_page(), **context)


def wants_whole_page() -> bool:
    """Whether the browser wants all of the page, not only what htmx puts in place."""
    environ = request.environ  # a header that is not there costs an exception in request.headers
    return "HTTP_HX_REQUEST" not in environ or "HTTP_HX_HISTORY_RESTORE_REQUEST" in environ


def respond(html: str, status: int = 200) -> Response:
    """A page as it is sent."""
    response = make_response(html, status)
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
    return response


def current_path() -> str:
    """This page's path as addresses carry it."""
    return quote("/" + request.path.lstrip("/"))  # never //somewhere.else


def current_url(**changes: object) -> str:
    """This page's address with the language and the way the reader came, and with these changes."""
    return address(current_path(), **changes)


def address(path: str, **changes: object) -> str:
    """The address of the page at ``path`` with the language and the way the reader came, and with these changes."""
    kept = {"lang": url_language(), "via": source_of_visit()} | changes
    query = urlencode({name: value for name, value in kept.items() if value not in (None, NATIVE)})
    return f"{path}?{query}" if query else path


def source_of_visit() -> str | None:
    """How the reader came, as the link in a message says; whatever else an address may say counts for nothing."""
    source = request.args.get("via")
    return source if source in VISIT_SOURCES else None


def _limit_form() -> None:
    """A form that is too long is refused before it is read; the JSON door has limits of its own."""
    current_request = request_ctx.request  # each look at the proxy costs a search
    if current_request.path.startswith("/api/"):
        return
    is_staff_form = current_request.path.startswith("/admin/")
    current_request.max_content_length = MAX_STAFF_FORM_BYTES if is_staff_form else MAX_FORM_BYTES
    if "HTTP_TRANSFER_ENCODING" in current_request.environ:
        abort(411)  # in pieces it would be cut off at the limit without a word; no browser sends forms so
    if current_request.method == "POST" and current_request.mimetype == "application/x-www-form-urlencoded":
        try:  # Werkzeug would keep half a character as percent signs
            text, max_fields = (
                current_request.get_data().decode(),
                MAX_STAFF_FORM_FIELDS if is_staff_form else MAX_FORM_FIELDS,
            )
            fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=max_fields)
        except ValueError:
            abort(400)
        current_request.form, current_request.files = ImmutableMultiDict(fields), ImmutableMultiDict()


def _compress(response: Response) -> Response:
    """Compress a long page."""
    if (
        response.mimetype == "text/html"
        and not response.direct_passthrough
        and len(response.get_data()) > MIN_COMPRESSED_BYTES
        and response.content_encoding is None
        and request.accept_encodings["gzip"] > 0
    ):
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.content_encoding = "gzip"
        response.vary.add("Accept-Encoding")
    return response
