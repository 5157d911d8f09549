"""The JSON of a summary has the members of GET /summaries in its order, and of withheld figures nothing but a name."""

import json
from datetime import date

from feedback_service.figures.shapes import Funnel, Group, GroupContent, Summary, WithoutSignals
from feedback_service.figures.summary_json import summary_json
from feedback_service.indicators.methodology import shipped_methodologies
from feedback_service.indicators.scoring import Figures, compute_figures

OFFICIAL = shipped_methodologies()[0]
COUNTS = {
    ("offline", "off.nps", "9"): 173,
    ("offline", "off.nps", "8"): 19,
    ("offline", "off.nps", "3"): 8,
    ("offline", "off.staff", "great"): 180,
    ("offline", "off.staff", "good"): 16,
    ("offline", "off.staff", "acceptable"): 1,
    ("offline", "off.staff", "awful"): 3,
    ("offline", "any.reasons", "seats"): 3,
}
FUNNEL = Funnel(completed=9, invited=9, opened=4, started=3, answered=3)
FUNNEL_JSON = {"completed": 9, "invited": 9, "opened": 4, "started": 3, "answered": 3, "response_rate": 33.3}


def summary(figures: Figures, *groups: Group, suppressed: bool = False) -> Summary:
    """The summary of a day."""
    day = date(2026, 11, 20)
    return Summary(day, day, OFFICIAL, suppressed, FUNNEL, figures, groups)


def test_indicators_questions_and_reasons_have_their_members_in_order() -> None:
    written = summary_json(summary(compute_figures(COUNTS, OFFICIAL)))
    assert list(written) == [
        *("period", "methodology", "funnel", "indicators", "questions", "reasons", "groups"),
    ]
    assert json.dumps(written["indicators"]) == json.dumps(
        [
            {"id": "loyalty_index", "front_office": "offline", "n": 200, "promoters": 173, "passives": 19}
            | {
                "detractors": 8,
                "value": 82.5,
                "interval": [74.6, 88.0],
                "band": None,
                "status": "unconfirmed",
            },
            {"id": "loyalty_index", "front_office": "online", "n": 0, "promoters": 0, "passives": 0}
            | {"detractors": 0, "value": None, "interval": None, "band": None, "status": "unconfirmed"},
        ]
    )
    questions = written["questions"]
    assert isinstance(questions, list)
    assert json.dumps(questions[2]) == json.dumps(
        {"id": "off.staff", "n": 200, "counts": {"great": 180, "good": 16, "acceptable": 1, "awful": 3}}
        | {"share_satisfied": 98.0, "interval": [95.0, 99.2], "share_not_awful": 98.5}
    )
    assert written["reasons"] == [{"id": "seats", "n": 3}]
    assert written["period"] == {"from": "2026-11-20", "to": "2026-11-20"}
    assert written["methodology"] == {"id": "864-2021", "status": "unconfirmed"}
    assert json.dumps(written["funnel"]) == json.dumps(FUNNEL_JSON)


def test_a_withheld_front_office_leaves_its_name_and_nothing_else() -> None:
    written = summary_json(summary(compute_figures(COUNTS, OFFICIAL, withheld={"online"})))
    assert isinstance(written["indicators"], list)
    assert written["indicators"][1] == {"id": "loyalty_index", "front_office": "online", "suppressed": True}


def test_a_withheld_group_leaves_its_key_and_nothing_else() -> None:
    figures = compute_figures(COUNTS, OFFICIAL)
    shown, withheld = Group("a", GroupContent(FUNNEL, figures)), Group("b", None)
    written = summary_json(summary(Figures(), shown, withheld, suppressed=True))
    assert list(written)[2] == "suppressed"
    assert isinstance(written["groups"], list)
    assert list(written["groups"][0]) == [
        *("key", "suppressed", "funnel", "indicators", "questions", "reasons"),
    ]
    assert (written["groups"][0]["key"], written["groups"][0]["suppressed"]) == ("a", False)
    assert written["groups"][1] == {"key": "b", "suppressed": True}


def test_the_total_without_signals_is_there_if_it_was_read() -> None:
    figures = compute_figures(COUNTS, OFFICIAL)
    told = summary_json(summary(figures), WithoutSignals(6, figures))["without_signals"]
    assert isinstance(told, dict)
    assert list(told) == ["suppressed", "signalled", "indicators", "questions", "reasons"]
    assert (told["suppressed"], told["signalled"]) == (False, 6)
    withheld = summary_json(summary(figures), WithoutSignals(0, None))
    assert withheld["without_signals"] == {"suppressed": True}
