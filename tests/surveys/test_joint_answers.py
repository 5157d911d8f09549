"""Whoever answered a question first keeps it, whatever other clients send, in whatever order."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from feedback_service.surveys.answers import COMMENT, Answers
from feedback_service.surveys.joint_answers import JointAnswers

unhurried = settings(deadline=None)  # a busy machine is no failure

QUESTIONS = ("off.nps", "off.staff", "any.reasons", COMMENT)
CLIENTS = (None, "b", "c")  # ``None`` is the first one

Values = Mapping[str, str]


def answers(values: Values) -> Answers:
    """Return one value for each question."""
    single = {id: value for id, value in values.items() if id.startswith("off.")}
    choices = {"any.reasons": (values["any.reasons"],)} if "any.reasons" in values else {}
    return Answers(single, choices, values.get(COMMENT), ("phone",) if values.get(COMMENT) == "3" else ())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(CLIENTS),
        st.dictionaries(st.sampled_from(QUESTIONS), st.sampled_from("123")),
        st.frozensets(st.sampled_from(QUESTIONS)),
    ),
    max_size=12,
)


@unhurried
@given(STEPS)
def test_every_answer_is_the_last_word_of_the_client_that_came_first(
    steps: list[tuple[str | None, Values, frozenset[str]]],
) -> None:
    joint = JointAnswers()
    expected: dict[str, tuple[str | None, str]] = {}
    for client, values, blank_ids in steps:
        taken = joint.find_taken(client, answers(values))
        joint = joint.add(client, answers(values), blank_ids - set(values))

        for question in blank_ids - set(values):
            if question in expected and expected[question][0] == client:
                del expected[question]
        for question, value in values.items():
            if expected.get(question, (client, value))[0] == client:
                expected[question] = (client, value)
        assert joint.answers == answers({question: value for question, (_, value) in expected.items()})
        assert joint.owners == {question: owner for question, (owner, _) in expected.items() if owner is not None}
        assert taken == {question for question in values if expected[question][0] != client}


@unhurried
@given(st.dictionaries(st.sampled_from(QUESTIONS), st.sampled_from("123")), STEPS)
def test_whatever_others_do_what_the_first_client_answered_stands(
    first: Values, steps: list[tuple[str | None, Values, frozenset[str]]]
) -> None:
    joint = JointAnswers().add(None, answers(first), ())
    for client, values, blank_ids in steps:
        joint = joint.add(client or "d", answers(values), blank_ids)

    stood = joint.answers.without(set(QUESTIONS) - set(first))
    assert stood == answers(first)
