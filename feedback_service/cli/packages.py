"""Commands that make and check signed packages of events, for an installation without a connection."""

import os
from pathlib import Path

import click

from feedback_service import clock
from feedback_service.cli.command import FILE, Group
from feedback_service.config import BadSettings, current_settings, read_central_secret
from feedback_service.delivery import package_file, packaging
from feedback_service.delivery.package_file import BadPackage
from feedback_service.delivery.packaging import PackagingInProgress

packages = Group("package", help="Signed packages of events, for a hand-over without a line.")


@packages.command("make")
def package_make() -> None:
    """Pack all events that wait, whatever the hour; prints each package. The worker packs days that are over."""
    if not current_settings().central_secret:
        raise click.ClickException("FEEDBACK_CENTRAL_SECRET is not set; packages are signed by it.")
    try:
        paths = packaging.make_manual_packager(current_settings()).make_packages(until=clock.now())
    except PackagingInProgress as error:
        raise click.ClickException("Somebody else makes packages just now; try again later.") from error
    except OSError as error:
        folder = current_settings().packages_dir
        raise click.ClickException(f"No package can be written in {folder}: {error.strerror}.") from error
    for path in paths:
        click.echo(path)
    if not paths:
        click.echo("No event waits.", err=True)


@packages.command("check", with_appcontext=False)
@click.argument("file", type=FILE)
def package_check(file: Path) -> None:
    """Check that FILE is whole and signed, and name its numbers; needs FEEDBACK_CENTRAL_SECRET and no database."""
    try:
        contents = package_file.check_package(file, read_central_secret(os.environ))
    except BadSettings as error:
        raise click.ClickException(f"{error}.") from error
    except BadPackage as error:
        raise click.ClickException(f"{file.name} is not good: {error}.") from error
    numbers = "; ".join(
        f"{centre} {', '.join(f'{first}–{last}' for first, last in ranges)}"
        for centre, ranges in contents.centres.items()
    )
    click.echo(f"{contents.name} is whole and signed, {contents.events} events: {numbers}.")
