"""Commands that register centres and services and publish documents."""

import sys
from pathlib import Path

import click

from feedback_service import imports
from feedback_service.centres.register import normalise_code
from feedback_service.cli.command import FILE, Group
from feedback_service.flow import publishing, registers
from feedback_service.flow import service_import as import_flow
from feedback_service.flow.row_import import ImportResult

centre = Group("centre", help="Centres of administrative services.")
service = Group("service", help="Services that centres give.")
questionnaire = Group("questionnaire", help="Published questionnaires.")
methodology = Group("methodology", help="Published methodologies.")


@centre.command("add")
@click.argument("code")
@click.option("--name", required=True, help="Full name, as people know it.")
@click.option("--edrpou", required=True, help="ЄДРПОУ of the legal entity, eight digits.")
@click.option("--katottg", required=True, help="КАТОТТГ code of the territory, UA and 17 digits.")
@click.option("--controller", help="Who answers for personal data; the survey's notice names it.")
@click.option("--contact", help="Where to turn about personal data.")
def centre_add(code: str, **profile: str | None) -> None:
    """Make the centre CODE known, for example SN05000001."""
    options = {name: value for name, value in profile.items() if value is not None}
    for warning in registers.add_centre({"code": code} | options):
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"Centre {normalise_code(code)} added.")


@centre.command("import")
@click.argument("file", type=FILE)
def centre_import(file: Path) -> None:
    """Bring centres up to FILE: CSV or JSON with code, name, edrpou, katottg and, if known, controller, contact."""
    rows = imports.read_table(file, registers.REQUIRED_CENTRE_COLUMNS, registers.OPTIONAL_CENTRE_COLUMNS)
    _report_import(registers.import_centres(rows))


@service.command("import")
@click.argument("file", type=FILE)
@click.option("--centre", "code", help="The centre of rows that name none.")
def service_import(file: Path, code: str | None) -> None:
    """Bring services up to FILE: CSV or JSON with title, code or local_code or both, and centre unless --centre."""
    rows = imports.read_table(file, import_flow.REQUIRED_SERVICE_COLUMNS, import_flow.OPTIONAL_SERVICE_COLUMNS)
    _report_import(import_flow.import_services(rows, code))


@questionnaire.command("load")
@click.argument("file", type=FILE)
def questionnaire_load(file: Path) -> None:
    """Publish the questionnaire in FILE; a published one never changes."""
    click.echo(f"Questionnaire {publishing.publish_questionnaire(imports.read_document(file))} is published.")


@methodology.command("load")
@click.argument("file", type=FILE)
def methodology_load(file: Path) -> None:
    """Publish the methodology in FILE; a published one never changes."""
    click.echo(f"Methodology {publishing.publish_methodology(imports.read_document(file))} is published.")


def _report_import(result: ImportResult) -> None:
    """Print what became of a file; exit with 1 if a row was refused."""
    for warning in result.warnings:
        click.echo(f"Warning, line {warning.line}: {warning.sentence}", err=True)
    for fault in result.faults:
        click.echo(f"Not taken, line {fault.line}: {fault.sentence}", err=True)
    click.echo(
        f"{result.added} added, {result.changed} changed, {result.unchanged} unchanged, {len(result.faults)} not taken."
    )
    if result.faults:
        sys.exit(1)
