"""What every new application makes again, and is the same each time: made once for all tests of a process.

Four fifths of the time that an application takes to start go into Werkzeug's compiler of addresses, a page's first
drawing is mostly Jinja's compiler, and half of a statement's first execution is SQLAlchemy's. None depends on settings.
"""

from types import CodeType
from typing import Any
from unittest.mock import patch

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Dialect, Engine
from sqlalchemy.engine.default import DefaultDialect
from werkzeug.routing import Rule

_compile = Rule.compile
_compiled: dict[object, dict[str, Any]] = {}
_statements: dict[Any, Any] = {}


def _like_the_first(rule: Rule) -> None:
    key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes)
    if key not in _compiled:
        before = dict(vars(rule))
        _compile(rule)
        _compiled[key] = {
            name: made for name, made in vars(rule).items() if before.get(name, ...) is not made
        }
        _compiled[key]["arguments"] = rule.arguments
    vars(rule).update(_compiled[key])


def keep_rules() -> None:
    """Rules of the same address are compiled once: what matches it, and what builds it."""
    patch.object(Rule, "compile", _like_the_first).start()


def keep_statements() -> None:
    """Databases of one kind share what SQLAlchemy worked out for it: a cache asks whether the dialects are equal."""

    def kind(dialect: Dialect) -> object:
        return type(dialect), dialect.paramstyle

    patch.object(DefaultDialect, "__eq__", lambda one, other: kind(one) == kind(other)).start()
    patch.object(DefaultDialect, "__hash__", lambda one: hash(kind(one))).start()


def share_statements(engine: Engine) -> None:
    """This database takes part."""
    engine.update_execution_options(compiled_cache=_statements)


class Templates(BytecodeCache):
    """Compiled templates, by their source."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What an earlier application compiled."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """What this one had to compile."""
        self._codes[bucket.key, bucket.checksum] = bucket.code
