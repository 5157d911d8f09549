"""The text of an e-mail about alarms: in Ukrainian, below it in English, and nothing about any person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

LONGEST_SUBJECT = 300  # characters

EmailContent = Mapping[str, tuple[str, Sequence[str]]]  # by language: a heading, and a line for each alarm

_TEXTS_FILE = Path(__file__).with_name("email_texts.json")
_TEXTS: Mapping[str, Mapping[str, str]] = json.loads(_TEXTS_FILE.read_text(encoding="utf-8"))  # by language


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One alarm: ``bad`` of ``n`` answers since a day; without ``service`` it is about the whole centre."""

    service: str | None
    since: date
    n: int
    bad: int


def compose_email(centre: str, content: EmailContent, address: str) -> tuple[str, str]:
    """Write the subject and the body of an e-mail about a centre; ``address`` is the page that shows more."""
    subject = to_one_line(_TEXTS["uk"]["subject"].format(centre=to_one_line(centre)))[:LONGEST_SUBJECT]
    parts = (_compose_part(texts, centre, *content[language], address) for language, texts in _TEXTS.items())
    return subject, "\n\n-- \n\n".join(parts)


def describe_alarms(lines: Sequence[AlarmLine]) -> EmailContent:
    """Describe alarms in every language."""
    return {
        language: (texts["bad_answers"], [_describe_alarm(texts, line) for line in lines])
        for language, texts in _TEXTS.items()
    }


def to_one_line(text: str) -> str:
    """Replace line ends, which would end a header, and all characters that cannot be seen, by single spaces."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _describe_alarm(texts: Mapping[str, str], line: AlarmLine) -> str:
    what = texts["service"].format(title=to_one_line(line.service)) if line.service else texts["whole"]
    return texts["bad line"].format(what=what, since=f"{line.since:%d.%m.%Y}", bad=line.bad, n=line.n)


def _compose_part(texts: Mapping[str, str], centre: str, heading: str, lines: Sequence[str], address: str) -> str:
    items = [f"- {line}" for line in lines]
    return "\n".join([heading, to_one_line(centre), "", *items, "", texts["page"], address, "", texts["foot"]])
