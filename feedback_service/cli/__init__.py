"""The command-line door: what an operator does, and the worker. ``wsgi`` registers it where a command runs.

A command exits with 0 when what its help says is true, with 1 when it is not, with 2 when it was called
wrongly; then one sentence on standard error says why.
"""

from flask import Flask

from feedback_service.cli.access import journal, key, user
from feedback_service.cli.hand_over import packages
from feedback_service.cli.records import purge, recount, summary
from feedback_service.cli.running import relay, worker
from feedback_service.cli.setup import centre, methodology, questionnaire, service
from feedback_service.cli.tablets import device


def register(app: Flask) -> None:
    """Give the ``flask`` command all of ours."""
    groups = (centre, service, key, user, journal, device, questionnaire, methodology, packages)
    for command in (*groups, relay, worker, recount, purge, summary):
        app.cli.add_command(command)
