"""What a letter says of breaches, by language: what happened, and a line for each."""

from collections.abc import Mapping, Sequence
from datetime import date

_WORDS = {
    "uk": ("У відповідях повідомляють про щось серйозне.", "Таких відповідей з {since:%d.%m.%Y}: {number}."),
    "en": ("Answers tell of something serious.", "Such answers since {since:%d.%m.%Y}: {number}."),
}


def describe(found: Sequence[tuple[date, int]]) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Each found breach is a day and how many answers tell of it since then."""
    return {
        language: (heading, [line.format(since=since, number=number) for since, number in found])
        for language, (heading, line) in _WORDS.items()
    }
