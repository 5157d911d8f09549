"""Every refusal that a caller of the service can meet.

FeedbackError
 |-- Malformed 400            the request cannot be read at all
 |-- NotAuthenticated 401     no key, or a wrong one
 |    `-- NotRecognised       the e-mail, the password or the code is wrong
 |-- NotAllowed 403           the key lacks the scope
 |-- NotFound 404             it does not exist, or the caller may not know it
 |    `-- ForeignCentre       a field names a centre that the key is not for; see ``.errors``
 |-- Conflict 409
 |    |-- AlreadyAnswered     the invitation has its answer; see ``.on`` (a day)
 |    |-- BegunElsewhere      another client has answered these questions; see ``.errors``
 |    |-- OtherAnswer         the client id belongs to an answer with other content
 |    |-- ChangedMeanwhile    another user saved a change first
 |    |-- AnotherCase         the same case number with another service or front office
 |    |-- AlreadyFinal        the case has its final status
 |    |-- TooManyStatuses     the case has as many statuses as a case may have
 |    `-- TooManyServices     the centre has as many services as case systems may add
 |-- Gone 410
 |    |-- InvitationExpired
 |    `-- InvitationCancelled
 |-- TooLarge 413
 |-- WrongMediaType 415
 |-- Invalid 422              some fields break the rules; see ``.errors``
 |-- TooManyGuesses 429       see ``.retry_after`` (seconds)
 |    `-- TooManyAttempts     the same for passwords and codes of users
 |-- TooManyAnswers 429      a hall has all the answers that are kept in an hour; see ``.retry_after``
 `-- Unavailable 503          the database is busy or not reachable; see ``.retry_after`` (seconds)
      |-- NotReady            an operator has to do something; see ``.detail``
      `-- SignInBusy          too many people sign in at once

``title`` says in one sentence what happened, so the classes have no docstrings. Titles and details are English
message ids: the doors translate them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

MAX_NAME_SHOWN = 64  # characters of an unknown name that a refusal repeats


def N_(message: str) -> str:
    """Mark a message for extraction and return it unchanged; the door translates it."""
    return message


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field: ``pointer`` is a JSON Pointer (RFC 6901), ``detail`` a sentence with ``params``."""

    pointer: str
    detail: str
    params: dict[str, object] = field(default_factory=dict)


def json_pointer(*names: object) -> str:
    """Return the JSON Pointer (RFC 6901) to a member; long names are cut, unreadable characters are escaped."""
    return "".join(f"/{_escape_name(name)}" for name in names)


def _escape_name(name: object) -> str:
    # Lone surrogates are escaped, because UTF-8 cannot carry them.
    readable = str(name)[:MAX_NAME_SHOWN].encode("utf-8", "backslashreplace").decode("utf-8")
    return readable.replace("~", "~0").replace("/", "~1")


class FeedbackError(Exception):
    """Base of all refusals.

    ``status`` is that of HTTP, ``slug`` the stable name for programs. ``detail`` is a sentence about this case,
    filled with ``params``; the title must do where it is empty.
    """

    status = 500
    slug = "error"
    title = N_("Something went wrong")

    def __init__(self, detail: str = "", **params: object) -> None:
        self.detail = detail
        self.params = params
        super().__init__(detail or self.title)


class Malformed(FeedbackError):
    status, slug, title = 400, "malformed", N_("The request cannot be read")


class NotAuthenticated(FeedbackError):
    status, slug, title = 401, "not-authenticated", N_("A valid key is needed")


class NotRecognised(NotAuthenticated):
    title = N_("The e-mail or the password is not right")


class NotAllowed(FeedbackError):
    status, slug, title = 403, "not-allowed", N_("This key may not do that")


class NotFound(FeedbackError):
    status, slug, title = 404, "not-found", N_("There is nothing here")


class ForeignCentre(NotFound):
    # The same words for a centre that does not exist: nobody learns which centres there are.
    def __init__(self) -> None:
        detail = N_("The key is for no such centre.")
        self.errors = (FieldError("/centre", detail),)
        super().__init__(detail)


class Conflict(FeedbackError):
    status, slug, title = 409, "conflict", N_("This does not fit what is already known")


class AlreadyAnswered(Conflict):
    slug, title = "already-answered", N_("An answer has already been left by this link")

    def __init__(self, on: date) -> None:
        self.on = on
        super().__init__(N_("The answer was left on %(day)s."), day=on.isoformat())


class BegunElsewhere(Conflict):
    slug, title = "begun-elsewhere", N_("This was already answered on another page, and that answer stays")

    def __init__(self, question_ids: Iterable[str]) -> None:
        self.question_ids = frozenset(question_ids)
        detail = N_("This question was answered on another page. That answer stays.")
        self.errors = tuple(FieldError(json_pointer("answers", id), detail) for id in sorted(self.question_ids))
        super().__init__()


class OtherAnswer(Conflict):
    slug, title = "other-answer", N_("An answer with other content has this client_id")


class ChangedMeanwhile(Conflict):
    title = N_("Somebody else saved a change meanwhile")


class AnotherCase(Conflict):
    slug, title = "another-case", N_("The case is known with another service or front office")


class AlreadyFinal(Conflict):
    slug, title = "already-final", N_("The case already has its final status")


class TooManyStatuses(Conflict):
    slug, title = "too-many-statuses", N_("The case has too many statuses")


class TooManyServices(Conflict):
    slug, title = "too-many-services", N_("The centre has too many services")

    def __init__(self, most: int) -> None:
        super().__init__(N_("Case systems add no service to a centre that has %(most)s."), most=most)


class Gone(FeedbackError):
    status, slug, title = 410, "gone", N_("This link no longer works")


class InvitationExpired(Gone):
    slug, title = "invitation-expired", N_("The time to answer is over")


class InvitationCancelled(Gone):
    slug, title = "invitation-cancelled", N_("The invitation was cancelled")


class TooLarge(FeedbackError):
    status, slug, title = 413, "too-large", N_("The request is too large")


class WrongMediaType(FeedbackError):
    status, slug, title = 415, "wrong-media-type", N_("The body must be JSON")


class Invalid(FeedbackError):
    status, slug, title = 422, "invalid", N_("Some fields need attention")

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__()

    @classmethod
    def for_field(cls, pointer: str, detail: str, **params: object) -> "Invalid":
        """Build the refusal of one field."""
        return cls([FieldError(pointer, detail, params)])


class _RetryLater(FeedbackError):
    """A refusal that ends after ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__()


class TooManyGuesses(_RetryLater):
    status, slug, title = 429, "too-many-guesses", N_("Too many wrong codes; please wait a little")


class TooManyAttempts(TooManyGuesses):
    title = N_("Too many wrong attempts; please wait a little")


class TooManyAnswers(_RetryLater):
    status, slug, title = 429, "too-many-answers", N_("This hall has very many answers just now")


class Unavailable(_RetryLater):
    status, slug, title = 503, "unavailable", N_("The service cannot answer just now")


class NotReady(Unavailable):
    slug, title = "not-ready", N_("The service is not ready")

    def __init__(self, detail: str) -> None:
        super().__init__(retry_after=5)
        self.detail = detail


class SignInBusy(Unavailable):
    title = N_("Too many people are signing in just now. Try again in a few seconds.")


class LostRace(Exception):
    """Another transaction changed first what this one relied on; the story runs again from its start."""
