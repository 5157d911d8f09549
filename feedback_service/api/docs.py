"""The door described for people: the API page, a page for each kind of refusal, the schemas of events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from feedback_service.access.roles import SCOPE_LABELS
from feedback_service.api import openapi
from feedback_service.api.endpoint import Call, Operation, operation
from feedback_service.api.json_reply import json_response
from feedback_service.api.problems import EXPLANATIONS, problem_types
from feedback_service.api.schemas import SurveyQuery
from feedback_service.config import current_settings
from feedback_service.errors import N_, NotFound
from feedback_service.i18n import NATIVE

SCHEMAS = Path(__file__).parents[1] / "delivery" / "schemas"
STYLE = Path(__file__).parent / "static" / "docs.css"
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

bp = Blueprint("docs", __name__, template_folder="templates")
beside = Blueprint("beside", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A field or a parameter, as a line of a table."""

    name: str
    shape: str
    needed: bool
    about: str
    words: tuple[str, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    note: str
    scope: str | None
    parameters: tuple[Row, ...]
    fields: tuple[Row, ...]
    example: str
    gives: tuple[tuple[str, str], ...]
    reply: tuple[Row, ...]
    refuses: tuple[str, ...]


@bp.get("/openapi.json")
@operation(
    Operation(
        needs=None, summary=N_("This description as OpenAPI 3.1"), gives={200: (N_("The document."), None)}
    )
)
def read_openapi(call: Call) -> Response:
    """The OpenAPI document."""
    return json_response(_document())


@bp.get("/docs")
@operation(
    Operation(
        needs=None,
        summary=N_("This description as a page"),
        query=SurveyQuery,
        gives={200: (N_("The page."), None)},
    )
)
def read_docs(call: Call) -> Response:
    """The page that describes the API."""
    document = _document()
    parts = [
        (tag["name"], tag["description"], tuple(_entries(document, tag["name"]))) for tag in document["tags"]
    ]
    return _page(
        "docs", call.query["lang"], parts=parts, scopes=SCOPE_LABELS, kinds=_refusals(), about=openapi.ABOUT
    )


@beside.get("/docs.css")
def read_style() -> Response:
    """The style of these pages."""
    return Response(STYLE.read_bytes(), content_type="text/css; charset=utf-8")


@beside.get("/problems/<slug>")
def read_problem(slug: str) -> Response:
    """What a kind of refusal means: where its ``type`` leads."""
    found = {kind[0]: kind for kind in _refusals()}.get(slug)
    if found is None:
        raise NotFound()
    return _page("problem", _language(), kind=found)


@beside.get("/schemas/<name>.json")
def read_schema(name: str) -> ResponseReturnValue:
    """A JSON Schema of what the central system receives; an event's ``dataschema`` leads here."""
    if name not in published():
        raise NotFound()
    return Response((SCHEMAS / f"{name}.json").read_bytes(), content_type="application/schema+json")


@cache
def published() -> frozenset[str]:
    """The names of all JSON Schemas of events."""
    return frozenset(file.stem for file in SCHEMAS.glob("*.json"))


def _document() -> dict[str, Any]:
    """The OpenAPI document, made once: it cannot change while the program runs."""
    kept = current_app.extensions
    if "openapi" not in kept:
        kept["openapi"] = openapi.document(current_app)
    made: dict[str, Any] = kept["openapi"]
    return made


def _page(template: str, language: str, **shown: Any) -> Response:
    with force_locale(language):
        response = make_response(
            render_template(
                f"api/{template}.html",
                language=language,
                languages=current_settings().languages,
                public_url=current_settings().public_url,
                **shown,
            )
        )
    response.headers["Content-Security-Policy"] = POLICY
    response.content_language = [language]
    return response


def _language() -> str:
    wanted = request.args.get("lang", NATIVE)
    return wanted if wanted in current_settings().languages else NATIVE


def _refusals() -> list[tuple[str, int, str, str]]:
    """Every kind of refusal that has a page: slug, status, title, what it means."""
    found = (
        (slug, kind.status, kind.title, EXPLANATIONS[slug])
        for slug, kind in problem_types().items()
        if slug in EXPLANATIONS
    )
    return sorted(found, key=lambda kind: (kind[1], kind[0]))


def _entries(document: dict[str, Any], tag: str) -> Iterator[Entry]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if tag not in told["tags"]:
                continue
            body = told.get("requestBody", {}).get("content", {}).get(openapi.JSON, {})
            replies = [(status, answer) for status, answer in told["responses"].items()]
            shapes = [
                a["content"][openapi.JSON]["schema"]
                for _, a in replies
                if openapi.JSON in a.get("content", {})
            ]
            fine = [(status, answer["description"]) for status, answer in replies if status < "400"]
            yield Entry(
                id=told["operationId"],
                method=method.upper(),
                path=path,
                summary=told["summary"],
                note=told.get("description", ""),
                scope=next((each[openapi.KEY][0] for each in told["security"] if openapi.KEY in each), None),
                parameters=tuple(_row(p["name"], p["schema"] | p, p["required"]) for p in told["parameters"]),
                fields=tuple(_rows(document, body["schema"])) if body else (),
                example=json.dumps(body["example"], ensure_ascii=False, indent=2)
                if "example" in body
                else "",
                gives=tuple(fine),
                reply=tuple(_rows(document, shapes[0])) if shapes else (),
                refuses=tuple(status for status, _ in replies if status >= "400"),
            )


def _rows(document: dict[str, Any], shape: dict[str, Any], place: str = "") -> Iterator[Row]:
    """The fields of an object, those of objects within it after their parent: ``service.code``, ``items[].id``."""
    found = _resolved(document, shape)
    for name, member in found.get("properties", {}).items():
        whole = _resolved(document, member)
        yield _row(place + name, whole, name in found.get("required", ()))
        if whole.get("type") == "array":
            yield from _rows(document, whole["items"], f"{place}{name}[].")
        else:
            yield from _rows(document, whole, f"{place}{name}.")


def _resolved(document: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    for one in (shape, *shape.get("anyOf", ()), *shape.get("allOf", ())):
        if "$ref" in one:
            found: dict[str, Any] = document["components"]["schemas"][one["$ref"].rpartition("/")[2]]
            return found
    return shape


def _row(name: str, shape: dict[str, Any], needed: bool) -> Row:
    kind = shape.get("type", "")
    types = [each for each in (kind if isinstance(kind, list) else [kind]) if each != "null"]
    words = tuple(str(word) for word in shape.get("enum", ()) if word is not None)
    return Row(
        name=name,
        shape=shape.get("format") or " ".join(types),
        needed=needed,
        about=shape.get("description", ""),
        words=words,
        example=str(next(iter(shape.get("examples", ())), "")),
    )
