"""Checks values by the published JSON Schemas (draft 2020-12): ``jsonschema`` finds the error, this module words it.

A fault names the place and what is wrong with it, never the value: a value may be what a person wrote.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Check = Callable[[Any], str | None]  # what is wrong, beginning with a JSON pointer; None when nothing is

FAULTS = {
    "pattern": "has another form",
    "minLength": "is too short",
    "maxLength": "is too long",
    "minItems": "is too short",
    "maxItems": "is too long",
    "minimum": "is too small",
    "maximum": "is too large",
    "enum": "has no known value",
    "uniqueItems": "has something twice",
    "anyOf": "fits nothing allowed",
    "not": "is not allowed",
}
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")

# The library checks these two formats only with further packages.
FORMATS = FormatChecker(formats=("date", "uuid"))


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(value: object) -> bool:
    """Whether a text is a date and time with its offset (RFC 3339); what is no text is not judged."""
    if not isinstance(value, str):
        return True
    return INSTANT.fullmatch(value) is not None and bool(datetime.fromisoformat(value.upper()))


@FORMATS.checks("uri", raises=ValueError)
def is_absolute_uri(value: object) -> bool:
    """Whether a text is an address with its scheme (RFC 3986); what is no text is not judged."""
    if not isinstance(value, str):
        return True
    return ABSOLUTE_URI.fullmatch(value) is not None and bool(urlsplit(value))


def check_pattern(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    """The keyword ``pattern``, in which ``$`` is the end of the text: Python's would let a line end pass."""
    if isinstance(value, str) and not re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), value):
        yield ValidationError("has another form")


Validator = extend(Draft202012Validator, {"pattern": check_pattern})


def compiled(schema: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> Check:
    """Make the check of a schema; ``others`` are the schemas it may refer to, by ``$id``.

    Raises ``jsonschema.SchemaError`` for a schema that is none itself.
    """
    for each in (schema, *others.values()):
        Validator.check_schema(each)
    # A schema that names its own draft would be judged by the library's class, not by the one above.
    registry: Registry[Any] = Registry().with_resources(
        (name, DRAFT202012.create_resource({key: each[key] for key in each if key != "$schema"}))
        for name, each in others.items()
    )
    validator = Validator(schema, registry=registry, format_checker=FORMATS)

    def check(value: Any) -> str | None:
        error = next(validator.iter_errors(value), None)
        return None if error is None else worded(error)

    return check


def worded(error: ValidationError) -> str:
    """A fault as a JSON pointer and what is wrong there."""
    place = "".join(f"/{name}" for name in error.absolute_path)
    keyword, schema = str(error.validator), cast(dict[str, Any], error.schema)
    asked, value = cast(Any, error.validator_value), cast(Any, error.instance)
    match keyword:
        case "required":
            return f"{place}/{next(name for name in asked if name not in value)} is missing"
        case "additionalProperties":
            return f"{place}/{min(value.keys() - schema['properties'].keys())} is unknown"
        case "type":
            return f"{place} is not {asked if isinstance(asked, str) else ' or '.join(asked)}"
        case "const":
            return f"{place} is not {asked}"
        case "format":
            return f"{place} is no {asked}"
    return f"{place} {FAULTS.get(keyword, 'breaks the schema')}"
