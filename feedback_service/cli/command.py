"""The base of every command: it reports a failure in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from feedback_service.errors import FeedbackError, Invalid, Unavailable
from feedback_service.imports import TooManyRows, UnreadableFile
from feedback_service.plain_text import UnusableText, refuse_odd_characters

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _UsageError(click.UsageError):
    """A command was called wrongly; the message is one sentence."""

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        command = self.ctx.command_path if self.ctx else "flask"
        click.echo(f"Error: {self.format_message().rstrip('.')}; see {command} --help.", err=True)


class _TooMuchError(click.ClickException):
    exit_code = 2


@contextmanager
def _one_sentence_errors() -> Iterator[None]:
    """Raise a ``ClickException`` with one sentence in place of any error that the service raises."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        # Only the subclasses of click word their message in ``format_message``.
        message = error.message if type(error) is click.UsageError else error.format_message()
        raise _UsageError(message, error.ctx) from error
    except Invalid as invalid:
        sentences = (error.detail % error.params if error.params else error.detail for error in invalid.errors)
        raise click.ClickException(" ".join(sentences)) from invalid
    except (Unavailable, SQLAlchemyError) as error:
        sentence = "The database cannot be used; is it there, and has flask --app wsgi db upgrade been run?"
        raise click.ClickException(sentence) from error
    except FeedbackError as error:
        raise click.ClickException(error.detail % error.params or error.title) from error
    except UnreadableFile as error:
        raise (_TooMuchError if isinstance(error, TooManyRows) else click.ClickException)(f"{error}.") from error


class Command(click.Command):
    """A command that reports a failure in one sentence."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the arguments."""
        with _one_sentence_errors():
            context = super().make_context(*args, **kwargs)
            self._refuse_odd_characters(context)
            return context

    def _refuse_odd_characters(self, context: click.Context) -> None:
        """Raise ``BadParameter`` naming the argument or option that holds a character that nobody can see."""
        for parameter in self.params:
            value = context.params.get(parameter.name or "") if parameter.type is click.STRING else None
            for text in (value,) if isinstance(value, str) else value or ():
                try:
                    refuse_odd_characters(text)
                except UnusableText as error:
                    raise click.BadParameter(error.message % error.params, context, parameter) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _one_sentence_errors():
            return super().invoke(ctx)


class Group(Command, AppGroup):
    """A group of commands about one thing."""

    command_class = Command
