"""Questionnaires: the shipped documents, and the messages about wrong documents of operators."""

import copy
import json
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from feedback_service.surveys import questionnaires
from feedback_service.surveys.questionnaires import (
    Questionnaire,
    find_in_force,
    load_shipped,
    parse_questionnaire,
)

WORDS = ("great", "good", "acceptable", "awful")
POINTS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
BREACHES = (
    "none bribe refused_acceptance insult extra_documents illegal_fee late inaccessible discrimination language"
    " data_leak other"
)
REASONS = {
    "offline": "seats cramped temperature queue schedule explanation rudeness repeat_visit extra_documents late"
    " navigation inaccessible dirty children eticket registry_down not_offered other",
    "online": "registry_down wrong_data retries hard_to_find slow_processing unclear_text few_hints data_not_found"
    " signature payment refusal next_step needed_help no_notification slow_page other",
}


def ours(front_office: str) -> Questionnaire:
    return find_in_force(load_shipped(), front_office, date(2026, 11, 20))


def document() -> dict[str, Any]:
    """Return a small valid document."""

    def text(uk: str) -> dict[str, str]:
        return {"uk": uk, "en": "…"}

    return {
        "version": "offline-2027.1",
        "front_office": "offline",
        "effective_from": "2027-01-01",
        "wording": "official",
        "languages": ["uk", "en"],
        "poor": {"scale_up_to": 6, "words": ["no"]},
        "options": {"yes_no": [{"value": "yes", "text": text("Так")}, {"value": "no", "text": text("Ні")}]},
        "questions": [
            {"id": "off.nps", "kind": "scale_0_10", "text": text("?"), "low": text("0"), "high": text("10")},
            {"id": "off.staff", "kind": "words", "text": text("?"), "options": "yes_no"},
            {"id": "any.why", "kind": "choices", "text": text("?"), "options": "yes_no", "exclusive": ["no"]},
            {"id": "any.comment", "kind": "text", "text": text("?"), "max_length": 500, "follow_up": True},
        ],
    }


def test_the_offline_questions_in_their_order() -> None:
    assert [(question.id, question.kind) for question in ours("offline").questions] == [
        ("off.nps", "scale_0_10"),
        ("off.premises", "words"),
        ("off.services", "words"),
        ("off.staff", "words"),
        ("off.quality", "words"),
        ("off.process", "words"),
        ("any.reasons", "choices"),
        ("any.comment", "text"),
        ("any.breach", "choices"),
    ]


def test_the_online_questions_in_their_order() -> None:
    assert [(question.id, question.kind) for question in ours("online").questions] == [
        ("on.nps", "scale_0_10"),
        ("on.overall", "words"),
        ("any.reasons", "choices"),
        ("any.comment", "text"),
        ("any.breach", "choices"),
    ]


@pytest.mark.parametrize("front_office", ["offline", "online"])
def test_the_values_are_those_of_the_wire(front_office: str) -> None:
    values = {question.id: question.values for question in ours(front_office).questions}
    assert values["any.reasons"] == tuple(REASONS[front_office].split())
    assert values["any.breach"] == tuple(BREACHES.split())
    assert values["any.comment"] == ()
    if front_office == "offline":
        assert values["off.nps"] == POINTS
        assert {values[f"off.{it}"] for it in ("premises", "services", "staff", "quality", "process")} == {WORDS}
    else:
        assert values["on.nps"] == POINTS
        assert values["on.overall"] == ("excellent", "good", "ok", "bad", "awful")


@pytest.mark.parametrize("front_office", ["offline", "online"])
def test_the_first_question_is_the_recommendation(front_office: str) -> None:
    first = ours(front_office).first_question
    assert first.id.endswith(".nps")
    assert first.low["uk"] == "точно не пораджу"
    assert first.high["uk"] == "обов’язково пораджу"


@pytest.mark.parametrize("front_office", ["offline", "online"])
def test_only_reasons_wait_for_a_poor_answer_and_only_none_stands_alone(front_office: str) -> None:
    questions = ours(front_office).questions
    assert [question.id for question in questions if question.follow_up] == ["any.reasons"]
    assert {question.id: question.exclusive for question in questions if question.exclusive} == {
        "any.breach": frozenset({"none"})
    }


@pytest.mark.parametrize(
    ("front_office", "single", "poor"),
    [
        ("offline", {"off.nps": "6"}, True),
        ("offline", {"off.nps": "0", "off.staff": "great"}, True),
        ("offline", {"off.nps": "7", "off.staff": "good"}, False),
        ("offline", {"off.nps": "10", "off.staff": "acceptable"}, True),
        ("offline", {"off.premises": "awful"}, True),
        ("offline", {}, False),
        ("online", {"on.nps": "9", "on.overall": "bad"}, True),
        ("online", {"on.overall": "awful"}, True),
        ("online", {"on.nps": "8", "on.overall": "ok"}, False),
    ],
)
def test_a_poor_answer_calls_for_the_reasons(front_office: str, single: dict[str, str], poor: bool) -> None:
    assert ours(front_office).is_poor(single) is poor


@pytest.mark.parametrize("front_office", ["offline", "online"])
def test_every_text_is_there_in_both_languages_and_well_set(front_office: str) -> None:
    questionnaire = ours(front_office)
    texts = [question.text for question in questionnaire.questions]
    texts += [option.text for question in questionnaire.questions for option in question.options]
    texts += [end for question in questionnaire.questions for end in (question.low, question.high) if end]

    assert len(texts) > 20
    for text in texts:
        assert set(text) == {"uk", "en"}
        for language, words in text.items():
            assert words == words.strip() == unicodedata.normalize("NFC", words)
            assert not set("'\"`“”") & set(words), "апостроф ’ and лапки «» only"
            cyrillic = any("CYRILLIC" in unicodedata.name(character) for character in words if character.isalpha())
            assert cyrillic is (language == "uk")
            if language == "uk":
                assert not set("ыэъёЫЭЪЁ") & set(words)


def test_the_wording_is_said_to_be_our_own() -> None:
    assert {questionnaire.wording for questionnaire in load_shipped()} == {"own"}


def test_every_file_is_named_by_its_version() -> None:
    files = (Path(questionnaires.__file__).parent / "questionnaires").glob("*.json")
    assert {file.stem for file in files} == {questionnaire.version for questionnaire in load_shipped()}


def later(version: str, day: str) -> Questionnaire:
    return parse_questionnaire({**document(), "version": version, "effective_from": day})


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2026, 1, 1), "offline-2026.1"),
        (date(2026, 12, 31), "offline-2026.1"),
        (date(2027, 1, 1), "offline-2027.1"),
        (date(2027, 3, 1), "offline-2027.10"),
        (date(2030, 1, 1), "offline-2027.10"),
    ],
)
def test_a_version_holds_from_its_day_until_the_next(day: date, version: str) -> None:
    candidates = [
        later("offline-2027.9", "2027-03-01"),
        *load_shipped(),
        later("offline-2027.10", "2027-03-01"),
        later("offline-2027.1", "2027-01-01"),
    ]
    assert find_in_force(candidates, "offline", day).version == version


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2000, 1, 1), date.min])
def test_the_first_version_serves_every_day_before_it(day: date) -> None:
    candidates = [later("offline-2027.1", "2027-01-01"), *load_shipped()]

    assert find_in_force(candidates, "offline", day).version == "offline-2026.1"


def test_a_front_office_without_a_questionnaire_has_none_in_force() -> None:
    with pytest.raises(LookupError, match="no online questionnaire is published"):
        find_in_force([later("offline-2027.1", "2027-01-01")], "online", date(2027, 1, 1))


def test_a_right_document_is_read() -> None:
    questionnaire = parse_questionnaire(document())
    assert questionnaire.version == "offline-2027.1"
    assert questionnaire.effective_from == date(2027, 1, 1)
    assert questionnaire.wording == "official"
    assert questionnaire.poor_values == frozenset({"0", "1", "2", "3", "4", "5", "6", "no"})
    comment = questionnaire.find_question("any.comment")
    assert comment is not None
    assert (comment.max_length, comment.follow_up) == (500, True)
    assert questionnaire.find_question("off.nothing") is None


def test_a_document_without_poor_answers_never_asks_why() -> None:
    assert not parse_questionnaire({**document(), "poor": {}}).is_poor({"off.nps": "0", "off.staff": "no"})


def test_a_third_language_is_welcome() -> None:
    translated = json.loads(json.dumps(document()).replace('"en": "\\u2026"', '"en": "…", "pl": "…"'))
    assert parse_questionnaire({**translated, "languages": ["uk", "en", "pl"]}).languages == (
        "uk",
        "en",
        "pl",
    )


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def at(document: Any) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        for step in way:
            document = document[step]
        document[last] = value

    return at


def remove(path: str) -> Callable[[dict[str, Any]], None]:
    def at(document: Any) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        for step in way:
            document = document[step]
        del document[last]

    return at


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (remove("version"), " lacks version"),
        (remove("poor"), " lacks poor"),
        (change("note", "x"), " has unknown note"),
        (change("version", "offline"), ".version must be like offline-2026.1, not 'offline'"),
        (change("version", 2027), ".version must be like offline-2026.1, not 2027"),
        (change("version", "offline-2027.1\n"), ".version must be like"),
        (change("front_office", "online"), ".front_office does not fit the version"),
        (change("effective_from", "01.01.2027"), ".effective_from must be a day"),
        (change("effective_from", "20270101"), ".effective_from must be a day"),
        (change("effective_from", "2027-02-30"), ".effective_from must be a day"),
        (change("wording", "ours"), ".wording must be one of official, own"),
        (change("languages", ["uk"]), ".languages lacks en"),
        (change("languages", ["en", "pl"]), ".languages lacks uk"),
        (change("languages", ["uk", "en", "uk"]), ".languages names uk twice"),
        (change("languages", "uk"), ".languages must be a list"),
        (change("poor", []), ".poor must be an object"),
        (change("poor/scale_up_to", 11), ".poor.scale_up_to must be a whole number from 0 to 10"),
        (change("poor/scale_up_to", True), ".poor.scale_up_to must be a whole number"),
        (change("poor/words", ["never"]), r".poor.words\[0\] must be one of no, yes"),
        (change("options", []), ".options must be an object"),
        (change("options/yes_no", []), ".options.yes_no must not be empty"),
        (change("options/yes_no/1/value", "yes"), ".options.yes_no names yes twice"),
        (
            change("options/yes_no/1/value", "No!"),
            r".options.yes_no\[1\].value must be a word of .*, not 'No!'",
        ),
        (change("options/yes_no/1/value", "7"), r".options.yes_no\[1\].value must be a word of .*, not '7'"),
        (
            change("options/yes_no/1/value", False),
            r".options.yes_no\[1\].value must be a word of .*, not False",
        ),
        (remove("options/yes_no/0/text"), r".options.yes_no\[0\] lacks text"),
        (remove("options/yes_no/0/text/uk"), r".options.yes_no\[0\].text lacks uk"),
        (change("options/yes_no/0/text/pl", "Tak"), r".options.yes_no\[0\].text has unknown pl"),
        (
            change("options/yes_no/0/text/en", "  "),
            r".options.yes_no\[0\].text.en must be a text of 1 to 300",
        ),
        (change("options/yes_no/0/text/en", 1), r".options.yes_no\[0\].text.en must be a text of 1 to 300"),
        (
            change("options/yes_no/0/text/en", "x" * 301),
            r".options.yes_no\[0\].text.en must be a text of 1 to 300",
        ),
        (
            change("options/yes_no/0/text/en", "a\u202eb"),
            r".options.yes_no\[0\].text.en must .*bidirectional",
        ),
        (change("questions", []), ".questions must not be empty"),
        (change("questions", {}), ".questions must be a list"),
        (change("questions/1", "off.staff"), r".questions\[1\] must be an object"),
        (change("questions/1/id", "off.nps"), ".questions names off.nps twice"),
        (change("questions/1/id", "staff"), r".questions\[1\].id must be like .*, not 'staff'"),
        (change("questions/1/id", "off.a/b"), r".questions\[1\].id must be like"),
        (
            change("questions/1/kind", "stars"),
            r".questions\[1\].kind must be one of choices, scale_0_10, text, words",
        ),
        (change("questions/1/kind", None), r".questions\[1\].kind must be a text"),
        (remove("questions/1/options"), r".questions\[1\] lacks options"),
        (change("questions/1/options", "maybe"), r".questions\[1\].options must be one of yes_no"),
        (change("questions/1/options", ["yes"]), r".questions\[1\].options must be a text"),
        (change("questions/1/required", True), r".questions\[1\] has unknown required"),
        (change("questions/1/exclusive", ["no"]), r".questions\[1\] has unknown exclusive"),
        (change("questions/1/follow_up", "yes"), r".questions\[1\].follow_up must be true or false"),
        (
            change("questions/2/exclusive", ["never"]),
            r".questions\[2\].exclusive\[0\] must be one of no, yes",
        ),
        (remove("questions/0/high"), r".questions\[0\] lacks high"),
        (remove("questions/0/text/en"), r".questions\[0\].text lacks en"),
        (
            change("questions/3/max_length", 1001),
            r".questions\[3\].max_length must be a whole number from 1 to 1000",
        ),
        (change("questions/3/max_length", 500.0), r".questions\[3\].max_length must be a whole number"),
        (change("questions/3/max_length", None), r".questions\[3\].max_length must be a whole number"),
    ],
)
def test_a_wrong_document_is_told_what_is_wrong_and_where(
    spoil: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    wrong = copy.deepcopy(document())
    spoil(wrong)
    with pytest.raises(ValueError, match=f"^questionnaire{complaint}"):
        parse_questionnaire(wrong)


def test_the_first_question_must_be_one_tap() -> None:
    wrong = document()
    del wrong["questions"][:2]
    wrong["poor"] = {}
    with pytest.raises(ValueError, match="questions must begin with one that is answered with one tap"):
        parse_questionnaire(wrong)


def test_there_is_one_free_text_at_most() -> None:
    wrong = document()
    wrong["questions"].append({**wrong["questions"][3], "id": "any.more"})
    with pytest.raises(ValueError, match="questions must have one of kind text at most"):
        parse_questionnaire(wrong)


@pytest.mark.parametrize("document", [[], "offline", None, 1])
def test_what_is_no_object_is_no_document(document: Any) -> None:
    with pytest.raises(ValueError, match="questionnaire must be an object"):
        parse_questionnaire(document)


def test_something_serious_is_whatever_was_chosen_but_nothing() -> None:
    ours_offline = ours("offline")
    assert ours_offline.breaches({"any.breach": ["insult", "bribe"]}) == ("insult", "bribe")
    assert ours_offline.breaches({"any.breach": ["none"]}) == ()
    assert ours_offline.breaches({"any.reasons": ["queue"]}) == ()
    assert ours_offline.reasons({"any.reasons": ["queue"], "any.breach": ["insult"]}) == ("queue",)


def test_a_document_may_ask_why_and_about_something_serious_by_other_questions() -> None:
    serious = {"question": "any.why", "nothing": ["no"]}
    read = parse_questionnaire(document() | {"reasons": "any.why", "breach": serious})
    assert read.breaches({"any.why": ["yes", "no"]}) == ("yes",)
    assert read.reasons({"any.why": ["yes"]}) == ("yes",)


def test_a_document_that_names_neither_means_what_it_meant_before() -> None:
    read = parse_questionnaire(document())
    assert read.breaches({"any.breach": ["none", "insult"]}) == ("insult",)
    assert read.reasons({"any.reasons": ["queue"]}) == ("queue",)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"reasons": "any.comment"}, "questionnaire.reasons must be one of any.why"),
        ({"breach": {"question": "any.why"}}, "questionnaire.breach lacks nothing"),
        ({"breach": {"question": "off.staff", "nothing": ["no"]}}, "breach.question must be one of any.why"),
        (
            {"breach": {"question": "any.why", "nothing": ["none"]}},
            r"breach.nothing\[0\] must be one of no, yes",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_by_choosing_is_refused_there(
    members: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_questionnaire(document() | members)
