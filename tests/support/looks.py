"""A person's look at a survey, as far as the tables are concerned."""

from feedback_service.flow import answers
from feedback_service.flow.answers import opened


def looked_at(token: str) -> None:
    """A person followed the link; the moment after which that is noted has passed."""
    answers.open_survey(token, counts=True)
    opened.write_now()
