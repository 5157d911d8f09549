"""The check of answers: which are accepted, which are refused, and the name of each mistake."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_service.errors import FieldError, Invalid
from feedback_service.surveys.answers import Answers, check_answers, parse_form
from feedback_service.surveys.questionnaires import find_in_force, load_shipped

unhurried = settings(deadline=None)  # other tests share the processor

OFFLINE = find_in_force(load_shipped(), "offline", date(2026, 11, 20))
ONLINE = find_in_force(load_shipped(), "online", date(2026, 11, 20))


def refusals(raw: dict[str, object]) -> dict[str, FieldError]:
    """Return what ``check`` says about each answer of an offline survey, by pointer."""
    with pytest.raises(Invalid) as refused:
        check_answers(OFFLINE, raw)
    return {error.pointer: error for error in refused.value.errors}


def test_a_whole_answer_is_read() -> None:
    answers = check_answers(
        OFFLINE,
        {
            "off.nps": 9,
            "off.staff": "great",
            "off.premises": "awful",
            "any.reasons": ["seats", "other"],
            "any.breach": ["bribe"],
            "any.comment": "Дякую!",
        },
    )
    assert answers == Answers(
        single={"off.nps": "9", "off.premises": "awful", "off.staff": "great"},
        choices={"any.reasons": ("seats", "other"), "any.breach": ("bribe",)},
        comment="Дякую!",
        masked=(),
    )


@pytest.mark.parametrize("point", range(11))
def test_every_point_of_the_scale_is_taken(point: int) -> None:
    assert check_answers(ONLINE, {"on.nps": point}).single == {"on.nps": str(point)}


@pytest.mark.parametrize(
    "value",
    [
        11,
        -1,
        10**30,
        7.5,
        9.0,
        float("nan"),
        float("inf"),
        True,
        False,
        None,
        "9",
        "9 ",
        "",
        "nine",
        [9],
        {"9": 9},
    ],
)
def test_what_is_no_point_is_refused_not_clamped(value: object) -> None:
    assert refusals({"off.nps": value})["/answers/off.nps"].detail == "Choose a whole number from 0 to 10."


@pytest.mark.parametrize("value", ["excellent", "Great", "great ", "", 4, None, True, ["great"], {}])
def test_a_word_that_was_not_offered_is_refused(value: object) -> None:
    assert refusals({"off.staff": value})["/answers/off.staff"].detail == "Choose one of the answers offered."


@pytest.mark.parametrize("value", ["seats", "", None, 1, {}, ["seats", "seats"]])
def test_several_answers_are_a_list_without_repeats(value: object) -> None:
    detail = refusals({"any.reasons": value})["/answers/any.reasons"].detail
    assert detail == "Choose from the answers offered, each once."


@pytest.mark.parametrize("value", [["payment"], ["seats", 1], [None], [["seats"]], ["seats "]])
def test_a_reason_of_the_other_front_office_is_refused(value: object) -> None:
    detail = refusals({"any.reasons": value})["/answers/any.reasons"].detail
    assert detail == "Choose one of the answers offered."


def test_reasons_are_taken_after_a_good_answer_too() -> None:
    assert check_answers(OFFLINE, {"off.nps": 10, "any.reasons": ["queue"]}).choices == {"any.reasons": ("queue",)}


def test_several_answers_are_kept_in_the_order_of_the_questionnaire() -> None:
    assert check_answers(OFFLINE, {"any.reasons": ["other", "late", "seats"]}).choices["any.reasons"] == (
        "seats",
        "late",
        "other",
    )


def test_no_breach_is_said_alone() -> None:
    assert check_answers(OFFLINE, {"any.breach": ["none"]}).choices == {"any.breach": ("none",)}
    for both in (["none", "bribe"], ["bribe", "none"]):
        detail = refusals({"any.breach": both})["/answers/any.breach"].detail
        assert detail == "This answer can only be chosen alone, without others."


def test_a_question_of_the_other_front_office_is_refused() -> None:
    assert refusals({"on.nps": 9})["/answers/on.nps"].detail == "The questionnaire has no such question."


@pytest.mark.parametrize(
    ("id", "pointer"),
    [
        ("", "/answers/"),
        ("a/b", "/answers/a~1b"),
        ("a~b", "/answers/a~0b"),
        ("~1", "/answers/~01"),
        ("питання", "/answers/питання"),
        ("off.nps ", "/answers/off.nps "),
        ("\ud800", "/answers/\\ud800"),
        ("x" * 1000, "/answers/" + "x" * 64),
    ],
)
def test_a_strange_question_is_named_by_an_escaped_pointer(id: str, pointer: str) -> None:
    assert list(refusals({id: 1})) == [pointer]
    pointer.encode()


def test_all_mistakes_are_named_at_once() -> None:
    assert refusals(
        {
            "off.nps": 11,
            "off.staff": "great",
            "off.quality": "perfect",
            "any.reasons": ["payment"],
            "any.breach": ["none", "late"],
            "any.comment": "a\u202eb",
            "off.rooms": "good",
            "x": 1,
        }
    ).keys() == {
        "/answers/off.nps",
        "/answers/off.quality",
        "/answers/any.reasons",
        "/answers/any.breach",
        "/answers/any.comment",
        "/answers/off.rooms",
        "/answers/x",
    }


def test_thousands_of_unknown_questions_get_a_short_reply() -> None:
    assert len(refusals({f"off.{number}": 1 for number in range(5000)})) == 20


def test_nothing_answered_is_empty() -> None:
    assert check_answers(OFFLINE, {}).is_empty
    assert check_answers(OFFLINE, {"any.reasons": [], "any.breach": [], "any.comment": ""}).is_empty
    assert not check_answers(OFFLINE, {"off.nps": 0}).is_empty
    assert not check_answers(OFFLINE, {"any.breach": ["none"]}).is_empty
    assert not check_answers(OFFLINE, {"any.comment": "Так"}).is_empty


@pytest.mark.parametrize("blank", ["", " ", "\r\n\t ", "\u00a0\u2003", "\u200b\ufeff"])
def test_a_blank_comment_is_not_answered(blank: str) -> None:
    assert check_answers(OFFLINE, {"any.comment": blank}).comment is None


@pytest.mark.parametrize("strange", ["\0", "a\x07b", "a\u202eb", "\u2066x", "\ud800", "\udfff!", "x\x1b[0m"])
def test_a_comment_that_lies_to_the_reader_is_refused(strange: str) -> None:
    detail = refusals({"any.comment": strange})["/answers/any.comment"].detail
    assert detail == "Remove the invisible control characters from the text."


@pytest.mark.parametrize("value", [None, 5, True, ["text"], {"text": "text"}])
def test_a_comment_is_text(value: object) -> None:
    assert refusals({"any.comment": value})["/answers/any.comment"].detail == "Write this as text."


@pytest.mark.parametrize(
    "longest",
    ["ї" * 1000, "и\u0306" * 1000, "😊" * 1000, "рядок\r\n" * 166 + "ще 4", " " * 50 + "ї" * 1000 + "\r\n"],
    ids=["letters", "decomposed", "astral", "lines", "blank ends"],
)
def test_a_thousand_characters_fit_however_they_are_coded(longest: str) -> None:
    assert check_answers(OFFLINE, {"any.comment": longest}).comment is not None


@pytest.mark.parametrize("one_more", ["ї" * 1001, "😊" * 1001, "рядок\n" * 166 + "ще п’ять"])
def test_a_longer_comment_is_refused_with_its_length(one_more: str) -> None:
    error = refusals({"any.comment": one_more})["/answers/any.comment"]
    assert error.detail % error.params == f"The text is too long: {len(one_more)} characters, at most 1000."


def test_a_comment_is_kept_composed_with_plain_line_ends() -> None:
    assert check_answers(OFFLINE, {"any.comment": " Пере\r\nйдіть\rи\u0306 \n"}).comment == "Пере\nйдіть\nй"


def test_the_raw_comment_is_gone() -> None:
    answers = check_answers(OFFLINE, {"any.comment": "Дзвоніть 050 123 45 67 або olena@example.com"})
    assert answers.comment == "Дзвоніть [телефон] або [e-mail]"
    assert answers.masked == ("phone", "email")
    assert "050" not in repr(answers)


def test_masking_may_make_a_comment_longer_than_what_may_be_typed() -> None:
    answers = check_answers(OFFLINE, {"any.comment": "АА123456 " * 111})
    assert answers.comment is not None
    assert len(answers.comment) > 1000
    assert answers.masked == ("passport",)


# ---- joining what came in steps ----------------------------------------------------------------------------


def test_later_answers_hold_and_earlier_ones_stay() -> None:
    first = check_answers(OFFLINE, {"off.nps": 9, "any.comment": "0501234567", "any.reasons": ["seats", "late"]})
    second = check_answers(OFFLINE, {"off.nps": 3, "off.staff": "good", "any.reasons": ["other"]})
    assert first.merge_with(second) == Answers(
        single={"off.nps": "3", "off.staff": "good"},
        choices={"any.reasons": ("other",)},
        comment="[телефон]",
        masked=("phone",),
    )


def test_a_later_comment_brings_what_was_masked_in_it() -> None:
    first, second = (check_answers(OFFLINE, {"any.comment": text}) for text in ("a@b.cc", "АА123456"))
    assert (first.merge_with(second).comment, first.merge_with(second).masked) == (
        "[номер документа]",
        ("passport",),
    )


some_answers = st.fixed_dictionaries(
    {},
    optional={
        "off.nps": st.integers(0, 10),
        "off.staff": st.sampled_from(["great", "good", "acceptable", "awful"]),
        "any.reasons": st.lists(st.sampled_from(["seats", "late", "other"]), unique=True),
        "any.breach": st.sampled_from([[], ["none"], ["late", "other"]]),
        "any.comment": st.sampled_from(["", "Дякую", "0501234567"]),
    },
).map(lambda raw: check_answers(OFFLINE, raw))


@unhurried
@given(some_answers, some_answers, some_answers)
def test_joining_step_by_step_or_at_once_is_the_same(a: Answers, b: Answers, c: Answers) -> None:
    assert a.merge_with(b).merge_with(c) == a.merge_with(b.merge_with(c))
    assert a.merge_with(Answers()) == a == Answers().merge_with(a) == a.merge_with(a)


def test_a_draft_of_before_that_names_no_question_for_its_comment_has_that_of_the_shipped_questionnaires() -> None:
    stored = check_answers(OFFLINE, {"any.comment": "Дякую"}).to_json()
    del stored["comment_id"]

    assert Answers.from_json(stored).question_ids == {"any.comment"}


@unhurried
@given(some_answers)
def test_what_is_kept_as_json_comes_back(answers: Answers) -> None:
    assert Answers.from_json(json.loads(json.dumps(answers.to_json()))) == answers


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@unhurried
@given(
    st.dictionaries(st.sampled_from([question.id for question in OFFLINE.questions]) | st.text(max_size=8), json_values)
)
def test_any_json_is_either_right_or_refused_by_name(raw: dict[str, Any]) -> None:
    try:
        answers = check_answers(OFFLINE, raw)
    except Invalid as refused:
        assert refused.errors
        assert all(error.pointer.startswith("/answers/") for error in refused.errors)
    else:
        assert answers.single.keys() | answers.choices.keys() <= raw.keys()


# ---- forms -------------------------------------------------------------------------------------------------


def test_a_posted_form_reads_like_json() -> None:
    form = {
        "off.nps": ["9"],
        "off.staff": ["great"],
        "off.quality": [""],
        "any.reasons": ["seats", "", "late"],
        "any.breach": ["none"],
        "any.comment": ["Дякую\r\nвам"],
        "client_id": ["4be0643f-1d98-573b-97cd-ca98a65347dd"],
        "finish": ["1"],
    }
    assert parse_form(OFFLINE, form) == {
        "off.nps": 9,
        "off.staff": "great",
        "any.reasons": ["seats", "late"],
        "any.breach": ["none"],
        "any.comment": "Дякую\r\nвам",
    }


@pytest.mark.parametrize("point", range(11))
def test_a_posted_point_becomes_a_number(point: int) -> None:
    assert parse_form(OFFLINE, {"off.nps": [str(point)]}) == {"off.nps": point}


@pytest.mark.parametrize("posted", ["11", "-1", "9 ", " 9", "09", "+9", "7.5", "９", "1e1", "nine"])
def test_a_posted_text_that_is_no_point_is_refused(posted: str) -> None:
    assert refusals(parse_form(OFFLINE, {"off.nps": [posted]})).keys() == {"/answers/off.nps"}


def test_two_answers_where_one_is_asked_are_refused() -> None:
    form = {"off.nps": ["9", "3"], "off.staff": ["great", "awful"], "any.comment": ["a", "b"]}
    assert refusals(parse_form(OFFLINE, form)).keys() == {f"/answers/{id}" for id in form}


def test_a_posted_question_nobody_asked_is_refused() -> None:
    assert refusals(parse_form(OFFLINE, {"on.nps": ["9"], "any.thing": ["x"]})).keys() == {
        "/answers/on.nps",
        "/answers/any.thing",
    }


def test_an_empty_form_answers_nothing() -> None:
    assert parse_form(OFFLINE, {"client_id": ["x"], "any.comment": ["  "], "off.nps": []}) == {}
