"""Reads the body of a request as strict JSON: what two readers could understand differently is refused."""

import re
from collections.abc import Mapping
from typing import Any

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from feedback_service.errors import N_, Invalid, Malformed, TooLarge, WrongMediaType
from feedback_service.strict_json import NotJson, NotJsonReason, parse_strict_json

KIB = 1024
MAX_BODY_BYTES = 64 * KIB
MAX_BATCH_BYTES = 2048 * KIB

_NOT_JSON_MESSAGES: Mapping[NotJsonReason, str] = {
    "syntax": N_("The body is not JSON: look at line %(line)d, column %(column)d."),
    "depth": N_("The body is nested too deeply."),
    "repeated": N_("A name occurs twice in one object."),
    "constant": N_("NaN and Infinity are not JSON."),
    "number": N_("A number in the body is too long."),
}
_JSON_TYPE = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?', re.IGNORECASE)


def read_json(max_bytes: int = MAX_BODY_BYTES) -> Any:
    """Return the JSON value of the body.

    Raises ``TooLarge`` without reading more than ``max_bytes``, ``WrongMediaType``, ``Malformed``.
    """
    data = _read_bytes(max_bytes)
    if not _JSON_TYPE.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise WrongMediaType()
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongMediaType()
    return parse_json(data)


def read_empty_body() -> None:
    """Check that the body is empty or an empty object, which some clients always send.

    Raises ``Invalid`` for any other content, ``TooLarge`` and ``Malformed``.
    """
    data = _read_bytes(MAX_BODY_BYTES)
    if data and parse_json(data) != {}:
        raise Invalid.for_field("", N_("Nothing needs to be sent here."))


def parse_json(data: bytes) -> Any:
    """Return the JSON value of these bytes; raise ``Malformed`` for anything that RFC 8259 leaves undefined."""
    try:
        text = data.decode("utf-8-sig")  # some programs begin with a byte order mark, which RFC 8259 lets us ignore
    except UnicodeDecodeError:
        raise Malformed(N_("The body is not UTF-8.")) from None
    if not text.strip():
        raise Malformed(N_("The body is empty."))
    try:
        return parse_strict_json(text)
    except NotJson as error:
        position = {"line": error.line, "column": error.column} if error.reason == "syntax" else {}
        raise Malformed(_NOT_JSON_MESSAGES[error.reason], **position) from None


def _read_bytes(max_bytes: int) -> bytes:
    request.max_content_length = max_bytes + 1  # a chunked body is cut off there silently
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge() from None
    except ClientDisconnected:
        raise Malformed(N_("The body broke off.")) from None
    except ParseException:  # gunicorn reads the chunks of a body only when we ask for them
        raise Malformed(N_("The body is not divided into chunks as HTTP/1.1 requires.")) from None
    if len(data) > max_bytes:
        raise TooLarge()
    return data
