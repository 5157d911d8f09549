"""The schemas of a summary: the query and the reply.

The reply is written by ``figures.summary_json``, because marshmallow is too slow for hundreds of groups; the tests
hold both together.
"""

from typing import Any

from marshmallow import Schema, fields

from feedback_service.api.fields import Choice, Day, ListField, StrictSchema
from feedback_service.api.schemas import centre_code_field, describe
from feedback_service.errors import N_
from feedback_service.figures.shapes import GROUPINGS
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES


class SummaryQuery(StrictSchema):
    """Which answers are summed up."""

    centre = ListField(
        centre_code_field(), metadata=describe(N_("Repeat it to pool several; all of the key's when left out."))
    )
    front_office = Choice(FRONT_OFFICES)
    source = Choice(SOURCES)
    by = Choice(GROUPINGS)
    from_ = Day(data_key="from", metadata=describe(N_("A day in Kyiv, inclusive; 1 January when left out.")))
    to = Day(metadata=describe(N_("A day in Kyiv, inclusive; today when left out.")))


def percentage_field(**options: Any) -> fields.Float:
    """Percent to one decimal, or null where nobody answered."""
    return fields.Float(required=True, allow_none=True, **options)


def interval_field() -> fields.List[Any]:
    """The two ends of a 95 % interval, or null where nobody answered."""
    two_items = {"minItems": 2, "maxItems": 2}
    return fields.List(fields.Float(), required=False, allow_none=True, metadata=two_items)


class PeriodReply(Schema):
    """Kyiv days, inclusive."""

    from_ = Day(data_key="from", required=True)
    to = Day(required=True)


class MethodologyReply(Schema):
    """The methodology of the figures."""

    id = fields.String(required=True)
    status = fields.String(required=True)


class FunnelReply(Schema):
    """How far the invitations issued in the period went."""

    completed = fields.Integer(required=True)
    invited = fields.Integer(required=True)
    opened = fields.Integer(required=True)
    started = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    response_rate = percentage_field()


class IndicatorReply(Schema):
    """An indicator of one front office; for too few people only that it is withheld."""

    id = fields.String(required=True)
    front_office = Choice(FRONT_OFFICES, required=True)
    suppressed = fields.Boolean()
    n = fields.Integer()
    promoters = fields.Integer()
    passives = fields.Integer()
    detractors = fields.Integer()
    value = fields.Float(allow_none=True)
    interval = interval_field()
    band = fields.String(allow_none=True)
    status = fields.String()


class QuestionFiguresReply(Schema):
    """How often each answer was given."""

    id = fields.String(required=True)
    n = fields.Integer(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    share_satisfied = percentage_field()
    interval = interval_field()
    share_not_awful = percentage_field()


class ReasonReply(Schema):
    """How often a reason was given."""

    id = fields.String(required=True)
    n = fields.Integer(required=True)


class GroupReply(Schema):
    """The same members for one group; for too few people only that they are withheld."""

    key = fields.String(required=True, allow_none=True)
    suppressed = fields.Boolean(required=True)
    funnel = fields.Nested(FunnelReply)
    indicators = fields.List(fields.Nested(IndicatorReply))
    questions = fields.List(fields.Nested(QuestionFiguresReply))
    reasons = fields.List(fields.Nested(ReasonReply))


class WithoutSignalsReply(Schema):
    """The figures of answers without a signal; for too few people only that they are withheld."""

    suppressed = fields.Boolean(required=True)
    signalled = fields.Integer(metadata=describe(N_("Answers that may not be a visitor's own.")))
    indicators = fields.List(fields.Nested(IndicatorReply))
    questions = fields.List(fields.Nested(QuestionFiguresReply))
    reasons = fields.List(fields.Nested(ReasonReply))


class SummaryReply(Schema):
    """The figures of a period."""

    period = fields.Nested(PeriodReply, required=True)
    methodology = fields.Nested(MethodologyReply, required=True)
    suppressed = fields.Boolean()
    funnel = fields.Nested(FunnelReply, required=True)
    indicators = fields.List(fields.Nested(IndicatorReply), required=True)
    questions = fields.List(fields.Nested(QuestionFiguresReply), required=True)
    reasons = fields.List(fields.Nested(ReasonReply), required=True)
    without_signals = fields.Nested(WithoutSignalsReply, required=True)
    groups = fields.List(fields.Nested(GroupReply), required=True)
