"""Commands that recount and purge what is stored."""

import json
from dataclasses import asdict
from datetime import date

import click
from flask.cli import with_appcontext

from feedback_service.cli.command import Command
from feedback_service.flow import maintenance, purge_permission


@click.command("recount", cls=Command)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where stored figures are not the answers'.")
@with_appcontext
def recount(check: bool) -> None:
    """Recount the figures of all past days from the answers."""
    if not check:
        click.echo(f"{maintenance.recount_days()} days recounted.")
        return
    differences = maintenance.find_count_mismatches()
    for difference in differences:
        click.echo(json.dumps(asdict(difference), default=date.isoformat, ensure_ascii=False))
    if differences:
        raise click.ClickException(f"{len(differences)} stored counts are not what the answers add up to.")
    click.echo("Every stored count is what the answers add up to.")


@click.command("purge", cls=Command)
@with_appcontext
def purge() -> None:
    """Delete comments, and invitations with their cases, that are older than RETENTION_DAYS."""
    purge_permission.require_permission()
    purged = maintenance.purge_expired_data()
    maintenance.purge_refused_answers()
    maintenance.empty_write_log()
    click.echo(f"{purged.comments} comments and {purged.cases} cases deleted.")
