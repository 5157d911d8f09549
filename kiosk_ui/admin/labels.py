"""Labels of the figures: sources, channels, verdicts, parts of the week, and the texts of the questionnaires."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from babel.dates import format_date, get_day_names
from flask_babel import get_locale
from flask_babel import gettext as _

from feedback_service.errors import N_
from feedback_service.figures.comparison import Difference
from feedback_service.i18n import own_name
from feedback_service.indicators.statistics import Interval
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.vocabulary import PARTS_OF_DAY
from kiosk_ui.languages import format_number, in_current_language

FRONT_OFFICE_LABELS = {"offline": N_("At the centre"), "online": N_("Online")}
SOURCE_LABELS = {
    "qr_case": N_("QR code of the case"),
    "tablet_hall": N_("tablet in the hall, a case"),
    "tablet_walkup": N_("tablet in the hall, no case"),
    "qr_hall": N_("QR code in the hall"),
    "sms_viber": N_("SMS or Viber"),
    "phone_interview": N_("telephone interview"),
    "paper_box": N_("paper box"),
    "diia_centers_map": N_("map of Diia.Centres"),
}
CHANNEL_LABELS = {
    "phone": N_("on one’s phone"),
    "tablet": N_("on the tablet"),
    "assisted": N_("asked by staff"),
}
BREAKDOWN_LABELS = {
    "service": N_("Services"),
    "provider": N_("Providers"),
    "workplace": N_("Windows"),
    "part_of_week": N_("Time of the week"),
    "language": N_("Languages"),
    "source": N_("Sources"),
}
PART_OF_DAY_LABELS = {
    "morning": N_("until 11:00"),
    "midday": N_("11:00–14:00"),
    "afternoon": N_("14:00–17:00"),
    "evening": N_("from 17:00"),
}
TOO_FEW_TO_COMPARE = N_("too few answers to compare")
PERIOD_VERDICTS = {
    "too_few": TOO_FEW_TO_COMPARE,
    "no_different": N_("no different from the period before"),
    "worse": N_("worse than in the period before"),
    "better": N_("better than in the period before"),
}
CHANNEL_VERDICTS = {
    "too_few": TOO_FEW_TO_COMPARE,
    "no_different": N_("no different"),
    "worse": N_("worse"),
    "better": N_("better"),
}
TOO_FEW_TO_SHOW = N_("too few answers to show")
NOBODY_ANSWERED = N_("nobody has answered")
NOT_KNOWN = N_("not known")


def office_label(front_office: str) -> str:
    """Name a front office."""
    return _(FRONT_OFFICE_LABELS[front_office])


def describe_verdict(change: Difference | None) -> str:
    """Say in words how a figure compares with the period before."""
    if change is None or change.interval is None:
        return _("there is nothing to compare it with yet")
    return _(PERIOD_VERDICTS[change.verdict])


def describe_change(change: Difference | None, unit: str) -> str:
    """Say by how much a figure changed, with the interval; return nothing where chance alone may explain the change."""
    if change is None or change.interval is None or change.verdict not in ("worse", "better"):
        return ""
    low, high = change.interval
    return _(
        "by %(points)s %(unit)s (%(low)s to %(high)s)",
        points=format_signed(change.points or 0.0),
        unit=unit,
        low=format_signed(low),
        high=format_signed(high),
    )


def format_signed(value: float) -> str:
    """Write a number with its sign, also above zero."""
    return f"+{format_number(value, 1)}" if value > 0 else format_number(value, 1)


def format_percent(value: float | None) -> str:
    """Write «2,5 %», or a dash where there is no value."""
    return "—" if value is None else f"{format_number(value, 1)}\u00a0%"


def format_interval(ends: Interval | Sequence[float] | None) -> str:
    """Write both ends of an interval, or nothing where there is none."""
    return f"{format_number(ends[0], 1)}…{format_number(ends[1], 1)}" if ends else ""


def weekday_names() -> list[str]:
    """Return the short names of the weekdays, Monday first."""
    names = get_day_names("abbreviated", locale=get_locale())
    return [names[index] for index in range(7)]


def part_of_week_label(key: str | None) -> str:
    """Write a part of the week: «пн, 11:00–14:00»."""
    if not key or "-" not in key:
        return _("time not known")
    weekday, part_of_day = key.split("-", 1)
    if part_of_day not in PARTS_OF_DAY:
        return key
    return f"{weekday_names()[int(weekday) - 1]}, {_(PART_OF_DAY_LABELS[part_of_day])}"


def group_label(by: str, key: str | None, title: str | None = None) -> str:
    """Name a group of a breakdown."""
    if by == "part_of_week":
        return part_of_week_label(key)
    if key is None:
        return _(NOT_KNOWN)
    if by == "source":
        return _(SOURCE_LABELS[key])
    if by == "language":
        return own_name(key)
    return f"{title} ({key})" if title else key


def period_label(by: str, key: str) -> str:
    """Name a week by its Monday, a month by its name."""
    if by == "week":
        return format_date(date.fromisoformat(f"{key}-1"), "d.MM", locale=get_locale())
    return format_date(date.fromisoformat(f"{key}-01"), "LLL yyyy", locale=get_locale())


def long_period_label(by: str, key: str) -> str:
    """Name a week by both its ends, a month by its name."""
    if by == "month":
        return period_label(by, key)
    monday = date.fromisoformat(f"{key}-1")
    ends = (monday, monday + timedelta(days=6))
    return "–".join(format_date(end, "d.MM.yyyy", locale=get_locale()) for end in ends)


def question_texts(questionnaires: Sequence[Questionnaire]) -> Mapping[str, str]:
    """Return the newest text of each question by its id."""
    return {
        question.id: in_current_language(question.text)
        for questionnaire in questionnaires
        for question in questionnaire.questions
    }


def reason_texts(questionnaires: Sequence[Questionnaire]) -> Mapping[str, str]:
    """Return the newest text of each reason by its value."""
    return {
        option.value: in_current_language(option.text)
        for questionnaire in questionnaires
        if (question := questionnaire.find_question(questionnaire.reasons_question))
        for option in question.options
    }
