"""Whether every answer that can be given can be counted: questionnaires and methodologies change apart."""

from collections.abc import Collection

from feedback_service.indicators.methodology import Methodology, choose_in_force
from feedback_service.surveys.questionnaires import Questionnaire


def refuse_misfit(questionnaire: Questionnaire, methodologies: Collection[Methodology]) -> None:
    """Raise ``ValueError`` naming an answer that the questionnaire offers and a methodology cannot count.

    A period may hold its answers and end on any later day, so every methodology in force from its first day on
    has a place for each value. The one in force on that day also counts each of its questions with words or
    a scale; a later one may leave a question out, and then no figure is made of it.
    """
    start, front_office = questionnaire.effective_from, questionnaire.front_office
    later = sorted(one.effective_from for one in methodologies if one.effective_from > start)
    at_first, *afterwards = (choose_in_force(methodologies, day) for day in (start, *later))
    counted = at_first.counted(front_office)
    for question in questionnaire.questions:
        if question.kind in ("scale_0_10", "words") and question.id not in counted:
            raise ValueError(
                f"the methodology {at_first.id} counts no answers to {question.id} of {questionnaire.version}"
            )
    for methodology in (at_first, *afterwards):
        for id, places in methodology.counted(front_office).items():
            asked = questionnaire.question(id)
            for value in asked.values if asked else ():
                if value not in places:
                    raise ValueError(
                        f"the methodology {methodology.id} has no place for the answer {value} to {id}"
                        f" that {questionnaire.version} offers"
                    )
