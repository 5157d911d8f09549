"""The command that prints the figures of a period."""

import json
from datetime import date, datetime

import click
from flask.cli import with_appcontext

from feedback_service import clock
from feedback_service.cli.command import Command
from feedback_service.clock import ACCEPTED_YEARS
from feedback_service.errors import NotFound
from feedback_service.figures.shapes import FigureQuery
from feedback_service.figures.summary_json import summary_json
from feedback_service.flow.summaries import read_both_totals
from feedback_service.periods import EndsBeforeItBegins, complete_period

DAY = click.DateTime(["%Y-%m-%d"])
UNCONFIRMED = "Методика не підтверджена (the methodology is not confirmed)."


def _parse_day(_ctx: click.Context, _param: click.Parameter, typed: datetime | None) -> date | None:
    if typed is None:
        return None
    if typed.year not in ACCEPTED_YEARS:
        raise click.BadParameter(f"The year must be from {ACCEPTED_YEARS[0]} to {ACCEPTED_YEARS[-1]}.")
    return typed.date()


@click.command("summary", cls=Command)
@click.option("--centre", "centres", multiple=True, required=True, help="The centre's code; repeat to pool several.")
@click.option("--from", "first", type=DAY, callback=_parse_day, help="First day, in Kyiv; 1 January when not given.")
@click.option("--to", "last", type=DAY, callback=_parse_day, help="Last day, in Kyiv; today when not given.")
@with_appcontext
def summary(centres: tuple[str, ...], first: date | None, last: date | None) -> None:
    """Print a period's indicators as the JSON of GET /api/v1/summaries."""
    try:
        first, last = complete_period(first, last, clock.kyiv_day(clock.now()))
    except EndsBeforeItBegins as error:
        raise click.UsageError("--from is later than --to") from error
    codes = frozenset(code.strip().upper() for code in centres)
    try:
        totals, totals_without_signals = read_both_totals(FigureQuery(codes, first, last))
    except NotFound as error:
        message = f"There is no centre {' or no centre '.join(sorted(codes))}."
        raise click.ClickException(message) from error
    if totals.methodology.status == "unconfirmed":
        click.echo(UNCONFIRMED, err=True)
    click.echo(json.dumps(summary_json(totals, totals_without_signals), ensure_ascii=False, indent=1))
