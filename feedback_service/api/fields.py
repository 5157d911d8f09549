"""Kinds of JSON fields: strict about types, text without invisible characters, an error sentence for every fault."""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime
from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError, fields
from marshmallow.types import ErrorMessages

from feedback_service.clock import ACCEPTED_YEARS, KYIV
from feedback_service.errors import N_, FieldError, json_pointer
from feedback_service.plain_text import UnusableText, check_length, read_code, read_line

REQUIRED = N_("This field is needed.")
NOT_NULL = N_("This field cannot be null.")
NOT_TEXT = N_("Write this as text.")
UNKNOWN_FIELD = N_("There is no such field.")
NOT_AN_OBJECT = N_("Write this as an object.")
NOT_A_LIST = N_("Write this as a list.")
WRONG_FORM = N_("Write this like %(example)s.")
NOT_A_CHOICE = N_("Use one of: %(words)s.")
NOT_AN_ID = N_("Write this as a UUID, such as cf7dfafe-2e5f-42b5-96de-57c5c1af1524.")
NOT_AN_INSTANT = N_("Write this as an instant with its offset, such as 2026-11-20T10:15:00+02:00.")
NOT_A_DAY = N_("Write this as a day, such as 2026-11-20.")
TOO_MANY = N_("Send at most %(limit)d at once.")
YEAR_OUT_OF_RANGE = N_("The year must be from %(first)d to %(last)d.")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"  # Python would take +02:60 for +03:00
)


def make_error_messages(**own_messages: str) -> ErrorMessages:
    """Return the error messages of a field, in place of those of marshmallow."""
    return {"required": REQUIRED, "null": NOT_NULL, **own_messages}


class TranslatableMessage(str):
    """A message with its parameters: marshmallow passes it on unchanged, and ``problems`` translates it."""

    params: dict[str, object]

    def __new__(cls, message: str, **params: object) -> "TranslatableMessage":
        text = super().__new__(cls, message)
        text.params = params
        return text


class StrictSchema(Schema):
    """A schema of a request: unknown members are refused."""

    error_messages = {"unknown": UNKNOWN_FIELD, "type": NOT_AN_OBJECT}  # noqa: RUF012  as marshmallow declares it


@cache
def shared_schema(schema: type[Schema]) -> Schema:
    """Return the one instance of the schema, shared by all threads: its fields keep nothing of what they read."""
    return schema()


class TextLine(fields.String):
    """One line of words, such as a title, in the form that ``plain_text.read_line`` gives."""

    default_error_messages = make_error_messages(invalid=NOT_TEXT)
    read_value = staticmethod(read_line)

    def __init__(self, max_length: int, pattern: str | None = None, example: str | None = None, **options: Any) -> None:
        self.max_length, self.example = max_length, example
        self.pattern = re.compile(pattern) if pattern else None
        shape: dict[str, Any] = {"minLength": 1, "maxLength": max_length}
        if pattern:
            shape["pattern"] = f"^{pattern}$"
        if example:
            shape["examples"] = [example]
        super().__init__(metadata=shape | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            text = self.read_value(value)
            if self.pattern and not self.pattern.fullmatch(text):
                raise ValidationError(TranslatableMessage(WRONG_FORM, example=self.example))
            check_length(text, self.max_length)
        except UnusableText as error:
            raise ValidationError(TranslatableMessage(error.message, **error.params)) from None
        return text


class Code(TextLine):
    """An identifier, in the form that ``plain_text.read_code`` gives: equal codes are equal texts."""

    read_value = staticmethod(read_code)


class Choice(fields.String):
    """One of a fixed list of words."""

    default_error_messages = make_error_messages(invalid=NOT_TEXT)

    def __init__(self, values: Iterable[str], **options: Any) -> None:
        self.values = tuple(values)
        super().__init__(metadata={"enum": list(self.values)} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if value not in self.allowed_values():
            raise ValidationError(TranslatableMessage(NOT_A_CHOICE, words=", ".join(self.allowed_values())))
        return value

    def allowed_values(self) -> tuple[str, ...]:
        """Return the words that are accepted."""
        return self.values


class Uuid(fields.UUID):
    """A UUID in its usual spelling."""

    default_error_messages = make_error_messages(invalid_uuid=NOT_AN_ID)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> uuid.UUID:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return uuid.UUID(value)


class Instant(fields.AwareDateTime):
    """An instant with its offset (RFC 3339), to the microsecond; replies have the offset of Kyiv.

    The year is judged in Kyiv, as replies show it. ``any_age`` accepts any year, for clocks that may be wrong by years.
    """

    default_error_messages = make_error_messages(invalid=NOT_AN_INSTANT)

    def __init__(self, *, any_age: bool = False, **options: Any) -> None:
        self.any_age = any_age
        super().__init__(**options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        parts = _INSTANT.fullmatch(value) if isinstance(value, str) else None
        if parts is None:
            raise self.make_error("invalid")
        day, time, fraction, offset = parts.groups()
        try:
            at = datetime.fromisoformat(f"{day}T{time}{(fraction or '.')[:7]:0<7}{offset.upper()}")
        except ValueError:
            raise self.make_error("invalid") from None
        if not self.any_age:
            is_near_limits_of_dates = at.year in (MINYEAR, MAXYEAR)  # there no offset can be changed
            _refuse_year_out_of_range(at if is_near_limits_of_dates else at.astimezone(KYIV))
        return at

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else value.astimezone(KYIV).isoformat()


class Day(fields.Date):
    """A calendar day (ISO 8601)."""

    default_error_messages = make_error_messages(invalid=NOT_A_DAY)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise self.make_error("invalid") from None
        _refuse_year_out_of_range(day)
        return day


class JsonObject(fields.Dict):
    """An object whose members are checked elsewhere."""

    default_error_messages = make_error_messages(invalid=NOT_AN_OBJECT)


class ListField(fields.List[Any]):
    """A list."""

    default_error_messages = make_error_messages(invalid=NOT_A_LIST)


class UnparsedList(ListField):
    """Up to ``limit`` items, which are parsed one by one later, so that a faulty one does not affect the others."""

    def __init__(self, item: type[Schema], limit: int) -> None:
        self.limit = limit
        super().__init__(NestedObject(item), required=True, metadata={"maxItems": limit})

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.limit:
            raise ValidationError(TranslatableMessage(TOO_MANY, limit=self.limit))
        return value


class NestedObject(fields.Nested):
    """An object within the object."""

    default_error_messages = make_error_messages(type=NOT_AN_OBJECT)


def collect_field_errors(error: ValidationError) -> Iterator[FieldError]:
    """Return every fault that marshmallow found, each with its JSON Pointer."""
    return _collect_field_errors("", error.messages)


def _collect_field_errors(path: str, messages: Any) -> Iterator[FieldError]:
    if isinstance(messages, Mapping):
        for name, nested in messages.items():
            yield from _collect_field_errors(path if name == "_schema" else path + json_pointer(name), nested)
    elif isinstance(messages, str):
        yield FieldError(path, str(messages), messages.params if isinstance(messages, TranslatableMessage) else {})
    else:
        for nested in messages:
            yield from _collect_field_errors(path, nested)


def _refuse_year_out_of_range(day: date) -> None:
    if day.year not in ACCEPTED_YEARS:
        raise ValidationError(TranslatableMessage(YEAR_OUT_OF_RANGE, first=ACCEPTED_YEARS[0], last=ACCEPTED_YEARS[-1]))
