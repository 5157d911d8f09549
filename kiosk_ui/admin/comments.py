"""What people wrote: the head of a centre finds it, reads it, sets aside what is not meant seriously."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from feedback_service import clock, exports
from feedback_service.access import roles
from feedback_service.config import settings
from feedback_service.errors import N_, NotFound
from feedback_service.flow import comments as comments_flow
from feedback_service.flow import profile
from feedback_service.flow.dashboard import read_questionnaires
from feedback_service.i18n import own_name
from feedback_service.surveys.comments import Slice, Told, Wanted
from feedback_service.surveys.questionnaires import Questionnaire
from feedback_service.words import FRONT_OFFICES, SOURCES
from kiosk_ui.admin import words
from kiosk_ui.admin.admission import centre_of, needs, sight, visitor
from kiosk_ui.admin.layout import show
from kiosk_ui.admin.period import read_period
from kiosk_ui.languages import in_language, offered, spoken, told

LONGEST_SEARCH = 100  # characters

COLUMNS = {
    "month": N_("Month"),
    "front_office": N_("Where"),
    "service": N_("Service"),
    "rating": N_("Would recommend, 0 to 10"),
    "poor": N_("What was poor"),
    "reasons": N_("Reasons"),
    "breach": N_("Something serious"),
    "language": N_("Language"),
    "comment": N_("Comment"),
}
UNKNOWN = N_("“%(typed)s” is nothing one can choose here and was left out.")
CUT = N_("Only the first %(longest)s characters are looked for.")


@dataclass(frozen=True, slots=True)
class Reading:
    """A comment as it is read: what its author marked badly, in the words that were asked."""

    told: Told
    rating: str | None
    poor: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    breaches: Sequence[str]


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: which comments, a sentence for each wish that could not be met, and what one may choose."""

    wanted: Wanted
    remarks: Sequence[str]
    published: Sequence[Questionnaire]
    choices: Mapping[str, Mapping[str, str]]
    reasons: Mapping[str, str]

    @property
    def query(self) -> str:
        """The filters as an address carries them."""
        return urlencode(request.args.to_dict(flat=False), doseq=True)

    @property
    def narrowed(self) -> bool:
        """Whether a filter is in use that is not always seen."""
        of = self.wanted.of
        return any((of.front_office, of.service, of.source, self.wanted.language, self.wanted.reasons))


@needs(roles.COMMENTS)
def comments(centre: str | None = None) -> ResponseReturnValue:
    """A centre's comments, the newest first; every filter is in the address."""
    if centre is None:
        return _to_a_centre()
    card, view = centre_of(centre), _view(centre)
    found = comments_flow.read_comments(
        visitor(), card.code, view.wanted, _uuid(request.args.get("after", ""))
    )
    return show(
        "admin/comments.html",
        card=card,
        centres=sight().centres,
        view=view,
        wanted=view.wanted,
        found=found,
        readings=[_reading(each, view.published) for each in found.comments],
        least=settings().min_group,
        front_offices=words.FRONT_OFFICE,
        formats=exports.FORMATS,
    )


def _to_a_centre() -> ResponseReturnValue:
    """To the first of the visitor's centres; who has none learns that there is none."""
    if not sight().centres:
        return show("admin/comments.html", card=None)
    return redirect(url_for("admin.comments", centre=sight().centres[0].code, lang=spoken()), 303)


@needs(roles.COMMENTS)
def export_comments(centre: str, format: str) -> ResponseReturnValue:
    """The same comments as a file, told as they are on the page."""
    card = centre_of(centre)
    if format not in exports.FORMATS:
        raise NotFound()
    view = _view(centre)
    every = comments_flow.every_comment(visitor(), card.code, view.wanted)
    columns = [exports.Column(name, told(title)) for name, title in COLUMNS.items()]
    rows = (_row(_reading(each, view.published)) for each in every)
    table = exports.Table("comments", told(N_("Comments")), columns, rows)
    file = Response(exports.FORMATS[format].write(table), mimetype=exports.FORMATS[format].type)
    file.headers["Content-Disposition"] = f'attachment; filename="comments-{card.code}.{format}"'
    return file


@needs(roles.COMMENTS)
def set_comment_aside(centre: str, comment: str) -> ResponseReturnValue:
    """The comment goes to those set aside, or comes back; then the page is as it was."""
    id = _uuid(comment)
    if id is None:
        raise NotFound()
    comments_flow.set_aside(visitor(), centre, id, aside=request.form.get("back") is None)
    page = url_for("admin.comments", centre=centre)
    filters = request.query_string.decode("ascii", "ignore")
    return redirect(f"{page}?{filters}" if filters else page, 303)


def _view(centre: str) -> View:
    """What the address asks for, or the nearest to it that makes sense."""
    published = read_questionnaires(clock.kyiv_day(clock.now()))
    services = {_key(each): each.title for each in profile.services_of(visitor(), centre)}
    reasons = dict(words.reasons(published))
    wanted, remarks = _wanted(services, reasons)
    choices = {
        "front_office": {each: told(words.FRONT_OFFICE[each]) for each in FRONT_OFFICES},
        "service": services,
        "source": {each: told(words.SOURCE[each]) for each in SOURCES},
        "language": {code: own_name(code) for code in offered()},
    }
    return View(wanted, remarks, published, choices, reasons)


def _wanted(services: Mapping[str, str], reasons: Mapping[str, str]) -> tuple[Wanted, list[str]]:
    """What the address asks for, or the nearest to it that makes sense; and a sentence for each difference."""
    remarks: list[str] = []

    def one_of(name: str, known: Collection[str]) -> str | None:
        typed = request.args.get(name, "")
        if typed and typed not in known:
            remarks.append(told(UNKNOWN, {"typed": typed[:40]}))
        return typed if typed in known else None

    first, last = read_period(request.args, clock.kyiv_day(clock.now()), remarks)
    text = request.args.get("q", "").strip()
    if len(text) > LONGEST_SEARCH:
        remarks.append(told(CUT, {"longest": LONGEST_SEARCH}))
    of = Slice(
        first=first,
        last=last,
        front_office=one_of("front_office", FRONT_OFFICES),
        service=one_of("service", services),
        source=one_of("source", SOURCES),
    )
    asked = request.args.getlist("reason")
    remarks += [told(UNKNOWN, {"typed": typed[:40]}) for typed in asked if typed and typed not in reasons]
    wanted = Wanted(
        of=of,
        language=one_of("language", offered()),
        reasons=frozenset(asked) & reasons.keys(),
        poor="poor" in request.args,
        breach="breach" in request.args,
        text=text[:LONGEST_SEARCH],
        set_aside="aside" in request.args,
    )
    return wanted, remarks


def _row(reading: Reading) -> list[str | None]:
    comment = reading.told
    return [
        f"{comment.month:%Y-%m}" if comment.month else None,
        told(words.FRONT_OFFICE[comment.front_office]) if comment.front_office else None,
        comment.service,
        reading.rating,
        "; ".join(f"{question} {answer}" for question, answer in reading.poor),
        "; ".join(reading.reasons),
        "; ".join(reading.breaches),
        comment.language,
        comment.text,
    ]


def _reading(comment: Told, published: Sequence[Questionnaire]) -> Reading:
    asked = next((one for one in published if one.version == comment.questionnaire), published[-1])
    answers = comment.answers
    return Reading(
        comment,
        next((values[0] for id, values in answers.items() if id == asked.first.id), None),
        [
            (in_language(question.text), _text(asked, question.id, values[0]))
            for question in asked.questions
            if question.kind == "words"
            and (values := answers.get(question.id))
            and values[0] in asked.poor_values
        ],
        [_text(asked, asked.reasons_question, value) for value in asked.reasons(answers)],
        [_text(asked, asked.breach_question.id, value) for value in asked.breaches(answers)],
    )


def _text(asked: Questionnaire, id: str, value: str) -> str:
    question = asked.question(id)
    options = question.options if question else ()
    return next((in_language(option.text) for option in options if option.value == value), value)


def _key(service: profile.ServiceCard) -> str:
    return service.code or service.local_code


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
