"""Callers of the JSON door, without a network, held to what the door says of itself."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers

from feedback_service.access import api_keys
from feedback_service.database import transaction
from feedback_service.models import Centre
from feedback_service.vocabulary import SCOPES
from tests.support import story
from tests.support.environment import ROOT

OPENAPI_DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
ALL_SCOPES = SCOPES


@dataclass(frozen=True)
class Reply:
    """What came back; ``json`` is whatever JSON it was."""

    status_code: int
    headers: Headers
    mimetype: str
    text: str
    json: Any


def _close_objects(node: Any) -> Any:
    """The document with every object closed: what we send has no member that is not described."""
    if isinstance(node, dict):
        node = {name: _close_objects(member) for name, member in node.items()}
        if "properties" in node:
            node.setdefault("additionalProperties", False)
    return [_close_objects(member) for member in node] if isinstance(node, list) else node


STRICT_DOCUMENT = _close_objects(OPENAPI_DOCUMENT)


def find_described_path(path: str) -> str:
    """The path of the document that a real path belongs to."""
    parts = path.split("?")[0].split("/")
    for documented_path in STRICT_DOCUMENT["paths"]:
        pattern = documented_path.split("/")
        if len(pattern) == len(parts) and all(
            pattern_part == path_part or pattern_part.startswith("{")
            for pattern_part, path_part in zip(pattern, parts, strict=True)
        ):
            return str(documented_path)
    raise LookupError(path)


def assert_matches_openapi(method: str, path: str, reply: Reply) -> None:
    """The reply's status, type and shape are among those that the OpenAPI document promises."""
    documented_replies = STRICT_DOCUMENT["paths"][find_described_path(path)][method.lower()]["responses"]
    assert str(reply.status_code) in documented_replies, f"{method} {path} answered {reply.status_code}: {reply.text}"
    documented_headers = documented_replies[str(reply.status_code)].get("headers", {})
    given_headers = {name for name in ("Link", "Retry-After", "WWW-Authenticate") if name in reply.headers}
    assert given_headers <= documented_headers.keys(), f"{method} {path} says nothing of {given_headers}"
    content = documented_replies[str(reply.status_code)].get("content")
    if content is not None:
        [(media_type, description)] = content.items()
        assert reply.mimetype == media_type
        schema = {**description["schema"], "components": STRICT_DOCUMENT["components"]}
        errors = list(Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(reply.json))
        assert not errors, f"{method} {path}: {[f'{error.json_path} {error.message}' for error in errors]}"


@dataclass
class Caller:
    """Somebody with a key, or without."""

    client: FlaskClient
    key: str | None = None

    def send_request(self, method: str, path: str, **options: Any) -> Reply:
        """The reply, which keeps what the OpenAPI document promises."""
        headers = dict(options.pop("headers", {}))
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        test_response = self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)
        reply = Reply(
            test_response.status_code,
            test_response.headers,
            test_response.mimetype or "",
            test_response.text,
            test_response.get_json(silent=True),
        )
        assert_matches_openapi(method, f"/api/v1{path}", reply)
        return reply

    def get(self, path: str, **options: Any) -> Reply:
        """``GET``."""
        return self.send_request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        """``POST`` of a JSON value, or of nothing."""
        if body is not None:
            options["data"] = json.dumps(body)
            options.setdefault("content_type", "application/json")
        return self.send_request("POST", path, **options)


@transaction
def _create_key(tx: Session, scopes: tuple[str, ...], centres: tuple[str, ...]) -> str:
    return api_keys.add_api_key(tx, scopes, tx.scalars(select(Centre).where(Centre.code.in_(centres))).all())


@pytest.fixture
def centre(app: Flask) -> str:
    """A centre that serves people; its code."""
    with app.app_context():
        return story.create_centre()


NewCaller = Callable[..., Caller]


@pytest.fixture
def new_caller(app: Flask, centre: str) -> NewCaller:
    """``new_caller("cases:read", centres=("SN12000007",))`` has a key with these scopes; all when none is named."""

    def new_caller(*scopes: str, centres: tuple[str, ...] = (story.CENTRE,)) -> Caller:
        with app.app_context():
            return Caller(app.test_client(), _create_key(scopes or ALL_SCOPES, centres))

    return new_caller


@pytest.fixture
def case_system(new_caller: NewCaller) -> Caller:
    """A case system with every scope for the one centre."""
    return new_caller()


@pytest.fixture
def stranger(app: Flask) -> Caller:
    """Somebody without a key."""
    return Caller(app.test_client())


def make_case(**facts: Any) -> dict[str, Any]:
    """A completed case as a case system writes it down; say only what the test is about."""
    defaults: dict[str, Any] = {
        "centre": story.CENTRE,
        "case_number": "12-2026/000123",
        "service": {"code": "00034", "local_code": "14-13", "title": "Реєстрація місця проживання"},
        "front_office": "offline",
        "status": "completed",
        "status_at": "2026-11-20T10:15:00+02:00",
    }
    return defaults | facts


def token_of(case: Mapping[str, Any]) -> str:
    """The secret in the link of a registered case."""
    return str(case["invitation"]["url"]).rpartition("/")[2]


def error_pointers(reply: Reply) -> set[str]:
    """Which fields a refusal names."""
    assert reply.status_code == 422, reply.text
    return {error["pointer"] for error in reply.json["errors"]}
