"""The schemas of requests and replies. They are apart from the tables, so that each can change without the other."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from feedback_service.api.fields import (
    Choice,
    Code,
    Day,
    Instant,
    JsonObject,
    NestedObject,
    StrictSchema,
    TextLine,
    UnparsedList,
    Uuid,
)
from feedback_service.cases.register import CaseUpdate
from feedback_service.cases.services import ServiceRef
from feedback_service.config import current_settings
from feedback_service.errors import N_
from feedback_service.vocabulary import (
    EDRPOU,
    FRONT_OFFICES,
    LANGUAGES,
    STATE_CENTRE_CODE,
    STATUSES,
    WORKPLACE_KINDS,
)

MAX_CASES = 1000  # in a batch
ASSISTED_SOURCES = ("phone_interview", "paper_box", "sms_viber", "diia_centers_map")

CODE_NEEDED = N_("Give code, local_code, or both.")


def centre_code_field(**options: Any) -> Code:
    """Return a field for the code of a centre."""
    return Code(10, STATE_CENTRE_CODE, "SN12000007", metadata=describe(N_("The centre's code.")), **options)


def describe(about: str, *examples: str) -> dict[str, Any]:
    """Return the metadata that documents a field."""
    return {"description": about} | ({"examples": list(examples)} if examples else {})


# What callers send --------------------------------------------------------------------------------------------


class ServiceSchema(StrictSchema):
    """A service as the case system names it."""

    code = Code(
        32, allow_none=True, metadata=describe(N_("Its national code; this or the local one is needed."), "00034")
    )
    local_code = Code(32, allow_none=True, metadata=describe(N_("Its code in the centre's own list."), "14-13"))
    title = TextLine(
        500,
        allow_none=True,
        metadata=describe(N_("A service not known yet is taken with this title."), "Реєстрація місця проживання"),
    )

    @validates_schema(skip_on_field_errors=True)
    def require_code(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a service that has neither code."""
        if not data.get("code") and not data.get("local_code"):
            raise ValidationError(CODE_NEEDED)

    @post_load
    def to_service_ref(self, data: Mapping[str, Any], **_: Any) -> ServiceRef:
        """Return the value that the flow takes."""
        return ServiceRef(**{name: data.get(name) or "" for name in ("code", "local_code", "title")})


def service_field() -> NestedObject:
    """Return a field for a service; the OpenAPI document says too that one of the codes is needed."""
    has_code = [{"required": [name], "properties": {name: {"type": "string"}}} for name in ("code", "local_code")]
    return NestedObject(ServiceSchema, required=True, metadata={"anyOf": has_code})


class CaseSchema(StrictSchema):
    """A case at one status."""

    centre = centre_code_field(required=True)
    case_number = Code(
        64, required=True, metadata=describe(N_("As in the case system; kept only as a keyed hash."), "12-2026/000123")
    )
    service = service_field()
    front_office = Choice(
        FRONT_OFFICES, required=True, metadata=describe(N_("Where the applicant dealt with the case."))
    )
    status = Choice(STATUSES, required=True)
    status_at = Instant(required=True, metadata=describe(N_("When it got the status; at most 5 minutes ahead.")))
    provider_edrpou = Code(
        8, EDRPOU, "00032112", allow_none=True, metadata=describe(N_("ЄДРПОУ of the body that provides the service."))
    )
    workplace = Code(64, allow_none=True, metadata=describe(N_("The place in the centre, never a person."), "window-3"))
    workplace_kind = Choice(WORKPLACE_KINDS, allow_none=True)
    registered_at = Instant(allow_none=True, metadata=describe(N_("When the application was registered.")))
    repository_id = Uuid(allow_none=True, metadata=describe(N_("The ordered service in the State's own repository.")))

    @post_load
    def to_case_report(self, data: Mapping[str, Any], **_: Any) -> CaseUpdate:
        """Return the value that the flow takes."""
        return CaseUpdate(**data)


class CaseBatchSchema(StrictSchema):
    """Up to a thousand cases."""

    cases = UnparsedList(CaseSchema, MAX_CASES)


ANSWERS_METADATA: dict[str, Any] = {
    "description": N_("Question id to value: a number for scale_0_10, a word for words, a list for choices, a text."),
    "minProperties": 1,
    "additionalProperties": {
        "anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    },
}


class LanguageChoice(Choice):
    """A language of this installation; the OpenAPI document lists those of the release."""

    def __init__(self, **options: Any) -> None:
        super().__init__(LANGUAGES, **options)

    def allowed_values(self) -> tuple[str, ...]:
        """Return the languages of the settings."""
        return current_settings().languages


class AnswersSchema(StrictSchema):
    """What one person answers."""

    client_id = Uuid(required=True, metadata=describe(N_("Made by the client, once for each answer.")))
    language = LanguageChoice(required=True)
    answers = JsonObject(required=True, metadata=ANSWERS_METADATA)


class AssistedSchema(AnswersSchema):
    """An answer that staff heard or read and typed in."""

    centre = centre_code_field(required=True)
    service = service_field()
    front_office = Choice(FRONT_OFFICES, required=True)
    source = Choice(ASSISTED_SOURCES, required=True)
    answered_on = Day(required=True)


class SurveyQuery(StrictSchema):
    """The language in which the survey is read."""

    lang = LanguageChoice(load_default="uk")


class DocsQuery(StrictSchema):
    """The language in which the description is read, if not the one that the browser prefers."""

    lang = LanguageChoice()


# What callers get ---------------------------------------------------------------------------------------------


class StatusReply(Schema):
    """A status that the case had."""

    status = Choice(STATUSES, required=True)
    at = Instant(required=True)


class QrReply(Schema):
    """The addresses of the pictures of the link."""

    svg = fields.Url(required=True)
    png = fields.Url(required=True)
    slip_58 = fields.Url(required=True)
    slip_80 = fields.Url(required=True)


class InvitationReply(Schema):
    """The invitation to hand over; it never says whether it was answered."""

    url = fields.Url(required=True, metadata=describe(N_("The link to the survey, as in the QR code.")))
    short_code = Code(14, "[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", "K7Q2-7K3M-9QXT", required=True)
    state = Choice(
        ("issued", "expired", "cancelled"), required=True, metadata=describe(N_("Never whether it was answered."))
    )
    expires_at = Instant(required=True)
    qr = fields.Nested(QrReply, required=True)


class CaseReply(Schema):
    """A case."""

    id = Uuid(required=True)
    centre = centre_code_field(required=True)
    front_office = Choice(FRONT_OFFICES, required=True)
    status = Choice(STATUSES, required=True)
    history = fields.List(fields.Nested(StatusReply), required=True)
    invitation = fields.Nested(InvitationReply, required=True, allow_none=True)


class FieldErrorReply(Schema):
    """A field at fault."""

    pointer = fields.String(required=True, metadata=describe(N_("JSON Pointer (RFC 6901).")))
    detail = fields.String(required=True)


class ProblemReply(Schema):
    """A refusal (RFC 9457)."""

    type = fields.Url(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = Uuid(required=True, metadata=describe(N_("The id of the request, as in our log.")))
    errors = fields.List(fields.Nested(FieldErrorReply))


class BatchResultReply(Schema):
    """The result of one case: ``case`` or ``problem``."""

    index = fields.Integer(required=True)
    status = fields.Integer(required=True, metadata=describe(N_("As if the case had been sent alone.")))
    case = fields.Nested(CaseReply)
    problem = fields.Nested(ProblemReply)


class BatchReply(Schema):
    """The result of each case, in the order sent."""

    results = fields.List(fields.Nested(BatchResultReply), required=True)


class OptionReply(Schema):
    """One answer to choose."""

    value = fields.String(required=True)
    text = fields.String(required=True)


class QuestionReply(Schema):
    """A question; ``low`` and ``high`` word the ends of a scale from 0 to 10."""

    id = fields.String(required=True)
    kind = Choice(("scale_0_10", "words", "choices", "text"), required=True)
    text = fields.String(required=True)
    options = fields.List(fields.Nested(OptionReply), required=True)
    required = fields.Boolean(required=True)
    follow_up = fields.Boolean(required=True, metadata=describe(N_("Offer it after a poor answer.")))
    low = fields.String(allow_none=True, required=True)
    high = fields.String(allow_none=True, required=True)
    max_length = fields.Integer(allow_none=True, required=True)
    stands_alone = fields.List(fields.String(), required=True)


class SurveyCentreReply(Schema):
    """The centre, and who answers for personal data there."""

    code = centre_code_field(required=True)
    name = fields.String(required=True)
    controller = fields.String(allow_none=True, required=True)
    contact = fields.String(allow_none=True, required=True)


class SurveyServiceReply(Schema):
    """The service that is rated."""

    title = fields.String(allow_none=True, required=True)


class SurveyReply(Schema):
    """What the person is asked."""

    version = fields.String(required=True)
    front_office = Choice(FRONT_OFFICES, required=True)
    language = fields.String(required=True)
    centre = fields.Nested(SurveyCentreReply, required=True)
    service = fields.Nested(SurveyServiceReply, required=True)
    completed_on = Day(required=True, allow_none=True)
    poor_values = fields.List(
        fields.String(), required=True, metadata=describe(N_("Any of these answers calls for the follow-up questions."))
    )
    questions = fields.List(fields.Nested(QuestionReply), required=True)


class RecordedReply(Schema):
    """A final answer; by its receipt its author can take it back."""

    id = Uuid(required=True)
    receipt = fields.String(
        required=True, metadata=describe(N_("With it at /R/… its author can take the answer back."))
    )
