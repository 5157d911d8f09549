"""Which tests are fast, and which need PostgreSQL, Chromium or killed programs: a rule decides, not a list.

1. Tests in ``tests/browser`` need Chromium, tests in ``tests/faults`` kill programs.
2. A test needs PostgreSQL when a parameter of it is ``"postgresql"``, or when it has no such parameter, asks for
   a fresh database and names ``"postgresql"``.
3. A test is fast when it is none of these, its code starts no program, and it is not marked ``slow``.

A test's code is the test itself, the fixtures of its module, and what they name of ``tests``, however indirectly.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.support.environment import ROOT

PROGRAM_STARTERS = frozenset({"subprocess", "playwright", "tests.support.browser", "tests.support.server"})
BROWSER_FIXTURES = frozenset({"browser", "new_page", "page", "phone"})


def find_markers(item: pytest.Function) -> set[str]:
    """Return the names of the markers that the rule gives to this test."""
    markers = {"browser", "faults"} & {item.path.relative_to(ROOT / "tests").parts[0]}
    if BROWSER_FIXTURES & set(item.fixturenames):
        markers.add("browser")
    fixtures = [vars(item.module)[name] for name in item.fixturenames if name in vars(item.module)]
    reached = _find_reachable(item.function, *fixtures)
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else []
    databases = [value for value in parameters if value in ("sqlite", "postgresql")]
    if not databases and "fresh_database" in item.fixturenames:
        databases = list({"postgresql"} & reached)
    if "postgresql" in databases:
        markers.add("postgres")
    if markers or reached & PROGRAM_STARTERS or item.get_closest_marker("slow"):
        return markers
    return {"fast"}


@cache
def _find_reachable(*start: object) -> frozenset[str]:
    """Return the modules whose things this code names, and the texts in it, following what ``tests`` defines."""
    waiting, seen, reached = list[Any](start), set[int](), set[str]()
    while waiting:
        thing = inspect.unwrap(waiting.pop())
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        module = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
        if not isinstance(module, str):
            continue
        reached |= {module, module.partition(".")[0]}
        if not module.startswith("tests."):
            continue
        if isinstance(thing, type):
            waiting += [*thing.__bases__, *vars(thing).values()]
        elif isinstance(thing, FunctionType):
            for code in _nested_code(thing.__code__):
                reached.update(text for text in code.co_consts if isinstance(text, str))
                waiting += [thing.__globals__[name] for name in code.co_names if name in thing.__globals__]
    return frozenset(reached)


def _nested_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested_code(constant)
