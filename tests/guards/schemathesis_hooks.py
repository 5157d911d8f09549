"""What schemathesis learns of the service: live tokens, the centre, and refusals that no OpenAPI document can express.

schemathesis loads this module by its configuration, ``schemathesis.toml``.
"""

import itertools
import os
import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from feedback_service.api.deliveries import BAD_CURSOR
from feedback_service.api.fields import NOT_AN_INSTANT, YEAR_OUT_OF_RANGE
from feedback_service.api.tablet_schemas import NOT_A_COUNT
from feedback_service.plain_text import BLANK, NOT_A_LINE, ODD_CHARACTER
from feedback_service.surveys.answers import UNKNOWN_QUESTION
from feedback_service.vocabulary import STATE_CENTRE_CODE

# Refusals (422) of what the OpenAPI document allows, each with the reason why the document cannot be stricter.
REFUSALS_BEYOND_THE_DOCUMENT = {
    BAD_CURSOR: "a cursor is opaque: only those that a page gave are right",
    YEAR_OUT_OF_RANGE: "the formats date and date-time know no range",
    NOT_AN_INSTANT: "the format date-time allows a leap second, which no clock here has",
    "This instant has not come yet.": "the document knows no clock",
    "This day has not come yet.": "the document knows no clock",
    "This day is more than a year ago.": "the document knows no clock",
    "The first day comes after the last.": "the document cannot compare two parameters",
    UNKNOWN_QUESTION: "the document knows no questionnaire, because they are dated data",
    "Please answer at least one question.": "a comment of spaces is no answer",
    ODD_CHARACTER: "Unicode says which characters are invisible; a pattern would list thousands",
    NOT_A_LINE: "text is cleaned before it is judged, and a pattern would judge it as it was sent",
    BLANK: "text is cleaned before it is judged, and a pattern would judge it as it was sent",
    NOT_A_COUNT: "in JSON Schema 1.0 is an integer",
}
_EXPECTED_DETAILS = [
    re.compile(re.sub(r"%\\\((\w+)\\\)[ds]", r".+", re.escape(message))) for message in REFUSALS_BEYOND_THE_DOCUMENT
]

_centre = os.environ["CENTRE"]
_tokens = itertools.cycle(os.environ["TOKENS"].split(","))


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Name a centre that exists, and a survey that may still be open: by chance neither would ever be met."""
    if "token" in case.path_parameters:
        case.path_parameters["token"] = next(_tokens)
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("centre"), str):
        body["centre"] = re.sub(f"^({STATE_CENTRE_CODE})$", _centre, str(body["centre"]))


@schemathesis.check
def refuses_only_what_the_document_forbids(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """A body or query that the OpenAPI document allows is refused for a listed reason only."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    details = [error["detail"] for error in response.json()["errors"]]
    unexpected = [detail for detail in details if not any(known.fullmatch(detail) for known in _EXPECTED_DETAILS)]
    assert not unexpected, f"{case.operation.label} refuses what the OpenAPI document allows: {unexpected}"
