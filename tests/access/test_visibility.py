"""Which centres and answers each role with its scopes may see."""

import pytest

from feedback_service.access import visibility
from feedback_service.cases.services import ServiceRef
from feedback_service.database import reading
from feedback_service.errors import NotFound
from tests.support import story

pytestmark = pytest.mark.usefixtures("context")

VINNYTSIA, LVIV, SECOND = "SN05000001", "SN46000001", "SN05000002"

visible_centres = reading(visibility.find_visibility_of_role)


@pytest.fixture(autouse=True)
def centres(context: None) -> None:
    """Add two centres of one council and one of another oblast; two of them have answers about different services."""
    story.create_centre(VINNYTSIA, name="Вінниця", edrpou="00032112", katottg="UA05020030010063857")
    story.create_centre(SECOND, name="Друга", edrpou="00032112", katottg="UA05020030010063857")
    story.create_centre(LVIV, name="Львів", edrpou="00032129", katottg="UA46060250010015970")
    for centre, code, provider in ((VINNYTSIA, "00034", "00032112"), (LVIV, "00035", "00032129")):
        service = ServiceRef(code, "", "Послуга")
        link = story.create_invitation(centre=centre, service=service, provider_edrpou=provider).token
        story.send_answer(link, {"off.nps": 9})


@pytest.mark.parametrize(
    ("role", "scopes", "codes"),
    [
        ("administrator", {VINNYTSIA}, {VINNYTSIA}),
        ("head", {VINNYTSIA, LVIV}, {VINNYTSIA, LVIV}),
        ("head", {"SN99999999"}, set()),
        ("council", {"00032112"}, {VINNYTSIA, SECOND}),
        ("council", {LVIV}, {LVIV}),
        ("oblast", {"UA05"}, {VINNYTSIA, SECOND}),
        ("oblast", {"UA_5"}, set()),
        ("provider", {"00032129"}, {LVIV}),
        ("central_body", {"00034"}, {VINNYTSIA}),
        ("central_body", {"*"}, {VINNYTSIA, SECOND, LVIV}),
        ("ministry", {"*"}, {VINNYTSIA, SECOND, LVIV}),
        ("operator", {"*"}, {VINNYTSIA, SECOND, LVIV}),
        ("council", set(), set()),
        ("oblast", set(), set()),
        ("ministry", set(), set()),
    ],
)
def test_everybody_sees_their_own_centres(role: str, scopes: set[str], codes: set[str]) -> None:
    assert visible_centres(role, scopes).codes == codes


def test_a_provider_and_a_central_body_see_their_own_rows_only() -> None:
    assert visible_centres("provider", {"00032129"}).providers == frozenset({"00032129"})
    assert visible_centres("central_body", {"00034"}).services == frozenset({"00034"})
    for role, scope in (
        ("head", VINNYTSIA),
        ("council", "00032112"),
        ("ministry", "*"),
        ("central_body", "*"),
    ):
        assert (visible_centres(role, {scope}).providers, visible_centres(role, {scope}).services) == (
            None,
            None,
        )


def test_a_foreign_centre_is_reported_like_one_that_does_not_exist() -> None:
    visibility_of_head = visible_centres("head", {VINNYTSIA})

    assert visibility_of_head.get_centre(VINNYTSIA).name == "Вінниця"
    for code in (LVIV, "SN99999999", "", VINNYTSIA.lower()):
        with pytest.raises(NotFound):
            visibility_of_head.get_centre(code)
