"""What calls a human: alarms that stand, what was done about them, and whether letters tell of them."""

import uuid
from dataclasses import dataclass

from flask import Response, request
from flask.typing import ResponseReturnValue

from feedback_service import clock
from feedback_service.access import roles
from feedback_service.config import settings
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.flow import alarms as alarms_flow
from feedback_service.flow.alarms import Card
from kiosk_ui.admin.admission import centre_of, needs, sight, visitor
from kiosk_ui.admin.forms import Mistake, mistakes
from kiosk_ui.admin.layout import back_to, show
from kiosk_ui.languages import told


@dataclass(frozen=True, slots=True)
class Draft:
    """A note that could not be kept, and what is wrong with it."""

    alarm: uuid.UUID
    note: str
    errors: list[Mistake]


@needs(roles.ALARMS)
def alarms() -> ResponseReturnValue:
    """Alarms of the visitor's centres, or of the one the address names: those that wait first."""
    return _page()


@needs(roles.ALARMS)
def acknowledge_alarm(centre: str, alarm: str) -> ResponseReturnValue:
    """The visitor deals with the alarm and says how; when somebody was first, that is shown."""
    card = centre_of(centre)
    try:
        id = uuid.UUID(alarm)
    except ValueError:
        raise NotFound() from None
    note = request.form.get(f"note-{id}", "")
    try:
        alarms_flow.acknowledge(visitor(), card.code, id, note)
    except Invalid as refusal:
        wrong = [Mistake(f"note-{id}", each.message) for each in mistakes(refusal)]
        return _page(422, Draft(id, note, wrong))
    except ChangedMeanwhile as refusal:
        return _page(409, Draft(id, note, [Mistake(f"alarm-{id}", told(refusal.title))]))
    return back_to("admin.alarms", centre=card.code if "only" in request.args else None, done=1)


@needs(roles.ALARMS)
def want_letters() -> ResponseReturnValue:
    """The visitor gets letters about alarms from now on, or none."""
    alarms_flow.want_letters(visitor(), request.form.get("wanted") == "1")
    return back_to("admin.alarms", centre=request.args.get("centre"), letters=1)


def _page(status: int = 200, draft: Draft | None = None) -> Response:
    code = request.args.get("centre") or None
    card = centre_of(code) if code else None
    cards = alarms_flow.all_alarms(visitor(), code)
    return show(
        "admin/alarms.html",
        status,
        card=card,
        centres=sight().centres,
        standing=[each for each in cards if each.over_on is None],
        over=[each for each in cards if each.over_on is not None],
        draft=draft,
        late=status == 409,
        errors=draft.errors if draft else [],
        done=request.args.get("done"),
        saved="letters" in request.args,
        by_mail=settings().smtp_url is not None,
        wanted=alarms_flow.wants_letters(visitor()),
        to_comments=_to_comments,
        reads_comments=visitor().may(roles.COMMENTS),
    )


def _to_comments(alarm: Card) -> dict[str, str]:
    """The filters of the page of comments that show what the alarm is about."""
    today = clock.kyiv_day(clock.now())
    filters = {
        "centre": alarm.centre,
        "from": alarm.since.isoformat(),
        "to": (alarm.over_on or today).isoformat(),
        "poor" if alarm.kind == "bad_answers" else "breach": "1",
    }
    return filters | ({"service": alarm.service_key} if alarm.service_key else {})
