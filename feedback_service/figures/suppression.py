"""What a reply leaves out because too few people answered, so that nothing about them follows by subtraction.

A reply is a table: a row for each group, a column for each front office, a foot for the whole period. A
cell is the people of one group and front office; all that is told of them (index, counts of every
question, reasons) is shown or left out together. Groups share no person and add up to the whole, so the
only news a reader can compute is the foot minus the cells shown: the sum of the cells left out. It is
enough, then, that of each of these sums the parts left out are none, or at least two that together hold
``min_group`` people or more:

- a front office column, unless its own foot is left out too, for then there is nothing to subtract from;
- the groups as wholes, because the funnel of the period is shown and that of a suppressed group is not.

A front office with too few people in the whole period is left out everywhere. Reasons are pooled over
the front offices shown, in a group and at the foot alike, so the foot minus the groups is a sum of what
the columns leave out. What can be computed is thus always about ``min_group`` people or more, as is all
that is shown. One case has a single part left out: a large one, alone in its column, hidden for the sake
of another column.
"""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from feedback_service.words import FRONT_OFFICES

Key = TypeVar("Key", bound=Hashable)

# How many people answered about each front office; one that is not named had none.
Respondents = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Suppression(Generic[Key]):
    """What is left out: the whole period or front offices of it, groups, and front offices of the others."""

    whole: bool
    front_offices: frozenset[str]
    groups: frozenset[Key]
    cells: Mapping[Key, frozenset[str]]


def withhold_small_groups(
    groups: Mapping[Key, Respondents], *, min_group: int, apart: Collection[Key] = ()
) -> Suppression[Key]:
    """Decide what a reply leaves out, given how many people answered in each of its groups.

    The whole is the sum of the groups except those ``apart`` (sources that do not count in it). A reply
    without a breakdown is its own only group. What is too small hides among the smallest parts still shown, of equal
    ones the first.
    """
    inside = {key: people for key, people in groups.items() if key not in apart}
    column = {f: {key: people.get(f, 0) for key, people in inside.items()} for f in FRONT_OFFICES}
    foot = {f: sum(column[f].values()) for f in FRONT_OFFICES}
    size = {key: sum(people.values()) for key, people in groups.items()}
    too_few = range(1, min_group)

    suppressed = {key for key in groups if size[key] in too_few}
    suppressed |= _find_cover({key: size[key] for key in inside}, suppressed, min_group)
    hidden = {
        f: {key for key in groups if key in suppressed or groups[key].get(f, 0) in too_few}
        for f in FRONT_OFFICES
    }
    for f in FRONT_OFFICES:
        if foot[f] not in too_few:
            hidden[f] |= _find_cover(column[f], hidden[f], min_group)
    return Suppression(
        whole=sum(foot.values()) in too_few,
        front_offices=frozenset(f for f in FRONT_OFFICES if foot[f] in too_few),
        groups=frozenset(suppressed),
        cells={
            key: frozenset(f for f in FRONT_OFFICES if key in hidden[f])
            for key in groups
            if key not in suppressed
        },
    )


def _find_cover(parts: Mapping[Key, int], left_out: Collection[Key], enough: int) -> set[Key]:
    """Which more parts to leave out, so that the sum of all those left out tells of none of them."""
    hidden = [people for key, people in parts.items() if people and key in left_out]
    more: set[Key] = set()
    if hidden:
        for key in sorted(parts, key=parts.__getitem__):
            if len(hidden) >= 2 and sum(hidden) >= enough:
                break
            if parts[key] and key not in left_out:
                hidden.append(parts[key])
                more.add(key)
    return more
