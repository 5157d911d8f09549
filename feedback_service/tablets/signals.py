"""Signals that an answer on a tablet may not be a visitor's own.

An answer with signals is stored and counted; figures without such answers are shown beside. The tablet measures how
the answer was given (``AnsweringPace``), and this module decides which signals follow.
"""

from dataclasses import dataclass

MIN_SECONDS = 3  # seconds that a person needs at least from the first question to the last tap
BURST_ANSWERS = 4  # on one tablet within a minute: people do not take turns that fast
ALIKE_ANSWERS = 5  # equal answers in a row, each within two minutes of the one before


@dataclass(frozen=True, slots=True)
class AnsweringPace:
    """How an answer was given; ``None`` where the tablet does not say.

    ``seconds`` is the time that it took, ``recent`` the number of answers on the same tablet in the minute before,
    ``alike`` the number of equal answers directly before it.
    """

    seconds: int | None = None
    recent: int | None = None
    alike: int | None = None


UNKNOWN_PACE = AnsweringPace()


def find_signals(pace: AnsweringPace, *, was_open: bool) -> tuple[str, ...]:
    """Return the signals of an answer, words of ``SIGNALS``; mostly none."""
    signals = {
        "hurried": pace.seconds is not None and pace.seconds < MIN_SECONDS,
        "burst": pace.recent is not None and pace.recent + 1 >= BURST_ANSWERS,
        "alike": pace.alike is not None and pace.alike + 1 >= ALIKE_ANSWERS,
        "after_hours": not was_open,
    }
    return tuple(signal for signal, applies in signals.items() if applies)
