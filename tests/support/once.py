"""What every new application makes again, and is the same each time: made once for all tests of a process.

Four fifths of the time that an application takes to start go into Werkzeug's builders of addresses, and a page's
first drawing is mostly Jinja's compiler. Neither depends on settings or on a database.
"""

from collections.abc import Callable
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

_builders: dict[object, Callable[..., Any]] = {}
_compile = Rule._compile_builder


def _kept(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), append_unknown)
    if key not in _builders:
        _builders[key] = _compile(rule, append_unknown)
    return _builders[key]


def keep_builders() -> None:
    """Rules of the same address share the function that builds it; Werkzeug binds it to each rule anew."""
    Rule._compile_builder = _kept  # type: ignore[assignment,method-assign]


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
