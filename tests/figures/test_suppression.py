"""Nothing about a few people follows from a reply, also not for a reader who computes."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedback_service.figures.suppression import Suppression, withhold_small_groups
from feedback_service.vocabulary import FRONT_OFFICES

Groups = Mapping[str | None, Mapping[str, int]]
Cell = tuple[str | None, str]
Known = list[set[Cell]]  # each: "the answers of these cells together" is published

PEOPLE = st.fixed_dictionaries({"offline": st.integers(0, 9), "online": st.integers(0, 9)})
GROUPS = st.dictionaries(st.sampled_from([None, "a", "b", "c", "d"]), PEOPLE)


def offline(**people: int) -> Groups:
    return {key: {"offline": n} for key, n in people.items()}


def published(groups: Groups, told: Suppression[str | None], front_offices: Sequence[str]) -> Known:
    """The sums a reply tells of a kind of answer that these front offices have in common."""
    foot = {(key, f) for key in groups for f in front_offices if f not in told.front_offices}
    rows = [{(key, f) for f in front_offices if f not in hidden} for key, hidden in told.cells.items()]
    return [*rows, *([] if told.whole else [foot])]


def rank(rows: Sequence[Sequence[int]]) -> int:
    """The rank of a matrix, by exact elimination."""
    left, found = [[Fraction(x) for x in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        found += 1
        left = [[x - row[column] / pivot[column] * y for x, y in zip(row, pivot, strict=True)] for row in left]
    return found


def isolates(known: Known, people: Mapping[Cell, int], min_group: int) -> list[Cell]:
    """Cells of 1 to ``min_group`` - 1 people of whom alone a combination of published sums says something.

    A combination of sums says something about exactly the cells T if the sums' span meets the span of T; then
    rank(sums) + |T| exceeds the rank of both together. Empty cells are known to be empty and tell of nobody.
    """
    cells = [cell for cell, n in people.items() if n]
    sums = [[int(cell in row) for cell in cells] for row in known]
    small = [cell for cell in cells if people[cell] < min_group]
    for size in range(1, len(small) + 1):
        for few in combinations(small, size):
            if sum(people[cell] for cell in few) < min_group:
                units = [[int(cell == one) for cell in cells] for one in few]
                if rank(sums) + size > rank([*sums, *units]):
                    return list(few)
    return []


def attack(groups: Groups, told: Suppression[str | None], min_group: int) -> list[Cell]:
    """What a reader who solves all equations of a reply learns about too few people, whatever was asked."""
    people = {(key, f): groups[key].get(f, 0) for key in groups for f in FRONT_OFFICES}
    for common in (("offline",), ("online",), FRONT_OFFICES):
        if found := isolates(published(groups, told, common), people, min_group):
            return found
    if told.whole:
        return []
    sizes: dict[Cell, int] = {(key, "funnel"): sum(groups[key].values()) for key in groups}
    return isolates([set(sizes), *({(key, "funnel")} for key in told.cells)], sizes, min_group)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(GROUPS, st.integers(1, 6))
@example({"a": {"offline": 50, "online": 3}, "b": {"offline": 50, "online": 40}}, 5)
@example({"a": {"offline": 3, "online": 1}, "b": {"offline": 10, "online": 8}, "c": {"offline": 9, "online": 0}}, 5)
@example({"offline": {"offline": 50}, "online": {"online": 3}}, 5)
def test_a_reader_who_computes_learns_nothing_about_a_few(groups: Groups, min_group: int) -> None:
    assert attack(groups, withhold_small_groups(groups, min_group=min_group), min_group) == []


@settings(max_examples=200, deadline=None)
@given(GROUPS, st.integers(1, 6))
def test_every_small_part_is_withheld_and_nothing_at_all_when_none_is_small(groups: Groups, min_group: int) -> None:
    told, few = withhold_small_groups(groups, min_group=min_group), range(1, min_group)
    foot = {f: sum(people[f] for people in groups.values()) for f in FRONT_OFFICES}
    assert told.whole == (sum(foot.values()) in few)
    assert told.front_offices == {f for f in FRONT_OFFICES if foot[f] in few}
    assert {key for key, people in groups.items() if sum(people.values()) in few} <= told.groups
    assert told.groups.isdisjoint(told.cells) and told.groups | told.cells.keys() == set(groups)
    for key, hidden in told.cells.items():
        assert {f for f in FRONT_OFFICES if groups[key][f] in few} <= hidden
        assert not any(groups[key][f] == 0 for f in hidden), "an empty front office is told as empty"
    assert all(sum(groups[key].values()) > 0 for key in told.groups), "a group nobody answered in is told"
    if not any(people[f] in few for people in groups.values() for f in FRONT_OFFICES):
        assert not told.whole and not told.front_offices and not told.groups
        assert not any(told.cells.values())


def only_the_small(groups: Groups, min_group: int) -> Suppression[str | None]:
    """The mistake: leave out what is small and no more."""
    few = range(1, min_group)
    small = frozenset(key for key, people in groups.items() if sum(people.values()) in few)
    cells = {
        key: frozenset(f for f in FRONT_OFFICES if people.get(f, 0) in few)
        for key, people in groups.items()
        if key not in small
    }
    return Suppression(whole=False, front_offices=frozenset(), groups=small, cells=cells)


@pytest.mark.parametrize(
    ("groups", "learned"),
    [
        (offline(a=50, b=3, c=20), [("b", "offline")]),
        (offline(a=50, b=3, c=1), [("b", "offline"), ("c", "offline")]),
        ({"a": {"offline": 50, "online": 3}, "b": {"offline": 50, "online": 40}}, [("a", "online")]),
    ],
)
def test_hiding_only_the_small_would_have_told_about_them(groups: Groups, learned: list[Cell]) -> None:
    assert attack(groups, only_the_small(groups, 5), 5) == learned
    assert attack(groups, withhold_small_groups(groups, min_group=5), 5) == []


def test_the_smallest_other_group_goes_with_a_lone_small_one() -> None:
    told = withhold_small_groups(offline(a=50, b=3, c=20, d=0), min_group=5)
    assert told.groups == {"b", "c"}
    assert dict(told.cells) == {"a": frozenset(), "d": frozenset()}


def test_small_groups_that_are_enough_together_hide_each_other() -> None:
    assert withhold_small_groups(offline(a=50, b=3, c=2), min_group=5).groups == {"b", "c"}
    assert withhold_small_groups(offline(a=50, b=3, c=1, d=7), min_group=5).groups == {"b", "c", "d"}


def test_a_withheld_group_cannot_be_computed_though_it_alone_holds_enough_of_a_front_office() -> None:
    groups: Groups = {
        "a": {"offline": 3},
        "b": {"offline": 9, "online": 8},
        "c": {"offline": 20, "online": 30},
    }
    told = withhold_small_groups(groups, min_group=5)
    assert told.groups == {"a", "b"}
    assert dict(told.cells) == {"c": {"online"}}


def test_a_small_front_office_of_a_group_takes_the_same_of_another_along() -> None:
    groups: Groups = {
        "a": {"offline": 50, "online": 3},
        "b": {"offline": 60, "online": 40},
        "c": {"offline": 9},
    }
    told = withhold_small_groups(groups, min_group=5)
    assert (told.whole, told.front_offices, told.groups) == (False, frozenset(), frozenset())
    assert dict(told.cells) == {"a": {"online"}, "b": {"online"}, "c": frozenset()}


def test_a_front_office_small_in_the_whole_period_needs_no_other_to_hide_it() -> None:
    groups: Groups = {"a": {"offline": 50, "online": 3}, "b": {"offline": 60, "online": 0}}
    told = withhold_small_groups(groups, min_group=5)
    assert told.front_offices == {"online"}
    assert dict(told.cells) == {"a": {"online"}, "b": frozenset()}


def test_by_front_office_a_small_one_hides_its_funnel_behind_the_other() -> None:
    told = withhold_small_groups({"offline": {"offline": 50}, "online": {"online": 3}}, min_group=5)
    assert told.groups == {"offline", "online"}
    assert told.front_offices == {"online"} and not told.whole


def test_a_period_of_a_few_is_withheld_whole_and_one_of_nobody_is_not() -> None:
    few = withhold_small_groups({None: {"offline": 2, "online": 2}}, min_group=5)
    assert few.whole and few.groups == {None}
    nobody = withhold_small_groups({None: {"offline": 0, "online": 0}}, min_group=5)
    assert (nobody.whole, nobody.front_offices, nobody.groups) == (False, frozenset(), frozenset())
    assert withhold_small_groups({}, min_group=5).whole is False


def test_a_period_of_enough_people_but_few_of_each_front_office_tells_of_neither() -> None:
    told = withhold_small_groups({None: {"offline": 3, "online": 3}}, min_group=5)
    assert told.front_offices == {"offline", "online"} and not told.whole
    assert told.cells[None] == {"offline", "online"}


def test_sources_that_do_not_count_are_judged_apart_and_hide_nobody() -> None:
    by_source = {"qr_case": {"offline": 50}, "sms_viber": {"offline": 3}, "phone_interview": {"offline": 30}}
    beside = {"qr_hall": {"offline": 9}, "tablet_walkup": {"offline": 2}}
    told = withhold_small_groups(by_source | beside, min_group=5, apart=beside.keys())
    assert told.groups == {"sms_viber", "phone_interview", "tablet_walkup"}
    only_beside = withhold_small_groups(beside, min_group=5, apart=beside.keys())
    assert only_beside.groups == {"tablet_walkup"} and not only_beside.whole


def test_the_threshold_is_the_first_number_that_is_shown() -> None:
    def shown(people: int, min_group: int) -> bool:
        return not withhold_small_groups(offline(only=people), min_group=min_group).whole

    assert [shown(people, 5) for people in (0, 1, 4, 5)] == [True, False, False, True]
    assert [shown(people, 10) for people in (0, 9, 10)] == [True, False, True]
    assert shown(1, 1)
