"""A centre's summary arranged for reading: by front office, tables of questions that share their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feedback_service.figures.shapes import Summary
from feedback_service.indicators.scoring import LoyaltyIndex, QuestionFigure
from feedback_service.surveys.questionnaires import Option, Question, Questionnaire
from feedback_service.vocabulary import FRONT_OFFICES


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Questions with the same words to choose from, and how often each was chosen."""

    options: tuple[Option, ...]
    rows: list[tuple[Question, QuestionFigure]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FrontOfficeSection:
    """What one front office's visitors said; no ``index`` when so few answered that nothing is shown."""

    front_office: str
    index: LoyaltyIndex | None
    tables: list[AnswerTable]


def arrange_sections(summary: Summary, published: Sequence[Questionnaire]) -> list[FrontOfficeSection]:
    """The figures of both front offices in the words of the questionnaires, of which later ones hold.

    Questions without answers are left out.
    """
    figures = {figure.id: figure for figure in summary.figures.questions if figure.n}
    return [
        FrontOfficeSection(
            front_office,
            summary.figures.find_index(front_office),
            _make_tables(figures, [one for one in published if one.front_office == front_office]),
        )
        for front_office in FRONT_OFFICES
    ]


def _make_tables(
    figures: Mapping[str, QuestionFigure], published: Sequence[Questionnaire]
) -> list[AnswerTable]:
    """The newest wording of every question that somebody answered."""
    questions = {
        question.id: question for one in published for question in one.questions if question.kind == "words"
    }
    tables: list[AnswerTable] = []
    for id, question in questions.items():
        if id not in figures:
            continue
        if not tables or tables[-1].options != question.options:
            tables.append(AnswerTable(question.options))
        tables[-1].rows.append((question, figures[id]))
    return tables
