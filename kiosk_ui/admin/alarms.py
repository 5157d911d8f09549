"""The page of alarms: the open ones, what was done about them, and the choice of e-mails about them."""

from dataclasses import dataclass
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service import clock
from feedback_service.access import roles
from feedback_service.alarm_rows import AlarmSummary
from feedback_service.config import current_settings
from feedback_service.errors import ChangedMeanwhile, Invalid
from feedback_service.flow import alarms as alarms_flow
from feedback_service.flow import uninvited_answers
from kiosk_ui.admin.admission import current_user, find_visible_centre, needs, visible_centres
from kiosk_ui.admin.layout import redirect_to
from kiosk_ui.admin.paging import cut_page
from kiosk_ui.forms import FormError, form_errors
from kiosk_ui.languages import translated_message
from kiosk_ui.pages import respond_with_page


@dataclass(frozen=True, slots=True)
class NoteDraft:
    """A note that was not stored, and what is wrong with it."""

    alarm: UUID
    note: str
    errors: list[FormError]


@needs(roles.ALARMS)
def alarms() -> ResponseReturnValue:
    """Show the alarms of the user's centres, or of the one that the address names; those that wait come first."""
    return _show_alarms()


@needs(roles.ALARMS)
def acknowledge_alarm(centre: str, alarm: UUID) -> ResponseReturnValue:
    """Store that the user deals with the alarm, with their note. If somebody else was first, say so."""
    centre_summary = find_visible_centre(centre)
    note = request.form.get(f"note-{alarm}", "")
    try:
        alarms_flow.acknowledge_alarm(current_user(), centre_summary.code, alarm, note)
    except Invalid as refusal:
        errors = [FormError(f"note-{alarm}", error.message) for error in form_errors(refusal)]
        return _show_alarms(422, NoteDraft(alarm, note, errors))
    except ChangedMeanwhile as refusal:
        errors = [FormError(f"alarm-{alarm}", translated_message(refusal.title))]
        return _show_alarms(409, NoteDraft(alarm, note, errors))
    return redirect_to("admin.alarms", centre=centre_summary.code if "only" in request.args else None, done=1)


@needs(roles.ALARMS)
def choose_emails() -> ResponseReturnValue:
    """Store whether the user wants e-mails about alarms."""
    alarms_flow.set_alarm_emails(current_user(), request.form.get("wanted") == "1")
    return redirect_to("admin.alarms", centre=request.args.get("centre"), letters=1)


def _show_alarms(status: int = 200, draft: NoteDraft | None = None) -> Response:
    centre_code = request.args.get("centre") or None
    centre_summary = find_visible_centre(centre_code) if centre_code else None
    alarm_page = cut_page(alarms_flow.list_all_alarms(current_user(), centre_code))
    return respond_with_page(
        "admin/alarms.html",
        status,
        centre_summary=centre_summary,
        centres=visible_centres(),
        alarm_page=alarm_page,
        open_alarms=[alarm for alarm in alarm_page.items if alarm.over_on is None],
        ended_alarms=[alarm for alarm in alarm_page.items if alarm.over_on is not None],
        unkept_hall_answers=uninvited_answers.list_unkept_hall_answers(current_user(), centre_code),
        draft=draft,
        is_conflict=status == 409,
        errors=draft.errors if draft else [],
        acknowledged=request.args.get("done"),
        emails_saved="letters" in request.args,
        has_mail_server=current_settings().smtp_url is not None,
        gets_emails=alarms_flow.wants_alarm_emails(current_user()),
        comment_filters=_comment_filters,
        may_read_comments=current_user().has_right(roles.COMMENTS),
    )


def _comment_filters(alarm: AlarmSummary) -> dict[str, str]:
    """Return the filters with which the page of comments shows what the alarm is about."""
    today = clock.kyiv_day(clock.now())
    filters = {
        "centre": alarm.centre,
        "from": alarm.since.isoformat(),
        "to": (alarm.over_on or today).isoformat(),
        "poor" if alarm.kind == "bad_answers" else "breach": "1",
    }
    return filters | ({"service": alarm.service_key} if alarm.service_key else {})
