"""Reading JSON as strictly as it was meant: what two readers could understand differently is refused."""

import re
from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from feedback_service.documents import NotJson, Why, strict_json
from feedback_service.errors import N_, Invalid, Malformed, TooLarge, WrongMediaType

KIB = 1024
LONGEST = 64 * KIB
LONGEST_BATCH = 2048 * KIB

_NOT_JSON: Mapping[Why, str] = {
    "syntax": N_("The body is not JSON: look at line %(line)d, column %(column)d."),
    "depth": N_("The body is nested too deeply."),
    "repeated": N_("A name occurs twice in one object."),
    "constant": N_("NaN and Infinity are not JSON."),
    "number": N_("A number in the body is too long."),
}
_JSON = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?', re.IGNORECASE)


def read(longest: int = LONGEST) -> Any:
    """The request's JSON value. Raises ``TooLarge`` before reading on, ``WrongMediaType``, ``Malformed``."""
    sent = _sent(longest)
    if not _JSON.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise WrongMediaType()
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongMediaType()
    return parse(sent)


def read_nothing() -> None:
    """Nothing was sent, or an empty object, as some clients cannot help doing; else as ``read``, or ``Invalid``."""
    sent = _sent(LONGEST)
    if sent and parse(sent) != {}:
        raise Invalid.field("", N_("Nothing needs to be sent here."))


def parse(sent: bytes) -> Any:
    """The JSON value of these bytes; ``Malformed`` for anything that RFC 8259 leaves to chance."""
    try:
        text = sent.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(N_("The body is not UTF-8.")) from None
    if not text.strip():
        raise Malformed(N_("The body is empty."))
    try:
        return strict_json(text)
    except NotJson as wrong:
        where = {"line": wrong.line, "column": wrong.column} if wrong.why == "syntax" else {}
        raise Malformed(_NOT_JSON[wrong.why], **where) from None


def _sent(longest: int) -> bytes:
    request.max_content_length = longest + 1  # a body in pieces is cut off there without a word
    try:
        sent = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge() from None
    except ClientDisconnected:
        raise Malformed(N_("The body broke off.")) from None
    if len(sent) > longest:
        raise TooLarge()
    return sent
