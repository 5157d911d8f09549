"""Counts the bad answers of a summary; ``bad_series`` finds when they become more frequent."""

from feedback_service.figures.comparison import Share
from feedback_service.indicators.methodology import Methodology
from feedback_service.indicators.scoring import Figures


def count_bad_answers(figures: Figures, methodology: Methodology, front_office: str) -> Share | None:
    """The bad answers about a front office; ``None`` where its figures are withheld or were not asked for."""
    overall = methodology.overall[front_office]
    figure = figures.find_question(overall.id)
    if figure is None:
        return None
    return Share(sum(figure.counts.get(word, 0) for word in overall.bad), figure.n)
