"""The schemas of the tablets' requests and replies."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from feedback_service.api.fields import (
    Choice,
    Code,
    Instant,
    JsonObject,
    NestedObject,
    StrictSchema,
    TranslatableMessage,
    UnparsedList,
    Uuid,
    make_error_messages,
)
from feedback_service.api.schemas import ANSWERS_METADATA, ProblemReply, SurveyReply, describe
from feedback_service.errors import N_
from feedback_service.vocabulary import DEVICE_MODES, FRONT_OFFICES, LANGUAGES, TABLET_OUTCOMES

MAX_ITEMS = 100  # in a call
NOT_A_COUNT = N_("Write this as a whole number from 0 to %(most)d.")
NOT_A_LEVEL = N_("Write this as a share from 0 to 1, or as percent up to 100.")
NOT_A_FLAG = N_("Write this as true or false.")
BY_ITS_CLOCK = N_("By the tablet's own clock, however wrong.")


class Count(fields.Integer):
    """A whole number, none below 0."""

    default_error_messages = make_error_messages()

    def __init__(self, maximum: int = 1_000_000, **options: Any) -> None:
        self.maximum = maximum
        super().__init__(metadata={"minimum": 0, "maximum": maximum} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int or not 0 <= value <= self.maximum:
            raise ValidationError(TranslatableMessage(NOT_A_COUNT, most=self.maximum))
        return value


class BatteryLevel(fields.Float):
    """How full a battery is, in percent; browsers send a share of 1."""

    default_error_messages = make_error_messages()

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"minimum": 0, "maximum": 100} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if type(value) not in (int, float) or not 0 <= value <= 100:
            raise ValidationError(NOT_A_LEVEL)
        return float(round(value * 100 if value <= 1 else value))


class StrictBoolean(fields.Boolean):
    """True or false."""

    default_error_messages = make_error_messages()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError(NOT_A_FLAG)
        return value


# What tablets send --------------------------------------------------------------------------------------------


class PairSchema(StrictSchema):
    """The code that pairs a tablet."""

    pairing_code = Code(
        64,
        required=True,
        metadata=describe(N_("As it was told, or the device_code of an approved tablet."), "K7Q2-7K3M"),
    )


class HeartbeatSchema(StrictSchema):
    """The heartbeat of a tablet."""

    time = Instant(any_age=True, required=True, metadata=describe(BY_ITS_CLOCK))
    version = Code(64, allow_none=True, metadata=describe(N_("Of what it shows.")))
    queue = Count(
        allow_none=True, metadata=describe(N_("Answers that it holds; null when it cannot keep any just now."))
    )
    oldest_at = Instant(any_age=True, allow_none=True, metadata=describe(N_("When the oldest of them was given.")))
    persisted = StrictBoolean(
        allow_none=True, metadata=describe(N_("Whether the browser promised to keep its storage."))
    )
    battery = BatteryLevel(allow_none=True, metadata=describe(N_("How full, where that is known.")))


class CodeSchema(StrictSchema):
    """A code that somebody typed."""

    short_code = Code(32, required=True, metadata=describe(N_("With or without the centre's prefix."), "7K3M-9QXT"))


class PaceSchema(StrictSchema):
    """How fast an answer was given; an unusual pace is a signal, never a reason to refuse it."""

    seconds = Count(allow_none=True, metadata=describe(N_("From the first question to the last tap.")))
    recent = Count(allow_none=True, metadata=describe(N_("Answers on the same tablet in the minute before.")))
    alike = Count(
        allow_none=True, metadata=describe(N_("The same answers just before it, each within two minutes of the next."))
    )


class ItemSchema(StrictSchema):
    """What one person answered on a tablet."""

    client_id = Uuid(required=True, metadata=describe(N_("Made by the tablet, once for each answer.")))
    questionnaire = Code(64, required=True, metadata=describe(N_("The version that was asked."), "offline-2026.1"))
    language = Choice(LANGUAGES, required=True)  # perhaps the centre does not offer it any more
    answers = JsonObject(required=True, metadata=ANSWERS_METADATA)
    answered_at = Instant(any_age=True, required=True, metadata=describe(BY_ITS_CLOCK))
    short_code = Code(
        32, allow_none=True, metadata=describe(N_("Of the case, with or without the centre's prefix."), "7K3M-9QXT")
    )
    pace = NestedObject(PaceSchema, allow_none=True)


class RelieveSchema(StrictSchema):
    """Up to a hundred answers."""

    responses = UnparsedList(ItemSchema, MAX_ITEMS)


# What tablets get ---------------------------------------------------------------------------------------------


class TabletReply(Schema):
    """The tablet as its centre knows it."""

    id = Uuid(required=True)
    name = fields.String(required=True)
    mode = fields.String(required=True, metadata={"enum": list(DEVICE_MODES)})
    centre = fields.String(required=True)
    workplace = fields.String(required=True, allow_none=True)


class PairedReply(Schema):
    """The tablet's key, shown only once; a browser keeps it in a cookie that scripts cannot read."""

    key = fields.String(required=True)
    device = fields.Nested(TabletReply, required=True)


class AskingReply(Schema):
    """A code to show, and where to approve it (the shape of RFC 8628)."""

    device_code = fields.String(required=True, metadata=describe(N_("Pair with it once the tablet is approved.")))
    user_code = fields.String(required=True)
    verification_uri = fields.Url(required=True)
    verification_uri_complete = fields.Url(required=True)
    qr = fields.String(required=True, metadata=describe(N_("The complete address as SVG.")))
    expires_at = Instant(required=True)
    interval = fields.Integer(required=True, metadata=describe(N_("Seconds between two tries.")))


class OpenCaseReply(Schema):
    """A case that may be rated."""

    short_code = fields.String(required=True)
    service = fields.String(required=True)
    front_office = fields.String(required=True, metadata={"enum": list(FRONT_OFFICES)})
    expires_at = Instant(
        attribute="offered_until", required=True, allow_none=True, metadata=describe(N_("How long to offer it."))
    )


class QuestionnairesReply(Schema):
    """What each front office asks; without the comment, for tablets take no free text."""

    offline = fields.Nested(SurveyReply, required=True)
    online = fields.Nested(SurveyReply, required=True)


class QueueKeyReply(Schema):
    """The key with which a tablet encrypts its queue (AES-256-GCM)."""

    id = fields.String(required=True)
    key = fields.String(required=True, metadata=describe(N_("32 bytes as base64.")))


class TabletSettingsReply(Schema):
    """How a tablet behaves; times are seconds."""

    poll_seconds = fields.Integer(required=True)
    heartbeat_seconds = fields.Integer(required=True)
    idle_seconds = fields.Integer(required=True)
    warning_seconds = fields.Integer(required=True)
    thanks_seconds = fields.Integer(required=True)
    code_prefix = fields.String(required=True)
    hall_url = fields.Url(required=True)
    hall_qr = fields.String(required=True)


class ConfigReply(Schema):
    """Everything that a tablet needs to work without a connection."""

    device = fields.Nested(TabletReply, required=True)
    questionnaires = fields.Nested(QuestionnairesReply, required=True)
    translations = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(QuestionnairesReply),
        required=True,
        metadata=describe(N_("The questionnaires in every other language.")),
    )
    texts = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.String()), required=True
    )
    languages = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata=describe(N_("The name of each in its own words.")),
    )
    settings = fields.Nested(TabletSettingsReply, required=True)
    queue_key = fields.Nested(QueueKeyReply, required=True)
    pending = fields.Nested(OpenCaseReply, required=True, allow_none=True)


class HeartbeatReply(Schema):
    """The time of the server, and how far the tablet's clock is off."""

    time = Instant(required=True)
    skew_seconds = fields.Integer(required=True, metadata=describe(N_("How far the tablet's clock runs ahead.")))


class ItemResultReply(Schema):
    """The result of one answer."""

    client_id = fields.Raw(required=True, metadata=describe(N_("As it was sent.")))
    status = fields.String(required=True, metadata={"enum": list(TABLET_OUTCOMES)})
    problem = fields.Nested(ProblemReply)


class RelievedReply(Schema):
    """The result of each answer, in the order sent."""

    results = fields.List(fields.Nested(ItemResultReply), required=True)
