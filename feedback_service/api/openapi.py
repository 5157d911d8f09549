"""Builds the OpenAPI 3.1 document of the API from the declarations of its views.

``python -m feedback_service.api FILE`` writes the document.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema
from marshmallow.fields import Field, Url
from werkzeug.routing import Rule

from feedback_service import errors
from feedback_service.api import receiver
from feedback_service.api.endpoint import COOKIE, TABLET, GuardedView, Operation
from feedback_service.api.fields import Choice, Uuid
from feedback_service.api.schemas import ProblemReply
from feedback_service.errors import N_, FeedbackError

KEY_SCHEME = "key"
REQUEST_SUFFIX = "Request"  # of the names of request schemas
EXAMPLES = Path(__file__).with_name("examples.json")  # of bodies, by the name of the operation
JSON, PROBLEM = "application/json", "application/problem+json"
_RETRY_AFTER = {"Retry-After": "After how many seconds to send the request again."}
REFUSAL_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "“Bearer”: the kind of key that is needed (RFC 6750)."},
    403: {"WWW-Authenticate": "“Bearer” with the scope that the key lacks (RFC 6750)."},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
TAGS = {
    "cases": N_("Cases and invitations"),
    "surveys": N_("Surveys and answers"),
    "summaries": N_("Figures"),
    "kiosk": N_("Tablets in halls and at windows"),
    "deliveries": N_("Deliveries to the central monitoring system"),
    "docs": N_("This description"),
}
DESCRIPTION = N_(
    "Case systems register cases and get invitations with QR codes; portals draw the survey themselves; reporting "
    "systems read figures. Unknown fields are refused. Instants are RFC 3339 with an offset, days are days in Kyiv."
)


def build_document(app: Flask) -> dict[str, Any]:
    """Build the OpenAPI document of the routes under ``/api/v1``; its texts are English message ids."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title="Vidhuk",
        version="1.0.0",
        openapi_version="3.1.0",
        info={"description": DESCRIPTION},
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": description} for name, description in TAGS.items()],
        plugins=[plugin],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_describe_field)
    spec.components.security_scheme(KEY_SCHEME, {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme(TABLET, {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme(f"{TABLET}_cookie", {"type": "apiKey", "in": "cookie", "name": COOKIE})
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    for rule, operation in _list_routes(app):
        [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        name = app.view_functions[rule.endpoint].__name__
        described_operation = _describe_operation(rule, operation, examples.get(name)) | {"operationId": name}
        spec.path(path=_openapi_path(rule), operations={method.lower(): described_operation})
    openapi_document: dict[str, Any] = json.loads(json.dumps(spec.to_dict()))
    openapi_document["webhooks"] = {"events": {"post": receiver.describe_events_request()}}
    openapi_document["components"]["schemas"] |= receiver.describe_schemas()
    for name, schema in openapi_document["components"]["schemas"].items():
        if not name.endswith(REQUEST_SUFFIX):
            schema.pop("additionalProperties", None)  # what callers get may have more members later
    return openapi_document


def _list_routes(app: Flask) -> list[tuple[Rule, Operation]]:
    """Return the declared routes, ordered by tag and then as they stand in the code."""
    routes = [
        (rule, view.operation)
        for rule in app.url_map.iter_rules()
        if isinstance(view := app.view_functions[rule.endpoint], GuardedView)
    ]
    return sorted(routes, key=lambda route: list(TAGS).index(_tag_of(route[0])))


def _describe_operation(rule: Rule, operation: Operation, example: Any) -> dict[str, Any]:
    description: dict[str, Any] = {
        "tags": [_tag_of(rule)],
        "summary": operation.summary,
        "parameters": [
            *(_describe_path_parameter(rule, name, meaning) for name, meaning in operation.path.items()),
            {"in": "query", "schema": operation.query},
        ],
        "responses": {
            **{
                str(status): _describe_reply(*reply) | _describe_headers(operation.headers)
                for status, reply in operation.gives.items()
            },
            **_describe_refusals(rule, operation),
        },
        "security": _describe_security(operation.needs),
    }
    if operation.note:
        description["description"] = operation.note
    if operation.takes:
        content: dict[str, Any] = {"schema": operation.takes}
        if example:
            content["example"] = example
        description["requestBody"] = {"required": True, "content": {JSON: content}}
    return description


def _describe_security(needs: str | None) -> list[dict[str, list[str]]]:
    if needs == TABLET:
        return [{TABLET: []}, {f"{TABLET}_cookie": []}]
    return [{KEY_SCHEME: [needs]}] if needs else []


def _describe_path_parameter(rule: Rule, name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"} | ({"format": "uuid"} if f"<uuid:{name}>" in rule.rule else {})
    return {"in": "path", "name": name, "required": True, "description": description, "schema": schema}


def _describe_reply(description: str, schema: type[Schema] | None) -> dict[str, Any]:
    return {"description": description} | ({"content": {JSON: {"schema": schema}}} if schema else {})


def _describe_refusals(rule: Rule, operation: Operation) -> dict[str, Any]:
    """Describe the possible refusals by status; the titles of the errors are the description."""
    error_types: list[type[FeedbackError]] = [*operation.refuses, FeedbackError, errors.Unavailable]
    if operation.needs:
        error_types += [errors.NotAuthenticated]
    if operation.needs not in (None, TABLET):
        error_types += [errors.NotAllowed]
    if operation.takes:
        error_types += [errors.Malformed, errors.TooLarge, errors.WrongMediaType]
    elif "GET" not in (rule.methods or ()):
        error_types += [errors.Malformed, errors.TooLarge]  # a body is checked even if none is expected
    error_types += [errors.Invalid]  # every operation refuses unknown parameters
    titles: defaultdict[int, list[str]] = defaultdict(list)
    for error_type in error_types:
        titles[error_type.status].append(error_type.title)
    content = {PROBLEM: {"schema": ProblemReply}}
    return {
        str(status): {"description": "; ".join(status_titles), "content": content}
        | _describe_headers(REFUSAL_HEADERS.get(status, {}))
        for status, status_titles in sorted(titles.items())
    }


def _describe_headers(meanings: Mapping[str, str]) -> dict[str, Any]:
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in meanings.items()}
    return {"headers": headers} if headers else {}


def _describe_field(_converter: Any, field: Field[Any], **_: Any) -> dict[str, Any]:
    """Return what apispec cannot know of our fields."""
    if isinstance(field, Choice) and field.allow_none and field.values:
        return {"enum": [*field.values, None]}
    if isinstance(field, Url):
        return {"format": "uri"}  # apispec says "url", which is no registered format
    return {"format": "uuid"} if isinstance(field, Uuid) else {}


def _schema_name(schema: Any) -> str:
    name = str(getattr(schema, "__name__", type(schema).__name__))
    return re.sub("Schema$", REQUEST_SUFFIX, re.sub("Reply$", "", name))


def _tag_of(rule: Rule) -> str:
    return str(rule.endpoint).split(".")[-2]


def _openapi_path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
