"""One declaration beside each view: who may call it, what it takes and gives. It guards, reads and documents.

A view without a declaration cannot be registered, see ``door``: forgetting the guard is noticed at start-up.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, update_wrapper
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError
from werkzeug.datastructures import MultiDict

from feedback_service.access.api_keys import ApiCaller
from feedback_service.api import request_body
from feedback_service.api.fields import ListField, collect_field_errors, json_pointer
from feedback_service.errors import N_, FeedbackError, FieldError, Invalid, NotAllowed, NotAuthenticated
from feedback_service.flow import api_keys, tablet_pairing
from feedback_service.tablets.devices import AuthenticatedTablet

View = Callable[..., ResponseReturnValue]  # its first argument is a ``Call``

TWICE = N_("Give this parameter once.")
TABLET = "tablet"  # what an operation needs that a tablet's own key opens, and no scope
COOKIE = "vidhuk_tablet"
UNKNOWN_PARAMETER = N_("There is no such parameter.")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a caller may know of a view; ``needs`` is a scope, ``TABLET``, or ``None`` where anybody may call.

    ``gives`` maps a status to what it means and to the shape of the reply (``None`` where it is no JSON).
    ``note`` is for integrators, a sentence or two; ``example`` is a body that works.
    """

    needs: str | None
    summary: str
    note: str = ""
    query: type[Schema] | None = None
    takes: type[Schema] | None = None
    longest: int = request_body.MAX_BODY_BYTES
    gives: Mapping[int, tuple[str, type[Schema] | None]] = field(default_factory=dict)
    refuses: tuple[type[FeedbackError], ...] = ()
    example: Mapping[str, Any] | None = None
    path: Mapping[str, str] = field(default_factory=dict)  # what the parts of the address are


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls, and what the query and the body say, checked."""

    caller: ApiCaller | AuthenticatedTablet | None
    query: Mapping[str, Any]
    body: Any  # whatever the declared schema loads

    @property
    def centres(self) -> frozenset[str]:
        """The centres that the caller's key is for."""
        assert isinstance(self.caller, ApiCaller)
        return self.caller.centres

    @property
    def tablet(self) -> AuthenticatedTablet:
        """The tablet that calls."""
        assert isinstance(self.caller, AuthenticatedTablet)
        return self.caller


class GuardedView:
    """A view of the JSON door with its declaration: it runs only for who may call it, with what was read."""

    def __init__(self, operation: Operation, view: View) -> None:
        self.operation = operation
        self._view = view
        update_wrapper(self, view)

    def __call__(self, **parts: Any) -> ResponseReturnValue:
        """What the view answers.

        The key, the scope, the query and the body are looked at in this order. Raises ``NotAuthenticated``,
        ``NotAllowed``, ``Invalid``, and what ``body.read`` raises.
        """
        return self._view(_admit(self.operation), **parts)


def operation(declared: Operation) -> Callable[[View], GuardedView]:
    """Declare the view, and let nobody in who may not call it. The view gets the ``Call`` and the address's parts."""
    return lambda view: GuardedView(declared, view)


def _admit(operation: Operation) -> Call:
    caller: ApiCaller | AuthenticatedTablet | None = None
    if operation.needs == TABLET:
        caller = _tablet()
    elif operation.needs is not None:
        caller = _holder(operation.needs)
        api_keys.record_key_use(caller)  # writes, also when the call only reads, but once a day at most
    query = _query(operation.query, request.args)
    given = None
    if operation.takes is not None:
        given = load(operation.takes, request_body.read_json(operation.longest))
    elif request.method not in ("GET", "HEAD"):
        request_body.read_empty_body()
    return Call(caller=caller, query=query, body=given)


def load(schema: type[Schema], members: Any) -> Any:
    """What the schema makes of a JSON value; ``Invalid`` names everything at fault."""
    try:
        return _made(schema).load(members)
    except ValidationError as error:
        raise Invalid(collect_field_errors(error)) from None


@cache
def _made(schema: type[Schema]) -> Schema:
    """The schema, made once and shared by all threads: its fields keep nothing of what they read."""
    return schema()


def _bearer() -> str | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _tablet() -> AuthenticatedTablet:
    """The tablet by its key, or by the cookie that keeps the key from scripts; it is sent by our own pages only."""
    holder = tablet_pairing.find_tablet(_bearer() or request.cookies.get(COOKIE, ""))
    if holder is None:
        raise NotAuthenticated()
    return holder


def _holder(needs: str) -> ApiCaller:
    secret = _bearer()
    holder = api_keys.find_caller(secret) if secret is not None else None
    if holder is None:
        raise NotAuthenticated()
    if needs not in holder.scopes:
        raise NotAllowed(N_("This needs a key with the scope %(scope)s."), scope=needs)
    return holder


def _query(schema: type[Schema] | None, sent: MultiDict[str, str]) -> dict[str, Any]:
    known = _made(schema).fields if schema is not None else {}
    repeats = {field.data_key or name for name, field in known.items() if isinstance(field, ListField)}
    names = {field.data_key or name for name, field in known.items()}
    wrong = list(_misused(sent, names, repeats))
    values: dict[str, Any] = {
        name: sent.getlist(name) if name in repeats else sent[name] for name in sent if name in names
    }
    if schema is not None:
        try:
            read: dict[str, Any] = _made(schema).load(values)
        except ValidationError as error:
            wrong += collect_field_errors(error)
    if wrong:
        raise Invalid(wrong)
    return read if schema is not None else {}


def _misused(sent: MultiDict[str, str], names: set[str], repeats: set[str]) -> Iterator[FieldError]:
    for name in sent:
        if name not in names:
            yield FieldError(json_pointer(name), UNKNOWN_PARAMETER)
        elif name not in repeats and len(sent.getlist(name)) > 1:
            yield FieldError(json_pointer(name), TWICE)
