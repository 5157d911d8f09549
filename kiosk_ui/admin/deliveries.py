"""The page of deliveries to the central monitoring system, and sending refused events again."""

from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service.access import roles
from feedback_service.errors import N_
from feedback_service.flow import deliveries as deliveries_flow
from kiosk_ui.admin.admission import current_user, current_visibility, needs
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.pages import respond_with_page

EVENTS_SHOWN = 50  # refused events on the page; the next ones appear once these were sent again

EVENT_LABELS = {
    "ua.vidhuk.case.status.v1": N_("Status of a case"),
    "ua.vidhuk.response.recorded.v1": N_("Answer"),
    "ua.vidhuk.response.withdrawn.v1": N_("Answer taken back"),
    "ua.vidhuk.breach.flagged.v1": N_("Something serious"),
    "ua.vidhuk.centre.profile.v1": N_("Profile of the centre"),
}


@needs(roles.DELIVERIES)
def deliveries() -> Response:
    """Show how many events of the user's centres were delivered and wait, and the refused ones with their reasons."""
    page = deliveries_flow.read_overview(current_visibility().codes, EVENTS_SHOWN)
    return respond_with_page(
        "admin/deliveries.html",
        totals=page.totals,
        is_channel_failing=page.channel_failing,
        refused_events=page.refused,
        has_more=page.more,
        event_labels=EVENT_LABELS,
        sent_again="again" in request.args,
    )


@needs(roles.DELIVERIES)
def send_again(event: UUID) -> ResponseReturnValue:
    """Let a refused event be sent again, unchanged."""
    deliveries_flow.replay_event(event, current_visibility().codes, current_user().actor)
    return redirect_to("admin.deliveries", again=1)
