"""Commands for tablets: pairing, their state, revoking, and importing answers that a tablet saved to a file."""

import json
import sys
import uuid
from dataclasses import asdict
from pathlib import Path

import click

from feedback_service import imports
from feedback_service.cli.command import FILE, Group
from feedback_service.flow import tablet_files, tablet_health, tablet_pairing
from feedback_service.vocabulary import DEVICE_MODES, TABLET_OUTCOMES

device = Group("device", help="Tablets in halls and at windows.")


@device.command("add")
@click.option("--centre", "code", required=True, help="The centre it stands in.")
@click.option("--name", required=True, help="What the staff call it, such as the hall's tablet.")
@click.option("--mode", required=True, type=click.Choice(DEVICE_MODES), help="At a window, or free in the hall.")
@click.option("--workplace", help="The window whose cases a desk's tablet offers, as the case system names it.")
def device_add(code: str, name: str, mode: str, workplace: str | None) -> None:
    """Make a place for a tablet; the code that pairs it is printed alone on the last line, for ten minutes."""
    pairing_code = tablet_pairing.add_tablet(code, name=name, mode=mode, workplace=workplace)
    click.echo("Type this code at /kiosk on the tablet within ten minutes; it works once.", err=True)
    click.echo(pairing_code)


@device.command("code")
@click.argument("id", type=click.UUID)
@click.option("--centre", "code", required=True, help="The centre it stands in.")
def device_code(id: uuid.UUID, code: str) -> None:
    """Print another pairing code for the tablet ID, alone on the last line; its key so far ends with its use."""
    click.echo(tablet_pairing.renew_pairing_code(id, {code.strip().upper()}))


@device.command("list")
@click.option("--centre", "codes", multiple=True, required=True, help="The centre's code; repeats.")
def device_list(codes: tuple[str, ...]) -> None:
    """Print every tablet of a centre as a line of JSON: how it fares, and what needs attention."""
    for tablet in tablet_health.list_tablets({code.strip().upper() for code in codes}):
        click.echo(json.dumps(asdict(tablet), default=str, ensure_ascii=False))


@device.command("revoke")
@click.argument("id", type=click.UUID)
@click.option("--centre", "code", required=True, help="The centre it stands in.")
def device_revoke(id: uuid.UUID, code: str) -> None:
    """End the key of the tablet ID; it may still deliver what was answered on it until now."""
    tablet_pairing.revoke_tablet(id, {code.strip().upper()})
    click.echo("The tablet is revoked; it may still deliver what it holds.")


@device.command("import")
@click.argument("file", type=FILE)
def device_import(file: Path) -> None:
    """Take the answers that a stuck tablet saved to FILE; each is taken once, however often it is brought."""
    counts = tablet_files.import_tablet_file(imports.read_document(file))
    for word in TABLET_OUTCOMES:
        click.echo(f"{counts[word]} {word}")
    if counts["rejected"]:
        sys.exit(1)
