"""What figures are called: sources, ways of asking, verdicts, parts of the week, and the questionnaires' own words."""

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
from feedback_service.words import PARTS_OF_DAY
from kiosk_ui.languages import in_language, number

FRONT_OFFICE = {"offline": N_("At the centre"), "online": N_("Online")}
SOURCE = {
    "qr_case": N_("QR code of the case"),
    "tablet_hall": N_("tablet in the hall, a case"),
    "tablet_walkup": N_("tablet in the hall, no case"),
    "qr_hall": N_("QR code in the hall"),
    "sms_viber": N_("SMS or Viber"),
    "phone_interview": N_("telephone interview"),
    "paper_box": N_("paper box"),
    "diia_centers_map": N_("map of Diia.Centres"),
}
CHANNEL = {"phone": N_("on one’s phone"), "tablet": N_("on the tablet"), "assisted": N_("asked by staff")}
BY = {
    "service": N_("Services"),
    "provider": N_("Providers"),
    "workplace": N_("Windows"),
    "part_of_week": N_("Time of the week"),
    "language": N_("Languages"),
    "source": N_("Sources"),
}
PART = {
    "service": N_("Service"),
    "provider": N_("Provider"),
    "workplace": N_("Window"),
    "language": N_("Language"),
}
PART_OF_DAY = {
    "morning": N_("until 11:00"),
    "midday": N_("11:00–14:00"),
    "afternoon": N_("14:00–17:00"),
    "evening": N_("from 17:00"),
}
TOO_FEW = N_("too few answers to compare")
VERDICT = {
    "too_few": TOO_FEW,
    "no_different": N_("no different from the period before"),
    "worse": N_("worse than in the period before"),
    "better": N_("better than in the period before"),
}
BETWEEN = {
    "too_few": TOO_FEW,
    "no_different": N_("no different"),
    "worse": N_("worse"),
    "better": N_("better"),
}
NOT_TOLD = N_("too few answers to show")
NOBODY = N_("nobody has answered")
NOWHERE = N_("not known")


def verdict(change: Difference | None) -> str:
    """How a figure compares with the period before, in words."""
    if change is None or change.interval is None:
        return _("there is nothing to compare it with yet")
    return _(VERDICT[change.verdict])


def changed(change: Difference | None, unit: str) -> str:
    """By how much, where the interval allows to say it; else nothing."""
    if change is None or change.interval is None or change.verdict not in ("worse", "better"):
        return ""
    low, high = change.interval
    return _(
        "by %(points)s %(unit)s (%(low)s to %(high)s)",
        points=signed(change.points or 0.0),
        unit=unit,
        low=signed(low),
        high=signed(high),
    )


def signed(value: float) -> str:
    """With its sign, also above zero."""
    return f"+{number(value, 1)}" if value > 0 else number(value, 1)


def percent(value: float | None) -> str:
    """«2,5 %»; a dash where there is none."""
    return "—" if value is None else f"{number(value, 1)}\u00a0%"


def interval(ends: Interval | Sequence[float] | None) -> str:
    """Both ends, or nothing."""
    return f"{number(ends[0], 1)}…{number(ends[1], 1)}" if ends else ""


def weekdays() -> list[str]:
    """Monday first, short."""
    names = get_day_names("abbreviated", locale=get_locale())
    return [names[place] for place in range(7)]


def part_of_week(key: str | None) -> str:
    """«пн, 11:00–14:00»."""
    if not key or "-" not in key:
        return _("time not known")
    weekday, part = key.split("-", 1)
    return f"{weekdays()[int(weekday) - 1]}, {_(PART_OF_DAY[part])}" if part in PARTS_OF_DAY else key


def group(by: str, key: str | None, title: str | None = None) -> str:
    """A group as a person knows it."""
    if by == "part_of_week":
        return part_of_week(key)
    if key is None:
        return _(NOWHERE)
    if by == "source":
        return _(SOURCE[key])
    if by == "language":
        return own_name(key)
    return f"{title} ({key})" if title else key


def period(by: str, key: str) -> str:
    """A week by its Monday, a month by its name."""
    if by == "week":
        year, week = key.split("-W")
        monday = date.fromisocalendar(int(year), int(week), 1)
        return format_date(monday, "d.MM", locale=get_locale())
    return format_date(date.fromisoformat(f"{key}-01"), "LLL yyyy", locale=get_locale())


def whole_period(by: str, key: str) -> str:
    """The same where there is room."""
    if by == "week":
        year, week = key.split("-W")
        monday = date.fromisocalendar(int(year), int(week), 1)
        ends = (monday, monday + timedelta(days=6))
        return "–".join(format_date(end, "d.MM.yyyy", locale=get_locale()) for end in ends)
    return period(by, key)


def asked(published: Sequence[Questionnaire]) -> Mapping[str, str]:
    """The text of each question, the newest."""
    return {question.id: in_language(question.text) for one in published for question in one.questions}


def reasons(published: Sequence[Questionnaire]) -> Mapping[str, str]:
    """The text of each reason by its value, the newest."""
    return {
        option.value: in_language(option.text)
        for one in published
        if (question := one.question(one.reasons_question))
        for option in question.options
    }
