"""Endpoints for case systems: they report cases and get invitations to hand over."""

import uuid
from typing import Any

from flask import Blueprint, Response

from feedback_service.api import request_body
from feedback_service.api.endpoint import Call, Operation, parse_item
from feedback_service.api.json_reply import respond
from feedback_service.api.problems import problem_to_json
from feedback_service.api.schemas import BatchReply, CaseBatchSchema, CaseReply, CaseSchema
from feedback_service.cases.register import CaseUpdate
from feedback_service.errors import (
    N_,
    AlreadyFinal,
    AnotherCase,
    FeedbackError,
    NotFound,
    TooManyServices,
    TooManyStatuses,
    json_pointer,
)
from feedback_service.flow import cases
from feedback_service.flow.cases import RegistrationResult

bp = Blueprint("cases", __name__)


@bp.post("/cases")
@Operation(
    needs="cases:write",
    summary=N_("Register a case, or note its next status"),
    note=N_(
        "A case is known by its centre and number. Sending the same again changes nothing and gets the same "
        "answer, so it is safe to repeat. A final status (completed, refused) brings the invitation; workplace "
        "and provider stay as they are then. A case takes 200 statuses, and its first final one at any time."
    ),
    takes=CaseSchema,
    gives={201: (N_("The case is new."), CaseReply), 200: (N_("The case was known."), CaseReply)},
    refuses=(NotFound, AnotherCase, AlreadyFinal, TooManyStatuses, TooManyServices),
)
def register_case(call: Call) -> Response:
    """Register the case or its next status."""
    [result] = cases.register_cases([call.body], call.centres)
    if result.refusal is not None:
        raise result.refusal
    return respond(CaseReply, result.case, 201 if result.created else 200)


@bp.post("/cases/batch")
@Operation(
    needs="cases:write",
    summary=N_("Register up to 1000 cases at once"),
    note=N_(
        "Each case is entered or refused for itself, in the order sent. A body may have 2 MiB. Of several results "
        "for one case, the last has the whole history and the others only the status that was sent."
    ),
    takes=CaseBatchSchema,
    max_bytes=request_body.MAX_BATCH_BYTES,
    gives={200: (N_("What became of each case."), BatchReply)},
)
def register_cases(call: Call) -> Response:
    """Register each case, or refuse it; reply with the result of each."""
    entries = [parse_item(CaseSchema, item) for item in call.body["cases"]]
    case_updates = [entry for entry in entries if isinstance(entry, CaseUpdate)]
    outcomes = iter(cases.register_cases(case_updates, call.centres) if case_updates else ())
    results = [
        _make_result(index, next(outcomes) if isinstance(entry, CaseUpdate) else entry)
        for index, entry in enumerate(entries)
    ]
    return respond(BatchReply, {"results": results})


@bp.get("/cases/<uuid:case_id>")
@Operation(
    needs="cases:read",
    summary=N_("Read a case"),
    gives={200: (N_("The case as it is known."), CaseReply)},
    refuses=(NotFound,),
    path={"case_id": N_("The id that registering the case gave.")},
)
def read_case(call: Call, case_id: uuid.UUID) -> Response:
    """Reply with the case."""
    return respond(CaseReply, cases.find_case(case_id, call.centres))


@bp.post("/cases/<uuid:case_id>/invitation/cancel")
@Operation(
    needs="cases:write",
    summary=N_("Cancel a case's invitation"),
    note=N_("An answer that was left stays. Cancelling again, or what is closed already, is no mistake."),
    gives={200: (N_("The case as it is known now."), CaseReply)},
    refuses=(NotFound,),
    path={"case_id": N_("The id that registering the case gave.")},
)
def cancel_invitation(call: Call, case_id: uuid.UUID) -> Response:
    """Cancel the invitation of the case."""
    return respond(CaseReply, cases.cancel_invitation(case_id, call.centres))


def _make_result(index: int, outcome: RegistrationResult | FeedbackError) -> dict[str, Any]:
    """Return the result of one case of a batch, as ``BatchResultReply`` has it."""
    refusal = outcome if isinstance(outcome, FeedbackError) else outcome.refusal
    if refusal is not None:
        problem_json = problem_to_json(refusal, pointer_prefix=json_pointer("cases", index))
        return {"index": index, "status": refusal.status, "problem": problem_json}
    assert isinstance(outcome, RegistrationResult)
    return {"index": index, "status": 201 if outcome.created else 200, "case": outcome.case}
