"""Decides what a reply withholds because too few people answered, so that subtraction reveals nothing about them.

A reply is a table: a row for each group, a column for each front office, a foot for the whole period. A cell is the
people of one group and front office; all figures of a cell (index, counts of every question, reasons) are shown or
withheld together. With ``min_group`` 5, for example::

                 offline   online
    service A        40       12
    service B        30     *  3     withheld: 3 are fewer than 5
    service C        25     *  9     withheld too, or the foot minus the cells shown would reveal the 3
    foot             95       24

Groups share no person and add up to the whole. So the only new number that a reader can compute is the foot minus the
cells shown, which is the sum of the cells withheld. It is enough that each of these sums has no part that is
withheld, or at least two parts that together have ``min_group`` people or more:

- a front office column, unless its own foot is withheld too, for then there is nothing to subtract from;
- the groups as wholes, because the funnel of the period is shown and that of a withheld group is not.

A front office with too few people in the whole period is withheld everywhere. Reasons are pooled over the front
offices shown, in a group and at the foot alike, so the foot minus the groups is a sum of what the columns withhold. So
everything that is shown or can be computed is about ``min_group`` people or more. In one case a single part is
withheld: a large one, alone in its column, which is withheld because of another column.
"""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from feedback_service.vocabulary import FRONT_OFFICES

Key = TypeVar("Key", bound=Hashable)

# How many people answered about each front office; a front office that is absent had none.
Respondents = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Suppression(Generic[Key]):
    """What is withheld: the whole period or front offices of it, groups, and front offices (``cells``) of the rest."""

    whole: bool
    front_offices: frozenset[str]
    groups: frozenset[Key]
    cells: Mapping[Key, frozenset[str]]


def withhold_small_groups(
    groups: Mapping[Key, Respondents], *, min_group: int, apart: Collection[Key] = ()
) -> Suppression[Key]:
    """Decide what a reply withholds, given how many people answered in each of its groups.

    The whole is the sum of the groups except those ``apart`` (sources that do not count in it). A reply without
    groups is passed as one group. Parts that are too small are withheld together with the smallest other parts; of
    equally small parts the first one is chosen.
    """
    inside = {key: people for key, people in groups.items() if key not in apart}
    column = {f: {key: people.get(f, 0) for key, people in inside.items()} for f in FRONT_OFFICES}
    foot = {f: sum(column[f].values()) for f in FRONT_OFFICES}
    size = {key: sum(people.values()) for key, people in groups.items()}
    too_few = range(1, min_group)

    withheld_groups = {key for key in groups if size[key] in too_few}
    withheld_groups |= _find_cover({key: size[key] for key in inside}, withheld_groups, min_group)
    withheld_cells = {
        f: {key for key in groups if key in withheld_groups or groups[key].get(f, 0) in too_few} for f in FRONT_OFFICES
    }
    for f in FRONT_OFFICES:
        if foot[f] not in too_few:
            withheld_cells[f] |= _find_cover(column[f], withheld_cells[f], min_group)
    return Suppression(
        whole=sum(foot.values()) in too_few,
        front_offices=frozenset(f for f in FRONT_OFFICES if foot[f] in too_few),
        groups=frozenset(withheld_groups),
        cells={
            key: frozenset(f for f in FRONT_OFFICES if key in withheld_cells[f])
            for key in groups
            if key not in withheld_groups
        },
    )


def _find_cover(parts: Mapping[Key, int], withheld: Collection[Key], enough: int) -> set[Key]:
    """Find more parts to withhold, so that the sum of all parts withheld reveals none of them.

    ``enough`` is how many people at least two withheld parts must have together.
    """
    sizes = [people for key, people in parts.items() if people and key in withheld]
    more: set[Key] = set()
    if sizes:
        for key in sorted(parts, key=parts.__getitem__):
            if len(sizes) >= 2 and sum(sizes) >= enough:
                break
            if parts[key] and key not in withheld:
                sizes.append(parts[key])
                more.add(key)
    return more
