"""The text of an e-mail about breaches, by language: a heading, and a line for each breach."""

from collections.abc import Mapping, Sequence
from datetime import date

_TEXTS = {
    "uk": (
        "У відповідях повідомляють про щось серйозне.",
        "Таких відповідей з {since:%d.%m.%Y}: {number}; без справи: {without_case}.",
    ),
    "en": (
        "Answers tell of something serious.",
        "Such answers since {since:%d.%m.%Y}: {number}; without a case: {without_case}.",
    ),
}


def describe_breaches(breaches: Sequence[tuple[date, int, int]]) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Describe breaches: the first day of each, and how many answers about a case and others have reported it since."""
    return {
        language: (
            heading,
            [
                line.format(since=since, number=number, without_case=without_case)
                for since, number, without_case in breaches
            ],
        )
        for language, (heading, line) in _TEXTS.items()
    }
