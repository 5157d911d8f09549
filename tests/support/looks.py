"""Opens surveys as a person does, until the database knows it."""

from feedback_service.flow import answers
from feedback_service.flow.answers import opened_invitations


def visit_survey(token: str) -> None:
    """Open the survey and write at once that it was opened."""
    answers.open_survey(token, mark_opened=True)
    opened_invitations.write_now()
