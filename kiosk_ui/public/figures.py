"""A centre's summary arranged for its public page: tables of questions with the same options, by front office."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from feedback_service.figures.shapes import Summary
from feedback_service.indicators.scoring import LoyaltyIndex, QuestionFigure
from feedback_service.surveys.questionnaires import Option, Question, Questionnaire
from feedback_service.vocabulary import FRONT_OFFICES


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Questions with the same options, and how often each option was chosen."""

    options: tuple[Option, ...]
    rows: list[tuple[Question, QuestionFigure]]


@dataclass(frozen=True, slots=True)
class FrontOfficeSection:
    """The figures of one front office; ``index`` is ``None`` if too few answered to show anything."""

    front_office: str
    index: LoyaltyIndex | None
    tables: list[AnswerTable]


def arrange_sections(summary: Summary, questionnaires: Sequence[Questionnaire]) -> list[FrontOfficeSection]:
    """Arrange the figures of both front offices with the texts of the questionnaires; later texts replace earlier ones.

    Questions without answers are left out.
    """
    figures = {figure.id: figure for figure in summary.figures.questions if figure.n}
    sections = []
    for front_office in FRONT_OFFICES:
        index = summary.figures.find_index(front_office)
        own = [each for each in questionnaires if each.front_office == front_office]
        sections.append(FrontOfficeSection(front_office, index, _make_tables(figures, own)))
    return sections


def _make_tables(figures: Mapping[str, QuestionFigure], questionnaires: Sequence[Questionnaire]) -> list[AnswerTable]:
    """Make tables of the questions that somebody answered, each in its newest text."""
    questions = {
        question.id: question
        for questionnaire in questionnaires
        for question in questionnaire.questions
        if question.kind == "words"
    }
    answered = [question for question in questions.values() if question.id in figures]
    return [
        AnswerTable(options, [(question, figures[question.id]) for question in alike])
        for options, alike in groupby(answered, key=attrgetter("options"))
    ]
