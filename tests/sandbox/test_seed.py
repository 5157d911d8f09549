"""The made-up town: believable, the same for the same seed, and told through the flow."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from feedback_service import clock
from feedback_service.centres import state_codes
from feedback_service.flow import maintenance
from feedback_service.models import Case, Centre, Comment, DraftAnswer, Invitation, Response
from feedback_service.sandbox import demo_data, demo_plan, seed
from feedback_service.surveys import answers, questionnaires
from feedback_service.surveys.questionnaires import Questionnaire
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.summaries import read_summary_json

NOW = datetime.fromisoformat("2026-11-20T15:30+02:00")
SMALL, LARGE = 150, 20_000


@pytest.fixture(scope="module")
def plan() -> demo_plan.Plan:
    """A large town."""
    return demo_plan.make_plan(LARGE, 1, NOW)


def test_the_town_has_codes_that_pass_every_check() -> None:
    assert state_codes.is_centre_code(demo_data.CENTRE)
    assert state_codes.is_known_territory(demo_data.PROFILE["katottg"])
    for edrpou in {demo_data.PROFILE["edrpou"], *(service.provider for service in demo_data.SERVICES)}:
        assert state_codes.is_edrpou(edrpou)
        assert state_codes.has_valid_check_digit(edrpou)


def test_the_same_seed_gives_the_same_town_and_another_seed_another() -> None:
    assert demo_plan.make_plan(SMALL, 7, NOW) == demo_plan.make_plan(SMALL, 7, NOW)
    assert demo_plan.make_plan(SMALL, 7, NOW) != demo_plan.make_plan(SMALL, 8, NOW)


def test_answers_keep_the_published_shares(plan: demo_plan.Plan) -> None:
    said: dict[str, Counter[object]] = {}
    for visit in plan.visits:
        if visit.answer and not demo_plan.is_in_trouble(
            visit.case_update.service.code, visit.case_update.status_at, NOW
        ):
            for question, value in visit.answer.answers.items():
                if not isinstance(value, list):
                    said.setdefault(question, Counter())[str(value)] += 1

    for question, shares in {**demo_data.OFFLINE_SHARES, **demo_data.ONLINE_SHARES}.items():
        for value, share in shares.items():
            # Within four standard errors; a wrong share would be much further off.
            n = said[question].total()
            assert said[question][value] / n == pytest.approx(share, abs=4 * (share * (1 - share) / n) ** 0.5)


def test_one_service_has_gone_wrong_and_people_say_why(plan: demo_plan.Plan) -> None:
    last_month = [
        visit.answer.answers
        for visit in plan.visits
        if visit.answer and visit.case_update.service.code == demo_data.SUBSIDY_TROUBLE.service
        if visit.case_update.status_at.astimezone(clock.KYIV).month == NOW.month - 1
    ]
    awful = [given for given in last_month if given.get("off.quality") == "awful"]

    assert len(awful) / len(last_month) > demo_data.SUBSIDY_TROUBLE.share / 2
    reasons = [given.get("any.reasons") for given in awful]
    assert sum(isinstance(named, list) and "queue" in named for named in reasons) > len(awful) / 2
    assert {given.get("any.comment") for given in awful} & set(demo_data.SUBSIDY_TROUBLE.comments)


def test_one_person_s_answers_are_of_one_mood(plan: demo_plan.Plan) -> None:
    given = [visit.answer.answers for visit in plan.visits if visit.answer and "off.staff" in visit.answer.answers]
    unhappy = [answer for answer in given if answer["off.staff"] == "awful" and "off.process" in answer]

    assert sum(answer["off.process"] == "awful" for answer in unhappy) > len(unhappy) / 2


def test_everything_happens_in_opening_hours_of_the_last_ninety_days(plan: demo_plan.Plan) -> None:
    assert len(plan.visits) > 1000
    for visit in plan.visits:
        at = visit.case_update.status_at.astimezone(clock.KYIV)
        assert demo_plan.OPENING_TIME <= at.time() <= demo_plan.CLOSING_TIME
        assert at.weekday() < 6
        assert timedelta(0) <= NOW - at < timedelta(days=demo_plan.DAYS_COVERED)
        assert visit.answer is None or at <= visit.answer.answered_at <= NOW


def test_every_answer_fits_the_questionnaire_that_it_answers(plan: demo_plan.Plan) -> None:
    assert any(visit.answer for visit in plan.visits)
    asked: dict[str, Questionnaire] = {one.front_office: one for one in questionnaires.load_shipped()}
    for visit in plan.visits:
        if visit.answer:
            accepted = answers.check_answers(asked[visit.case_update.front_office], visit.answer.answers)
            said = {
                question
                for question, value in visit.answer.answers.items()
                if question != "any.comment" and value not in ("", [])
            }
            assert set(accepted.values_by_question) == said


@pytest.mark.parametrize("now", ["2026-11-23T06:00+02:00", "2026-11-22T12:00+02:00", "2026-03-29T03:30+03:00"])
def test_a_town_can_be_sown_at_any_hour(time_is: TimeIs, now: str) -> None:
    assert len(demo_plan.make_plan(SMALL, 1, time_is(now)).visits) == SMALL


def test_a_town_that_is_sown_shows_figures_by_window_and_source(context: None, time_is: TimeIs) -> None:
    now = time_is(NOW)
    assert seed.seed_demo_data(SMALL, 1) == demo_data.CENTRE

    made = demo_plan.make_plan(SMALL, 1, now)
    assert len(stored.read_rows(Centre)) == 1
    assert len(stored.read_rows(Case)) == SMALL
    told = sum(visit.answer is not None for visit in made.visits) + len(made.hall_answers) + len(made.assisted_answers)
    assert len(stored.read_rows(Response)) + len(stored.read_rows(DraftAnswer)) == told
    assert {response.front_office for response in stored.read_rows(Response)} == {"offline", "online"}
    assert {response.source for response in stored.read_rows(Response)} >= {"qr_case", "sms_viber", "qr_hall"}
    assert stored.read_rows(Comment) != []
    issued = {invitation.issued_on for invitation in stored.read_rows(Invitation)}
    assert issued == {
        clock.kyiv_day(v.case_update.status_at) for v in made.visits if v.case_update.status != "in_progress"
    }


def test_sowing_again_on_the_same_day_adds_nothing(context: None, time_is: TimeIs) -> None:
    time_is(NOW)
    seed.seed_demo_data(40, 1)
    before = len(stored.read_rows(Case)), len(stored.read_rows(Response))

    seed.seed_demo_data(40, 1)

    assert (len(stored.read_rows(Case)), len(stored.read_rows(Response))) == before


def test_sowing_more_never_leaves_stored_figures_behind_the_answers(context: None, time_is: TimeIs) -> None:
    now = time_is(NOW)
    day = clock.kyiv_day(now)
    seed.seed_demo_data(40, 1)
    maintenance.close_days()

    seed.seed_demo_data(40, 2)

    live = read_summary_json(centres={demo_data.CENTRE}, first=day - timedelta(days=90), last=day, min_group=1)
    maintenance.recount_days()
    closed = read_summary_json(centres={demo_data.CENTRE}, first=day - timedelta(days=90), last=day, min_group=1)
    assert live == closed
    assert maintenance.find_count_mismatches() == []
