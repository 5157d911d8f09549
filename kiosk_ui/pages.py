"""What all pages share: rendering a whole page or a part, security headers, limits of forms, compression."""

import gzip
import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request
from flask.globals import request_ctx
from werkzeug.datastructures import ImmutableMultiDict

from feedback_service.i18n import NATIVE
from kiosk_ui import assets
from kiosk_ui.languages import url_language

# Only our own files are loaded: no inline script or style. No other site can frame a page or receive its forms.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {  # ``app`` adds them to every response
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_SOURCE_OF_VISIT = re.compile(r"[\W_]*(sms|viber)[\W_]*")  # with what a message glues to its link
# A smaller page fits in the first three packets anyway, and compression takes a tenth of the time of a page view.
MIN_COMPRESSED_BYTES = 4_000
MAX_FORM_BYTES = 64 * 1024
MAX_STAFF_FORM_BYTES = 2 * 1024 * 1024  # includes a file of services
MAX_FORM_FIELDS, MAX_STAFF_FORM_FIELDS = 1_000, 10_000  # a check box for each centre of the country

bp = Blueprint("pages", __name__, template_folder="templates")


def register(app: Flask) -> None:
    """Set up templates, limits of forms and compression."""
    app.register_blueprint(bp)
    for name in assets.BUNDLES:
        assets.load_asset(name)  # a missing file fails at start-up, and forked workers share the files
    app.jinja_env.globals |= {"asset_url": assets.asset_url, "current_url": current_url}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_limit_form)
    app.after_request(_compress)


def respond_with_page(template: str, status: int = 200, **context: Any) -> Response:
    """Respond with the whole page, or with only its title and ``#page`` if htmx asks and will replace those.

    htmx also sends its header when it restores its history, but then it needs the whole page.
    """
    return respond(render(template, **context), status)


def render(template: str, **context: Any) -> str:
    """Render the whole page, or the part that htmx replaces."""
    return render_template(template, whole=wants_whole_page(), **context)


def wants_whole_page() -> bool:
    """Whether the browser needs the whole page, not only the part that htmx replaces."""
    environ = request.environ  # request.headers would raise and catch an exception for a missing header
    return "HTTP_HX_REQUEST" not in environ or "HTTP_HX_HISTORY_RESTORE_REQUEST" in environ


def respond(html: str, status: int = 200) -> Response:
    """Make a response of a rendered page."""
    response = make_response(html, status)
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
    return response


def current_path() -> str:
    """Return the path of this page, quoted for an address."""
    return quote("/" + request.path.lstrip("/"))  # two slashes would lead to another host


def current_url(**changes: object) -> str:
    """Return the address of this page with its language and ``via``, and with these changes."""
    return address(current_path(), **changes)


def address(path: str, **changes: object) -> str:
    """Return the address of the page at ``path`` with the present language and ``via``, and with these changes."""
    arguments = {"lang": url_language(), "via": source_of_visit()} | changes
    query = urlencode({name: value for name, value in arguments.items() if value not in (None, NATIVE)})
    return f"{path}?{query}" if query else path


def source_of_visit() -> str | None:
    """Return by which kind of message the reader got the link, ``None`` for anything unknown.

    That is ``?via=``, also in capitals, as the whole address may be.
    """
    via = next((value for name, value in request.args.items() if name.casefold() == "via"), "")
    source = _SOURCE_OF_VISIT.fullmatch(via.casefold())
    return source[1] if source else None


def _limit_form() -> None:
    """Refuse a query with a NUL, and a form that is too long or broken. The API has its own limits."""
    current_request = request_ctx.request  # the proxy ``request`` looks it up at every use
    if current_request.path.startswith("/api/"):
        return
    if "%00" in current_request.environ["QUERY_STRING"]:
        abort(400)  # PostgreSQL stores no such character, and nobody types it
    is_staff_form = current_request.path.startswith("/admin/")
    current_request.max_content_length = MAX_STAFF_FORM_BYTES if is_staff_form else MAX_FORM_BYTES
    if "HTTP_TRANSFER_ENCODING" in current_request.environ:
        abort(411)  # Werkzeug would silently cut a chunked form at the limit; no browser sends one
    if current_request.method == "POST" and current_request.mimetype == "application/x-www-form-urlencoded":
        try:  # Werkzeug would accept broken UTF-8
            text = current_request.get_data().decode()
            max_fields = MAX_STAFF_FORM_FIELDS if is_staff_form else MAX_FORM_FIELDS
            fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=max_fields)
        except ValueError:
            abort(400)
        current_request.form, current_request.files = ImmutableMultiDict(fields), ImmutableMultiDict()


def _compress(response: Response) -> Response:
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
