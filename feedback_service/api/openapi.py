"""The JSON door described by OpenAPI 3.1, from what is declared beside the views.

``python -m feedback_service.api FILE`` writes the document.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema
from marshmallow.fields import Field
from werkzeug.routing import Rule

from feedback_service import errors
from feedback_service.api.endpoint import COOKIE, TABLET, GuardedView, Operation
from feedback_service.api.fields import Choice, Uuid
from feedback_service.api.schemas import ProblemReply
from feedback_service.errors import N_, FeedbackError

PREFIX = "/api/v1"
KEY = "key"
SENT = "Request"  # how shapes end that callers send
JSON, PROBLEM = "application/json", "application/problem+json"
TAGS = {
    "cases": N_("Cases and invitations"),
    "surveys": N_("Surveys and answers"),
    "summaries": N_("Figures"),
    "kiosk": N_("Tablets in halls and at windows"),
    "deliveries": N_("Deliveries to the central monitoring system"),
    "docs": N_("This description"),
}
ABOUT = N_(
    "Case systems register cases and get invitations with QR codes; portals draw the survey themselves; reporting "
    "systems read figures. Unknown fields are refused. Instants are RFC 3339 with an offset, days are days in Kyiv."
)


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of the application's routes under ``/api/v1``; texts are English message ids."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        title="Vidhuk",
        version="1.0.0",
        openapi_version="3.1.0",
        info={"description": ABOUT},
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
        plugins=[plugin],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_words)
    spec.components.security_scheme(KEY, {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme(TABLET, {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme(f"{TABLET}_cookie", {"type": "apiKey", "in": "cookie", "name": COOKIE})
    for rule, operation in _routes(app):
        view = app.view_functions[rule.endpoint]
        described = _described(rule, operation) | {"operationId": view.__name__}
        for method in sorted(rule.methods or ()):
            if method not in ("HEAD", "OPTIONS"):
                spec.path(path=_path(rule), operations={method.lower(): described})
    written: dict[str, Any] = json.loads(json.dumps(spec.to_dict()))
    for name, shape in written["components"]["schemas"].items():
        if not name.endswith(SENT):
            del shape["additionalProperties"]  # what we tell may grow, and readers should not mind
    return written


def _routes(app: Flask) -> Iterator[tuple[Rule, Operation]]:
    """Declared routes in the order of the tags, then as they were written."""
    found = [
        (rule, view.operation)
        for rule in app.url_map.iter_rules()
        if isinstance(view := app.view_functions[rule.endpoint], GuardedView)
    ]
    order = list(TAGS)
    return iter(sorted(found, key=lambda each: order.index(_tag(each[0]))))


def _described(rule: Rule, operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tags": [_tag(rule)],
        "summary": operation.summary,
        "parameters": [
            *(_path_parameter(rule, name, about) for name, about in operation.path.items()),
            *([{"in": "query", "schema": operation.query}] if operation.query else []),
        ],
        "responses": {
            **{str(status): _reply(*gives) for status, gives in operation.gives.items()},
            **_refusals(rule, operation),
        },
        "security": _security(operation.needs),
    }
    if operation.note:
        told["description"] = operation.note
    if operation.takes:
        content: dict[str, Any] = {"schema": operation.takes}
        if operation.example:
            content["example"] = dict(operation.example)
        told["requestBody"] = {"required": True, "content": {JSON: content}}
    return told


def _security(needs: str | None) -> list[dict[str, list[str]]]:
    if needs == TABLET:
        return [{TABLET: []}, {f"{TABLET}_cookie": []}]
    return [{KEY: [needs]}] if needs else []


def _path_parameter(rule: Rule, name: str, about: str) -> dict[str, Any]:
    shape = {"type": "string"} | ({"format": "uuid"} if f"<uuid:{name}>" in rule.rule else {})
    return {"in": "path", "name": name, "required": True, "description": about, "schema": shape}


def _reply(about: str, shape: type[Schema] | None) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": shape}} if shape else {}
    return {"description": about} | ({"content": content} if content else {})


def _refusals(rule: Rule, operation: Operation) -> dict[str, Any]:
    """By status: what may be refused, in the words of the refusals' titles."""
    kinds: list[type[FeedbackError]] = [*operation.refuses, errors.Unavailable]
    if operation.needs:
        kinds += [errors.NotAuthenticated]
    if operation.needs not in (None, TABLET):
        kinds += [errors.NotAllowed]
    if operation.takes:
        kinds += [errors.Malformed, errors.TooLarge, errors.WrongMediaType]
    elif "GET" not in (rule.methods or ()):
        kinds += [errors.Malformed, errors.TooLarge]  # a body that is not asked for is looked at all the same
    kinds += [errors.Invalid]  # a parameter that nobody knows is refused everywhere
    titles: defaultdict[int, list[str]] = defaultdict(list)
    for kind in kinds:
        titles[kind.status].append(kind.title)
    content = {PROBLEM: {"schema": ProblemReply}}
    return {
        str(status): {"description": "; ".join(found), "content": content}
        for status, found in sorted(titles.items())
    }


def _words(_converter: Any, field: Field[Any], **_: Any) -> dict[str, Any]:
    """What apispec cannot know of our fields."""
    if isinstance(field, Choice) and field.allow_none and field.values:
        return {"enum": [*field.values, None]}
    return {"format": "uuid"} if isinstance(field, Uuid) else {}


def _name(schema: Any) -> str:
    name = str(getattr(schema, "__name__", type(schema).__name__))
    return re.sub("Schema$", SENT, re.sub("Reply$", "", name))


def _tag(rule: Rule) -> str:
    return str(rule.endpoint).split(".")[-2]


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
