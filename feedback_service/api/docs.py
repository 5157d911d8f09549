"""The pages that describe the API to people: the API page, a page for each problem type, the schemas of events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from feedback_service.access.roles import KEY_SCOPE_LABELS
from feedback_service.api import openapi
from feedback_service.api.endpoint import Call, Operation
from feedback_service.api.json_reply import json_response
from feedback_service.api.openapi import KEY_SCHEME
from feedback_service.api.problems import EXPLANATIONS, problem_types
from feedback_service.api.receiver import SCHEMAS
from feedback_service.api.schemas import DocsQuery
from feedback_service.config import current_settings
from feedback_service.errors import N_, NotFound
from feedback_service.i18n import choose_accepted_language

STYLE = Path(__file__).parent / "static" / "docs.css"
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

bp = Blueprint("docs", __name__, template_folder="templates")
documents_bp = Blueprint("beside", __name__)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field or a parameter as a row of a table."""

    name: str
    kind: str
    is_required: bool
    description: str
    values: tuple[str, ...]
    example: str


@bp.get("/openapi.json")
@Operation(needs=None, summary=N_("This description as OpenAPI 3.1"), gives={200: (N_("The document."), None)})
def read_openapi(call: Call) -> Response:
    """The OpenAPI document."""
    return json_response(_get_document())


@bp.get("/docs")
@Operation(needs=None, summary=N_("This description as a page"), query=DocsQuery, gives={200: (N_("The page."), None)})
def read_docs(call: Call) -> Response:
    """The page that describes the API."""
    document = _get_document()
    sections = [
        (tag["name"], tag["description"], tuple(_list_operations(document, tag["name"]))) for tag in document["tags"]
    ]
    return _render_page(
        "docs",
        sections=sections,
        scopes=KEY_SCOPE_LABELS,
        kinds=_list_problem_types(),
        about=openapi.DESCRIPTION,
    )


@documents_bp.get("/docs.css")
def read_style() -> Response:
    """The style of these pages."""
    return Response(STYLE.read_bytes(), content_type="text/css; charset=utf-8")


@documents_bp.get("/problems/<slug>")
def read_problem(slug: str) -> Response:
    """The page about a problem type, to which the ``type`` of a refusal leads."""
    for problem_type in _list_problem_types():
        if problem_type[0] == slug:
            return _render_page("problem", kind=problem_type)
    raise NotFound()


@documents_bp.get("/schemas/<name>.json")
def read_schema(name: str) -> ResponseReturnValue:
    """A JSON Schema of an event's data; the ``dataschema`` of an event leads here."""
    if name not in {file.stem for file in SCHEMAS.glob("*.json")}:
        raise NotFound()
    return Response((SCHEMAS / f"{name}.json").read_bytes(), content_type="application/schema+json")


def _get_document() -> dict[str, Any]:
    """The OpenAPI document. It is built once, because it cannot change while the program runs."""
    extensions = current_app.extensions
    if "openapi" not in extensions:
        extensions["openapi"] = openapi.build_document(current_app)
    openapi_document: dict[str, Any] = extensions["openapi"]
    return openapi_document


def _render_page(template: str, **variables: Any) -> Response:
    language = _choose_language()
    with force_locale(language):
        page = render_template(f"api/{template}.html", language=language, settings=current_settings(), **variables)
    response = Response(page)
    response.headers["Content-Security-Policy"] = POLICY
    response.content_language = [language]
    response.vary.add("Accept-Language")
    return response


def _choose_language() -> str:
    """Return the language that ``?lang=`` names, else the one that the browser prefers."""
    asked, languages = request.args.get("lang"), current_settings().languages
    return asked if asked in languages else choose_accepted_language(request.accept_languages, languages)


def _list_problem_types() -> list[tuple[str, int, str, str]]:
    """Every problem type that has a page: slug, status, title, explanation; ordered by status and slug."""
    rows = (
        (slug, error_type.status, error_type.title, EXPLANATIONS[slug])
        for slug, error_type in problem_types().items()
        if slug in EXPLANATIONS
    )
    return sorted(rows, key=lambda row: (row[1], row[0]))


def _list_operations(document: dict[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    """Each operation under the tag as the document describes it, and what the page shows besides."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if tag not in described["tags"]:
                continue
            body = described.get("requestBody", {}).get("content", {}).get(openapi.JSON, {})
            replies = [reply.get("content", {}).get(openapi.JSON) for reply in described["responses"].values()]
            reply_schemas = [reply["schema"] for reply in replies if reply]
            scopes = [scheme[KEY_SCHEME][0] for scheme in described["security"] if KEY_SCHEME in scheme]
            yield described | {
                "method": method.upper(),
                "path": path,
                "scope": scopes[0] if scopes else None,
                "parameters": [
                    _make_row(parameter["name"], parameter["schema"] | parameter, parameter["required"])
                    for parameter in described["parameters"]
                ],
                "fields": list(_list_fields(document, body.get("schema", {}))),
                "example": json.dumps(body["example"], ensure_ascii=False, indent=2) if "example" in body else "",
                "reply_fields": list(_list_fields(document, reply_schemas[0])) if reply_schemas else [],
            }


def _list_fields(document: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[FieldRow]:
    """The fields of an object; those of an object in it follow their parent: ``service.code``, ``items[].id``."""
    resolved = _resolve_reference(document, schema)
    for name, member in resolved.get("properties", {}).items():
        member_schema = _resolve_reference(document, member)
        yield _make_row(prefix + name, member_schema, name in resolved.get("required", ()))
        if member_schema.get("type") == "array":
            yield from _list_fields(document, member_schema["items"], f"{prefix}{name}[].")
        else:
            yield from _list_fields(document, member_schema, f"{prefix}{name}.")


def _resolve_reference(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that this one refers to, or the schema itself."""
    for candidate in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
        if "$ref" in candidate:
            schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
            return schemas[candidate["$ref"].rpartition("/")[2]]
    return schema


def _make_row(name: str, schema: dict[str, Any], is_required: bool) -> FieldRow:
    type_names = schema.get("type", "")
    kinds = [kind for kind in (type_names if isinstance(type_names, list) else [type_names]) if kind != "null"]
    return FieldRow(
        name=name,
        kind=schema.get("format") or " ".join(kinds),
        is_required=is_required,
        description=schema.get("description", ""),
        values=tuple(str(value) for value in schema.get("enum", ()) if value is not None),
        example=str(next(iter(schema.get("examples", ())), "")),
    )
