"""Endpoint for reporting systems: the summary of a period."""

from flask import Blueprint, Response

from feedback_service import clock
from feedback_service.api.endpoint import Call, Operation
from feedback_service.api.json_reply import json_response
from feedback_service.api.summary_schemas import SummaryQuery, SummaryReply
from feedback_service.errors import N_, ForeignCentre, Invalid, NotFound
from feedback_service.figures.shapes import FigureQuery
from feedback_service.figures.summary_json import summary_json
from feedback_service.flow import audit
from feedback_service.flow.summaries import read_both_totals
from feedback_service.periods import EndsBeforeItBegins, complete_period

bp = Blueprint("summaries", __name__)


@bp.get("/summaries")
@Operation(
    needs="summaries:read",
    summary=N_("Sum up a period"),
    note=N_(
        "The funnel is about invitations issued in the period, everything else about answers given in it. "
        "Figures of very few people are withheld. Without “source” the sources count that the methodology names."
    ),
    query=SummaryQuery,
    gives={200: (N_("What the answers of the period say."), SummaryReply)},
    refuses=(NotFound,),
)
def read_summary(call: Call) -> Response:
    """Reply with the summary of the caller's centres."""
    parameters = call.query
    centres = frozenset(parameters.get("centre") or call.centres)
    if not centres <= call.centres:
        raise ForeignCentre()
    try:
        first, last = complete_period(parameters.get("from_"), parameters.get("to"), clock.kyiv_day(clock.now()))
    except EndsBeforeItBegins as error:
        raise Invalid.for_field("/from", N_("The first day comes after the last.")) from error
    query = FigureQuery(centres, first, last, parameters.get("front_office"), parameters.get("source"))
    summary, without_signals = read_both_totals(query, by=parameters.get("by"))
    reply = summary_json(summary, without_signals)
    audit.note_read(
        call.system,
        "summaries",
        centres,
        {
            "period": reply["period"],
            "asked": {"from": first.isoformat(), "to": last.isoformat()},
            "front_office": query.front_office,
            "source": query.source,
            "by": parameters.get("by"),
        },
    )
    return json_response(reply)
