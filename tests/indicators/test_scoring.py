"""The worked examples of the methodology, to the last digit."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_service.indicators.methodology import Methodology, parse_methodology, shipped_methodologies
from feedback_service.indicators.scoring import (
    Counts,
    ReasonFigure,
    compute_figures,
    loyalty_index,
    question_figure,
)

OFFICIAL = next(found for found in shipped_methodologies() if found.id == "864-2021")
FOUR_WORDS = OFFICIAL.words["offline"]["off.staff"]
TWO_HUNDRED = {"10": 142, "9": 31, "8": 14, "7": 5, "6": 2, "5": 3, "3": 1, "0": 2}
unhurried = settings(deadline=None)  # a busy machine is no failure
COUNTS = st.dictionaries(st.integers(0, 10).map(str), st.integers(0, 500))


def test_the_two_hundred_answers_of_the_worked_example() -> None:
    index = loyalty_index(TWO_HUNDRED, OFFICIAL)
    assert (index.n, index.promoters, index.passives, index.detractors) == (200, 173, 19, 8)
    assert (index.exact, str(index.value), index.interval, index.band) == (
        Fraction(165, 2),
        "82.5",
        (74.6, 88.0),
        None,
    )


@pytest.mark.parametrize(
    ("answers", "n", "promoters", "detractors", "exact"),
    [
        ([], 0, 0, 0, None),
        ([0, 0, 0], 3, 0, 3, -100),
        ([7, 7, 7, 7, 7], 5, 0, 0, 0),
        ([6, 9], 2, 1, 1, 0),
        ([8, 9, 10], 3, 2, 0, Fraction(200, 3)),
        ([10, 10, 10, 10], 4, 4, 0, 100),
    ],
)
def test_the_edges_of_the_index(
    answers: list[int], n: int, promoters: int, detractors: int, exact: Fraction | int | None
) -> None:
    index = loyalty_index(Counter(map(str, answers)), OFFICIAL)
    assert (index.n, index.promoters, index.detractors, index.exact) == (n, promoters, detractors, exact)


@pytest.mark.parametrize("value", ["11", "-1", "7.5", "9 ", "", "None", "great"])
def test_an_answer_off_the_scale_is_refused_and_not_clamped(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be counted"):
        loyalty_index({value: 1}, OFFICIAL)


def test_nobody_answered_is_null_and_never_zero() -> None:
    index = loyalty_index({"9": 0}, OFFICIAL)
    assert (index.n, index.exact, index.value, index.interval, index.band) == (0, None, None, None, None)
    staff = question_figure("off.staff", {}, FOUR_WORDS)
    assert (staff.n, staff.share_satisfied, staff.interval, staff.share_not_awful) == (0, None, None, None)
    assert dict(staff.counts) == {"great": 0, "good": 0, "acceptable": 0, "awful": 0}


def test_centres_are_pooled_by_their_counts_and_not_by_their_indices() -> None:
    first, second = Counter({"10": 90, "8": 10}), Counter({"0": 5, "7": 5})
    assert loyalty_index(first, OFFICIAL).exact == 90
    assert loyalty_index(second, OFFICIAL).exact == -50
    pooled = loyalty_index(first + second, OFFICIAL)
    assert pooled.exact == Fraction(85, 110) * 100
    assert str(pooled.value) == "77.3"


def test_zero_is_negative_and_the_least_above_it_is_not() -> None:
    assert loyalty_index({"9": 1, "6": 1}, OFFICIAL).band == "negative"
    assert loyalty_index({"0": 1}, OFFICIAL).band == "negative"
    hardly_positive = loyalty_index({"9": 5001, "6": 5000}, OFFICIAL)
    assert (str(hardly_positive.value), hardly_positive.band) == ("0.0", None)


@unhurried
@given(COUNTS, COUNTS)
def test_the_index_stays_within_a_hundred_and_pooling_lies_between_its_parts(
    here: dict[str, int], there: dict[str, int]
) -> None:
    parts = [
        part.exact for part in (loyalty_index(here, OFFICIAL), loyalty_index(there, OFFICIAL)) if part.exact is not None
    ]
    pooled = loyalty_index(Counter(here) + Counter(there), OFFICIAL).exact
    assert (pooled is None) == (not parts)
    if pooled is not None:
        assert -100 <= min(parts) <= pooled <= max(parts) <= 100


@pytest.mark.parametrize(
    ("dimension", "counts", "satisfied", "interval", "not_awful"),
    [
        ("off.premises", (181, 15, 2, 2), 98.0, (95.0, 99.2), 99.0),
        ("off.services", (184, 13, 1, 2), 98.5, (95.7, 99.5), 99.0),
        ("off.staff", (180, 16, 1, 3), 98.0, (95.0, 99.2), 98.5),
        ("off.quality", (176, 18, 2, 4), 97.0, (93.6, 98.6), 98.0),
        ("off.process", (178, 17, 2, 3), 97.5, (94.3, 98.9), 98.5),
    ],
)
def test_the_five_dimensions_of_the_worked_example(
    dimension: str,
    counts: tuple[int, int, int, int],
    satisfied: float,
    interval: tuple[float, float],
    not_awful: float,
) -> None:
    scale = OFFICIAL.words["offline"][dimension]
    figure = question_figure(dimension, dict(zip(scale.values, counts, strict=True)), scale)
    assert (figure.n, figure.share_satisfied, figure.interval, figure.share_not_awful) == (
        200,
        satisfied,
        interval,
        not_awful,
    )


def test_all_five_dimensions_pooled() -> None:
    pooled = question_figure("all", {"great": 899, "good": 79, "acceptable": 8, "awful": 14}, FOUR_WORDS)
    assert (pooled.n, pooled.share_satisfied) == (1000, 97.8)


def test_online_excellent_and_good_are_satisfied_and_all_but_awful_is_not_awful() -> None:
    overall = question_figure(
        "on.overall",
        {"excellent": 3, "good": 2, "ok": 2, "bad": 2, "awful": 1},
        OFFICIAL.words["online"]["on.overall"],
    )
    assert (overall.share_satisfied, overall.share_not_awful) == (50.0, 90.0)


def test_a_word_that_is_not_on_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="'ok' cannot be counted"):
        question_figure("off.staff", {"ok": 1}, FOUR_WORDS)


def counted(front_office: str, **answers: Mapping[str, int]) -> dict[tuple[str, str, str], int]:
    """Answers of one front office; a question's dot is written as an underscore."""
    return {
        (front_office, asked.replace("_", ".", 1), value): n
        for asked, counts in answers.items()
        for value, n in counts.items()
    }


OFFLINE = counted(
    "offline",
    off_nps=TWO_HUNDRED,
    off_staff={"great": 180, "good": 16, "acceptable": 1, "awful": 3},
    any_reasons={"seats": 3, "other": 1, "queue": 1},
    any_breach={"none": 9},
)
ONLINE = counted("online", on_nps={"9": 6}, any_reasons={"other": 4, "payment": 0})
BOTH: Counts = OFFLINE | ONLINE


def test_figures_say_both_front_offices_and_every_operational_question_in_order() -> None:
    figures = compute_figures(OFFLINE, OFFICIAL)
    assert [(one.front_office, one.status) for one in figures.indicators] == [
        ("offline", "unconfirmed"),
        ("online", "unconfirmed"),
    ]
    offline, online = figures.find_index("offline"), figures.find_index("online")
    assert offline == loyalty_index(TWO_HUNDRED, OFFICIAL)
    assert online == loyalty_index({}, OFFICIAL)
    assert [asked.id for asked in figures.questions] == [
        "off.premises",
        "off.services",
        "off.staff",
        "off.quality",
        "off.process",
        "on.overall",
    ]
    staff = figures.find_question("off.staff")
    assert staff is not None
    assert (staff.n, staff.counts) == (200, {"great": 180, "good": 16, "acceptable": 1, "awful": 3})
    assert (staff.share_satisfied, staff.interval, staff.share_not_awful) == (98.0, (95.0, 99.2), 98.5)


def test_reasons_pool_the_front_offices_and_come_most_frequent_first() -> None:
    assert compute_figures(BOTH, OFFICIAL).reasons == (
        ReasonFigure("other", 5),
        ReasonFigure("seats", 3),
        ReasonFigure("queue", 1),
    )


def test_a_withheld_front_office_leaves_its_name_and_nothing_else() -> None:
    figures = compute_figures(BOTH, OFFICIAL, withheld={"online"})
    assert (figures.indicators[1].front_office, figures.indicators[1].index) == ("online", None)
    assert [asked.id for asked in figures.questions if asked.id.startswith("on.")] == []
    assert figures.find_question("on.overall") is None
    assert figures.reasons == (ReasonFigure("seats", 3), ReasonFigure("other", 1), ReasonFigure("queue", 1))
    assert figures.indicators[0] == compute_figures(BOTH, OFFICIAL).indicators[0]


def test_another_methodology_classes_and_rounds_the_same_answers_differently(
    methodology_document: dict[str, object],
) -> None:
    rule = methodology_document["loyalty_index"]
    assert isinstance(rule, dict)
    rule["classes"] = {"promoters": ["10"], "passives": ["6", "7", "8", "9"], "detractors": list("012345")}
    rule["rounding"] = {"decimals": 0, "ties": "to_even"}
    rule["bands"].append({"name": "good", "from": 0, "from_included": False, "to": 100, "to_included": True})
    stricter: Methodology = parse_methodology(methodology_document)
    index = loyalty_index(TWO_HUNDRED, stricter)
    assert (str(index.value), index.band) == ("68", "good")
