"""The demo central system reads the published schemas as everybody else does."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError
from referencing import Registry, Resource

from feedback_service.sandbox.central import checks
from feedback_service.sandbox.central.schema import compiled
from tests.support.central import Event, make_answer_event, make_status_event

SCHEMAS = [json.loads(file.read_text()) for file in checks.SCHEMA_DIR.glob("*.json")]
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS
)
THEIRS = Draft202012Validator({"$ref": "urn:vidhuk:schema:envelope"}, registry=REGISTRY)
OURS = compiled({"$ref": "urn:vidhuk:schema:envelope"}, {schema["$id"]: schema for schema in SCHEMAS})

strange = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.floats(0, 2) | st.sampled_from(["", "none", "great", "\n"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["question", "code"]), inner),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in an event."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [each for name, item in inside for each in places(item, (*path, name))]


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event in which something is replaced, left out, lengthened or added."""
    event = copy.deepcopy(
        draw(st.sampled_from([make_status_event("SN1", 1), make_answer_event("SN1", 2, breach=["bribe", "late"])]))
    )
    *way, last = draw(st.sampled_from(places(event)))
    holder: Any = event
    for name in way:
        holder = holder[name]
    match draw(st.sampled_from(["replace", "leave out", "lengthen", "add", "nothing"])):
        case "replace":
            holder[last] = draw(strange)
        case "leave out":
            del holder[last]
        case "lengthen" if isinstance(holder[last], str):
            holder[last] += draw(st.sampled_from([" ", "0", "x" * 600]))
        case "lengthen" if isinstance(holder[last], list):
            holder[last] = holder[last] * 2
        case "add" if isinstance(holder, dict):
            holder["more"] = draw(strange)
    return event


@given(events())
def test_it_finds_a_fault_exactly_where_a_validator_does(event: Event) -> None:
    fault = OURS(event)

    if fault is None:
        assert THEIRS.is_valid(event)
    elif " is no " not in fault:  # formats, which the validator leaves alone
        assert not THEIRS.is_valid(event)


def test_a_line_end_is_no_end_of_a_pattern() -> None:
    assert OURS(make_status_event("SN1", 1, source="/centres/SN1\n")) == "/source has another form"


@pytest.mark.parametrize("name", ["SN1", "SN12000007"])
def test_usual_events_fit(name: str) -> None:
    assert [OURS(event) for event in (make_status_event(name, 1), make_answer_event(name, 2))] == [None, None]


@pytest.mark.parametrize(
    ("format", "good", "bad"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2026-02-28", "20260228"),
        ("date-time", "2026-11-20T10:15:00.25Z", "2026-11-20T10:15:00"),
        ("date-time", "2026-11-20t10:15:00+02:00", "2026-11-20T25:15:00+02:00"),
        ("uuid", "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000", "0199aaaabbbb7ccc8dddeeeeffff0000"),
        ("uri", "https://vidhuk.example/a.json", "/a.json"),
    ],
)
def test_formats_are_checked(format: str, good: str, bad: str) -> None:
    check = compiled({"format": format}, {})

    assert check(good) is None
    assert check(bad) == f" is no {format}"


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"maxItems": 1}, [1, 2], " is too long"),
        ({"oneOf": [{"minimum": 3}]}, 1, " breaks the schema"),
        ({"properties": {}, "additionalProperties": False}, {"b": 1, "a": 1}, "/a is unknown"),
        ({"items": {"required": ["a", "b"]}}, [{"a": 1, "b": 1}, {"b": 1}], "/1/a is missing"),
    ],
    ids=str,
)
def test_a_fault_is_told_whatever_keyword_finds_it(schema: dict[str, Any], value: Any, fault: str) -> None:
    assert compiled(schema, {})(value) == fault


def test_a_fault_does_not_repeat_the_value() -> None:
    event = make_answer_event("SN1", 2)
    event["data"]["language"] = "a secret"

    assert OURS(event) == "/data/language has another form"


def test_a_schema_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(SchemaError):
        compiled({"type": "text"}, {})
