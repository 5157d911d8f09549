"""Commands for API keys, users and the audit log."""

import sys

import click

from feedback_service.access.audit_log import INSTALLATION_CHAIN, ChainBreak
from feedback_service.addresses import set_password_address
from feedback_service.cli.command import Group
from feedback_service.errors import FieldError
from feedback_service.flow import api_keys, audit, users
from feedback_service.vocabulary import ROLES, SCOPES

key = Group("key", help="Keys of case systems and portals.")
user = Group("user", help="People who work in the administration.")
user_second_factor = Group("second-factor", help="One-time codes of users.")
user.add_command(user_second_factor)
journal = Group("journal", help="Who saw and did what.")


@key.command("add")
@click.option("--centre", "centres", multiple=True, required=True, help="A centre it may act for; repeats.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What it may do; repeats."
)
def key_add(centres: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    """Make a key; it is printed this once, alone on the last line."""
    secret = api_keys.add_key(scopes, centres)
    click.echo("The key is shown only now; keep it where the case system finds it.", err=True)
    click.echo(secret)


@key.command("revoke")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input.")
def key_revoke(key_stdin: bool) -> None:
    """Let nobody in with a key any more; it is read, because only whoever holds it has it."""
    if not key_stdin:
        raise click.UsageError("Say --key-stdin: as an argument, the key would stay in the shell's history")
    api_keys.revoke_by_secret(sys.stdin.readline())
    click.echo("The key is revoked.")


@user.command("add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What they may do.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="What it reaches; repeats. Centre code (administrator, head), council's ЄДРПОУ or centre code (council), "
    "ЄДРПОУ (provider), КАТОТТГ (oblast), service code or * (central_body), * (ministry, operator).",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def user_add(email: str, role: str, scopes: tuple[str, ...], password_stdin: bool) -> None:
    """Let EMAIL in; without --password-stdin prints, alone on the last line, the link that sets the password."""
    if password_stdin:
        added = users.add_user_with_password(email, role, scopes, sys.stdin.readline().rstrip("\r\n"))
        _print_warning(added.warning)
        click.echo(f"User {email} added.")
        return
    added = users.add_user(None, email, role, scopes)
    _print_warning(added.warning)
    _print_password_link(added.link)


@user.command("list")
def user_list() -> None:
    """Print every user: e-mail, role, what it reaches, and what is missing or switched off."""
    for visible_user in users.list_users(None):
        summary = visible_user.user
        applies = {
            "disabled": summary.disabled,
            "no password": not summary.has_password,
            "no second factor": not summary.has_second_factor,
        }
        remarks = ", ".join(remark for remark in applies if applies[remark])
        click.echo("\t".join((summary.email, summary.role, " ".join(summary.scopes), remarks)))


@user.command("link")
@click.argument("email")
def user_link(email: str) -> None:
    """Print, alone on the last line, a link by which EMAIL sets a new password once within three days."""
    _print_password_link(users.renew_password_link(None, users.find_user_id(email)))


def _print_warning(warning: FieldError | None) -> None:
    if warning:
        click.echo(f"Warning: {warning.detail % warning.params}", err=True)


def _print_password_link(link: str) -> None:
    click.echo("The link works once, for three days, and is shown only now.", err=True)
    click.echo(set_password_address(link))


@user.command("disable")
@click.argument("email")
def user_disable(email: str) -> None:
    """Let EMAIL in no more, and end their sessions."""
    users.disable_user(None, users.find_user_id(email))
    click.echo(f"User {email} is disabled.")


@user.command("enable")
@click.argument("email")
def user_enable(email: str) -> None:
    """Let EMAIL in again."""
    users.enable_user(None, users.find_user_id(email))
    click.echo(f"User {email} is let in.")


@user_second_factor.command("reset")
@click.argument("email")
def user_second_factor_reset(email: str) -> None:
    """Let EMAIL set a second factor up anew after the next sign-in, for example with a new telephone."""
    users.reset_second_factor(None, users.find_user_id(email))
    click.echo(f"User {email} sets a second factor up after the next sign-in.")


@journal.command("check")
def journal_check() -> None:
    """Prove that the journal is whole, and print the head of each chain: note them where nobody can change them."""
    broken = 0
    for result in audit.check_audit_log():
        chain = "installation" if result.chain == INSTALLATION_CHAIN else str(result.chain)
        if isinstance(result, ChainBreak):
            broken += 1
            click.echo(f"{chain}\tbroken at entry {result.number}", err=True)
        else:
            click.echo(f"{chain}\t{result.number}\t{result.digest.hex()}")
    if broken:
        raise click.ClickException(f"{broken} of the journal's chains do not hold together.")
