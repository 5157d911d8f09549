"""The command-line door: what an operator does, and the worker. ``wsgi`` registers it where a command runs.

A command exits with 0 when what its help says is true, with 1 when it is not, with 2 when it was called
wrongly; then one sentence on standard error says why.
"""

from flask import Flask

from feedback_service.cli.access import journal, key, user
from feedback_service.cli.figures import purge, recount, summary
from feedback_service.cli.packages import packages
from feedback_service.cli.registers import centre, methodology, questionnaire, service
from feedback_service.cli.tablets import device
from feedback_service.cli.worker import relay, worker


def register(app: Flask) -> None:
    """Give the ``flask`` command all of ours."""
    groups = (centre, service, key, user, journal, device, questionnaire, methodology, packages)
    for command in (*groups, relay, worker, recount, purge, summary):
        app.cli.add_command(command)
