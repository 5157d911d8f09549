"""What every page shares: the whole of it or a piece, and the headers that keep it private."""

import gzip
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request
from flask.globals import request_ctx
from werkzeug.datastructures import ImmutableMultiDict

from feedback_service.i18n import NATIVE
from kiosk_ui import assets
from kiosk_ui.languages import spoken

# Our own files only: no inline script or style, nobody frames us, forms go nowhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {  # of every answer, see ``app``
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
WAYS = frozenset({"sms", "viber"})
WORTH_PACKING = (
    4_000  # bytes; less goes in the first three packets anyway, and packing takes a tenth of a look
)
LONGEST_FORM = 64 * 1024  # bytes
LONGEST_FORM_OF_STAFF = 2 * 1024 * 1024  # bytes, a file of services with it
MOST_FIELDS, MOST_FIELDS_OF_STAFF = 1_000, 10_000  # a box for each centre of the country

bp = Blueprint("pages", __name__, template_folder="templates")


def register(app: Flask) -> None:
    """Pages know their assets, say what browsers may do with them, and travel compressed."""
    app.register_blueprint(bp)
    for name in assets.BUNDLES:
        assets.asset(name)  # a missing file is noticed at start-up, and workers share what was read
    app.jinja_env.globals |= {"asset": assets.address, "here": here}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_limit)
    app.after_request(_pack)


def page(template: str, status: int = 200, **context: Any) -> Response:
    """The whole page, or only its title and ``#page`` when htmx will put them in place.

    htmx also announces itself when it restores its history, but then it wants the whole page.
    """
    return reply(drawn(template, **context), status)


def drawn(template: str, **context: Any) -> str:
    """The same before it is a response."""
    return render_template(template, whole=asks_for_whole(), **context)


def asks_for_whole() -> bool:
    """Whether the browser wants all of the page, not only what htmx puts in place."""
    asks = request.environ  # a header that is not there costs an exception in request.headers
    return "HTTP_HX_REQUEST" not in asks or "HTTP_HX_HISTORY_RESTORE_REQUEST" in asks


def reply(html: str, status: int = 200) -> Response:
    """A page as it is sent."""
    response = make_response(html, status)
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
    return response


def path() -> str:
    """This page's path as addresses carry it."""
    return quote("/" + request.path.lstrip("/"))  # never //somewhere.else


def here(**changes: object) -> str:
    """This page's address with the language and the way the reader came, and with these changes."""
    return address(path(), **changes)


def address(path: str, **changes: object) -> str:
    """The address of the page at ``path`` with the language and the way the reader came, and with these changes."""
    kept = {"lang": spoken(), "via": way()} | changes
    query = urlencode({name: value for name, value in kept.items() if value not in (None, NATIVE)})
    return f"{path}?{query}" if query else path


def way() -> str | None:
    """How the reader came, as the link in a message says; whatever else an address may say counts for nothing."""
    said = request.args.get("via")
    return said if said in WAYS else None


def _limit() -> None:
    """A form that is too long is refused before it is read; the JSON door has limits of its own."""
    asked = request_ctx.request  # each look at the proxy costs a search
    if asked.path.startswith("/api/"):
        return
    of_staff = asked.path.startswith("/admin/")
    asked.max_content_length = LONGEST_FORM_OF_STAFF if of_staff else LONGEST_FORM
    if "HTTP_TRANSFER_ENCODING" in asked.environ:
        abort(411)  # in pieces it would be cut off at the limit without a word; no browser sends forms so
    if asked.method == "POST" and asked.mimetype == "application/x-www-form-urlencoded":
        try:  # Werkzeug would keep half a character as percent signs
            text, most = asked.get_data().decode(), MOST_FIELDS_OF_STAFF if of_staff else MOST_FIELDS
            fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=most)
        except ValueError:
            abort(400)
        asked.form, asked.files = ImmutableMultiDict(fields), ImmutableMultiDict()


def _pack(response: Response) -> Response:
    """Compress a long page."""
    if (
        response.mimetype == "text/html"
        and not response.direct_passthrough
        and len(response.get_data()) > WORTH_PACKING
        and response.content_encoding is None
        and request.accept_encodings["gzip"] > 0
    ):
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.content_encoding = "gzip"
        response.vary.add("Accept-Encoding")
    return response
