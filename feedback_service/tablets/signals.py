"""What is odd about an answer given on a tablet: never a reason to refuse it, only to tell figures without it too.

The tablet tells how the answer came about (``AnsweringPace``), because only it saw that; what is odd is decided here.
"""

from dataclasses import dataclass

MIN_SECONDS = 3  # seconds from the first question to the last tap that a person needs at least
BURST_ANSWERS = 4  # answers on one tablet within a minute: people cannot take turns that fast
ALIKE_ANSWERS = 5  # the same answer that many times in a row, each within two minutes of the one before


@dataclass(frozen=True, slots=True)
class AnsweringPace:
    """How an answer came about; ``None`` where the tablet does not say.

    ``seconds`` it took, ``recent`` answers on the same tablet in the minute before it, ``alike`` answers
    just before it that were the same.
    """

    seconds: int | None = None
    recent: int | None = None
    alike: int | None = None


UNKNOWN_PACE = AnsweringPace()


def find_signals(pace: AnsweringPace, *, was_open: bool) -> tuple[str, ...]:
    """Why the answer may not be a visitor's own, in the words of ``SIGNALS``; none, mostly."""
    signals = {
        "hurried": pace.seconds is not None and pace.seconds < MIN_SECONDS,
        "burst": pace.recent is not None and pace.recent + 1 >= BURST_ANSWERS,
        "alike": pace.alike is not None and pace.alike + 1 >= ALIKE_ANSWERS,
        "after_hours": not was_open,
    }
    return tuple(signal for signal, applies in signals.items() if applies)
