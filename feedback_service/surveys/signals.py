"""What is odd about an answer given on a tablet: never a reason to refuse it, only to tell figures without it too.

The tablet tells how the answer came about (``Pace``), because only it saw that; what is odd is decided here.
"""

from dataclasses import dataclass

HURRIED = 3  # seconds from the first question to the last tap that a person needs at least
BURST = 4  # answers on one tablet within a minute: people cannot take turns that fast
ALIKE = 5  # the same answer that many times in a row, each within two minutes of the one before


@dataclass(frozen=True, slots=True)
class Pace:
    """How an answer came about; ``None`` where the tablet does not say.

    ``seconds`` it took, ``recent`` answers on the same tablet in the minute before it, ``alike`` answers
    just before it that were the same.
    """

    seconds: int | None = None
    recent: int | None = None
    alike: int | None = None


UNKNOWN = Pace()


def reasons(pace: Pace, *, open_then: bool) -> tuple[str, ...]:
    """Why the answer may not be a visitor's own, in the words of ``SIGNALS``; none, mostly."""
    odd = {
        "hurried": pace.seconds is not None and pace.seconds < HURRIED,
        "burst": pace.recent is not None and pace.recent + 1 >= BURST,
        "alike": pace.alike is not None and pace.alike + 1 >= ALIKE,
        "after_hours": not open_then,
    }
    return tuple(reason for reason, is_so in odd.items() if is_so)
