"""JSON Schemas turned into checks: as much of draft 2020-12 as the published schemas use, and no more."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any], str | None]  # what is wrong, beginning with a JSON pointer; None when nothing is

TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and value == int(value),
}
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
ABOUT = {"$schema", "$id", "title", "description", "examples"}  # these check nothing


def compiled(schema: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> Check:
    """The check that a schema asks for; ``others`` are the schemas it may refer to, by ``$id``.

    Raises ``ValueError`` for a keyword that would otherwise go unchecked.
    """
    return _Compiler(others).check(schema)


class _Compiler:
    def __init__(self, others: Mapping[str, Mapping[str, Any]]) -> None:
        self.others = others

    def check(self, schema: Mapping[str, Any]) -> Check:
        checks = []
        for keyword, asked in schema.items():
            if keyword in ABOUT or keyword in ("then", "properties"):
                continue  # part of "if", part of "additionalProperties" or below
            make = getattr(self, "_" + keyword.lstrip("$").lower(), None)
            if make is None:
                raise ValueError(f"the schema asks for {keyword}, which is not checked here")
            checks.append(make(asked, schema))
        if "properties" in schema:
            checks.append(self._members(schema["properties"]))
        return _all(checks)

    def _ref(self, name: str, _: object) -> Check:
        return self.check(self.others[name])

    def _type(self, names: str | list[str], _: object) -> Check:
        allowed = [TYPES[name] for name in ([names] if isinstance(names, str) else names)]
        words = names if isinstance(names, str) else " or ".join(names)
        return lambda value: None if any(is_it(value) for is_it in allowed) else f" is not {words}"

    def _enum(self, values: list[Any], _: object) -> Check:
        return lambda value: None if any(_same(value, each) for each in values) else " has no known value"

    def _const(self, only: Any, _: object) -> Check:
        return lambda value: None if _same(value, only) else f" is not {only}"

    def _pattern(self, pattern: str, _: object) -> Check:
        # Python's $ would let a line end pass.
        search = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern)).search
        return lambda value: " has another form" if isinstance(value, str) and not search(value) else None

    def _minlength(self, least: int, _: object) -> Check:
        return lambda value: " is too short" if isinstance(value, str) and len(value) < least else None

    def _maxlength(self, most: int, _: object) -> Check:
        return lambda value: " is too long" if isinstance(value, str) and len(value) > most else None

    def _minimum(self, least: int, _: object) -> Check:
        return lambda value: " is too small" if _is_number(value) and value < least else None

    def _maximum(self, most: int, _: object) -> Check:
        return lambda value: " is too large" if _is_number(value) and value > most else None

    def _format(self, name: str, _: object) -> Check:
        fits = FORMATS[name]
        return lambda value: f" is no {name}" if isinstance(value, str) and not fits(value) else None

    def _required(self, names: list[str], _: object) -> Check:
        def check(value: Any) -> str | None:
            if isinstance(value, dict):
                for name in names:
                    if name not in value:
                        return f"/{name} is missing"
            return None

        return check

    def _additionalproperties(self, allowed: bool, schema: Mapping[str, Any]) -> Check:
        if allowed is not False:
            raise ValueError("additionalProperties other than false are not checked here")
        known = set(schema["properties"])

        def check(value: Any) -> str | None:
            if isinstance(value, dict) and not value.keys() <= known:
                return f"/{min(value.keys() - known)} is unknown"
            return None

        return check

    def _members(self, properties: Mapping[str, Any]) -> Check:
        checks = [(name, self.check(schema)) for name, schema in properties.items()]

        def check(value: Any) -> str | None:
            if isinstance(value, dict):
                for name, each in checks:
                    if name in value and (fault := each(value[name])):
                        return f"/{name}{fault}"
            return None

        return check

    def _items(self, schema: Mapping[str, Any], _: object) -> Check:
        each = self.check(schema)

        def check(value: Any) -> str | None:
            if isinstance(value, list):
                for place, item in enumerate(value):
                    if fault := each(item):
                        return f"/{place}{fault}"
            return None

        return check

    def _uniqueitems(self, asked: bool, _: object) -> Check:
        def check(value: Any) -> str | None:
            twice = isinstance(value, list) and any(
                _same(item, other) for place, item in enumerate(value) for other in value[:place]
            )
            return " has something twice" if asked and twice else None

        return check

    def _anyof(self, schemas: list[Mapping[str, Any]], _: object) -> Check:
        checks = [self.check(schema) for schema in schemas]
        return lambda value: " fits nothing allowed" if all(check(value) for check in checks) else None

    def _allof(self, schemas: list[Mapping[str, Any]], _: object) -> Check:
        return _all([self.check(schema) for schema in schemas])

    def _not(self, schema: Mapping[str, Any], _: object) -> Check:
        unwanted = self.check(schema)
        return lambda value: None if unwanted(value) else " is not allowed"

    def _if(self, schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Check:
        applies, then = self.check(schema), self.check(whole["then"])
        return lambda value: None if applies(value) else then(value)


def _all(checks: list[Check]) -> Check:
    def check(value: Any) -> str | None:
        for each in checks:
            if fault := each(value):
                return fault
        return None

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _parses(form: re.Pattern[str], parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        if not form.fullmatch(value):
            return False
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return fits


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "uuid": lambda value: UUID.fullmatch(value) is not None,
    "date": _parses(DAY, date.fromisoformat),
    "date-time": _parses(INSTANT, lambda value: datetime.fromisoformat(value.upper())),
    "uri": _parses(re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+"), urlsplit),
}
