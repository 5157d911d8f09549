"""The text of an e-mail about breaches, by language: a heading, and a line for each breach."""

from collections.abc import Mapping, Sequence
from datetime import date

_TEXTS = {
    "uk": ("У відповідях повідомляють про щось серйозне.", "Таких відповідей з {since:%d.%m.%Y}: {number}."),
    "en": ("Answers tell of something serious.", "Such answers since {since:%d.%m.%Y}: {number}."),
}


def describe_breaches(breaches: Sequence[tuple[date, int]]) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Describe breaches, each given as its first day and the number of answers that have reported it since."""
    return {
        language: (heading, [line.format(since=since, number=number) for since, number in breaches])
        for language, (heading, line) in _TEXTS.items()
    }
