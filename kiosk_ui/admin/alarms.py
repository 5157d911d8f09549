"""What calls a human: alarms that stand, what was done about them, and whether letters tell of them."""

import uuid
from dataclasses import dataclass

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service import clock
from feedback_service.access import roles
from feedback_service.config import current_settings
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.flow import alarms as alarms_flow
from feedback_service.flow.alarms import Card
from kiosk_ui.admin.admission import centre_of, needs, sight, visitor
from kiosk_ui.admin.forms import FormError, form_errors
from kiosk_ui.admin.layout import back_to, show
from kiosk_ui.languages import translated_message


@dataclass(frozen=True, slots=True)
class NoteDraft:
    """A note that could not be kept, and what is wrong with it."""

    alarm: uuid.UUID
    note: str
    errors: list[FormError]


@needs(roles.ALARMS)
def alarms() -> ResponseReturnValue:
    """Alarms of the visitor's centres, or of the one the address names: those that wait first."""
    return _show_alarms()


@needs(roles.ALARMS)
def acknowledge_alarm(centre: str, alarm: str) -> ResponseReturnValue:
    """The visitor deals with the alarm and says how; when somebody was first, that is shown."""
    centre_summary = centre_of(centre)
    try:
        alarm_id = uuid.UUID(alarm)
    except ValueError:
        raise NotFound() from None
    note = request.form.get(f"note-{alarm_id}", "")
    try:
        alarms_flow.acknowledge_alarm(visitor(), centre_summary.code, alarm_id, note)
    except Invalid as refusal:
        errors = [FormError(f"note-{alarm_id}", error.message) for error in form_errors(refusal)]
        return _show_alarms(422, NoteDraft(alarm_id, note, errors))
    except ChangedMeanwhile as refusal:
        return _show_alarms(
            409,
            NoteDraft(alarm_id, note, [FormError(f"alarm-{alarm_id}", translated_message(refusal.title))]),
        )
    return back_to("admin.alarms", centre=centre_summary.code if "only" in request.args else None, done=1)


@needs(roles.ALARMS)
def want_letters() -> ResponseReturnValue:
    """The visitor gets letters about alarms from now on, or none."""
    alarms_flow.set_alarm_emails(visitor(), request.form.get("wanted") == "1")
    return back_to("admin.alarms", centre=request.args.get("centre"), letters=1)


def _show_alarms(status: int = 200, draft: NoteDraft | None = None) -> Response:
    centre_code = request.args.get("centre") or None
    centre_summary = centre_of(centre_code) if centre_code else None
    alarm_list = alarms_flow.list_all_alarms(visitor(), centre_code)
    return show(
        "admin/alarms.html",
        status,
        card=centre_summary,
        centres=sight().centres,
        standing=[alarm for alarm in alarm_list if alarm.over_on is None],
        over=[alarm for alarm in alarm_list if alarm.over_on is not None],
        draft=draft,
        late=status == 409,
        errors=draft.errors if draft else [],
        done=request.args.get("done"),
        saved="letters" in request.args,
        by_mail=current_settings().smtp_url is not None,
        wanted=alarms_flow.wants_alarm_emails(visitor()),
        to_comments=_comment_filters,
        reads_comments=visitor().has_right(roles.COMMENTS),
    )


def _comment_filters(alarm: Card) -> dict[str, str]:
    """The filters of the page of comments that show what the alarm is about."""
    today = clock.kyiv_day(clock.now())
    filters = {
        "centre": alarm.centre,
        "from": alarm.since.isoformat(),
        "to": (alarm.over_on or today).isoformat(),
        "poor" if alarm.kind == "bad_answers" else "breach": "1",
    }
    return filters | ({"service": alarm.service_key} if alarm.service_key else {})
