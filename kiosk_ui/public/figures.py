"""A centre's summary arranged for its public page: tables of questions with the same options, by front office."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feedback_service.figures.shapes import Summary
from feedback_service.indicators.scoring import LoyaltyIndex, QuestionFigure
from feedback_service.surveys.questionnaires import Option, Question, Questionnaire
from feedback_service.vocabulary import FRONT_OFFICES


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Questions with the same options, and how often each option was chosen."""

    options: tuple[Option, ...]
    rows: list[tuple[Question, QuestionFigure]] = field(default_factory=list)


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
    tables: list[AnswerTable] = []
    for question_id, question in questions.items():
        if question_id not in figures:
            continue
        if not tables or tables[-1].options != question.options:
            tables.append(AnswerTable(question.options))
        tables[-1].rows.append((question, figures[question_id]))
    return tables
