"""A methodology says what is confirmed, and a document that is not one is refused by name."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from feedback_service.indicators.methodology import choose_in_force, parse_methodology, shipped_methodologies
from feedback_service.surveys import questionnaires
from feedback_service.vocabulary import FRONT_OFFICES, SOURCES

Path = tuple[str | int, ...]


def put(document: Any, path: Path, value: object) -> None:
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value


def test_the_shipped_methodology_is_unconfirmed_and_says_in_which_parts() -> None:
    (official,) = shipped_methodologies()
    assert (official.id, official.status, official.loyalty.status) == (
        "864-2021",
        "unconfirmed",
        "unconfirmed",
    )
    assert any("9 and 10" in part["en"] for part in official.loyalty.confirmed)
    assert any("0 to 6" in part["en"] for part in official.loyalty.unconfirmed)
    assert any("7 and 8" in part["en"] for part in official.loyalty.unconfirmed)


def test_every_answer_of_the_scale_is_in_one_class() -> None:
    rule = shipped_methodologies()[0].loyalty
    assert sorted([*rule.promoters, *rule.passives, *rule.detractors], key=int) == [str(n) for n in range(11)]


def test_all_sources_count_but_the_walk_up_tablet_and_the_hall_code() -> None:
    assert shipped_methodologies()[0].sources == set(SOURCES) - {"tablet_walkup", "qr_hall"}


def test_the_shipped_methodology_counts_every_answer_the_shipped_questionnaires_offer() -> None:
    official = shipped_methodologies()[0]
    rule = official.loyalty
    shipped = questionnaires.load_shipped()

    assert {questionnaire.front_office for questionnaire in shipped} == {"offline", "online"}
    for questionnaire in shipped:
        asked = {question.id: question for question in questionnaire.questions}
        recommend = asked[rule.questions[questionnaire.front_office]]
        assert set(recommend.values) == rule.promoters | rule.passives | rule.detractors
        assert {question.id: question.values for question in asked.values() if question.kind == "words"} == {
            id: scale.values for id, scale in official.words[questionnaire.front_office].items()
        }


def test_the_only_band_is_negative_and_holds_both_its_ends() -> None:
    rule = shipped_methodologies()[0].loyalty
    assert [rule.find_band(Fraction(value)) for value in (-100, -1, 0)] == ["negative"] * 3
    assert [rule.find_band(Fraction(value)) for value in ("0.001", 50, 100)] == [None] * 3


def test_every_front_office_has_an_index_and_operational_questions() -> None:
    official = shipped_methodologies()[0]
    assert tuple(official.loyalty.questions) == tuple(official.words) == FRONT_OFFICES
    assert list(official.words["online"]) == ["on.overall"]
    assert len(official.words["offline"]) == 5


def test_old_figures_keep_the_methodology_of_their_day(methodology_document: dict[str, Any]) -> None:
    old = shipped_methodologies()[0]
    new = parse_methodology(methodology_document | {"id": "900-2027", "effective_from": "2027-01-01"})
    assert choose_in_force([new, old], date(2026, 12, 31)) is old
    assert choose_in_force([new, old], date(2027, 1, 1)) is new
    assert choose_in_force([new, old], old.effective_from - timedelta(days=1)) is old
    corrected = parse_methodology(methodology_document | {"id": "864-2021-a"})
    assert choose_in_force([old, corrected], date(2026, 1, 1)) is corrected


def test_there_must_be_a_methodology_to_choose() -> None:
    with pytest.raises(ValueError, match="no methodology"):
        choose_in_force([], date(2026, 1, 1))


def test_a_loaded_methodology_cannot_be_changed() -> None:
    official: Any = shipped_methodologies()[0]
    with pytest.raises(TypeError):
        official.words["offline"]["off.staff"] = None
    with pytest.raises(TypeError):
        official.loyalty.questions["offline"] = "on.nps"


BAND = {"name": "good", "from": 0, "from_included": True, "to": 50, "to_included": True}


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("id",), "", "methodology.id must be a text"),
        (("id",), " 864", "methodology.id must be a text"),
        (("id",), "864\u202e", "methodology.id must be a text"),
        (("id",), "8" * 65, "methodology.id must have at most 64 characters"),
        (("title",), {"uk": "Порядок"}, "methodology.title lacks en"),
        (("remark",), "x", "methodology has unknown remark"),
        (("effective_from",), "11.08.2021", "methodology.effective_from must be a day"),
        (("effective_from",), "20210811", "methodology.effective_from must be a day"),
        (("status",), "confirmed", "methodology.status is confirmed, but the status of the index is not"),
        (("status",), "perhaps", "methodology.status must be one of confirmed, unconfirmed"),
        (("sources",), ["qr_cas"], "methodology.sources may name only"),
        (("sources",), [], "methodology.sources must not be empty"),
        (("sources",), ["qr_case", "qr_case"], "methodology.sources names qr_case twice"),
        (("loyalty_index",), None, "methodology.loyalty_index must be an object"),
        (
            ("loyalty_index", "status"),
            "confirmed",
            "loyalty_index.status is confirmed, but parts are unconfirmed",
        ),
        (("loyalty_index", "questions"), {"offline": "off.nps"}, "questions lacks online"),
        (("loyalty_index", "classes", "passives"), ["6"], "classes puts one answer in two classes"),
        (("loyalty_index", "classes", "passives"), [7, 8], r"passives\[0\] must be a text"),
        (("loyalty_index", "bands"), {}, "bands must be a list"),
        (("loyalty_index", "bands", 0, "from"), "-100", r"bands\[0\].from must be a number"),
        (("loyalty_index", "bands", 0, "from"), float("nan"), r"bands\[0\].from must be a number"),
        (("loyalty_index", "bands", 0, "from"), True, r"bands\[0\].from must be a number"),
        (("loyalty_index", "bands", 0, "from"), 1, r"bands\[0\] must rise within"),
        (("loyalty_index", "bands", 0, "to"), 101, r"bands\[0\] must rise within"),
        (("loyalty_index", "bands", 0, "to_included"), 1, r"bands\[0\].to_included must be true or false"),
        (("loyalty_index", "rounding", "decimals"), True, "decimals must be a whole number from 0 to 6"),
        (("loyalty_index", "rounding", "decimals"), 7, "decimals must be a whole number from 0 to 6"),
        (("loyalty_index", "rounding", "ties"), "up", "ties must be one of away_from_zero, to_even"),
        (
            ("operational", "scales", "four_words", "satisfied"),
            ["awful"],
            "four_words must have satisfied within",
        ),
        (
            ("operational", "questions", "online"),
            {"on.overall": "stars"},
            "on.overall must be one of five_words",
        ),
        (("operational", "questions", "online"), {}, "online must be an object with fields"),
        (("operational", "overall"), {}, "overall must be an object with fields"),
        (("operational", "overall", "online", "question"), "on.nps", "question must be one of on.overall"),
        (
            ("operational", "overall", "online", "bad"),
            ["terrible"],
            "bad must be words of the question's scale",
        ),
        (("operational", "overall", "online", "bad"), [], "bad must not be empty"),
        (("operational", "reasons"), "", "reasons must be a text"),
        (("operational", "remark"), "x", "operational has unknown remark"),
    ],
)
def test_a_document_that_is_wrong_is_refused_with_the_place(
    methodology_document: dict[str, object], path: Path, value: object, complaint: str
) -> None:
    put(methodology_document, path, value)
    with pytest.raises(ValueError, match=complaint):
        parse_methodology(methodology_document)


def test_bands_may_touch_but_not_overlap(methodology_document: dict[str, Any]) -> None:
    bands = methodology_document["loyalty_index"]["bands"]
    bands.append(BAND)
    with pytest.raises(ValueError, match="bands lets good overlap negative"):
        parse_methodology(methodology_document)
    bands[1] = BAND | {"from_included": False}
    assert [band.name for band in parse_methodology(methodology_document).loyalty.bands] == [
        "negative",
        "good",
    ]


@pytest.mark.parametrize("document", [None, [], "864-2021", 1, {}])
def test_what_is_no_document_at_all_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="methodology must be an object"):
        parse_methodology(document)


def test_bad_answers_are_those_that_the_document_names(methodology_document: dict[str, Any]) -> None:
    methodology_document["operational"]["overall"]["offline"] = {"question": "off.staff", "bad": ["awful"]}
    ours, other = shipped_methodologies()[0], parse_methodology(methodology_document)

    assert ours.has_bad_answer({"off.quality": "acceptable"})
    assert ours.has_bad_answer({"on.overall": "bad"})
    assert not ours.has_bad_answer({"off.staff": "awful", "off.quality": "good"})
    assert other.has_bad_answer({"off.staff": "awful"})
    assert not other.has_bad_answer({"off.quality": "awful", "off.staff": "acceptable"})
    assert other.headline_questions == {"off.nps", "on.nps", "off.staff", "on.overall"}


def test_a_document_that_names_no_overall_question_means_what_it_meant_before(
    methodology_document: dict[str, Any],
) -> None:
    for name in ("overall", "reasons"):
        del methodology_document["operational"][name]
    assert parse_methodology(methodology_document) == shipped_methodologies()[0]
