"""What a letter about alarms says: Ukrainian, the same in English below, and nothing about any person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

LONGEST_SUBJECT = 300  # characters

_WORDS = {
    "uk": {
        "subject": "Тривога: {centre}",
        "bad_answers": "Погані відповіді надходять частіше, ніж звичайно.",
        "breach": "У відповідях повідомляють про щось серйозне.",
        "whole": "Центр загалом",
        "service": "Послуга «{title}»",
        "bad line": "{what}: з {since} поганих відповідей {bad} з {n}.",
        "breach line": "Таких відповідей з {since}: {bad}.",
        "page": "Усе про це — на сторінці тривог:",
        "foot": (
            "Лист надіслано автоматично, відповідати на нього не треба. Персональних даних у ньому немає.\n"
            "Відмовитися від таких листів можна на сторінці тривог."
        ),
    },
    "en": {
        "bad_answers": "Bad answers come more often than usual.",
        "breach": "Answers tell of something serious.",
        "whole": "The centre as a whole",
        "service": "The service “{title}”",
        "bad line": "{what}: since {since}, {bad} of {n} answers are bad.",
        "breach line": "Such answers since {since}: {bad}.",
        "page": "All about it is on the page of alarms:",
        "foot": (
            "This letter was sent by a program; no reply is needed. It holds no personal data.\n"
            "You can stop such letters on the page of alarms."
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Line:
    """One alarm: about a service, or the centre as a whole; ``bad`` of ``n`` answers since a day."""

    service: str | None
    since: date
    n: int
    bad: int


def letter(kind: str, centre: str, lines: Sequence[Line], address: str) -> tuple[str, str]:
    """Subject and body of a letter about alarms of one kind; ``address`` is of the page that shows them."""
    subject = one_line(_WORDS["uk"]["subject"].format(centre=one_line(centre)))[:LONGEST_SUBJECT]
    return subject, "\n\n-- \n\n".join(_told(_WORDS[each], kind, centre, lines, address) for each in _WORDS)


def one_line(text: str) -> str:
    """The text without line ends, which would end a header, and without anything else that is not to be seen."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _told(words: dict[str, str], kind: str, centre: str, lines: Sequence[Line], address: str) -> str:
    told = [words[kind], one_line(centre), ""]
    for line in lines:
        what = words["service"].format(title=one_line(line.service)) if line.service else words["whole"]
        shape = words["breach line" if kind == "breach" else "bad line"]
        since = f"{line.since:%d.%m.%Y}"
        told.append(f"- {shape.format(what=what, since=since, bad=line.bad, n=line.n)}")
    return "\n".join([*told, "", words["page"], address, "", words["foot"]])
