"""Reads a form of the survey, and tells persons from the programs that fetch a link for its preview."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import request

from feedback_service.surveys.answers import FormSubmission

# Programs that fetch a link, for its preview or for a search, name themselves: at the start, as a product with a
# version, or by the address of a page about them. A word anywhere else may be the name of a telephone, as Cubot is.
_PROGRAM_WORD = r"(?<![\w.-])(?!cubot)[\w.-]{0,40}(bot|crawler|spider|preview|externalhit)"
_PROGRAM_NAMES = (
    r"^(WhatsApp|Viber|Signal-\w+|Pinterest|curl|Wget|HTTPie|Python|python-(requests|urllib|httpx)|aiohttp|Scrapy|"
    r"Go-http-client|okhttp|Java|Apache-HttpClient|axios|node-fetch|undici|GuzzleHttp|reqwest|libwww-perl|PostmanRuntime|"
    r"masscan)/|^Microsoft Office|\b(HeadlessChrome|Google-InspectionTool|zgrab)/|\b(ia_archiver|GoogleImageProxy)\b"
)
_PROGRAMS = re.compile(
    rf"{_PROGRAM_NAMES}|^{_PROGRAM_WORD}|{_PROGRAM_WORD}[\w.-]{{0,40}}/v?\d|\+https?://", re.IGNORECASE
)
_PURPOSE_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


@dataclass(frozen=True, slots=True)
class SurveyForm:
    """A posted form: its fields as typed, the client that sent it, and the button that was pressed."""

    fields: dict[str, list[str]]
    client_id: UUID
    names_client: bool
    is_final: bool  # Send, or Skip
    skips_rest: bool  # only the first answer shall count
    is_redisplay: bool  # show a screen again (another language, a preview, the first question) and store nothing
    wants_first_screen: bool  # show the first screen, so that the person changes the first answer
    is_second_screen: bool  # it is the second screen, which shows every question but the first

    @classmethod
    def from_request(cls) -> "SurveyForm":
        """Return the form of this request.

        A client id that is not valid is replaced by a new one: if such a form is sent twice, the second counts as
        that of another client and is refused, instead of getting the receipt again.
        """
        form = request.form
        button = form.get("finish", "")
        skips_rest = button == "skip"
        return cls(
            form.to_dict(flat=False),
            form.get("client_id", type=UUID) or uuid4(),
            names_client="client_id" in form,
            is_final=bool(button),
            skips_rest=skips_rest,
            is_redisplay="again" in form,
            wants_first_screen=form.get("again") == "first",
            is_second_screen="rest" in form and not skips_rest,
        )

    @property
    def submission(self) -> FormSubmission:
        """What the form submits, not checked yet."""
        return FormSubmission(self.fields, first_only=self.skips_rest)


def is_read_by_person() -> bool:
    """Tell whether a person follows the link: no prefetch, no preview, no HEAD request."""
    environ = request.environ
    purpose = " ".join(environ.get(name, "") for name in _PURPOSE_HEADERS).lower()
    return (
        request.method == "GET"
        and not any(word in purpose for word in ("prefetch", "prerender", "preview"))
        and environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
        and not _PROGRAMS.search(environ.get("HTTP_USER_AGENT", ""))
    )
