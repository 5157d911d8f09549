"""The commands that only a demonstration needs; ``wsgi`` registers them beside the service's own."""

import click
from flask import Flask

from feedback_service.cli.command import Group

demo = Group("demo", help="A believable centre to look at.")


def register(app: Flask) -> None:
    """Give the ``flask`` command the commands of the demonstration."""
    app.cli.add_command(demo)


@demo.command("seed")
@click.option("--cases", required=True, type=click.IntRange(1, 1_000_000), help="How many cases.")
@click.option("--seed", default=1, show_default=True, help="The same number gives the same town.")
def demo_seed(cases: int, seed: int) -> None:
    """Fill the database with a made-up centre: its last 90 days of cases and answers."""
    from feedback_service.sandbox import seed as sandbox  # every other command does without it

    click.echo(f"Centre {sandbox.seed_demo_data(cases, seed)} has {cases} more cases.")
