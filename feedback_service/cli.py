"""The command-line door: what an operator does, and the worker.

A command exits with 0 when what its help says is true, with 1 when it is not, with 2 when it was called
wrongly; then one sentence on standard error says why.
"""

import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from flask.globals import app_ctx
from sqlalchemy.exc import SQLAlchemyError

from feedback_service import clock, files
from feedback_service.access import journal as access_journal
from feedback_service.access.journal import Break
from feedback_service.config import BadSettings, Settings, central_secret, settings
from feedback_service.delivery import courier, package, packer
from feedback_service.delivery.courier import Courier
from feedback_service.delivery.package import BadPackage
from feedback_service.delivery.packer import AnotherPacks, Packer
from feedback_service.errors import FeedbackError, Invalid, NotFound, Unavailable
from feedback_service.files import BadFile
from feedback_service.flow import pairing, setup, staff, tablet_list, upkeep
from feedback_service.flow.queue_files import take_queue_file
from feedback_service.flow.setup import Imported
from feedback_service.indicators import summaries
from feedback_service.indicators.signalled import without_signals
from feedback_service.logs import log
from feedback_service.words import DEVICE_MODES, ROLES, SCOPES

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])
REQUEST_ENDS = 3  # seconds that a request under way is given when the worker ends
NO_CENTRAL = "FEEDBACK_CENTRAL_URL is not set: nothing is sent, events wait."
UNCONFIRMED = "Методика не підтверджена (the methodology is not confirmed)."


def register(app: Flask) -> None:
    """Give the ``flask`` command all of ours."""
    groups = (centre, service, key, user, journal, device, questionnaire, methodology, packages, demo)
    for command in (*groups, relay, worker, recount, purge, summary):
        app.cli.add_command(command)


class _Misused(click.UsageError):
    """A command called wrongly, told in one sentence."""

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        command = self.ctx.command_path if self.ctx else "flask"
        click.echo(f"Error: {self.format_message().rstrip('.')}; see {command} --help.", err=True)


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as wrong:
        raise _Misused(
            wrong.message if type(wrong) is click.UsageError else wrong.format_message(), wrong.ctx
        ) from wrong
    except Invalid as refusal:
        said = (error.detail % error.params if error.params else error.detail for error in refusal.errors)
        raise click.ClickException(" ".join(said)) from refusal
    except (Unavailable, SQLAlchemyError) as error:
        sentence = "The database cannot be used; is it there, and has flask --app wsgi db upgrade been run?"
        raise click.ClickException(sentence) from error
    except FeedbackError as refusal:
        raise click.ClickException(refusal.detail % refusal.params or refusal.title) from refusal
    except BadFile as wrong:
        raise click.ClickException(f"{wrong}.") from wrong


class _Command(click.Command):
    """A command whose failures are one sentence."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with _in_one_sentence():
            return super().invoke(ctx)


class _Group(AppGroup):
    """Commands about one thing."""

    command_class = _Command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command that is named."""
        with _in_one_sentence():
            return super().resolve_command(ctx, args)


centre = _Group("centre", help="Centres of administrative services.")
service = _Group("service", help="Services that centres give.")
key = _Group("key", help="Keys of case systems and portals.")
user = _Group("user", help="People who work in the administration.")
user_second_factor = _Group("second-factor", help="One-time codes of users.")
user.add_command(user_second_factor)
journal = _Group("journal", help="Who saw and did what.")
device = _Group("device", help="Tablets in halls and at windows.")
questionnaire = _Group("questionnaire", help="Published questionnaires.")
methodology = _Group("methodology", help="Published methodologies.")
packages = _Group("package", help="Signed packages of events, for a hand-over without a line.")
demo = _Group("demo", help="A believable centre to look at.")


@centre.command("add")
@click.argument("code")
@click.option("--name", required=True, help="Full name, as people know it.")
@click.option("--edrpou", required=True, help="ЄДРПОУ of the legal entity, eight digits.")
@click.option("--katottg", required=True, help="КАТОТТГ code of the territory, UA and 17 digits.")
@click.option("--controller", help="Who answers for personal data; the survey's notice names it.")
@click.option("--contact", help="Where to turn about personal data.")
def centre_add(code: str, **profile: str | None) -> None:
    """Make the centre CODE known, for example SN05000001."""
    given = {name: cell for name, cell in profile.items() if cell is not None}
    for warning in setup.add_centre({"code": code} | given):
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"Centre {code.strip().upper()} added.")


@centre.command("import")
@click.argument("file", type=FILE)
def centre_import(file: Path) -> None:
    """Bring centres up to FILE: CSV or JSON with code, name, edrpou, katottg and, if known, controller, contact."""
    rows = files.rows(file, setup.CENTRE_NEEDED, setup.CENTRE_OPTIONAL)
    _tell(setup.import_centres(rows))


@service.command("import")
@click.argument("file", type=FILE)
@click.option("--centre", "code", help="The centre of rows that name none.")
def service_import(file: Path, code: str | None) -> None:
    """Bring services up to FILE: CSV or JSON with title, code or local_code or both, and centre unless --centre."""
    rows = files.rows(file, setup.SERVICE_NEEDED, setup.SERVICE_OPTIONAL)
    _tell(setup.import_services(rows, code))


@key.command("add")
@click.option("--centre", "centres", multiple=True, required=True, help="A centre it may act for; repeats.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may do; repeats.",
)
def key_add(centres: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    """Make a key; it is printed this once, alone on the last line."""
    secret = setup.add_key(scopes, centres)
    click.echo("The key is shown only now; keep it where the case system finds it.", err=True)
    click.echo(secret)


@key.command("revoke")
@click.option("--key-stdin", is_flag=True, help="Read the key from standard input.")
def key_revoke(key_stdin: bool) -> None:
    """Let nobody in with a key any more; it is read, because only whoever holds it has it."""
    if not key_stdin:
        raise click.UsageError("Say --key-stdin: as an argument, the key would stay in the shell's history")
    setup.revoke_key(sys.stdin.readline())
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
        staff.add_user_with_password(email, role, scopes, sys.stdin.readline().rstrip("\r\n"))
        click.echo(f"User {email} added.")
        return
    link = staff.add_user(None, email, role, scopes).link
    click.echo("The link works once, for three days, and is shown only now.", err=True)
    click.echo(_password_link(link))


@user.command("list")
def user_list() -> None:
    """Print every user: e-mail, role, what it reaches, and what is missing or switched off."""
    for known in staff.known_users(None):
        card = known.card
        remarks = [
            words
            for words, so in (
                ("disabled", card.disabled),
                ("no password", not card.has_password),
                ("no second factor", not card.has_second_factor),
            )
            if so
        ]
        click.echo("\t".join((card.email, card.role, " ".join(card.scopes), ", ".join(remarks))))


@user.command("link")
@click.argument("email")
def user_link(email: str) -> None:
    """Print, alone on the last line, a link by which EMAIL sets a new password once within three days."""
    link = staff.renew_link(None, staff.named(email))
    click.echo("The link works once, for three days, and is shown only now.", err=True)
    click.echo(_password_link(link))


@user.command("disable")
@click.argument("email")
def user_disable(email: str) -> None:
    """Let EMAIL in no more, and end their sessions."""
    staff.disable_user(None, staff.named(email))
    click.echo(f"User {email} is disabled.")


@user.command("enable")
@click.argument("email")
def user_enable(email: str) -> None:
    """Let EMAIL in again."""
    staff.enable_user(None, staff.named(email))
    click.echo(f"User {email} is let in.")


@user_second_factor.command("reset")
@click.argument("email")
def user_second_factor_reset(email: str) -> None:
    """Let EMAIL set a second factor up anew after the next sign-in, for example with a new telephone."""
    staff.reset_second_factor(None, staff.named(email))
    click.echo(f"User {email} sets a second factor up after the next sign-in.")


@journal.command("check")
def journal_check() -> None:
    """Prove that the journal is whole, and print the head of each chain: note them where nobody can change them."""
    broken = 0
    for proved in access_journal.check():
        chain = "installation" if proved.chain == access_journal.INSTALLATION else str(proved.chain)
        if isinstance(proved, Break):
            broken += 1
            click.echo(f"{chain}\tbroken at entry {proved.number}", err=True)
        else:
            click.echo(f"{chain}\t{proved.number}\t{proved.digest.hex()}")
    if broken:
        raise click.ClickException(f"{broken} of the journal's chains do not hold together.")


@device.command("add")
@click.option("--centre", "code", required=True, help="The centre it stands in.")
@click.option("--name", required=True, help="What the staff call it, such as the hall's tablet.")
@click.option(
    "--mode", required=True, type=click.Choice(DEVICE_MODES), help="At a window, or free in the hall."
)
@click.option(
    "--workplace", help="The window whose cases a desk's tablet offers, as the case system names it."
)
def device_add(code: str, name: str, mode: str, workplace: str | None) -> None:
    """Make a place for a tablet; the code that pairs it is printed alone on the last line, for ten minutes."""
    pairing_code = pairing.add_device(code, name=name, mode=mode, workplace=workplace)
    click.echo("Type this code at /kiosk on the tablet within ten minutes; it works once.", err=True)
    click.echo(pairing_code)


@device.command("code")
@click.argument("id", type=click.UUID)
@click.option("--centre", "code", required=True, help="The centre it stands in.")
def device_code(id: uuid.UUID, code: str) -> None:
    """Print another pairing code for the tablet ID, alone on the last line; its key so far ends with its use."""
    click.echo(pairing.new_code(id, {code.strip().upper()}))


@device.command("list")
@click.option("--centre", "codes", multiple=True, required=True, help="The centre's code; repeats.")
def device_list(codes: tuple[str, ...]) -> None:
    """Print every tablet of a centre as a line of JSON: how it fares, and what needs attention."""
    for tablet in tablet_list.tablets({code.strip().upper() for code in codes}):
        click.echo(json.dumps(asdict(tablet), default=str, ensure_ascii=False))


@device.command("revoke")
@click.argument("id", type=click.UUID)
@click.option("--centre", "code", required=True, help="The centre it stands in.")
def device_revoke(id: uuid.UUID, code: str) -> None:
    """End the key of the tablet ID; it may still deliver what was answered on it until now."""
    pairing.revoke_device(id, {code.strip().upper()})
    click.echo("The tablet is revoked; it may still deliver what it holds.")


@device.command("import")
@click.argument("file", type=FILE)
def device_import(file: Path) -> None:
    """Take the answers that a stuck tablet saved to FILE; each is taken once, however often it is brought."""
    became = take_queue_file(files.document(file))
    for word in ("accepted", "accepted_as_walkup", "duplicate", "rejected"):
        click.echo(f"{became[word]} {word}")
    if became["rejected"]:
        sys.exit(1)


@questionnaire.command("load")
@click.argument("file", type=FILE)
def questionnaire_load(file: Path) -> None:
    """Publish the questionnaire in FILE; a published one never changes."""
    click.echo(f"Questionnaire {setup.load_questionnaire(files.document(file))} is published.")


@methodology.command("load")
@click.argument("file", type=FILE)
def methodology_load(file: Path) -> None:
    """Publish the methodology in FILE; a published one never changes."""
    click.echo(f"Methodology {setup.load_methodology(files.document(file))} is published.")


@packages.command("make")
def package_make() -> None:
    """Pack all events that wait, whatever the hour; prints each package. The worker packs days that are over."""
    if not settings().central_secret:
        raise click.ClickException("FEEDBACK_CENTRAL_SECRET is not set; packages are signed by it.")
    try:
        made = packer.by_hand(settings()).make(until=clock.now())
    except AnotherPacks as busy:
        raise click.ClickException("Somebody else makes packages just now; try again later.") from busy
    except OSError as error:
        folder = settings().packages_dir
        raise click.ClickException(f"No package can be written in {folder}: {error.strerror}.") from error
    for path in made:
        click.echo(path)
    if not made:
        click.echo("No event waits.", err=True)


@packages.command("check", with_appcontext=False)
@click.argument("file", type=FILE)
def package_check(file: Path) -> None:
    """Check that FILE is whole and signed, and name its numbers; needs FEEDBACK_CENTRAL_SECRET and no database."""
    try:
        contents = package.check(file, central_secret(os.environ))
    except BadSettings as wrong:
        raise click.ClickException(f"{wrong}.") from wrong
    except BadPackage as wrong:
        raise click.ClickException(f"{file.name} is not good: {wrong}.") from wrong
    numbers = "; ".join(
        f"{centre} {', '.join(f'{first}–{last}' for first, last in found)}"
        for centre, found in contents.centres.items()
    )
    click.echo(f"{contents.name} is whole and signed, {contents.events} events: {numbers}.")


@demo.command("seed")
@click.option("--cases", required=True, type=click.IntRange(1, 1_000_000), help="How many cases.")
@click.option("--seed", default=1, show_default=True, help="The same number gives the same town.")
def demo_seed(cases: int, seed: int) -> None:
    """Fill the database with a made-up centre: its last 90 days of cases and answers."""
    from feedback_service.sandbox import seed as sandbox  # the service itself does without its sandbox

    click.echo(f"Centre {sandbox.sow(cases, seed)} has {cases} more cases.")


@click.command("relay", cls=_Command)
@click.option("--once", is_flag=True, help="Send what is due now and end.")
@with_appcontext
def relay(once: bool) -> None:
    """Carry events to the central system, again and again; SIGTERM or Ctrl-C ends it between two requests."""
    carrier, stop = _carrier(settings()), threading.Event()
    if carrier is None:
        click.echo(NO_CENTRAL, err=True)
    with closing(carrier) if carrier else nullcontext():
        if once:
            click.echo(f"{carrier.deliver_all() if carrier else 0} batches carried.")
            return
        with _signals(stop.set):
            log.info("relay started", delivers=carrier is not None)
            carrier.run(stop) if carrier else stop.wait()


@click.command("worker", cls=_Command)
@click.option("--once", is_flag=True, help="Do what is due now and end.")
@with_appcontext
def worker(once: bool) -> None:
    """Carry events, complete answers left, close days, purge, again and again; SIGTERM or Ctrl-C ends it."""
    carrier = _carrier(settings())
    with closing(carrier) if carrier else nullcontext():
        if once:
            upkeep.work_once()
            if carrier:
                carrier.deliver_all()
            return
        stop = threading.Event()
        with _signals(stop.set), _beside(carrier.run if carrier else None, stop):
            log.info("worker started", delivers=carrier is not None)
            upkeep.work(stop)


@click.command("recount", cls=_Command)
@click.option(
    "--check", is_flag=True, help="Change nothing; exit with 1 where stored figures are not the answers'."
)
@with_appcontext
def recount(check: bool) -> None:
    """Recount the figures of all past days from the answers."""
    if not check:
        click.echo(f"{upkeep.recount()} days recounted.")
        return
    differences = upkeep.differences()
    for difference in differences:
        click.echo(json.dumps(asdict(difference), default=date.isoformat, ensure_ascii=False))
    if differences:
        raise click.ClickException(f"{len(differences)} stored counts are not what the answers add up to.")
    click.echo("Every stored count is what the answers add up to.")


@click.command("purge", cls=_Command)
@with_appcontext
def purge() -> None:
    """Delete comments, and invitations with their cases, that are older than RETENTION_DAYS."""
    purged = upkeep.purge()
    click.echo(f"{purged.comments} comments and {purged.cases} cases deleted.")


@click.command("summary", cls=_Command)
@click.option(
    "--centre", "centres", multiple=True, required=True, help="The centre's code; repeat to pool several."
)
@click.option("--from", "first", type=DAY, help="First day, in Kyiv; 1 January when not given.")
@click.option("--to", "last", type=DAY, help="Last day, in Kyiv; today when not given.")
@with_appcontext
def summary(centres: tuple[str, ...], first: datetime | None, last: datetime | None) -> None:
    """Print a period's indicators as the JSON of GET /api/v1/summaries."""
    to = last.date() if last else clock.kyiv_day(clock.now())
    since = first.date() if first else date(to.year, 1, 1)
    if since > to:
        raise click.UsageError("--from is later than --to")
    wanted = {code.strip().upper() for code in centres}
    try:
        asked: Any = {"centres": wanted, "first": since, "last": to, "min_group": settings().min_group}
        told: Any = summaries.summary(**asked) | {"without_signals": without_signals(**asked)}
    except NotFound as missing:
        raise click.ClickException(
            f"There is no centre {' or no centre '.join(sorted(wanted))}."
        ) from missing
    if told["methodology"]["status"] == "unconfirmed":
        click.echo(UNCONFIRMED, err=True)
    click.echo(json.dumps(told, ensure_ascii=False, indent=1))


def _password_link(secret: str) -> str:
    return f"{settings().public_url}/admin/set-password/{secret}"


def _carrier(settings: Settings) -> Courier | Packer | None:
    """Who takes events out of the house, if anybody does."""
    return packer.packer(settings) or courier.courier(settings)


def _tell(done: Imported) -> None:
    """Say what became of a file; exit with 1 if a row was not taken."""
    for warning in done.warnings:
        click.echo(f"Warning, line {warning.line}: {warning.sentence}", err=True)
    for fault in done.faults:
        click.echo(f"Not taken, line {fault.line}: {fault.sentence}", err=True)
    click.echo(
        f"{done.added} added, {done.changed} changed, {done.unchanged} unchanged, {len(done.faults)} not taken."
    )
    if done.faults:
        sys.exit(1)


@contextmanager
def _beside(work: Callable[[threading.Event], None] | None, stop: threading.Event) -> Iterator[None]:
    """The work goes on in a thread of its own until the block ends, so that slow duties never delay delivery.

    A request that is under way then has a few seconds to end; else its lease gives back what it carries.
    """
    app = app_ctx.app  # a thread has no context of its own

    def begin() -> None:
        with app.app_context():
            assert work is not None
            work(stop)

    thread = threading.Thread(target=begin, name="relay", daemon=True) if work else None
    if thread:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if thread:
            thread.join(REQUEST_ENDS)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call ``stop`` instead of ending the process."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
