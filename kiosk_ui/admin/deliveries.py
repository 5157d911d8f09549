"""What reaches the central monitoring system, what it refused, and sending that again."""

from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import N_
from feedback_service.flow import deliveries as deliveries_flow
from kiosk_ui.admin.admission import needs, sight, visitor
from kiosk_ui.admin.layout import back_to, show

EVENTS_SHOWN = 50  # refused events on the page; when these are sent again, the next ones come up

EVENT_LABELS = {
    "ua.vidhuk.case.status.v1": N_("Status of a case"),
    "ua.vidhuk.response.recorded.v1": N_("Answer"),
    "ua.vidhuk.response.withdrawn.v1": N_("Answer taken back"),
    "ua.vidhuk.breach.flagged.v1": N_("Something serious"),
    "ua.vidhuk.centre.profile.v1": N_("Profile of the centre"),
}


@needs(roles.DELIVERIES)
def deliveries() -> Response:
    """How many events of the visitor's centres arrived and wait, and the refused ones with their reasons."""
    page = deliveries_flow.read_page(sight().codes, EVENTS_SHOWN)
    return show(
        "admin/deliveries.html",
        sums=page.status.totals,
        paused=page.status.channel_paused,
        refused=page.refused,
        more=page.more,
        events=EVENT_LABELS,
        again="again" in request.args,
    )


@needs(roles.DELIVERIES)
def send_again(event: UUID) -> ResponseReturnValue:
    """The refused event waits for its turn again, as it was."""
    deliveries_flow.replay_event(event, sight().codes, visitor().actor)
    return back_to("admin.deliveries", again=1)
