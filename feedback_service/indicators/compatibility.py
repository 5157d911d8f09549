"""Checks that every answer of a questionnaire can be counted: questionnaires and methodologies change separately."""

from collections.abc import Collection

from feedback_service.indicators.methodology import Methodology, choose_in_force
from feedback_service.surveys.questionnaires import Questionnaire


def refuse_misfit(questionnaire: Questionnaire, methodologies: Collection[Methodology]) -> None:
    """Raise ``ValueError`` naming an answer that the questionnaire offers and a methodology cannot count.

    A period can contain answers to the questionnaire and end on any later day. So every methodology in force from its
    first day on must have a place for each value, and count the reasons of its question why. The methodology in force
    on the first day must also count each question with words or a scale; a later one may leave a question out.
    """
    start, front_office = questionnaire.effective_from, questionnaire.front_office
    later = sorted({each.effective_from for each in methodologies if each.effective_from > start})
    at_first, *afterwards = (choose_in_force(methodologies, day) for day in (start, *later))
    counted = at_first.counted_values(front_office)
    for question in questionnaire.questions:
        if question.kind in ("scale_0_10", "words") and question.id not in counted:
            raise ValueError(
                f"the methodology {at_first.id} counts no answers to {question.id} of {questionnaire.version}"
            )
    for methodology in (at_first, *afterwards):
        reasons = questionnaire.find_question(questionnaire.reasons_question)
        if reasons is not None and reasons.id != methodology.reasons:
            raise ValueError(
                f"the methodology {methodology.id} counts reasons by {methodology.reasons},"
                f" not by {reasons.id} of {questionnaire.version}"
            )
        for id, places in methodology.counted_values(front_office).items():
            offered = questionnaire.find_question(id)
            for value in offered.values if offered else ():
                if value not in places:
                    raise ValueError(
                        f"the methodology {methodology.id} has no place for the answer {value} to {id}"
                        f" that {questionnaire.version} offers"
                    )
