"""What can go wrong, in the words a caller would use.

FeedbackError
 |-- Malformed 400            the request cannot be read at all
 |-- NotAuthenticated 401     no key, or a wrong one
 |    `-- NotRecognised       this e-mail with this password, or this code, opens nothing
 |-- NotAllowed 403           the key lacks the scope
 |-- NotFound 404             it does not exist, or belongs to somebody else
 |-- Conflict 409
 |    |-- AlreadyAnswered     somebody answered by this link; see ``.on``
 |    |-- ChangedMeanwhile    somebody else saved first
 |    |-- AnotherCase         the same case number with another service or front office
 |    `-- AlreadyFinal        the case has its final status
 |-- Gone 410
 |    |-- InvitationExpired
 |    `-- InvitationCancelled
 |-- TooLarge 413
 |-- WrongMediaType 415
 |-- Invalid 422              some fields break the rules; see ``.errors``
 |-- TooManyGuesses 429       see ``.retry_after`` (seconds)
 |    `-- TooManyAttempts      the same, for a name and its password or code
 `-- Unavailable 503          the database is busy or away; see ``.retry_after`` (seconds)

A class's docstring is its title. Titles and details are English message ids: the doors translate them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date


def N_(message: str) -> str:
    """Mark a message for the translators; it is translated at the door."""
    return message


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: where (JSON Pointer, RFC 6901) and what, as a sentence."""

    pointer: str
    detail: str
    params: dict[str, object] = field(default_factory=dict)


class FeedbackError(Exception):
    """Something went wrong."""

    status = 500
    slug = "error"
    title = N_("Something went wrong")

    def __init__(self, detail: str = "", **params: object) -> None:
        self.detail = detail
        self.params = params
        super().__init__(detail or self.title)


class Malformed(FeedbackError):
    """The request cannot be read."""

    status, slug, title = 400, "malformed", N_("The request cannot be read")


class NotAuthenticated(FeedbackError):
    """A valid key is needed."""

    status, slug, title = 401, "not-authenticated", N_("A valid key is needed")


class NotRecognised(NotAuthenticated):
    """The e-mail or the password is not right."""

    title = N_("The e-mail or the password is not right")


class NotAllowed(FeedbackError):
    """This key may not do that."""

    status, slug, title = 403, "not-allowed", N_("This key may not do that")


class NotFound(FeedbackError):
    """There is nothing here."""

    status, slug, title = 404, "not-found", N_("There is nothing here")


class Conflict(FeedbackError):
    """This does not fit what is already known."""

    status, slug, title = 409, "conflict", N_("This does not fit what is already known")


class AlreadyAnswered(Conflict):
    """An answer has already been left by this link."""

    slug, title = "already-answered", N_("An answer has already been left by this link")

    def __init__(self, on: date) -> None:
        self.on = on
        super().__init__(N_("The answer was left on %(day)s."), day=on.isoformat())


class ChangedMeanwhile(Conflict):
    """Somebody else saved a change meanwhile."""

    title = N_("Somebody else saved a change meanwhile")


class AnotherCase(Conflict):
    """The case is known with another service or front office."""

    slug, title = "another-case", N_("The case is known with another service or front office")


class AlreadyFinal(Conflict):
    """The case already has its final status."""

    slug, title = "already-final", N_("The case already has its final status")


class Gone(FeedbackError):
    """This link no longer works."""

    status, slug, title = 410, "gone", N_("This link no longer works")


class InvitationExpired(Gone):
    """The time to answer is over."""

    slug, title = "invitation-expired", N_("The time to answer is over")


class InvitationCancelled(Gone):
    """The invitation was cancelled."""

    slug, title = "invitation-cancelled", N_("The invitation was cancelled")


class TooLarge(FeedbackError):
    """The request is too large."""

    status, slug, title = 413, "too-large", N_("The request is too large")


class WrongMediaType(FeedbackError):
    """The body must be JSON."""

    status, slug, title = 415, "wrong-media-type", N_("The body must be JSON")


class Invalid(FeedbackError):
    """Some fields need attention."""

    status, slug, title = 422, "invalid", N_("Some fields need attention")

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__()

    @classmethod
    def for_field(cls, pointer: str, detail: str, **params: object) -> "Invalid":
        """The refusal of one field."""
        return cls([FieldError(pointer, detail, params)])


class _RetryLater(FeedbackError):
    """Try again in ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()


class TooManyGuesses(_RetryLater):
    """Too many wrong codes."""

    status, slug, title = 429, "too-many-guesses", N_("Too many wrong codes; please wait a little")


class TooManyAttempts(TooManyGuesses):
    """Too many wrong attempts."""

    title = N_("Too many wrong attempts; please wait a little")


class Unavailable(_RetryLater):
    """The service cannot answer just now."""

    status, slug, title = 503, "unavailable", N_("The service cannot answer just now")


class LostRace(Exception):
    """Somebody else was first; the story is told again on what they left behind."""
