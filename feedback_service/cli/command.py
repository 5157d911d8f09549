"""What every command is: one whose failures are one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from feedback_service.errors import FeedbackError, Invalid, Unavailable
from feedback_service.imports import UnreadableFile

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


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
    except UnreadableFile as wrong:
        raise click.ClickException(f"{wrong}.") from wrong


class Command(click.Command):
    """A command whose failures are one sentence."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        with _in_one_sentence():
            return super().invoke(ctx)


class Group(AppGroup):
    """Commands about one thing."""

    command_class = Command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        with _in_one_sentence():
            return super().make_context(*args, **kwargs)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command that is named."""
        with _in_one_sentence():
            return super().resolve_command(ctx, args)
