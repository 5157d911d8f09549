"""The command-line door: the commands of an operator, the relay and the worker.

``wsgi`` registers them only where a command runs. A command exits with 0 when it has done what its help says, with 1
when it has not, with 2 when it was called wrongly; in the last two cases one sentence on standard error says why.
"""

from flask import Flask

from feedback_service.cli.access import journal, key, user
from feedback_service.cli.maintenance import purge, recount
from feedback_service.cli.packages import packages
from feedback_service.cli.registers import centre, methodology, questionnaire, service
from feedback_service.cli.summary import summary
from feedback_service.cli.tablets import device
from feedback_service.cli.worker import relay, worker


def register(app: Flask) -> None:
    """Add our commands to the ``flask`` command."""
    groups = (centre, service, key, user, journal, device, questionnaire, methodology, packages)
    for command in (*groups, relay, worker, recount, purge, summary):
        app.cli.add_command(command)
