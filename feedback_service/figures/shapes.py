"""What is asked, a ``FigureQuery``, and what is read by ``summaries``, a ``Summary``, with their parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from feedback_service.indicators.methodology import Methodology
from feedback_service.indicators.scoring import Figures
from feedback_service.indicators.statistics import percentage

Key = str | None  # of a group; None where nothing is known, for example no window

# The channel by which an answer reached us, coarser than its source; not the channel of deliveries to the receiver.
CHANNEL_OF_SOURCE: Mapping[str, str] = {
    "qr_case": "phone",
    "sms_viber": "phone",
    "tablet_hall": "tablet",
    "phone_interview": "assisted",
    "paper_box": "assisted",
    "diia_centers_map": "assisted",
    "qr_hall": "hall",
    "tablet_walkup": "hall",
}


def _name_week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


# The spans of time that answers are grouped by, and how the span of a day is named.
SPANS: Mapping[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": _name_week,
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
}
GROUPINGS = (
    *SPANS,
    *("centre", "service", "provider", "source", "channel", "workplace"),
    *("front_office", "language", "part_of_week"),
)
# What the case of an invitation knows, and what only an answer knows.
GROUPINGS_OF_INVITATIONS = ("centre", "service", "provider", "workplace", "front_office")
GROUPINGS_OF_ANSWERS_ONLY = ("source", "channel", "language", "part_of_week")


@dataclass(frozen=True, slots=True)
class FigureSubset:
    """A part of what the centres do: services, providers or windows, by the keys of their groups.

    ``among`` holds the groups that the reader may see, ``None`` for all. What is withheld of the subset among
    these groups is also withheld when the subset is read alone.
    """

    by: str
    keys: frozenset[Key]
    among: frozenset[Key] | None = None


@dataclass(frozen=True, slots=True)
class FigureQuery:
    """Which answers are summed up: centres by their codes, and a period of Kyiv days that includes both ends.

    Without ``source`` those sources count that the methodology in force on the last day names.
    """

    centres: frozenset[str]
    first: date
    last: date
    front_office: str | None = None
    source: str | None = None
    subset: FigureSubset | None = None

    def previous_period(self) -> "FigureQuery":
        """The period before: whole months before whole months, otherwise the same number of days."""
        until = self.first - timedelta(days=1)
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            month = self.first.year * 12 + self.first.month - 1 - months
            return replace(self, first=date(month // 12, month % 12 + 1, 1), last=until)
        return replace(self, first=until - (self.last - self.first), last=until)


@dataclass(frozen=True, slots=True)
class Funnel:
    """The way of the invitations issued in a period, on whatever days their answers were given.

    ``completed`` counts their cases, refused ones too. Each final case is invited once, on the day we hear
    of it, so ``completed`` and ``invited`` agree; neither a later cancellation nor a withdrawal takes anything back.
    """

    completed: int = 0
    invited: int = 0
    opened: int = 0
    started: int = 0
    answered: int = 0

    def __add__(self, other: "Funnel") -> "Funnel":
        return Funnel(
            self.completed + other.completed,
            self.invited + other.invited,
            self.opened + other.opened,
            self.started + other.started,
            self.answered + other.answered,
        )

    @property
    def response_rate(self) -> float | None:
        """Answered invitations in percent of all, one decimal; ``None`` when nobody was invited."""
        return percentage(self.answered, self.invited)


@dataclass(frozen=True, slots=True)
class GroupContent:
    """What is shown of a group."""

    funnel: Funnel
    figures: Figures


@dataclass(frozen=True, slots=True)
class Group:
    """One service, window, month …; its content is ``None`` where it is withheld."""

    key: Key
    content: GroupContent | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the answers of a period say, pooled, and the same by group.

    ``suppressed`` says that so few people answered that there are no figures of the whole.
    """

    first: date
    last: date
    methodology: Methodology
    suppressed: bool
    funnel: Funnel
    figures: Figures
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class WithoutSignals:
    """How many answers carry a signal, and what all the others say; ``figures`` is ``None`` where that is withheld."""

    signalled: int
    figures: Figures | None
