"""The declaration of an endpoint: who may call it, what it takes and gives. It authenticates, parses and documents.

A view without a declaration cannot be registered (see ``blueprint``), so nobody can forget it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError
from werkzeug.datastructures import MultiDict

from feedback_service.access.api_keys import ApiCaller
from feedback_service.api import request_body
from feedback_service.api.fields import ListField, StrictSchema, collect_field_errors, shared_schema
from feedback_service.errors import N_, FeedbackError, FieldError, Invalid, NotAllowed, NotAuthenticated, json_pointer
from feedback_service.flow import api_keys, tablet_pairing
from feedback_service.tablets.devices import AuthenticatedTablet

View = Callable[..., ResponseReturnValue]  # its first argument is a ``Call``

GIVEN_TWICE = N_("Give this parameter once.")
TABLET = "tablet"  # the value of ``needs`` for what a tablet calls with its own key, without a scope
COOKIE = "vidhuk_tablet"
UNKNOWN_PARAMETER = N_("There is no such parameter.")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The declaration of a view, and its decorator.

    ``needs`` is a scope, ``TABLET``, or ``None`` if anybody may call. ``takes`` is the schema of the body, of
    at most ``max_bytes``. ``gives`` maps a status to its meaning and the schema of the reply (``None`` if it is not
    JSON). ``headers`` says what headers of such a reply mean. ``refuses`` lists the errors of the story. ``note`` is
    a sentence or two for integrators; ``path`` says what each variable part of the address means. An example of the
    body stands in ``examples.json``.
    """

    needs: str | None
    summary: str
    note: str = ""
    query: type[Schema] = StrictSchema  # without parameters
    takes: type[Schema] | None = None
    max_bytes: int = request_body.MAX_BODY_BYTES
    gives: Mapping[int, tuple[str, type[Schema] | None]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    refuses: tuple[type[FeedbackError], ...] = ()
    path: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, view: View) -> "GuardedView":
        """Guard the view, as a decorator; it gets the ``Call`` and the variable parts of the address."""
        return GuardedView(self, view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call to a view: the authenticated caller, and the checked query and body."""

    caller: ApiCaller | AuthenticatedTablet | None
    query: Mapping[str, Any]
    body: Any  # what the declared schema made of it

    @property
    def system(self) -> ApiCaller:
        """The system that calls with an API key."""
        assert isinstance(self.caller, ApiCaller)
        return self.caller

    @property
    def centres(self) -> frozenset[str]:
        """The centres that the caller's key is for."""
        return self.system.centres

    @property
    def tablet(self) -> AuthenticatedTablet:
        """The tablet that calls."""
        assert isinstance(self.caller, AuthenticatedTablet)
        return self.caller


class GuardedView:
    """A view with its declaration: it runs only for callers who may call it, with the parsed ``Call``."""

    def __init__(self, operation: Operation, view: View) -> None:
        self.operation = operation
        self._view = view
        update_wrapper(self, view)

    def __call__(self, **parts: Any) -> ResponseReturnValue:
        """Check the key, the scope, the query and the body in this order, and then call the view.

        Raises ``NotAuthenticated``, ``NotAllowed``, ``Invalid``, and the errors of ``request_body.read_json``.
        """
        return self._view(_authenticate_and_parse(self.operation), **parts)


def _authenticate_and_parse(operation: Operation) -> Call:
    caller: ApiCaller | AuthenticatedTablet | None = None
    if operation.needs == TABLET:
        caller = _authenticate_tablet()
    elif operation.needs is not None:
        caller = _authenticate_caller(operation.needs)
    query = _parse_query(operation.query, request.args)
    body = None
    if operation.takes is not None:
        body = parse_body(operation.takes, request_body.read_json(operation.max_bytes))
    elif request.method not in ("GET", "HEAD"):
        request_body.read_empty_body()
    if isinstance(caller, ApiCaller):  # a refused request is no use of the key, and need not write
        api_keys.record_key_use(caller)  # at most one write a day
    return Call(caller=caller, query=query, body=body)


def parse_body(schema: type[Schema], value: Any) -> Any:
    """Return what the schema makes of a JSON value; raise ``Invalid`` naming every fault."""
    try:
        return shared_schema(schema).load(value)
    except ValidationError as error:
        raise Invalid(collect_field_errors(error)) from None


def parse_item(schema: type[Schema], value: Any) -> Any:
    """Return what the schema makes of one item of many, or the refusal that names every fault."""
    try:
        return parse_body(schema, value)
    except Invalid as refusal:
        return refusal


def _read_bearer_secret() -> str | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _authenticate_tablet() -> AuthenticatedTablet:
    """Find the tablet by its key, or by the cookie in which a browser keeps the key out of reach of scripts."""
    tablet = tablet_pairing.find_tablet(_read_bearer_secret() or request.cookies.get(COOKIE, ""))
    if tablet is None:
        raise NotAuthenticated()
    return tablet


def _authenticate_caller(scope: str) -> ApiCaller:
    secret = _read_bearer_secret()
    caller = api_keys.find_caller(secret) if secret is not None else None
    if caller is None:
        raise NotAuthenticated()
    if scope not in caller.scopes:
        raise NotAllowed(N_("This needs a key with the scope %(scope)s."), scope=scope)
    return caller


def _parse_query(schema: type[Schema], parameters: MultiDict[str, str]) -> dict[str, Any]:
    declared = {field.data_key or name: field for name, field in shared_schema(schema).fields.items()}
    values: dict[str, str | list[str]] = {}
    errors: list[FieldError] = []
    for name, given in parameters.lists():
        if name not in declared:
            errors.append(FieldError(json_pointer(name), UNKNOWN_PARAMETER))
        elif isinstance(declared[name], ListField):
            values[name] = given
        else:
            values[name] = given[0]
            if len(given) > 1:
                errors.append(FieldError(json_pointer(name), GIVEN_TWICE))
    try:
        query: dict[str, Any] = shared_schema(schema).load(values)
    except ValidationError as error:
        errors += collect_field_errors(error)
    if errors:
        raise Invalid(errors)
    return query
