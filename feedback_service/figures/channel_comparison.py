"""The same questions asked by phone, on a tablet and by staff, and how far apart the answers are."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedback_service.figures.bad_answers import count_bad_answers
from feedback_service.figures.comparison import Difference, Share
from feedback_service.figures.overview import compare_bad_shares, compare_index, list_front_offices
from feedback_service.figures.shapes import FigureQuery, GroupContent, Key, Summary
from feedback_service.indicators.scoring import LoyaltyIndex

COMPARED_CHANNELS = ("phone", "tablet", "assisted")
PAIRS = (("phone", "tablet"), ("phone", "assisted"), ("tablet", "assisted"))


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """The answers that came by one channel; ``None`` where they are withheld or there are none."""

    name: str
    index: LoyaltyIndex | None
    bad: Share | None


@dataclass(frozen=True, slots=True)
class ChannelPair:
    """Two channels and the differences of their figures; ``None`` where one has none."""

    one: str
    other: str
    index: Difference | None
    bad: Difference | None


@dataclass(frozen=True, slots=True)
class ChannelComparison:
    """One front office by channel, and the channels in pairs."""

    front_office: str
    channels: tuple[ChannelFigures, ...]
    pairs: tuple[ChannelPair, ...]


def compare_channels(query: FigureQuery, by_channel: Summary) -> list[ChannelComparison]:
    """Each front office of the query, from its summary by channel."""
    contents = {group.key: group.content for group in by_channel.groups}
    return [_compare_front_office(name, by_channel, contents) for name in list_front_offices(query)]


def _compare_front_office(
    front_office: str, summary: Summary, contents: Mapping[Key, GroupContent | None]
) -> ChannelComparison:
    channels = {}
    for name in COMPARED_CHANNELS:
        index = bad = None
        if (content := contents.get(name)) is not None:
            index = content.figures.find_index(front_office)
            bad = count_bad_answers(content.figures, summary.methodology, front_office)
        channels[name] = ChannelFigures(name, index, bad)
    pairs = [
        ChannelPair(
            one,
            other,
            compare_index(channels[one].index, channels[other].index),
            compare_bad_shares(channels[one].bad, channels[other].bad),
        )
        for one, other in PAIRS
    ]
    return ChannelComparison(front_office, tuple(channels.values()), tuple(pairs))
