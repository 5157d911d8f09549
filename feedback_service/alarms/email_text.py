"""What a letter about alarms says: Ukrainian, the same in English below, and nothing about any person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LONGEST_SUBJECT = 300  # characters

Said = Mapping[str, tuple[str, Sequence[str]]]  # by language: what happened, and a line for each

_TEXTS = {
    "uk": {
        "subject": "Тривога: {centre}",
        "bad_answers": "Погані відповіді надходять частіше, ніж звичайно.",
        "whole": "Центр загалом",
        "service": "Послуга «{title}»",
        "bad line": "{what}: з {since} поганих відповідей {bad} з {n}.",
        "page": "Усе про це — на сторінці тривог:",
        "foot": (
            "Лист надіслано автоматично, відповідати на нього не треба. Персональних даних у ньому немає.\n"
            "Відмовитися від таких листів можна на сторінці тривог."
        ),
    },
    "en": {
        "bad_answers": "Bad answers come more often than usual.",
        "whole": "The centre as a whole",
        "service": "The service “{title}”",
        "bad line": "{what}: since {since}, {bad} of {n} answers are bad.",
        "page": "All about it is on the page of alarms:",
        "foot": (
            "This letter was sent by a program; no reply is needed. It holds no personal data.\n"
            "You can stop such letters on the page of alarms."
        ),
    },
}


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One alarm: about a service, or the centre as a whole; ``bad`` of ``n`` answers since a day."""

    service: str | None
    since: date
    n: int
    bad: int


def compose_email(centre: str, said: Said, address: str) -> tuple[str, str]:
    """Subject and body of a letter that says this of a centre; ``address`` is of the page that shows more."""
    subject = to_one_line(_TEXTS["uk"]["subject"].format(centre=to_one_line(centre)))[:LONGEST_SUBJECT]
    bodies = (_body(words, centre, *said[language], address) for language, words in _TEXTS.items())
    return subject, "\n\n-- \n\n".join(bodies)


def describe(lines: Sequence[AlarmLine]) -> Said:
    """What a letter says of these alarms."""
    return {
        language: (words["bad_answers"], [_line(words, line) for line in lines])
        for language, words in _TEXTS.items()
    }


def to_one_line(text: str) -> str:
    """The text without line ends, which would end a header, and without anything else that is not to be seen."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _line(words: Mapping[str, str], line: AlarmLine) -> str:
    what = words["service"].format(title=to_one_line(line.service)) if line.service else words["whole"]
    return words["bad line"].format(what=what, since=f"{line.since:%d.%m.%Y}", bad=line.bad, n=line.n)


def _body(words: Mapping[str, str], centre: str, heading: str, lines: Sequence[str], address: str) -> str:
    listed = [f"- {line}" for line in lines]
    return "\n".join(
        [heading, to_one_line(centre), "", *listed, "", words["page"], address, "", words["foot"]]
    )
