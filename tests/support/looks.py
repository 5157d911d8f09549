"""A person's look at a survey, as far as the tables are concerned."""

from feedback_service.flow import answers
from feedback_service.flow.answers import opened_invitations


def visit_survey(token: str) -> None:
    """A person followed the link; the moment after which that is noted has passed."""
    answers.open_survey(token, mark_opened=True)
    opened_invitations.write_now()
