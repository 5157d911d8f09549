"""Reading JSON as strictly as it was meant: what two readers could understand differently is refused."""

import json
import re
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from feedback_service.errors import N_, Invalid, Malformed, TooLarge, WrongMediaType

KIB = 1024
LONGEST = 64 * KIB
LONGEST_BATCH = 2048 * KIB

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
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        message = N_("The body is not JSON: look at line %(line)d, column %(column)d.")
        raise Malformed(message, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise Malformed(N_("The body is nested too deeply.")) from None
    except ValueError:  # whole numbers of more than 4300 digits
        raise Malformed(N_("A number in the body is too long.")) from None


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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Malformed(N_("A name occurs twice in one object."))
    return members


def _constant(_: str) -> NoReturn:
    raise Malformed(N_("NaN and Infinity are not JSON."))


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Malformed(N_("A number in the body is too long."))
    return number
